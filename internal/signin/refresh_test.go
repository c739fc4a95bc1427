package signin

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/test/people"
	"cognate/test/srpclient"
)

const (
	sayBadRefresh     = "NotAuthorizedException: Invalid Refresh Token."
	sayRevokedRefresh = "NotAuthorizedException: Refresh Token has been revoked"
	sayOldRefresh     = "NotAuthorizedException: Refresh Token has expired"
	sayReused         = "RefreshTokenReuseException: Refresh token has been invalidated by rotation."
	sayRotates        = "UnsupportedOperationException: Refresh token rotation is enabled for the client; use GetTokensFromRefreshToken."
)

// viaAuth refreshes by REFRESH_TOKEN_AUTH.
func (r *rig) viaAuth(t testing.TB, c *pool.Client, raw string) (*idp.AuthenticationResultType, string) {
	t.Helper()
	out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": raw, "USERNAME": "ignored", "DEVICE_KEY": "ignored"},
	})
	if err != nil {
		return nil, err.Error()
	}
	if out.ChallengeParameters == nil || len(out.ChallengeParameters) != 0 {
		t.Error("ChallengeParameters is not {}")
	}
	return out.AuthenticationResult, said(out, nil)
}

// viaTokens refreshes by GetTokensFromRefreshToken.
func (r *rig) viaTokens(t testing.TB, c *pool.Client, raw string) (*idp.AuthenticationResultType, string) {
	t.Helper()
	out, err := r.GetTokensFromRefreshToken(t.Context(), &idp.GetTokensFromRefreshTokenRequest{ClientId: c.ID, RefreshToken: raw})
	if err != nil {
		return nil, err.Error()
	}
	return out.AuthenticationResult, comesTo("", out.AuthenticationResult, nil)
}

// TestRefresh is the table of refresh tokens for both operations.
func TestRefresh(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c, second := r.client(t, r.pool), r.client(t, r.pool)
		elsewhere := r.client(t, r.poolWith(t, nil))
		for _, test := range []struct {
			name string
			// after happens between sign-in and refresh, and may exchange the token.
			openNextState func(t *testing.T, u *user.User, set *idp.AuthenticationResultType) string
			with          *pool.Client
			auth, gets    string // gets "" is the same
		}{
			{name: "current", auth: "tokens"},
			{name: "in its last second", auth: "tokens", openNextState: func(*testing.T, *user.User, *idp.AuthenticationResultType) string {
				r.Clock.Pass(30*24*time.Hour - time.Second)
				return ""
			}},
			{name: "expired", auth: sayOldRefresh, openNextState: func(*testing.T, *user.User, *idp.AuthenticationResultType) string {
				r.Clock.Pass(30 * 24 * time.Hour)
				return ""
			}},
			{name: "revoked", auth: sayRevokedRefresh, openNextState: func(t *testing.T, _ *user.User, set *idp.AuthenticationResultType) string {
				if _, err := r.tokens.RevokeToken(t.Context(), &idp.RevokeTokenRequest{ClientId: c.ID, Token: *set.RefreshToken}); err != nil {
					t.Fatal(err)
				}
				return ""
			}},
			{name: "signed out everywhere", auth: sayRevokedRefresh, openNextState: func(t *testing.T, _ *user.User, set *idp.AuthenticationResultType) string {
				if _, err := r.tokens.GlobalSignOut(t.Context(), &idp.GlobalSignOutRequest{AccessToken: *set.AccessToken}); err != nil {
					t.Fatal(err)
				}
				return ""
			}},
			{name: "revoked before expired", auth: sayRevokedRefresh, openNextState: func(t *testing.T, u *user.User, _ *idp.AuthenticationResultType) string {
				r.change(t, u, func(rec *store.User) { token.SignOut(rec, r.now()) })
				r.Clock.Pass(31 * 24 * time.Hour)
				return ""
			}},
			{name: "of another client", with: second, auth: sayBadRefresh},
			{name: "of another pool", with: elsewhere, auth: sayBadRefresh},
			{name: "garbage", auth: sayBadRefresh, openNextState: func(*testing.T, *user.User, *idp.AuthenticationResultType) string { return "a.b.c.d.e" }},
			{name: "access token", auth: sayBadRefresh, openNextState: func(_ *testing.T, _ *user.User, set *idp.AuthenticationResultType) string { return *set.AccessToken }},
			{name: "ID token", auth: sayBadRefresh, openNextState: func(_ *testing.T, _ *user.User, set *idp.AuthenticationResultType) string { return *set.IdToken }},
			{name: "user deleted", auth: sayUnknown, openNextState: func(t *testing.T, u *user.User, _ *idp.AuthenticationResultType) string {
				r.remove(t, u)
				return ""
			}},
			{name: "user disabled", auth: sayDisabled, openNextState: func(t *testing.T, u *user.User, _ *idp.AuthenticationResultType) string {
				r.change(t, u, func(rec *store.User) { rec.Enabled = false; token.SignOut(rec, r.now()) })
				return ""
			}},
			{name: "user disabled and enabled again", auth: sayRevokedRefresh, openNextState: func(t *testing.T, u *user.User, _ *idp.AuthenticationResultType) string {
				r.change(t, u, func(rec *store.User) { rec.Enabled = false; token.SignOut(rec, r.now()) })
				r.change(t, u, func(rec *store.User) { rec.Enabled = true })
				return ""
			}},
			{name: "reset required", auth: sayReset, gets: "NotAuthorizedException: Password reset required for the user: PasswordResetRequiredException: Password reset required for the user",
				openNextState: func(t *testing.T, u *user.User, _ *idp.AuthenticationResultType) string {
					r.change(t, u, func(rec *store.User) { rec.Status = "RESET_REQUIRED" })
					return ""
				}},
		} {
			t.Run(test.name, func(t *testing.T) {
				u := r.confirmed(t, "u-"+keys.NewUUID())
				set := r.signIn(t, c, u.Username())
				raw, with := *set.RefreshToken, test.with
				if test.openNextState != nil {
					if other := test.openNextState(t, u, set); other != "" {
						raw = other
					}
				}
				if with == nil {
					with = c
				}
				if test.gets == "" {
					test.gets = test.auth
				}
				for range 2 { // a refresh does not use the token up
					got, says := r.viaAuth(t, with, raw)
					wantSays(t, says, test.auth)
					wantNoRefresh(t, got)
					got, says = r.viaTokens(t, with, raw)
					wantSays(t, says, test.gets)
					wantNoRefresh(t, got)
				}
			})
		}
	})
}

func wantNoRefresh(t *testing.T, got *idp.AuthenticationResultType) {
	t.Helper()
	if got != nil && (got.RefreshToken != nil || got.AccessToken == nil || got.IdToken == nil || *got.TokenType != "Bearer" || *got.ExpiresIn != 3600) {
		t.Errorf("result %+v", got)
	}
}

func claims(t testing.TB, raw string) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestRefreshedClaims: what a family keeps, what is new and what is read again.
func TestRefreshedClaims(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		c := r.client(t, r.pool)
		u := r.confirmed(t, "alice")
		first := r.signIn(t, c, "alice")
		r.Clock.Pass(time.Hour)
		if _, err := r.groups.CreateGroup(t.Context(), &idp.CreateGroupRequest{UserPoolId: r.pool.ID, GroupName: "staff", RoleArn: new("arn:aws:iam::123456789012:role/staff")}); err != nil {
			t.Fatal(err)
		}
		if err := r.groups.AdminAddUserToGroup(t.Context(), &idp.AdminAddUserToGroupRequest{UserPoolId: r.pool.ID, Username: "alice", GroupName: "staff"}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.users.UpdateAttributes(t.Context(), r.pool, nil, u.ID(), []idp.AttributeType{{Name: "name", Value: new("Alice")}}, nil); err != nil {
			t.Fatal(err)
		}
		second, says := r.viaAuth(t, c, *first.RefreshToken)
		wantSays(t, says, "tokens")
		for _, pair := range [][2]string{{*first.AccessToken, *second.AccessToken}, {*first.IdToken, *second.IdToken}} {
			a, b := claims(t, pair[0]), claims(t, pair[1])
			for _, kept := range []string{"auth_time", "origin_jti", "event_id", "sub", "iss", "token_use"} {
				if a[kept] == nil || a[kept] != b[kept] {
					t.Errorf("%s: %v, then %v", kept, a[kept], b[kept])
				}
			}
			if a["jti"] == b["jti"] || b["iat"].(float64) != a["iat"].(float64)+3600 || b["exp"].(float64) != a["exp"].(float64)+3600 {
				t.Errorf("jti, iat, exp: %v %v", a, b)
			}
			if diff := cmp.Diff([]any{"staff"}, b["cognito:groups"]); diff != "" || a["cognito:groups"] != nil {
				t.Error(diff)
			}
		}
		id := claims(t, *second.IdToken)
		if id["name"] != "Alice" || id["cognito:preferred_role"] != "arn:aws:iam::123456789012:role/staff" {
			t.Errorf("ID token %v", id)
		}
	})
}

// TestRotation follows a family through its life.
func TestRotation(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.confirmed(t, "alice")
		for _, test := range []struct {
			name  string
			grace int32
		}{{"without grace", 0}, {"with grace", 30}} {
			t.Run(test.name, func(t *testing.T) {
				c := r.client(t, r.pool, rotating(test.grace))
				grace := time.Duration(test.grace) * time.Second
				began := r.now()
				set := r.signIn(t, c, "alice")
				first := *set.RefreshToken
				_, says := r.viaAuth(t, c, first)
				wantSays(t, says, sayRotates)
				r.Clock.Pass(time.Hour)

				second, says := r.viaTokens(t, c, first)
				wantSays(t, says, "tokens")
				if second.RefreshToken == nil || *second.RefreshToken == first {
					t.Fatal("no new refresh token")
				}
				if test.grace > 0 {
					r.Clock.Pass(grace - time.Millisecond)
					again, says := r.viaTokens(t, c, first)
					wantSays(t, says, "tokens")
					if again.RefreshToken == nil || *again.RefreshToken == *second.RefreshToken {
						t.Error("no further refresh token within the grace")
					}
					r.Clock.Pass(time.Millisecond)
				}
				for range 2 {
					_, says = r.viaTokens(t, c, first)
					wantSays(t, says, sayReused)
				}
				// Reuse does not end the family, and its access tokens live.
				third, says := r.viaTokens(t, c, *second.RefreshToken)
				wantSays(t, says, "tokens")
				if _, err := r.tokens.Authenticate(t.Context(), *third.AccessToken); err != nil {
					t.Error(err)
				}
				a, b := claims(t, *set.AccessToken), claims(t, *third.AccessToken)
				if a["origin_jti"] != b["origin_jti"] || a["auth_time"] != b["auth_time"] {
					t.Errorf("family changed: %v %v", a, b)
				}

				// The whole family ends when its first token would have.
				r.Clock.Pass(began.Add(30*24*time.Hour - time.Second).Sub(r.now()))
				last, says := r.viaTokens(t, c, *third.RefreshToken)
				wantSays(t, says, "tokens")
				r.Clock.Pass(time.Second)
				_, says = r.viaTokens(t, c, *last.RefreshToken)
				wantSays(t, says, sayOldRefresh)
			})
		}
	})
}

// TestRotationTurnedOff: a token that was replaced stays dead.
func TestRotationTurnedOff(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.confirmed(t, "alice")
		c := r.client(t, r.pool, rotating(0))
		first := r.signIn(t, c, "alice")
		second, says := r.viaTokens(t, c, *first.RefreshToken)
		wantSays(t, says, "tokens")
		_, err := r.pools.UpdateUserPoolClient(t.Context(), &idp.UpdateUserPoolClientRequest{
			UserPoolId: r.pool.ID, ClientId: c.ID,
			ExplicitAuthFlows:    []idp.ExplicitAuthFlowsType{"ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_PASSWORD_AUTH"},
			RefreshTokenRotation: &idp.RefreshTokenRotationType{Feature: idp.FeatureTypeDisabled},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, refresh := range []func(testing.TB, *pool.Client, string) (*idp.AuthenticationResultType, string){r.viaAuth, r.viaTokens} {
			_, says = refresh(t, c, *first.RefreshToken)
			wantSays(t, says, sayReused)
			got, says := refresh(t, c, *second.RefreshToken)
			wantSays(t, says, "tokens")
			wantNoRefresh(t, got)
		}
	})
}

// TestOneRotationWins: of many uses of one token at once, one gets the next.
func TestOneRotationWins(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.confirmed(t, "alice")
		c := r.client(t, r.pool, rotating(0))
		raw := *r.signIn(t, c, "alice").RefreshToken
		won := r.atOnce(t, func() string {
			_, says := r.viaTokens(t, c, raw)
			return says
		}, sayReused)
		if won != 1 {
			t.Errorf("one refresh token was exchanged %d times", won)
		}
	})
}

// TestRotationRevoked: revoking any token of a family ends all of it.
func TestRotationRevoked(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	r.confirmed(t, "alice")
	c := r.client(t, r.pool, rotating(0))
	first := r.signIn(t, c, "alice")
	second, says := r.viaTokens(t, c, *first.RefreshToken)
	wantSays(t, says, "tokens")
	if _, err := r.tokens.RevokeToken(t.Context(), &idp.RevokeTokenRequest{ClientId: c.ID, Token: *first.RefreshToken}); err != nil {
		t.Fatal(err)
	}
	_, says = r.viaTokens(t, c, *second.RefreshToken)
	wantSays(t, says, sayRevokedRefresh)
	_, says = r.viaTokens(t, c, *first.RefreshToken)
	wantSays(t, says, sayRevokedRefresh)
}

// TestWritesNothing: a sign-in by password and a refresh leave no trace in the
// database.
func TestWritesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cognate.db")
	r := newRig(t, people.New(t, store.Options{Path: path}))
	c := r.client(t, r.pool)
	r.confirmed(t, "alice")
	set := r.signIn(t, c, "alice") // makes the pool's signing keys
	log := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime().UnixNano() + info.Size()
	}
	before := log()
	r.signIn(t, c, "alice")
	if _, says := r.viaAuth(t, c, *set.RefreshToken); says != "tokens" {
		t.Error(says)
	}
	if _, says := r.viaTokens(t, c, *set.RefreshToken); says != "tokens" {
		t.Error(says)
	}
	if _, err := r.askSRPOf(t, c, srpclient.New(c.PoolID), "alice"); err != nil {
		t.Error(err)
	}
	for range 4 {
		wantSays(t, said(r.plain(t.Context(), c, "alice", wrong)), sayIncorrect)
	}
	if openNextState := log(); openNextState != before {
		t.Error("something was written")
	}
	wantSays(t, said(r.plain(t.Context(), c, "alice", wrong)), sayIncorrect)
	if openNextState := log(); openNextState == before {
		t.Error("the test sees no write: a lock was reached")
	}
}
