package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

const (
	sayInvalid  = "NotAuthorizedException: Invalid Access Token"
	sayExpired  = "NotAuthorizedException: Access Token has expired"
	sayRevoked  = "NotAuthorizedException: Access Token has been revoked"
	sayScopes   = "NotAuthorizedException: Access Token does not have required scopes"
	sayDisabled = "NotAuthorizedException: User is disabled."
	sayUnknown  = "UserNotFoundException: User does not exist."
	sayReset    = "PasswordResetRequiredException: Password reset required for the user"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		c := r.client(t, sn, nil)
		for _, test := range []struct {
			name  string
			grant func(*Grant)
			// after happens between issue and use.
			after func(t *testing.T, u store.User, set *Set)
			want  string
		}{
			{name: "live"},
			{name: "a moment before its end", after: func(*testing.T, store.User, *Set) { r.clock.Pass(time.Hour - time.Second) }},
			{name: "at its end", after: func(*testing.T, store.User, *Set) { r.clock.Pass(time.Hour) }, want: sayExpired},
			{name: "expired and revoked", after: func(t *testing.T, u store.User, _ *Set) {
				r.change(t, u, func(u *store.User) { SignOut(u, r.now()) })
				r.clock.Pass(2 * time.Hour)
			}, want: sayExpired},
			{name: "family revoked", after: func(t *testing.T, _ store.User, set *Set) { r.revoke(t, sn, c, set) }, want: sayRevoked},
			{name: "signed out in the same millisecond", after: func(t *testing.T, u store.User, _ *Set) {
				r.change(t, u, func(u *store.User) { SignOut(u, r.now()) })
			}, want: sayRevoked},
			{name: "signed out by a node whose clock is behind", after: func(t *testing.T, u store.User, _ *Set) {
				r.change(t, u, func(u *store.User) { SignOut(u, r.now().Add(-time.Minute)) })
			}, want: sayRevoked},
			{name: "disabled", after: func(t *testing.T, u store.User, _ *Set) {
				r.change(t, u, func(u *store.User) { u.Enabled = false; SignOut(u, r.now()) })
			}, want: sayDisabled},
			{name: "disabled and enabled again", after: func(t *testing.T, u store.User, _ *Set) {
				r.change(t, u, func(u *store.User) { u.Enabled = false; SignOut(u, r.now()) })
				r.change(t, u, func(u *store.User) { u.Enabled = true })
			}, want: sayRevoked},
			{name: "reset required", after: func(t *testing.T, u store.User, _ *Set) {
				r.change(t, u, func(u *store.User) { u.Status = "RESET_REQUIRED" })
			}, want: sayReset},
			{name: "revoked and disabled", after: func(t *testing.T, u store.User, set *Set) {
				r.revoke(t, sn, c, set)
				r.change(t, u, func(u *store.User) { u.Enabled = false })
			}, want: sayDisabled},
			{name: "deleted", after: func(t *testing.T, u store.User, _ *Set) {
				r.update(t, func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), u.PoolID, u.ID) })
			}, want: sayUnknown},
			{name: "revoked and deleted", after: func(t *testing.T, u store.User, set *Set) {
				r.revoke(t, sn, c, set)
				r.update(t, func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), u.PoolID, u.ID) })
			}, want: sayUnknown},
			{name: "scope missing", grant: func(g *Grant) { g.OAuth, g.Scopes = true, []string{"openid", "email"} }, want: sayScopes},
			{name: "scope among others", grant: func(g *Grant) { g.OAuth, g.Scopes = true, []string{"openid", userScope} }},
			{name: "scope missing and revoked", grant: func(g *Grant) { g.OAuth, g.Scopes = true, []string{"openid"} }, after: func(t *testing.T, _ store.User, set *Set) { r.revoke(t, sn, c, set) }, want: sayRevoked},
			{name: "scope missing and deleted", grant: func(g *Grant) { g.OAuth, g.Scopes = true, []string{"openid"} }, after: func(t *testing.T, u store.User, _ *Set) {
				r.update(t, func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), u.PoolID, u.ID) })
			}, want: sayScopes},
		} {
			t.Run(test.name, func(t *testing.T) {
				for _, seen := range []bool{false, true} { // with a signature to check, and remembered
					u := r.user(t, sn, "u-"+keys.NewUUID())
					g := r.grant(t, sn, c, u)
					if test.grant != nil {
						test.grant(&g)
					}
					set := r.issue(t, g)
					if seen {
						_, _ = r.Authenticate(t.Context(), set.AccessToken)
					}
					if test.after != nil {
						test.after(t, u, set)
					}
					p, err := r.Authenticate(t.Context(), set.AccessToken)
					wantSays(t, err, test.want)
					if err == nil && (p.User.ID != u.ID || p.Client.ID != c.ID || p.Pool.ID != sn.ID || p.Claims.Username != u.Username || p.Claims.Origin != set.Origin) {
						t.Errorf("principal %+v", p.Claims)
					}
				}
			})
		}
	})
}

func (r *rig) revoke(t testing.TB, sn *pool.Snapshot, c *pool.Client, set *Set) {
	t.Helper()
	refresh, err := r.OpenRefresh(t.Context(), sn, c, set.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.RevokeFamily(t.Context(), refresh); err != nil {
		t.Fatal(err)
	}
}

// TestTokenEpoch: a token issued from the row that a sign-out wrote is valid, though
// the clock has not moved.
func TestTokenEpoch(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		c := r.client(t, sn, nil)
		u := r.user(t, sn, "alice")
		stale := r.grant(t, sn, c, u) // read before the sign-out, issued after
		for range 3 {
			before := r.issue(t, r.grant(t, sn, c, u))
			out, err := r.GlobalSignOut(t.Context(), &idp.GlobalSignOutRequest{AccessToken: before.AccessToken})
			if err != nil || out == nil {
				t.Fatal(err)
			}
			after := r.issue(t, r.grant(t, sn, c, u))
			_, err = r.Authenticate(t.Context(), before.AccessToken)
			wantSays(t, err, sayRevoked)
			_, err = r.Authenticate(t.Context(), after.AccessToken)
			wantSays(t, err, "")
			_, err = r.Authenticate(t.Context(), r.issue(t, stale).AccessToken)
			wantSays(t, err, sayRevoked)
			if _, err := r.GlobalSignOut(t.Context(), &idp.GlobalSignOutRequest{AccessToken: before.AccessToken}); says(err) != sayRevoked {
				t.Errorf("second sign-out: %v", err)
			}
		}
	})
}

func TestGlobalSignOutOfDeletedUser(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	u := r.user(t, sn, "alice")
	set := r.issue(t, r.grant(t, sn, r.client(t, sn, nil), u))
	r.update(t, func(tx *store.Tx) error { return tx.DeleteUser(t.Context(), u.PoolID, u.ID) })
	_, err := r.GlobalSignOut(t.Context(), &idp.GlobalSignOutRequest{AccessToken: set.AccessToken})
	wantSays(t, err, sayInvalid) // UserNotFoundException is not declared
}

func TestForgedTokens(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn, other := r.pool(t), r.pool(t)
	c, oc := r.client(t, sn, nil), r.client(t, other, nil)
	u, ou := r.user(t, sn, "alice"), r.user(t, other, "alice")
	set, otherSet := r.issue(t, r.grant(t, sn, c, u)), r.issue(t, r.grant(t, other, oc, ou))
	parts := strings.Split(set.AccessToken, ".")
	payload := part(t, set.AccessToken, 1)
	encode := base64.RawURLEncoding.EncodeToString
	var header struct{ KID string }
	if err := json.Unmarshal(part(t, set.AccessToken, 0), &header); err != nil {
		t.Fatal(err)
	}
	signWith := func(use string, of *pool.Snapshot, claims []byte) string {
		t.Helper()
		keySet, err := r.signing.of(t.Context(), of.ID)
		if err != nil {
			t.Fatal(err)
		}
		key, err := r.open(keySet.signer(use, r.now()))
		if err != nil {
			t.Fatal(err)
		}
		token, err := key.Sign(claims)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	jwks, err := r.JWKS(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	hs256 := func() string {
		input := encode([]byte(`{"kid":"`+header.KID+`","alg":"HS256"}`)) + "." + parts[1]
		mac := hmac.New(sha256.New, jwks)
		mac.Write([]byte(input))
		return input + "." + encode(mac.Sum(nil))
	}
	replace := func(old, new string) []byte { return []byte(strings.ReplaceAll(string(payload), old, new)) }
	stranger, err := keys.GenerateSigningKey()
	if err != nil {
		t.Fatal(err)
	}
	strangers, err := stranger.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, token string }{
		{"empty", ""},
		{"garbage", "abc"},
		{"dots", ".."},
		{"no JSON", "eyJ.e30.e30"},
		{"ID token", set.IDToken},
		{"refresh token", set.RefreshToken},
		{"signature cut", parts[0] + "." + parts[1] + "."},
		{"signature of another token", parts[0] + "." + parts[1] + "." + strings.Split(otherSet.AccessToken, ".")[2]},
		{"payload changed", parts[0] + "." + encode(replace(u.ID, ou.ID)) + "." + parts[2]},
		{"alg none", encode([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."},
		{"alg none with kid", encode([]byte(`{"kid":"`+header.KID+`","alg":"none"}`)) + "." + parts[1] + "."},
		{"HS256 with the public keys", hs256()},
		{"access claims by the ID key", signWith(useID, sn, payload)},
		{"this pool's claims by another pool's key", signWith(useAccess, other, payload)},
		{"own key of a stranger", strangers},
		{"token use missing", signWith(useAccess, sn, replace(`"token_use":"access",`, ""))},
		{"other issuer", signWith(useAccess, sn, replace("https://", "http://"))},
		{"issuer of another pool", signWith(useAccess, sn, replace(sn.ID, other.ID))},
		{"client of another pool", signWith(useAccess, sn, replace(c.ID, oc.ID))},
		{"unknown pool", signWith(useAccess, sn, replace(sn.ID, "us-east-1_000000000"))},
		{"line end", set.AccessToken + "\n"},
		{"too long", strings.Repeat("a", keys.MaxJWS+1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.Authenticate(t.Context(), test.token)
			wantSays(t, err, sayInvalid)
		})
	}
	if _, err := r.Authenticate(t.Context(), signWith(useAccess, sn, payload)); err != nil {
		t.Errorf("the forger's tools do not work: %v", err)
	}
}

func TestTokenOfDeletedClient(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c := r.client(t, sn, nil)
	set := r.issue(t, r.grant(t, sn, c, r.user(t, sn, "alice")))
	if _, err := r.Authenticate(t.Context(), set.AccessToken); err != nil {
		t.Fatal(err)
	}
	if err := r.deps.Pools.DeleteUserPoolClient(t.Context(), &idp.DeleteUserPoolClientRequest{UserPoolId: sn.ID, ClientId: c.ID}); err != nil {
		t.Fatal(err)
	}
	_, err := r.Authenticate(t.Context(), set.AccessToken)
	wantSays(t, err, sayInvalid)
}

func FuzzAuthenticate(f *testing.F) {
	r := sqlite(f)
	sn := r.pool(f)
	set := r.issue(f, r.grant(f, sn, r.client(f, sn, nil), r.user(f, sn, "alice")))
	f.Add(set.AccessToken)
	f.Add(set.IDToken)
	f.Add(set.RefreshToken)
	f.Add("a.b.c")
	f.Fuzz(func(t *testing.T, token string) {
		p, err := r.Authenticate(t.Context(), token)
		if err == nil && token != set.AccessToken {
			t.Errorf("%q is %s's", token, p.User.Username)
		}
	})
}
