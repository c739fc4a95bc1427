package token

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

func TestRevokeToken(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		open := r.client(t, sn, nil)
		second := r.client(t, sn, nil)
		off := r.client(t, sn, func(in *idp.CreateUserPoolClientRequest) { in.EnableTokenRevocation = new(false) })
		secret := r.client(t, sn, func(in *idp.CreateUserPoolClientRequest) { in.GenerateSecret = new(true) })
		u := r.user(t, sn, "alice")
		described, err := r.deps.Pools.DescribeUserPoolClient(t.Context(), &idp.DescribeUserPoolClientRequest{UserPoolId: sn.ID, ClientId: secret.ID})
		if err != nil {
			t.Fatal(err)
		}
		good := described.UserPoolClient.ClientSecret
		type row struct {
			name    string
			request func(set *Set) *idp.RevokeTokenRequest
			of      string // the client that issues, as a name below
			want    string
			dead    bool
		}
		clients := map[string]string{"open": open.ID, "second": second.ID, "off": off.ID, "secret": secret.ID}
		ask := func(client string, token func(*Set) string, secret *string) func(*Set) *idp.RevokeTokenRequest {
			return func(set *Set) *idp.RevokeTokenRequest {
				id, ok := clients[client]
				if !ok {
					id = client
				}
				return &idp.RevokeTokenRequest{ClientId: id, Token: token(set), ClientSecret: secret}
			}
		}
		refresh := func(set *Set) string { return set.RefreshToken }
		access := func(set *Set) string { return set.AccessToken }
		id := func(set *Set) string { return set.IDToken }
		const sayClient = "UnauthorizedException: Invalid client credentials"
		for _, test := range []row{
			{name: "refresh token", request: ask("open", refresh, nil), dead: true},
			{name: "secret not needed", request: ask("open", refresh, new("surplus")), dead: true},
			{name: "garbage", request: ask("open", func(*Set) string { return "garbage" }, nil)},
			{name: "access token", request: ask("open", access, nil), want: "UnsupportedTokenTypeException: Unsupported token type"},
			{name: "ID token", request: ask("open", id, nil), want: "UnsupportedTokenTypeException: Unsupported token type"},
			{name: "other client", request: ask("second", refresh, nil)},
			{name: "unknown client", request: ask("nobody", refresh, nil), want: sayClient},
			{name: "revocation off", of: "off", request: ask("off", refresh, nil), want: "UnsupportedOperationException: Revocation is not enabled for the client"},
			{name: "secret right", of: "secret", request: ask("secret", refresh, good), dead: true},
			{name: "secret wrong", of: "secret", request: ask("secret", refresh, new("wrong")), want: sayClient},
			{name: "secret missing", of: "secret", request: ask("secret", refresh, nil), want: sayClient},
		} {
			t.Run(test.name, func(t *testing.T) {
				c := open
				switch test.of {
				case "off":
					c = off
				case "secret":
					c = secret
				}
				set, sibling := r.issue(t, r.grant(t, sn, c, u)), r.issue(t, r.grant(t, sn, c, u))
				for range 2 { // a second time changes nothing
					_, err := r.RevokeToken(t.Context(), test.request(set))
					wantSays(t, err, test.want)
				}
				want := ""
				if test.dead {
					want = sayRevoked
				}
				_, err := r.Authenticate(t.Context(), set.AccessToken)
				wantSays(t, err, want)
				_, err = r.Authenticate(t.Context(), sibling.AccessToken)
				wantSays(t, err, "")
			})
		}
	})
}

// TestSpend: of many uses of one token at once the first alone passes without
// grace, and all pass within it.
func TestSpend(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.pool(t)
		rotating := func(grace int32) func(*idp.CreateUserPoolClientRequest) {
			return func(in *idp.CreateUserPoolClientRequest) {
				in.RefreshTokenRotation = &idp.RefreshTokenRotationType{Feature: idp.FeatureTypeEnabled, RetryGracePeriodSeconds: new(grace)}
				in.ExplicitAuthFlows = []idp.ExplicitAuthFlowsType{"ALLOW_USER_SRP_AUTH"}
			}
		}
		strict, lenient := r.client(t, sn, rotating(0)), r.client(t, sn, rotating(60))
		u := r.user(t, sn, "alice")
		set := r.issue(t, r.grant(t, sn, strict, u))
		tok, err := r.OpenRefresh(t.Context(), sn, strict, set.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		var passed, reused atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch err := r.Spend(t.Context(), &Grant{Pool: sn, Client: strict}, tok); {
				case err == nil:
					passed.Add(1)
				case errors.Is(err, ErrReused):
					reused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 1 || reused.Load() != 7 {
			t.Errorf("%d passed, %d reused", passed.Load(), reused.Load())
		}

		set = r.issue(t, r.grant(t, sn, lenient, u))
		if tok, err = r.OpenRefresh(t.Context(), sn, lenient, set.RefreshToken); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			pass time.Duration
			want error
		}{{0, nil}, {0, nil}, {59 * time.Second, nil}, {time.Second, ErrReused}, {time.Hour, ErrReused}} {
			r.clock.Pass(step.pass)
			if err := r.Spend(t.Context(), &Grant{Pool: sn, Client: lenient}, tok); !errors.Is(err, step.want) {
				t.Errorf("after %v: %v, want %v", step.pass, err, step.want)
			}
		}
	})
}

func TestInGrace(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_800_000_000_250)
	for _, row := range []struct {
		name       string
		age, grace time.Duration
		want       bool
	}{
		{"no grace", 0, 0, false},
		{"no grace, a clock behind", -5 * time.Second, 0, false},
		{"at once", 0, time.Minute, true},
		{"at the end", time.Minute - 1, time.Minute, true},
		{"over", time.Minute, time.Minute, false},
		{"clocks five seconds off, each its way", -10 * time.Second, time.Minute, true},
		{"a clock set back", -11 * time.Second, time.Minute, false},
		{"a clock set back by an hour", -time.Hour, time.Minute, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := InGrace(at, at.Add(row.age), row.grace); got != row.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestRevokeExpiredToken: a refresh token that is over by this node's clock still
// ends its family, whose access tokens live on.
func TestRevokeExpiredToken(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c := r.client(t, sn, nil)
	set := r.issue(t, r.grant(t, sn, c, r.user(t, sn, "alice")))
	ahead := r.deps
	ahead.Now = func() time.Time { return r.now().Add(c.RefreshTTL + time.Second) }
	if _, err := New(ahead).RevokeToken(t.Context(), &idp.RevokeTokenRequest{ClientId: c.ID, Token: set.RefreshToken}); err != nil {
		t.Fatal(err)
	}
	_, err := r.Authenticate(t.Context(), set.AccessToken)
	wantSays(t, err, sayRevoked)
}

func TestRevokeUser(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c := r.client(t, sn, nil)
	u := r.user(t, sn, "alice")
	set := r.issue(t, r.grant(t, sn, c, u))
	r.update(t, func(tx *store.Tx) error { return r.RevokeUser(t.Context(), tx, sn.ID, u.ID) })
	_, err := r.Authenticate(t.Context(), set.AccessToken)
	wantSays(t, err, sayRevoked)
	tok, err := r.OpenRefresh(t.Context(), sn, c, set.RefreshToken)
	if err != nil || tok.Alive(r.read(t, u).TokensValidAfter) {
		t.Errorf("refresh token still alive, %v", err)
	}
}
