package token

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// tracking is a pool that tracks sessions.
func (r *rig) tracking(t testing.TB, most int32) *pool.Snapshot {
	t.Helper()
	id := r.pool(t).ID
	r.track(t, id, idp.UserSessionTrackingTypeEnabled, most)
	sn, err := r.deps.Pools.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

func (r *rig) track(t testing.TB, poolID string, mode idp.UserSessionTrackingType, most int32) {
	t.Helper()
	if _, err := r.deps.Pools.SetUserPoolSessionConfiguration(t.Context(), &idp.SetUserPoolSessionConfigurationRequest{
		UserPoolId: poolID, UserSessionTracking: mode, TokenSession: &idp.UserPoolTokenSessionConfigType{MaxPerUser: most},
	}); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) record(ctx context.Context, sn *pool.Snapshot, set *Set) error {
	return r.deps.Store.Update(ctx, func(tx *store.Tx) error { return r.Track(ctx, tx, sn, set) })
}

// tracked signs in and records the session.
func (r *rig) tracked(t testing.TB, g Grant) *Set {
	t.Helper()
	set := r.issue(t, g)
	if err := r.record(t.Context(), g.Pool, set); err != nil {
		t.Fatal(err)
	}
	return set
}

func (r *rig) sessionsOf(t testing.TB, sn *pool.Snapshot, u store.User) []idp.SessionDescriptionType {
	t.Helper()
	list, err := r.Sessions(t.Context(), sn, r.read(t, u), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestTrackingOff: nothing is recorded, and tokens are as they were.
func TestTrackingOff(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c := r.client(t, sn, func(in *idp.CreateUserPoolClientRequest) { in.EnableTokenRevocation = new(false) })
	u := r.user(t, sn, "alice")
	set := r.tracked(t, r.grant(t, sn, c, u))
	if claimsOf(t, set.AccessToken)["origin_jti"] != nil {
		t.Error("tokens tell their family")
	}
	rows, err := r.deps.Store.UserSessions(t.Context(), sn.ID, u.ID)
	if err != nil || len(rows) != 0 {
		t.Error(rows, err)
	}
	_, err = r.Sessions(t.Context(), sn, u, "", nil)
	wantSays(t, err, "OperationNotEnabledException: User session tracking is not enabled for the user pool.")
}

// TestUnrevocableClient: a session ends also where the client's tokens could not
// be revoked otherwise.
func TestUnrevocableClient(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.tracking(t, 5)
		c := r.client(t, sn, func(in *idp.CreateUserPoolClientRequest) { in.EnableTokenRevocation = new(false) })
		u := r.user(t, sn, "alice")
		set, other := r.tracked(t, r.grant(t, sn, c, u)), r.tracked(t, r.grant(t, sn, c, u))
		if err := r.EndSession(t.Context(), sn, u.ID, r.sessionID(sn.ID, set.Origin), ""); err != nil {
			t.Fatal(err)
		}
		_, err := r.Authenticate(t.Context(), set.AccessToken)
		wantSays(t, err, "NotAuthorizedException: Access Token has been revoked")
		if _, err := r.Authenticate(t.Context(), other.AccessToken); err != nil {
			t.Error(err)
		}
	})
}

// TestStaleSignIn: tokens that a sign-out overtook leave no session, and take
// nobody's place.
func TestStaleSignIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.tracking(t, 1)
		c, u := r.client(t, sn, nil), r.user(t, sn, "alice")
		stale := r.grant(t, sn, c, u)
		r.update(t, func(tx *store.Tx) error { return r.RevokeUser(t.Context(), tx, sn.ID, u.ID) })
		r.tracked(t, stale)
		if list := r.sessionsOf(t, sn, u); len(list) != 0 {
			t.Errorf("a dead sign-in is listed: %+v", list)
		}
		now := r.tracked(t, r.grant(t, sn, c, u))
		r.tracked(t, stale)
		list := r.sessionsOf(t, sn, u)
		if len(list) != 1 || *list[0].SessionId != r.sessionID(sn.ID, now.Origin) {
			t.Errorf("%+v", list)
		}
		if _, err := r.Authenticate(t.Context(), now.AccessToken); err != nil {
			t.Error(err)
		}
	})
}

// TestLinkedSessions: LINKED goes one step, up or down, and no further.
func TestLinkedSessions(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.tracking(t, 20)
		c := r.client(t, sn, nil)
		sso := "sso" + strings.Repeat("a", 25)
		for _, row := range []struct {
			name   string
			target string // sso, first, or RevokeToken of the first
			linked idp.RevokeAssociatedSessionsType
			left   string // of sso, first, second, and one that came by no browser
		}{
			{"token", "first", "", "sso second alone"},
			{"token, none", "first", "NONE", "sso second alone"},
			{"token, linked", "first", "LINKED", "second alone"},
			{"SSO", "sso", "", "first second alone"},
			{"SSO, linked", "sso", "LINKED", "alone"},
			{"RevokeToken", "RevokeToken", "", "sso second alone"},
			{"RevokeToken, linked", "RevokeToken", "LINKED", "second alone"},
		} {
			t.Run(row.name, func(t *testing.T) {
				u := r.user(t, sn, row.name)
				sets := map[string]*Set{}
				ids := map[string]string{"sso": sso}
				r.update(t, func(tx *store.Tx) error {
					return tx.InsertUserSession(t.Context(), store.UserSession{
						PoolID: sn.ID, UserID: u.ID, ID: sso, Kind: store.SessionSSO, ClientID: c.ID, Tracking: sn.Tracking.Period,
						CreatedAt: r.now(), ActiveAt: r.now(), ExpiresAt: r.now().Add(time.Hour),
					})
				})
				for _, name := range []string{"first", "second", "alone"} {
					set := r.issue(t, r.grant(t, sn, c, u))
					if name != "alone" {
						set.session.Parent = sso
					}
					if err := r.record(t.Context(), sn, set); err != nil {
						t.Fatal(err)
					}
					sets[name], ids[name] = set, r.sessionID(sn.ID, set.Origin)
				}
				var err error
				if row.target == "RevokeToken" {
					_, err = r.RevokeToken(t.Context(), &idp.RevokeTokenRequest{ClientId: c.ID, Token: sets["first"].RefreshToken, RevokeAssociatedSessions: row.linked})
				} else {
					err = r.EndSession(t.Context(), sn, u.ID, ids[row.target], row.linked)
				}
				if err != nil {
					t.Fatal(err)
				}
				var listed []string
				for _, s := range r.sessionsOf(t, sn, u) {
					listed = append(listed, *s.SessionId)
				}
				var left []string
				for _, name := range []string{"sso", "first", "second", "alone"} {
					in := slices.Contains(listed, ids[name])
					if in {
						left = append(left, name)
					}
					if set := sets[name]; set != nil {
						if _, err := r.Authenticate(t.Context(), set.AccessToken); (err == nil) != in {
							t.Errorf("%s: listed %v, its token says %v", name, in, err)
						}
					}
				}
				if got := strings.Join(left, " "); got != row.left {
					t.Errorf("left %q, want %q", got, row.left)
				}
			})
		}
	})
}

// TestSessionsSwept: an expired session is not listed, and goes by itself.
func TestSessionsSwept(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.tracking(t, 5)
		c, u := r.client(t, sn, nil), r.user(t, sn, "alice")
		r.tracked(t, r.grant(t, sn, c, u))
		r.clock.Pass(c.RefreshTTL - time.Millisecond)
		if list := r.sessionsOf(t, sn, u); len(list) != 1 {
			t.Errorf("%+v", list)
		}
		r.clock.Pass(time.Millisecond)
		if list := r.sessionsOf(t, sn, u); len(list) != 0 {
			t.Errorf("%+v", list)
		}
		if _, err := r.deps.Store.Sweep(t.Context(), r.now().Add(store.SpentRoom), 100); err != nil {
			t.Fatal(err)
		}
		rows, err := r.deps.Store.UserSessions(t.Context(), sn.ID, u.ID)
		if err != nil || len(rows) != 0 {
			t.Error(rows, err)
		}
	})
}

// TestSessionID: ids are as long as Cognito's, and nobody without the key can
// tell them from origin_jti.
func TestSessionID(t *testing.T) {
	t.Parallel()
	r, other := sqlite(t), sqlite(t)
	id := r.sessionID("p", "f")
	if len(id) != 28 || id != r.sessionID("p", "f") || id == r.sessionID("q", "f") || id == r.sessionID("p", "g") || id == other.sessionID("p", "f") {
		t.Error(id)
	}
}

func TestDeviceType(t *testing.T) {
	t.Parallel()
	const webkit = " AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]string{
		"": "",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0)" + webkit + "Chrome/125.0.0.0 Safari/537.36":                                       "Chrome 125 / macOS 15.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64)" + webkit + "Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0":                            "Edge 130 / Windows 10",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8)" + webkit + "Chrome/130.0.0.0 Mobile Safari/537.36":                                    "Chrome 130 / Android 14",
		"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": "Safari 17.5 / iPadOS 17.5",
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                 "Firefox 140 / Linux",
		"aws-sdk-go-v2/1.36.0 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/cognitoidentityprovider#1.61.0":             "aws-sdk-go-v2 1.36.0 / Linux",
		"curl/8.5.0":                            "curl 8.5.0",
		"Mozilla/5.0 <script>alert(1)</script>": "",
		"<script>alert(1)</script>":             "",
		"Mozilla/5.0 (\xff":                     "",
		strings.Repeat("a", 5000):               strings.Repeat("a", 64),
	} {
		if got := deviceType(agent); got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

func FuzzDeviceType(f *testing.F) {
	f.Add("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36")
	f.Fuzz(func(t *testing.T, agent string) {
		got := deviceType(agent)
		if len(got) > 200 || strings.ContainsAny(got, "<>&\"'\x00\n") {
			t.Errorf("%q from %q", got, agent)
		}
	})
}

// TestTouch: the use of a session is written once a minute, and the clock may be
// set back.
func TestTouch(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.tracking(t, 5)
	c, u := r.client(t, sn, nil), r.user(t, sn, "alice")
	g := r.grant(t, sn, c, u)
	set := r.tracked(t, g)
	refresh, err := r.OpenRefresh(t.Context(), sn, c, set.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	at := func(address string) (string, time.Time) {
		ctx := api.WithRequest(t.Context(), &api.Request{SourceIP: address})
		if err := r.Touch(ctx, &g, refresh); err != nil {
			t.Fatal(err)
		}
		s := r.sessionsOf(t, sn, u)[0]
		return *s.LastIPAddress, s.LastActiveDate
	}
	for _, step := range []struct {
		pass          time.Duration
		address, want string
	}{{0, "192.0.2.1", "192.0.2.1"}, {59 * time.Second, "192.0.2.2", "192.0.2.1"}, {time.Second, "192.0.2.3", "192.0.2.3"}, {-time.Hour, "192.0.2.4", "192.0.2.4"}} {
		r.clock.Pass(step.pass)
		got, when := at(step.address)
		if got != step.want || got == step.address && !when.Equal(r.now()) {
			t.Errorf("after %v: %s at %v", step.pass, got, when)
		}
	}
}
