package signin

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/signin/codes"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/services"
	"cognate/test/srpclient"
)

const (
	askSelect  = "SELECT_CHALLENGE"
	askPasskey = "WEB_AUTHN"
	askSMSCode = "SMS_OTP"

	sayNoChoice = "InvalidParameterException: Invalid ANSWER: the challenge is not available."
)

// choicePool makes a pool whose people may begin by these factors beside a
// password, with passkeys for example.com.
func (r *rig) choicePool(t testing.TB, factors string, mode idp.UserPoolMfaType, twofold bool) *pool.Snapshot {
	t.Helper()
	sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.SmsConfiguration = &idp.SmsConfigurationType{SnsCallerArn: new("arn:aws:iam::123456789012:role/sms")}
		in.AutoVerifiedAttributes = []idp.VerifiedAttributeType{"email"}
	})
	mfa := &idp.SetUserPoolMfaConfigRequest{
		UserPoolId: sn.ID, MfaConfiguration: mode,
		WebAuthnConfiguration: &idp.WebAuthnConfigurationType{RelyingPartyId: new("example.com")},
	}
	if mode != idp.UserPoolMfaTypeOff {
		mfa.SoftwareTokenMfaConfiguration = &idp.SoftwareTokenMfaConfigType{Enabled: new(true)}
		mfa.SmsMfaConfiguration = &idp.SmsMfaConfigType{}
	}
	if twofold {
		mfa.WebAuthnConfiguration.FactorConfiguration = idp.WebAuthnFactorConfigurationTypeMultiFactorWithUserVerification
	}
	if _, err := r.pools.SetUserPoolMfaConfig(t.Context(), mfa); err != nil {
		t.Fatal(err)
	}
	policy := &idp.SignInPolicyType{AllowedFirstAuthFactors: []idp.AuthFactorType{idp.AuthFactorTypePassword}}
	for f := range strings.FieldsSeq(factors) {
		policy.AllowedFirstAuthFactors = append(policy.AllowedFirstAuthFactors, idp.AuthFactorType(f))
	}
	if _, err := r.pools.UpdateUserPool(t.Context(), &idp.UpdateUserPoolRequest{
		UserPoolId: sn.ID, Policies: &idp.UserPoolPolicyType{SignInPolicy: policy}, MfaConfiguration: mode,
		SmsConfiguration:       &idp.SmsConfigurationType{SnsCallerArn: new("arn:aws:iam::123456789012:role/sms")},
		AutoVerifiedAttributes: []idp.VerifiedAttributeType{"email"},
	}); err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * time.Second)
	sn, err := r.pools.Load(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

func choosing(in *idp.CreateUserPoolClientRequest) {
	in.ExplicitAuthFlows = append(in.ExplicitAuthFlows, "ALLOW_USER_AUTH")
}

// reachable is a person that codes can be sent to.
func reachable(password string) person {
	return person{password: password, attrs: map[string]string{
		"email": "jane.doe@example.com", "email_verified": "true", "phone_number": "+12065551234", "phone_number_verified": "true",
	}}
}

// choose starts USER_AUTH.
func (r *rig) choose(ctx context.Context, c *pool.Client, name string, pairs ...string) (*idp.InitiateAuthResponse, error) {
	params := map[string]string{"USERNAME": name}
	for i := 0; i < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	return r.InitiateAuth(ctx, &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, AuthParameters: params})
}

func (r *rig) mustChoose(t testing.TB, c *pool.Client, name, want string, pairs ...string) *idp.InitiateAuthResponse {
	t.Helper()
	out, err := r.choose(t.Context(), c, name, pairs...)
	if got := said(out, err); got != want {
		t.Fatalf("got  %q\nwant %q", got, want)
	}
	return out
}

// respondTo answers a challenge and returns the whole response.
func (r *rig) respondTo(ctx context.Context, c *pool.Client, name string, session *string, username string, pairs ...string) (*idp.RespondToAuthChallengeResponse, error) {
	responses := map[string]string{"USERNAME": username}
	for i := 0; i < len(pairs); i += 2 {
		responses[pairs[i]] = pairs[i+1]
	}
	return r.RespondToAuthChallenge(ctx, &idp.RespondToAuthChallengeRequest{
		ClientId: c.ID, ChallengeName: idp.ChallengeNameType(name), Session: session, ChallengeResponses: responses,
	})
}

func names(list []idp.ChallengeNameType) string {
	var words []string
	for _, c := range list {
		words = append(words, string(c))
	}
	return strings.Join(words, " ")
}

func TestChoice(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		const both = "PASSWORD_SRP PASSWORD"
		pools := map[string]*pool.Snapshot{}
		off, optional, on := idp.UserPoolMfaTypeOff, idp.UserPoolMfaTypeOptional, idp.UserPoolMfaTypeOn
		for _, row := range []struct {
			name    string
			factors string
			mode    idp.UserPoolMfaType
			twofold bool
			person  person
			mfa     bool // has a second factor turned on
			passkey bool
			hiding  bool
			absent  bool
			params  []string
			want    string
			offers  string
		}{
			{name: "nothing preferred", factors: "EMAIL_OTP", person: reachable(right), want: askSelect, offers: both + " EMAIL_OTP"},
			{name: "only a password", person: reachable(right), want: askSelect, offers: both},
			{name: "only mail", factors: "EMAIL_OTP", person: reachable(""), want: askMail, offers: "EMAIL_OTP"},
			{name: "mail preferred", factors: "EMAIL_OTP", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "EMAIL_OTP"}, want: askMail, offers: both + " EMAIL_OTP"},
			{name: "SMS preferred", factors: "EMAIL_OTP SMS_OTP", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "SMS_OTP"}, want: askSMSCode, offers: both + " EMAIL_OTP SMS_OTP"},
			{name: "mail not verified", factors: "EMAIL_OTP", person: person{password: right, attrs: map[string]string{"email": "a@example.com"}}, want: askSelect, offers: both},
			{name: "temporary password", factors: "EMAIL_OTP WEB_AUTHN", person: func() person {
				p := reachable(right)
				p.status, p.temporary = idp.UserStatusTypeForceChangePassword, true
				return p
			}(), params: []string{"PREFERRED_CHALLENGE", "EMAIL_OTP"}, want: askSelect, offers: both},
			{name: "no passkey", factors: "EMAIL_OTP WEB_AUTHN", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "WEB_AUTHN"}, want: askSelect, offers: both + " EMAIL_OTP"},
			{name: "passkey", factors: "WEB_AUTHN", person: reachable(right), passkey: true, params: []string{"PREFERRED_CHALLENGE", "WEB_AUTHN"}, want: askPasskey, offers: both + " WEB_AUTHN"},
			{name: "right password", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", right}, want: "tokens"},
			{name: "wrong password", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", wrong}, want: sayIncorrect},
			{name: "password asked", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "PASSWORD"}, want: "PASSWORD", offers: both},
			{name: "SRP", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "PASSWORD_SRP", "SRP_A", "0abc"}, want: askProof, offers: both},
			{name: "SRP without value", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "PASSWORD_SRP"}, want: "InvalidParameterException: Missing required parameter SRP_A"},
			{name: "SRP of nonsense", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "PASSWORD_SRP", "SRP_A", "xyz"}, want: "InvalidParameterException: Invalid SRP_A"},
			{name: "unknown word", person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "SMS_MFA"}, want: "InvalidParameterException: Invalid PREFERRED_CHALLENGE: SMS_MFA"},
			{name: "codes are no way around MFA", factors: "EMAIL_OTP SMS_OTP", mode: optional, mfa: true, person: reachable(right), want: askSelect, offers: both},
			{name: "codes with MFA that the user has not", factors: "EMAIL_OTP", mode: optional, person: reachable(right), want: askSelect, offers: both + " EMAIL_OTP"},
			{name: "one-factor passkey and MFA", factors: "WEB_AUTHN", mode: optional, mfa: true, passkey: true, person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "WEB_AUTHN"}, want: askSelect, offers: both},
			{name: "two-factor passkey and MFA", factors: "WEB_AUTHN EMAIL_OTP", mode: optional, twofold: true, mfa: true, passkey: true, person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "WEB_AUTHN"}, want: askPasskey, offers: both + " WEB_AUTHN"},
			{name: "two-factor passkey where MFA is required", factors: "WEB_AUTHN", mode: on, twofold: true, passkey: true, person: reachable(right), want: askSelect, offers: both + " WEB_AUTHN"},
			{name: "password with MFA", mode: optional, mfa: true, person: reachable(right), params: []string{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", right}, want: askSMS, offers: both},
			{name: "new password", person: person{status: idp.UserStatusTypeForceChangePassword, password: right, temporary: true}, params: []string{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", right}, want: askNew, offers: both},

			{name: "disabled", factors: "EMAIL_OTP", person: person{password: right, disabled: true}, want: sayDisabled},
			{name: "disabled, hidden, has a password only", factors: "EMAIL_OTP", hiding: true, person: person{password: right, disabled: true}, want: askSelect, offers: both + " EMAIL_OTP"},
			{name: "disabled, hidden, right password", hiding: true, person: person{password: right, disabled: true}, params: []string{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", right}, want: sayDisabled},
			{name: "disabled, hidden, wrong password", hiding: true, person: person{password: right, disabled: true}, params: []string{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", wrong}, want: sayIncorrect},
			{name: "unconfirmed", factors: "EMAIL_OTP", person: person{status: idp.UserStatusTypeUnconfirmed, password: right}, want: sayUnconfirmed},
			{name: "reset", factors: "EMAIL_OTP", person: person{status: idp.UserStatusTypeResetRequired, password: right}, want: sayReset},
			{name: "disabled, hidden, passkey", factors: "EMAIL_OTP WEB_AUTHN", hiding: true, person: person{password: right, disabled: true}, params: []string{"PREFERRED_CHALLENGE", "WEB_AUTHN"}, want: askPasskey, offers: both + " EMAIL_OTP WEB_AUTHN"},
			{name: "unconfirmed, hidden, passkeys in the pool", factors: "EMAIL_OTP WEB_AUTHN", hiding: true, person: person{status: idp.UserStatusTypeUnconfirmed, password: right}, want: askSelect, offers: both + " EMAIL_OTP WEB_AUTHN"},
			{name: "nothing to prove", person: person{}, want: sayIncorrect},
			{name: "nothing to prove, hidden", factors: "EMAIL_OTP", hiding: true, person: person{}, want: askSelect, offers: both + " EMAIL_OTP"},

			{name: "unknown", factors: "EMAIL_OTP", absent: true, want: sayUnknown},
			{name: "unknown, hidden", factors: "EMAIL_OTP WEB_AUTHN", absent: true, hiding: true, want: askSelect, offers: both + " EMAIL_OTP WEB_AUTHN"},
			{name: "unknown, hidden, mail", factors: "EMAIL_OTP", absent: true, hiding: true, params: []string{"PREFERRED_CHALLENGE", "EMAIL_OTP"}, want: askMail, offers: both + " EMAIL_OTP"},
			{name: "unknown, hidden, passkey", factors: "WEB_AUTHN", absent: true, hiding: true, params: []string{"PREFERRED_CHALLENGE", "WEB_AUTHN"}, want: askPasskey, offers: both + " WEB_AUTHN"},
			{name: "unknown, hidden, SRP", absent: true, hiding: true, params: []string{"PREFERRED_CHALLENGE", "PASSWORD_SRP", "SRP_A", "0abc"}, want: askProof, offers: both},
			{name: "unknown, hidden, password", absent: true, hiding: true, params: []string{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", right}, want: sayIncorrect},
			{name: "unknown, hidden, what the pool has not", absent: true, hiding: true, params: []string{"PREFERRED_CHALLENGE", "EMAIL_OTP"}, want: askSelect, offers: both},
			{name: "unknown, hidden, MFA required", factors: "WEB_AUTHN", mode: on, twofold: true, absent: true, hiding: true, want: askSelect, offers: both + " WEB_AUTHN"},
		} {
			t.Run(row.name, func(t *testing.T) {
				if row.mode == "" {
					row.mode = off
				}
				key := fmt.Sprint(row.factors, row.mode, row.twofold)
				if pools[key] == nil {
					pools[key] = r.choicePool(t, row.factors, row.mode, row.twofold)
				}
				sn, name := pools[key], strings.ReplaceAll(row.name, " ", "-")
				changes := []func(*idp.CreateUserPoolClientRequest){choosing}
				if row.hiding {
					changes = append(changes, hiding)
				}
				c := r.client(t, sn, changes...)
				if !row.absent {
					u := r.have(t, sn, name, row.person)
					if row.passkey {
						r.registered(t, sn, u)
					}
					if row.mfa {
						factors := []string{askSMS}
						if row.twofold {
							factors = append(factors, askPasskey)
						}
						r.prefers(t, u, factors...)
					}
				}
				out, err := r.choose(t.Context(), c, name, row.params...)
				wantSays(t, told(said(out, err)), row.want)
				if err == nil && names(out.AvailableChallenges) != row.offers {
					t.Errorf("offers %q, want %q", names(out.AvailableChallenges), row.offers)
				}
				if err == nil && out.AuthenticationResult == nil && row.want != askNew && row.want != askSMS && out.Session == nil {
					t.Error("no session")
				}
			})
		}
	})
}

func TestChoiceNeedsTheClient(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	out, err := r.choose(t.Context(), r.client(t, r.pool), "jane")
	wantSays(t, said(out, err), "InvalidParameterException: USER_AUTH is not enabled for the client.")
}

// TestSelect answers SELECT_CHALLENGE.
func TestSelect(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "EMAIL_OTP SMS_OTP WEB_AUTHN", idp.UserPoolMfaTypeOff, false)
		c := r.client(t, sn, choosing)
		u := r.have(t, sn, "jane", reachable(right))
		r.registered(t, sn, u)
		for _, row := range []struct {
			name  string
			pairs []string
			want  string
			again string // what the same session is good for then
		}{
			{"password at once", []string{"ANSWER", "PASSWORD", "PASSWORD", right}, "tokens", sayUsed},
			{"wrong password at once", []string{"ANSWER", "PASSWORD", "PASSWORD", wrong}, sayIncorrect, sayUsed},
			{"password later", []string{"ANSWER", "PASSWORD"}, "PASSWORD", sayUsed},
			{"SRP at once", []string{"ANSWER", "PASSWORD_SRP", "SRP_A", "0abc"}, askProof, sayUsed},
			{"SRP later", []string{"ANSWER", "PASSWORD_SRP"}, "PASSWORD_SRP", sayUsed},
			{"SRP of nonsense", []string{"ANSWER", "PASSWORD_SRP", "SRP_A", "?"}, "InvalidParameterException: Invalid SRP_A", "EMAIL_OTP"},
			{"mail", []string{"ANSWER", "EMAIL_OTP"}, askMail, sayUsed},
			{"SMS", []string{"ANSWER", "SMS_OTP"}, askSMSCode, sayUsed},
			{"passkey", []string{"ANSWER", "WEB_AUTHN"}, askPasskey, sayUsed},
			{"not listed", []string{"ANSWER", "SMS_MFA"}, sayNoChoice, "EMAIL_OTP"},
			{"nothing", nil, "InvalidParameterException: Missing required parameter ANSWER", "EMAIL_OTP"},
		} {
			t.Run(row.name, func(t *testing.T) {
				r.Clock.Pass(time.Hour) // So that the codes sent do not add up.
				first := r.mustChoose(t, c, "jane", askSelect)
				out, err := r.respondTo(t.Context(), c, askSelect, first.Session, "jane", row.pairs...)
				wantSays(t, told(answered(out, err)), row.want)
				if err == nil && out.AuthenticationResult == nil && names(out.AvailableChallenges) == "" {
					t.Error("nothing is offered")
				}
				if err == nil && out.AuthenticationResult != nil && out.AvailableChallenges != nil {
					t.Error("something is offered with tokens")
				}
				again, err := r.respondTo(t.Context(), c, askSelect, first.Session, "jane", "ANSWER", "EMAIL_OTP")
				wantSays(t, answered(again, err), row.again)
			})
		}
	})
}

// TestChosenPassword goes on to PASSWORD and PASSWORD_SRP.
func TestChosenPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "", idp.UserPoolMfaTypeOff, false)
		c := r.client(t, sn, choosing)
		r.have(t, sn, "jane", reachable(right))
		t.Run("password", func(t *testing.T) {
			for password, want := range map[string]string{right: "tokens", wrong: sayIncorrect} {
				first := r.mustChoose(t, c, "jane", "PASSWORD", "PREFERRED_CHALLENGE", "PASSWORD")
				out, err := r.respondTo(t.Context(), c, "PASSWORD", first.Session, "jane", "PASSWORD", password)
				wantSays(t, answered(out, err), want)
				out, err = r.respondTo(t.Context(), c, "PASSWORD", first.Session, "jane", "PASSWORD", right)
				wantSays(t, answered(out, err), sayUsed)
			}
		})
		t.Run("SRP", func(t *testing.T) {
			for password, want := range map[string]string{right: "tokens", wrong: sayIncorrect} {
				first := r.mustChoose(t, c, "jane", askSelect)
				asked, err := r.respondTo(t.Context(), c, askSelect, first.Session, "jane", "ANSWER", "PASSWORD_SRP")
				wantSays(t, answered(asked, err), "PASSWORD_SRP")
				client := srpclient.New(sn.ID)
				bad, err := r.respondTo(t.Context(), c, "PASSWORD_SRP", asked.Session, "jane", "SRP_A", "0")
				wantSays(t, told(answered(bad, err)), "InvalidParameterException: Invalid SRP_A")
				verifier, err := r.respondTo(t.Context(), c, "PASSWORD_SRP", asked.Session, "jane", "SRP_A", client.Public())
				wantSays(t, answered(verifier, err), askProof)
				if verifier.Session == nil {
					t.Error("no session beside the SECRET_BLOCK")
				}
				responses := client.Prove(verifier.ChallengeParameters, password, r.now())
				out, err := r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
					ClientId: c.ID, ChallengeName: askProof, ChallengeResponses: responses, Session: verifier.Session,
				})
				wantSays(t, answered(out, err), want)
			}
		})
		t.Run("lock", func(t *testing.T) {
			u := r.have(t, sn, "locked", reachable(right))
			r.lock(t, u)
			for _, params := range [][]string{
				{"PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", right}, {"PREFERRED_CHALLENGE", "PASSWORD_SRP", "SRP_A", "0abc"},
			} {
				out, err := r.choose(t.Context(), c, "locked", params...)
				wantSays(t, said(out, err), sayLocked)
			}
		})
	})
}

// TestFirstCode: codes as first factors.
func TestFirstCode(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "EMAIL_OTP SMS_OTP", idp.UserPoolMfaTypeOff, false)
		c := r.client(t, sn, choosing)
		for _, f := range []struct{ name, key, medium, masked string }{
			{askMail, "EMAIL_OTP_CODE", "EMAIL", "j***@e***"},
			{askSMSCode, "SMS_OTP_CODE", "SMS", "+*******1234"},
		} {
			begin := func(t *testing.T) (*user.User, *idp.InitiateAuthResponse) {
				t.Helper()
				u := r.have(t, sn, "jane-"+strings.ToLower(rand.Text()[:8]), reachable(right))
				return u, r.mustChoose(t, c, u.Username(), f.name, "PREFERRED_CHALLENGE", f.name)
			}
			give := func(t *testing.T, u *user.User, session *string, code string) string {
				t.Helper()
				return answered(r.respondTo(t.Context(), c, f.name, session, u.Username(), f.key, code))
			}
			t.Run(f.name, func(t *testing.T) {
				u, out := begin(t)
				want := map[string]string{"CODE_DELIVERY_DELIVERY_MEDIUM": f.medium, "CODE_DELIVERY_DESTINATION": f.masked}
				if diff := cmp.Diff(want, out.ChallengeParameters); diff != "" {
					t.Errorf("parameters (-want +got):\n%s", diff)
				}
				code := r.code(t, u)
				if len(code) != 8 {
					t.Errorf("a code of %d digits", len(code))
				}
				for range 6 {
					wantSays(t, give(t, u, out.Session, services.OtherCode(code)), sayMismatch)
				}
				wantSays(t, answered(r.respondTo(t.Context(), c, f.name, out.Session, u.Username())), "InvalidParameterException: Missing required parameter "+f.key)
				wantSays(t, give(t, u, out.Session, code), "tokens")
				wantSays(t, give(t, u, out.Session, code), sayUsed)
				wantSays(t, give(t, u, new("garbage"), code), sayInvalid)
			})
			t.Run(f.name+" expired", func(t *testing.T) {
				u, out := begin(t)
				code := r.code(t, u)
				r.Clock.Pass(3 * time.Minute)
				wantSays(t, give(t, u, out.Session, code), sayExpired)
			})
			t.Run(f.name+" of another attempt", func(t *testing.T) {
				u, first := begin(t)
				code := r.code(t, u)
				second := r.mustChoose(t, c, u.Username(), f.name, "PREFERRED_CHALLENGE", f.name)
				wantSays(t, give(t, u, second.Session, code), sayMismatch)
				// Whoever asks for other codes does not make this one worthless.
				wantSays(t, give(t, u, first.Session, code), "tokens")
			})
			t.Run(f.name+" of another user", func(t *testing.T) {
				u, out := begin(t)
				other, theirs := begin(t)
				wantSays(t, give(t, other, out.Session, r.code(t, u)), sayInvalid)
				wantSays(t, give(t, other, theirs.Session, r.code(t, u)), sayMismatch)
			})
			t.Run(f.name+" out of order", func(t *testing.T) {
				u, out := begin(t)
				wantSays(t, answered(r.respondTo(t.Context(), c, askSelect, out.Session, u.Username(), "ANSWER", "PASSWORD")), sayInvalid)
				wantSays(t, answered(r.respondTo(t.Context(), c, askNew, out.Session, u.Username(), "NEW_PASSWORD", right)), sayInvalid)
				wantSays(t, answered(r.respondTo(t.Context(), c, askSMS, out.Session, u.Username(), "SMS_MFA_CODE", r.code(t, u))), sayInvalid)
			})
			for name, row := range map[string]struct {
				change func(*store.User)
				want   string
			}{
				"disabled":       {func(u *store.User) { u.Enabled = false }, sayDisabled},
				"to be reset":    {func(u *store.User) { u.Status = string(idp.UserStatusTypeResetRequired) }, sayReset},
				"sent elsewhere": {func(u *store.User) { u.Profile = []byte(`{"v":1,"attributes":{}}`) }, sayMismatch},
			} {
				t.Run(f.name+" then "+name, func(t *testing.T) {
					u, out := begin(t)
					code := r.code(t, u)
					r.change(t, u, row.change)
					wantSays(t, give(t, u, out.Session, code), row.want)
				})
			}
			t.Run(f.name+" guessed too often", func(t *testing.T) {
				u, out := begin(t)
				code := r.code(t, u)
				for range codes.Tries {
					wantSays(t, give(t, u, out.Session, services.OtherCode(code)), sayMismatch)
				}
				wantSays(t, give(t, u, out.Session, code), sayInvalid)
			})
			t.Run(f.name+" twice at once", func(t *testing.T) {
				u, out := begin(t)
				code := r.code(t, u)
				won := r.atOnce(t, func() string { return give(t, u, out.Session, code) }, sayUsed, sayInvalid)
				if won != 1 {
					t.Errorf("%d answers won", won)
				}
			})
		}
		t.Run("sent too often", func(t *testing.T) {
			for name, here := range map[string]bool{"pestered": true, "absent": false} {
				hidden := r.client(t, sn, choosing, hiding)
				if here {
					r.have(t, sn, name, reachable(right))
				}
				for range 20 {
					r.mustChoose(t, hidden, name, askMail, "PREFERRED_CHALLENGE", askMail)
				}
				out, err := r.choose(t.Context(), hidden, name, "PREFERRED_CHALLENGE", askMail)
				wantSays(t, said(out, err), "TooManyRequestsException: Attempt limit exceeded, please try after some time.")
			}
		})
	})
}

// TestChoiceOfNobody: whoever does not exist fails as a person would.
func TestChoiceOfNobody(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "EMAIL_OTP SMS_OTP WEB_AUTHN", idp.UserPoolMfaTypeOff, false)
		c := r.client(t, sn, choosing, hiding)
		mail := r.mustChoose(t, c, "nobody@example.com", askMail, "PREFERRED_CHALLENGE", askMail)
		if got := mail.ChallengeParameters["CODE_DELIVERY_DESTINATION"]; got != "n***@e***" {
			t.Errorf("sent to %q", got)
		}
		for range 2 {
			wantSays(t, answered(r.respondTo(t.Context(), c, askMail, mail.Session, "nobody@example.com", "EMAIL_OTP_CODE", "12345678")), sayMismatch)
		}
		passkey := r.mustChoose(t, c, "nobody", askPasskey, "PREFERRED_CHALLENGE", askPasskey)
		other := r.mustChoose(t, c, "nobody", askPasskey, "PREFERRED_CHALLENGE", askPasskey)
		if allowedIDs(t, passkey.ChallengeParameters) != allowedIDs(t, other.ChallengeParameters) {
			t.Error("nobody's passkey changes")
		}
		wantSays(t, told(answered(r.respondTo(t.Context(), c, askPasskey, passkey.Session, "nobody", "CREDENTIAL", "{}"))), sayIncorrect)
		wantSays(t, answered(r.respondTo(t.Context(), c, askPasskey, passkey.Session, "nobody", "CREDENTIAL", "{}")), sayUsed)
		choice := r.mustChoose(t, c, "nobody", askSelect)
		wantSays(t, answered(r.respondTo(t.Context(), c, askSelect, choice.Session, "nobody", "ANSWER", "PASSWORD", "PASSWORD", right)), sayIncorrect)

		// A disabled person is covered: nothing is sent, and nothing told.
		p := reachable(right)
		p.disabled = true
		u := r.have(t, sn, "gone", p)
		covered := r.mustChoose(t, c, "gone", askMail, "PREFERRED_CHALLENGE", askMail)
		if n := len(r.sent(t, u)); n != 0 {
			t.Errorf("%d messages to a disabled person", n)
		}
		wantSays(t, answered(r.respondTo(t.Context(), c, askMail, covered.Session, "gone", "EMAIL_OTP_CODE", "12345678")), sayMismatch)
	})
}

// TestAdminChoice: administrators' calls have the same flow.
func TestAdminChoice(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.choicePool(t, "EMAIL_OTP", idp.UserPoolMfaTypeOff, false)
	c := r.client(t, sn, choosing)
	u := r.have(t, sn, "jane", reachable(""))
	out, err := r.AdminInitiateAuth(t.Context(), &idp.AdminInitiateAuthRequest{
		UserPoolId: sn.ID, ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, AuthParameters: map[string]string{"USERNAME": "jane"},
	})
	if err != nil || out.ChallengeName != askMail || names(out.AvailableChallenges) != "EMAIL_OTP" {
		t.Fatalf("%+v, %v", out, err)
	}
	done, err := r.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeRequest{
		UserPoolId: sn.ID, ClientId: c.ID, ChallengeName: askMail, Session: out.Session,
		ChallengeResponses: map[string]string{"USERNAME": "jane", "EMAIL_OTP_CODE": r.code(t, u)},
	})
	if err != nil || done.AuthenticationResult == nil {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestSignUpSession: signing up, confirming and signing in prove an address once.
func TestSignUpSession(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "EMAIL_OTP", idp.UserPoolMfaTypeOff, false)
		c, other := r.client(t, sn, choosing), r.client(t, sn, choosing)
		signUp := func(t *testing.T, name string, password *string) *string {
			t.Helper()
			out, err := r.registrations.SignUp(t.Context(), &idp.SignUpRequest{
				ClientId: c.ID, Username: name, Password: password,
				UserAttributes: []idp.AttributeType{{Name: "email", Value: new(name + "@example.com")}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if out.Session == nil {
				t.Fatal("no session")
			}
			return out.Session
		}
		find := func(t *testing.T, name string) *user.User {
			t.Helper()
			u, err := r.users.Resolve(t.Context(), sn, name)
			if err != nil {
				t.Fatal(err)
			}
			return u
		}
		confirm := func(t *testing.T, name string, session *string) (*string, string) {
			t.Helper()
			out, err := r.registrations.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{
				ClientId: c.ID, Username: name, ConfirmationCode: r.code(t, find(t, name)), Session: session,
			})
			if err != nil {
				return nil, err.Error()
			}
			return out.Session, ""
		}
		follow := func(c *pool.Client, name string, session *string) string {
			return said(r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
				ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, Session: session, AuthParameters: map[string]string{"USERNAME": name},
			}))
		}
		for _, row := range []struct {
			name     string
			password *string
		}{{"with password", new(right)}, {"without password", nil}, {"with an empty password", new("")}} {
			t.Run(row.name, func(t *testing.T) {
				name := strings.ReplaceAll(row.name, " ", "-")
				first := signUp(t, name, row.password)
				wantSays(t, follow(c, name, first), sayInvalid) // Nothing is proven yet.
				second, err := confirm(t, name, first)
				if err != "" || second == nil {
					t.Fatalf("confirmed with %v, %s", second, err)
				}
				wantSays(t, follow(other, name, second), sayInvalid)
				wantSays(t, follow(c, name, second), "tokens")
				wantSays(t, follow(c, name, second), sayUsed)
			})
		}
		t.Run("without a session", func(t *testing.T) {
			signUp(t, "plain", new(right))
			second, err := confirm(t, "plain", nil)
			wantSays(t, err, "")
			wantSays(t, follow(c, "plain", second), "tokens")
		})
		t.Run("of a client without the flow", func(t *testing.T) {
			plain := r.client(t, sn)
			in := &idp.SignUpRequest{
				ClientId: plain.ID, Username: "classic", Password: new(right),
				UserAttributes: []idp.AttributeType{{Name: "email", Value: new("classic@example.com")}},
			}
			signed, err := r.registrations.SignUp(t.Context(), in)
			if err != nil || signed.Session != nil {
				t.Fatalf("signed up with %v, %v", signed, err)
			}
			confirmed, err := r.registrations.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{
				ClientId: plain.ID, Username: "classic", ConfirmationCode: r.code(t, find(t, "classic")),
			})
			if err != nil || confirmed.Session != nil {
				t.Errorf("confirmed with %v, %v", confirmed, err)
			}
		})
		t.Run("expired", func(t *testing.T) {
			first := signUp(t, "slow", new(right))
			r.Clock.Pass(3 * time.Minute)
			_, err := confirm(t, "slow", first)
			wantSays(t, err, sayExpired)
			second, err := confirm(t, "slow", nil)
			if second == nil || err != "" {
				t.Errorf("confirmed with %v, %s", second, err)
			}
			first = signUp(t, "slower", new(right))
			second, _ = confirm(t, "slower", first)
			r.Clock.Pass(3 * time.Minute)
			wantSays(t, follow(c, "slower", second), sayExpired)
		})
		t.Run("another's", func(t *testing.T) {
			one, two := signUp(t, "one", new(right)), signUp(t, "two", new(right))
			_, err := confirm(t, "one", two)
			wantSays(t, err, sayInvalid)
			second, _ := confirm(t, "one", one)
			wantSays(t, follow(c, "two", second), sayInvalid)
			wantSays(t, answered(r.respondTo(t.Context(), c, askMail, second, "one", "EMAIL_OTP_CODE", "12345678")), sayInvalid)
			wantSays(t, follow(c, "one", new("garbage")), sayInvalid)
		})
		t.Run("disabled", func(t *testing.T) {
			second, _ := confirm(t, "off", signUp(t, "off", new(right)))
			r.change(t, find(t, "off"), func(u *store.User) { u.Enabled = false })
			wantSays(t, follow(c, "off", second), sayDisabled)
		})
		t.Run("at once", func(t *testing.T) {
			second, _ := confirm(t, "racing", signUp(t, "racing", new(right)))
			if won := r.atOnce(t, func() string { return follow(c, "racing", second) }, sayUsed); won != 1 {
				t.Errorf("%d won", won)
			}
		})
		t.Run("no way to be without a password", func(t *testing.T) {
			_, err := r.registrations.SignUp(t.Context(), &idp.SignUpRequest{ClientId: c.ID, Username: "bare"})
			wantErr(t, err, "InvalidParameterException: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null")
		})
	})
}

// TestSignUpSessionAndMFA: a session is no way around a second factor.
func TestSignUpSessionAndMFA(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.choicePool(t, "", idp.UserPoolMfaTypeOn, false)
	c := r.client(t, sn, choosing)
	out, err := r.registrations.SignUp(t.Context(), &idp.SignUpRequest{
		ClientId: c.ID, Username: "jane", Password: new(right), UserAttributes: []idp.AttributeType{{Name: "email", Value: new("jane@example.com")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := r.users.Resolve(t.Context(), sn, "jane")
	if err != nil {
		t.Fatal(err)
	}
	done, err := r.registrations.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{
		ClientId: c.ID, Username: "jane", ConfirmationCode: r.code(t, u), Session: out.Session,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantSays(t, said(r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, Session: done.Session, AuthParameters: map[string]string{"USERNAME": "jane"},
	})), askSetup)
}

// TestCreatedPasswordless: administrators make people without a password.
func TestCreatedPasswordless(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	verified := map[string]string{"email": "jane@example.com", "email_verified": "true"}
	for _, row := range []struct {
		name, factors string
		attrs         map[string]string
		password      *string
		want          idp.UserStatusType
	}{
		{"codes reach", "EMAIL_OTP", verified, nil, idp.UserStatusTypeConfirmed},
		{"empty password", "EMAIL_OTP", verified, new(""), idp.UserStatusTypeConfirmed},
		{"a password is given", "EMAIL_OTP", verified, new(right), idp.UserStatusTypeForceChangePassword},
		{"not verified", "EMAIL_OTP", map[string]string{"email": "jane@example.com"}, nil, idp.UserStatusTypeForceChangePassword},
		{"no codes in the pool", "WEB_AUTHN", verified, nil, idp.UserStatusTypeForceChangePassword},
		{"codes to the other address", "SMS_OTP", verified, nil, idp.UserStatusTypeForceChangePassword},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			sn := r.choicePool(t, row.factors, idp.UserPoolMfaTypeOff, false)
			in := &idp.AdminCreateUserRequest{
				UserPoolId: sn.ID, Username: "jane", TemporaryPassword: row.password, DesiredDeliveryMediums: []idp.DeliveryMediumType{"EMAIL"},
			}
			for _, name := range []string{"email", "email_verified"} {
				if v := maps.Clone(row.attrs)[name]; v != "" {
					in.UserAttributes = append(in.UserAttributes, idp.AttributeType{Name: name, Value: &v})
				}
			}
			out, err := r.users.AdminCreateUser(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if out.User.UserStatus != row.want {
				t.Errorf("is %s, want %s", out.User.UserStatus, row.want)
			}
			u, err := r.users.Resolve(t.Context(), sn, "jane")
			if err != nil {
				t.Fatal(err)
			}
			passwordless := row.want == idp.UserStatusTypeConfirmed
			if sent := len(r.sent(t, u)); (sent == 0) != passwordless {
				t.Errorf("%d invitations", sent)
			}
			if passwordless {
				r.mustChoose(t, r.client(t, sn, choosing), "jane", askMail)
			}
		})
	}
}
