package signin

import (
	"slices"
	"sync"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

// trackSessions makes a pool track the sessions of its users.
func (r *rig) trackSessions(t testing.TB, sn *pool.Snapshot, most int32) *pool.Snapshot {
	t.Helper()
	_, err := r.pools.SetUserPoolSessionConfiguration(t.Context(), &idp.SetUserPoolSessionConfigurationRequest{
		UserPoolId: sn.ID, UserSessionTracking: idp.UserSessionTrackingTypeEnabled, TokenSession: &idp.UserPoolTokenSessionConfigType{MaxPerUser: most},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * time.Second) // The settings' cache is at most a second old.
	now, err := r.pools.Load(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

func (r *rig) sessionList(t testing.TB, accessToken *string) []idp.SessionDescriptionType {
	t.Helper()
	out, err := r.tokens.ListUserSessions(t.Context(), &idp.ListUserSessionsRequest{AccessToken: *accessToken})
	if err != nil {
		t.Fatal(err)
	}
	return out.Sessions
}

// current is the session of an access token.
func (r *rig) current(t testing.TB, accessToken *string) string {
	t.Helper()
	for _, s := range r.sessionList(t, accessToken) {
		if *s.IsCurrentSession {
			return *s.SessionId
		}
	}
	t.Fatal("the token's session is not listed")
	return ""
}

func (r *rig) renewed(t testing.TB, c *pool.Client, token *string, key string) (*idp.AuthenticationResultType, error) {
	t.Helper()
	out, err := r.GetTokensFromRefreshToken(t.Context(), &idp.GetTokensFromRefreshTokenRequest{ClientId: c.ID, RefreshToken: *token, DeviceKey: &key})
	if err != nil {
		return nil, err
	}
	return out.AuthenticationResult, nil
}

// TestEndsEndRefreshing: what ends a session or forgets its device ends all
// refresh tokens of it, those that rotation made or replaced included, and
// nobody else's.
func TestEndsEndRefreshing(t *testing.T) {
	t.Parallel()
	const revoked = "NotAuthorizedException: Refresh Token has been revoked"
	engines(t, func(t *testing.T, r *rig) {
		sn := r.trackSessions(t, r.poolWith(t, tracking(true, false)), 20)
		for _, client := range []struct {
			name   string
			change func(*idp.CreateUserPoolClientRequest)
		}{
			{"plain", func(*idp.CreateUserPoolClientRequest) {}},
			{"not revocable", func(in *idp.CreateUserPoolClientRequest) { in.EnableTokenRevocation = new(false) }},
			{"rotating", rotating(0)},
			{"rotating with grace", rotating(60)},
		} {
			c := r.client(t, sn, client.change)
			for _, end := range []struct {
				name string
				do   func(name string, d device, access, other *string) error
				want string
				// all: of every session of the user.
				all bool
			}{
				{name: "ForgetDevice", want: sayInvalidRefresh, do: func(_ string, d device, access, _ *string) error {
					return r.devices.ForgetDevice(t.Context(), &idp.ForgetDeviceRequest{AccessToken: access, DeviceKey: d.key})
				}},
				{name: "RevokeUserSession", want: revoked, do: func(_ string, _ device, access, other *string) error {
					_, err := r.tokens.RevokeUserSession(t.Context(), &idp.RevokeUserSessionRequest{AccessToken: *other, SessionId: r.current(t, access)})
					return err
				}},
				{name: "AdminRevokeUserSession", want: revoked, do: func(name string, _ device, access, _ *string) error {
					_, err := r.users.AdminRevokeUserSession(t.Context(), &idp.AdminRevokeUserSessionRequest{UserPoolId: sn.ID, Username: name, SessionId: r.current(t, access)})
					return err
				}},
				{name: "GlobalSignOut", want: revoked, all: true, do: func(_ string, _ device, access, _ *string) error {
					_, err := r.tokens.GlobalSignOut(t.Context(), &idp.GlobalSignOutRequest{AccessToken: *access})
					return err
				}},
			} {
				t.Run(client.name+" "+end.name, func(t *testing.T) {
					name := "user " + t.Name()
					u := r.have(t, sn, name, person{password: right})
					defer r.remove(t, u)
					d, tokens := r.registeredDevice(t, c, name)
					second, others := r.registeredDevice(t, c, name)
					refreshes := []*string{tokens.RefreshToken}
					access := tokens.AccessToken
					if c.Rotation {
						next, err := r.renewed(t, c, tokens.RefreshToken, d.key)
						if err != nil {
							t.Fatal(err)
						}
						refreshes, access = []*string{next.RefreshToken}, next.AccessToken
						if c.RotationGrace > 0 {
							refreshes = append(refreshes, tokens.RefreshToken)
						}
					}
					if err := end.do(name, d, access, others.AccessToken); err != nil {
						t.Fatal(err)
					}
					for _, token := range refreshes {
						_, err := r.renewed(t, c, token, d.key)
						wantErr(t, err, end.want)
					}
					_, err := r.renewed(t, c, others.RefreshToken, second.key)
					if (err == nil) == end.all {
						t.Errorf("the other session says %v", err)
					}
				})
			}
		}
	})
}

// TestSessionLimitAtOnce: sign-ins at once, by clients of all sorts and in all
// ways to end one, leave as many sessions as the limit lets them, and the tokens
// of the others are dead.
func TestSessionLimitAtOnce(t *testing.T) {
	t.Parallel()
	const limit, each = 3, 5
	engines(t, func(t *testing.T, r *rig) {
		sn := r.trackSessions(t, r.poolWith(t, tracking(true, false)), limit)
		plain := r.client(t, sn)
		unrevocable := r.client(t, sn, func(in *idp.CreateUserPoolClientRequest) { in.EnableTokenRevocation = new(false) })
		rotates := r.client(t, sn, rotating(0))
		r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, plain, "alice")
		r.Clock.Pass(time.Second) // That session is the longest unused.

		type signedIn struct {
			c      *pool.Client
			key    string
			tokens *idp.AuthenticationResultType
		}
		done := make(chan signedIn, 4*each)
		var wg sync.WaitGroup
		for _, c := range []*pool.Client{plain, unrevocable, rotates} {
			for range each {
				wg.Go(func() {
					out, err := r.plain(t.Context(), c, "alice", right)
					if err != nil {
						t.Error(err)
						return
					}
					done <- signedIn{c, "", out.AuthenticationResult}
				})
			}
		}
		proofs := make([]func(), each)
		for i := range proofs { // The step that ends them is all that is at once.
			p := r.deviceProof(plain, "alice", d)
			asked := p.upTo(t)
			responses := p.responses(asked.ChallengeParameters, d.secret)
			proofs[i] = func() {
				out, err := p.end(t.Context(), asked.Session, responses)
				if err != nil {
					t.Error(err)
					return
				}
				done <- signedIn{plain, d.key, out.AuthenticationResult}
			}
		}
		for _, prove := range proofs {
			wg.Go(prove)
		}
		wg.Wait()
		close(done)
		if t.Failed() {
			return
		}

		var live []string
		for s := range done {
			_, authErr := r.tokens.Authenticate(t.Context(), *s.tokens.AccessToken)
			if authErr == nil {
				live = append(live, r.current(t, s.tokens.AccessToken))
			}
			if s.key == "" && authErr == nil { // An unconfirmed device refreshes nothing.
				own := newDevice(t, s.tokens)
				r.confirm(t, *s.tokens.AccessToken, own)
				s.key = own.key
			}
			_, err := r.renewed(t, s.c, s.tokens.RefreshToken, s.key)
			if (err == nil) != (authErr == nil) {
				t.Errorf("the access token says %v, the refresh token %v", authErr, err)
			}
		}
		list, err := r.users.AdminListUserSessions(t.Context(), &idp.AdminListUserSessionsRequest{UserPoolId: sn.ID, Username: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		var listed []string
		for _, s := range list.Sessions {
			listed = append(listed, *s.SessionId)
		}
		slices.Sort(live)
		slices.Sort(listed)
		if len(live) != limit || !slices.Equal(live, listed) {
			t.Errorf("%d are alive: %q, listed %q", len(live), live, listed)
		}
	})
}

// TestSessionsOfAnotherPool: a token shows and ends sessions of its own pool and
// user alone, whatever else is called the same.
func TestSessionsOfAnotherPool(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		mine, theirs := r.trackSessions(t, r.poolWith(t, nil), 5), r.trackSessions(t, r.poolWith(t, nil), 5)
		c, foreign := r.client(t, mine), r.client(t, theirs)
		for _, sn := range []*pool.Snapshot{mine, theirs} {
			r.have(t, sn, "alice", person{password: right})
		}
		token, other := r.signIn(t, c, "alice"), r.signIn(t, foreign, "alice")
		id := r.current(t, other.AccessToken)
		if list := r.sessionList(t, token.AccessToken); len(list) != 1 || *list[0].SessionId == id {
			t.Errorf("%+v", list)
		}
		_, err := r.tokens.RevokeUserSession(t.Context(), &idp.RevokeUserSessionRequest{AccessToken: *token.AccessToken, SessionId: id})
		wantErr(t, err, "ResourceNotFoundException: Session does not exist.")
		_, err = r.users.AdminRevokeUserSession(t.Context(), &idp.AdminRevokeUserSessionRequest{UserPoolId: mine.ID, Username: "alice", SessionId: id})
		if api.CodeOf(err) != idp.CodeResourceNotFoundException {
			t.Error(err)
		}
		if _, err := r.tokens.Authenticate(t.Context(), *other.AccessToken); err != nil {
			t.Error(err)
		}
	})
}
