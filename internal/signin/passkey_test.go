package signin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/authenticator"
)

// registered registers a passkey for the user.
func (r *rig) registered(t testing.TB, sn *pool.Snapshot, u *user.User) *authenticator.Device {
	t.Helper()
	a := authenticator.New(u.ID(), "example.com", "https://login.example.com")
	token := r.bearerOf(t, sn, u)
	started, err := r.passkeys.StartWebAuthnRegistration(t.Context(), &idp.StartWebAuthnRegistrationRequest{AccessToken: token})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.passkeys.CompleteWebAuthnRegistration(t.Context(), &idp.CompleteWebAuthnRegistrationRequest{
		AccessToken: token, Credential: a.Create(t, string(started.CredentialCreationOptions)),
	}); err != nil {
		t.Fatal(err)
	}
	return a
}

// bearerOf returns an access token of the user, however the pool lets people in.
func (r *rig) bearerOf(t testing.TB, sn *pool.Snapshot, u *user.User) string {
	t.Helper()
	return r.token(t, sn, r.client(t, sn), u)
}

// assertion answers the challenge WEB_AUTHN.
func assertion(t testing.TB, d *authenticator.Device, params map[string]string) string {
	t.Helper()
	return string(d.Get(t, params["CREDENTIAL_REQUEST_OPTIONS"]))
}

func allowedIDs(t testing.TB, params map[string]string) string {
	t.Helper()
	var options struct {
		AllowCredentials []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(params["CREDENTIAL_REQUEST_OPTIONS"]), &options); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range options.AllowCredentials {
		ids = append(ids, c.ID)
	}
	return strings.Join(ids, " ")
}

// told leaves out the cause, which only the log gets.
func told(got string) string {
	got, _, _ = strings.Cut(got, ": passkey: ")
	got, _, _ = strings.Cut(got, ": srp: ")
	return got
}

func TestPasskey(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		pools := map[string]*pool.Snapshot{}
		for _, row := range []struct {
			name    string
			mode    idp.UserPoolMfaType
			twofold bool
			mfa     bool
			count   uint32 // of the sign-in before
			change  func(*authenticator.Device)
			forge   func(string) string
			want    string
		}{
			{name: "right", want: "tokens"},
			{name: "without user verification", change: func(a *authenticator.Device) { a.Auth.Options.UserNotVerified = true }, want: "tokens"},
			{name: "as two factors", mode: idp.UserPoolMfaTypeOptional, twofold: true, mfa: true, want: "tokens"},
			{name: "as two factors, MFA required", mode: idp.UserPoolMfaTypeOn, twofold: true, want: "tokens"},
			{name: "as two factors, without user verification", mode: idp.UserPoolMfaTypeOptional, twofold: true, mfa: true,
				change: func(a *authenticator.Device) { a.Auth.Options.UserNotVerified = true }, want: sayIncorrect},
			{name: "another origin", change: func(a *authenticator.Device) { a.Page.Origin = "https://example.org" }, want: sayIncorrect},
			{name: "another relying party", change: func(a *authenticator.Device) { a.Page.ID = "example.org" }, want: sayIncorrect},
			{name: "another key", change: func(a *authenticator.Device) {
				id := a.Cred.ID
				a.Cred = authenticator.Credential(virtualwebauthn.KeyTypeEC2)
				a.Cred.ID = id
			}, want: sayIncorrect},
			{name: "unknown credential", change: func(a *authenticator.Device) { a.Cred.ID = []byte("unknown") }, want: sayIncorrect},
			{name: "counter up", count: 5, change: func(a *authenticator.Device) { a.Cred.Counter = 6 }, want: "tokens"},
			{name: "counter the same", count: 5, change: func(a *authenticator.Device) { a.Cred.Counter = 5 }, want: sayIncorrect},
			{name: "counter gone", count: 5, change: func(a *authenticator.Device) { a.Cred.Counter = 0 }, want: sayIncorrect},
			{name: "no JSON", forge: func(string) string { return "credential" }, want: sayIncorrect},
			{name: "no credential", forge: func(string) string { return "" }, want: "InvalidParameterException: Missing required parameter CREDENTIAL"},
		} {
			t.Run(row.name, func(t *testing.T) {
				if row.mode == "" {
					row.mode = idp.UserPoolMfaTypeOff
				}
				key := fmt.Sprint(row.mode, row.twofold)
				if pools[key] == nil { // a pool's first token costs an RSA key
					pools[key] = r.choicePool(t, "WEB_AUTHN", row.mode, row.twofold)
				}
				sn, name := pools[key], strings.ReplaceAll(row.name, " ", "-")
				c := r.client(t, sn, choosing)
				u := r.have(t, sn, name, reachable(right))
				a := r.registered(t, sn, u)
				if row.mfa {
					r.prefers(t, u, askSMS, askPasskey)
				}
				begin := func() *idp.InitiateAuthResponse {
					return r.mustChoose(t, c, name, askPasskey, "PREFERRED_CHALLENGE", askPasskey)
				}
				if row.count > 0 {
					a.Cred.Counter = row.count
					out := begin()
					wantSays(t, answered(r.respondTo(t.Context(), c, askPasskey, out.Session, name, "CREDENTIAL", assertion(t, a, out.ChallengeParameters))), "tokens")
				}
				out := begin()
				if row.change != nil {
					row.change(a)
				}
				credential := assertion(t, a, out.ChallengeParameters)
				if row.forge != nil {
					credential = row.forge(credential)
				}
				wantSays(t, told(answered(r.respondTo(t.Context(), c, askPasskey, out.Session, name, "CREDENTIAL", credential))), row.want)
				if strings.HasPrefix(row.want, "InvalidParameter") {
					return
				}
				wantSays(t, answered(r.respondTo(t.Context(), c, askPasskey, out.Session, name, "CREDENTIAL", credential)), sayUsed)
			})
		}
	})
}

// TestPasskeyInPlaceOfMFA: whoever turned a second factor on is offered the
// passkey where it may stand for that factor, by the pool and by the user.
func TestPasskeyInPlaceOfMFA(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		twofold, single := r.choicePool(t, "WEB_AUTHN", idp.UserPoolMfaTypeOptional, true), r.choicePool(t, "WEB_AUTHN", idp.UserPoolMfaTypeOptional, false)
		for _, row := range []struct {
			name        string
			sn          *pool.Snapshot
			factors     []string
			withChoices bool
		}{
			{"no second factor", twofold, nil, true},
			{"second factor alone", twofold, []string{askSMS}, false},
			{"turned on", twofold, []string{askSMS, askPasskey}, true},
			{"single factor", single, []string{askSMS}, false},
			{"single factor without MFA", single, nil, true},
		} {
			t.Run(row.name, func(t *testing.T) {
				name := strings.ReplaceAll(row.name, " ", "-")
				u := r.have(t, row.sn, name, reachable(right))
				a := r.registered(t, row.sn, u)
				c := r.client(t, row.sn, choosing)
				before := r.mustChoose(t, c, name, askPasskey, "PREFERRED_CHALLENGE", askPasskey)
				r.prefers(t, u, row.factors...)
				out := r.mustChoose(t, c, name, "SELECT_CHALLENGE")
				if got := slices.Contains(out.AvailableChallenges, idp.ChallengeNameTypeWebAuthn); got != row.withChoices {
					t.Errorf("offered %t", got)
				}
				// What was asked before the user changed it counts no more.
				want := sayInvalid
				if row.withChoices {
					want = "tokens"
				}
				credential := assertion(t, a, before.ChallengeParameters)
				wantSays(t, told(answered(r.respondTo(t.Context(), c, askPasskey, before.Session, name, "CREDENTIAL", credential))), want)
			})
		}
	})
}

func TestPasskeyOfOthers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "WEB_AUTHN", idp.UserPoolMfaTypeOff, false)
		c := r.client(t, sn, choosing)
		jane, john := r.have(t, sn, "jane", reachable(right)), r.have(t, sn, "john", reachable(right))
		hers, his := r.registered(t, sn, jane), r.registered(t, sn, john)
		begin := func(name string) *idp.InitiateAuthResponse {
			return r.mustChoose(t, c, name, askPasskey, "PREFERRED_CHALLENGE", askPasskey)
		}
		give := func(out *idp.InitiateAuthResponse, name, credential string) string {
			return told(answered(r.respondTo(t.Context(), c, askPasskey, out.Session, name, "CREDENTIAL", credential)))
		}
		t.Run("another's passkey", func(t *testing.T) {
			out := begin("jane")
			wantSays(t, give(out, "jane", assertion(t, his, out.ChallengeParameters)), sayIncorrect)
		})
		t.Run("another's session", func(t *testing.T) {
			out := begin("jane")
			wantSays(t, give(out, "john", assertion(t, his, out.ChallengeParameters)), sayInvalid)
		})
		t.Run("another attempt's answer", func(t *testing.T) {
			first, second := begin("jane"), begin("jane")
			wantSays(t, give(second, "jane", assertion(t, hers, first.ChallengeParameters)), sayIncorrect)
		})
		t.Run("at once", func(t *testing.T) {
			out := begin("jane")
			credential := assertion(t, hers, out.ChallengeParameters)
			if won := r.atOnce(t, func() string { return give(out, "jane", credential) }, sayUsed); won != 1 {
				t.Errorf("%d won", won)
			}
		})
		t.Run("the same count at once", func(t *testing.T) {
			hers.Cred.Counter = 9
			outs := make(chan *idp.InitiateAuthResponse, 8)
			for range cap(outs) {
				outs <- begin("jane")
			}
			won := r.atOnce(t, func() string {
				out := <-outs
				return give(out, "jane", assertion(t, hers, out.ChallengeParameters))
			}, sayIncorrect)
			if won != 1 {
				t.Errorf("%d sign-ins by one count", won)
			}
		})
		t.Run("deleted since", func(t *testing.T) {
			out := begin("john")
			credential := assertion(t, his, out.ChallengeParameters)
			keys, err := r.passkeys.Usable(t.Context(), &r.store.Reader, sn, john)
			if err != nil {
				t.Fatal(err)
			}
			r.update(t, func(tx *store.Tx) error { return tx.DeletePasskey(t.Context(), sn.ID, john.ID(), keys[0].ID) })
			wantSays(t, give(out, "john", credential), sayIncorrect)
		})
		t.Run("disabled since", func(t *testing.T) {
			out := begin("jane")
			r.change(t, jane, func(u *store.User) { u.Enabled = false })
			wantSays(t, give(out, "jane", assertion(t, hers, out.ChallengeParameters)), sayDisabled)
		})
	})
}

// TestPasskeyOfFormerParty: a passkey is for one domain.
func TestPasskeyOfFormerParty(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.choicePool(t, "WEB_AUTHN", idp.UserPoolMfaTypeOff, false)
	c := r.client(t, sn, choosing)
	u := r.have(t, sn, "jane", reachable(right))
	r.registered(t, sn, u)
	r.mustChoose(t, c, "jane", askPasskey, "PREFERRED_CHALLENGE", askPasskey)
	if _, err := r.pools.SetUserPoolMfaConfig(t.Context(), &idp.SetUserPoolMfaConfigRequest{
		UserPoolId: sn.ID, WebAuthnConfiguration: &idp.WebAuthnConfigurationType{RelyingPartyId: new("example.net")},
	}); err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2_000_000_000)
	out := r.mustChoose(t, c, "jane", askSelect, "PREFERRED_CHALLENGE", askPasskey)
	if names(out.AvailableChallenges) != "PASSWORD_SRP PASSWORD" {
		t.Errorf("offers %s", names(out.AvailableChallenges))
	}
}
