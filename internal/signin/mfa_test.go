package signin

import (
	"context"
	"encoding/base32"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/signin/codes"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/services"
)

const (
	askSMS    = "SMS_MFA"
	askTOTP   = "SOFTWARE_TOKEN_MFA"
	askMail   = "EMAIL_OTP"
	askChoice = "SELECT_MFA_TYPE"
	askSetup  = "MFA_SETUP"

	sayMismatch     = "CodeMismatchException: Invalid code or auth state for the user."
	sayTOTPMismatch = "CodeMismatchException: Invalid code received for user"
	sayStepUsed     = "ExpiredCodeException: Your software token has already been used once."
	sayExceeded     = "NotAuthorizedException: Code attempts exceeded"
	sayEnrolWrong   = "EnableSoftwareTokenMFAException: Code mismatch"
	sayNoApp        = "InvalidParameterException: User has not set up software token mfa"
)

// mfaPool makes a pool that asks for these second factors.
func (r *rig) mfaPool(t testing.TB, mode idp.UserPoolMfaType, factors ...string) *pool.Snapshot {
	t.Helper()
	return r.mfaPoolWith(t, mode, factors, nil)
}

func (r *rig) mfaPoolWith(t testing.TB, mode idp.UserPoolMfaType, factors []string, change func(*idp.CreateUserPoolRequest)) *pool.Snapshot {
	t.Helper()
	sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.SmsConfiguration = &idp.SmsConfigurationType{SnsCallerArn: new("arn:aws:iam::123456789012:role/sms")}
		in.EmailConfiguration = &idp.EmailConfigurationType{
			EmailSendingAccount: idp.EmailSendingAccountTypeDeveloper, SourceArn: new("arn:aws:ses:us-east-1:123456789012:identity/example.com"),
		}
		if change != nil {
			change(in)
		}
	})
	r.setFactors(t, sn.ID, mode, factors...)
	sn, err := r.pools.Load(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

func (r *rig) setFactors(t testing.TB, poolID string, mode idp.UserPoolMfaType, factors ...string) {
	t.Helper()
	in := &idp.SetUserPoolMfaConfigRequest{UserPoolId: poolID, MfaConfiguration: mode}
	for _, f := range factors {
		switch f {
		case askSMS:
			in.SmsMfaConfiguration = &idp.SmsMfaConfigType{SmsAuthenticationMessage: new("Sign in with {####}.")}
		case askTOTP:
			in.SoftwareTokenMfaConfiguration = &idp.SoftwareTokenMfaConfigType{Enabled: new(true)}
		case askMail:
			in.EmailMfaConfiguration = &idp.EmailMfaConfigType{Subject: new("Signing in"), Message: new("Your code: {####}")}
		}
	}
	if _, err := r.pools.SetUserPoolMfaConfig(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * time.Second) // The settings' cache is at most a second old.
}

// sent lists the messages to a user, the newest first.
func (r *rig) sent(t testing.TB, u *user.User) []message.Message {
	t.Helper()
	return r.Inbox(t, message.Query{PoolID: u.Rec.PoolID, Username: u.Username()})
}

func (r *rig) code(t testing.TB, u *user.User) string {
	t.Helper()
	return r.Code(t, message.Query{PoolID: u.Rec.PoolID, Username: u.Username()})
}

// prefers turns second factors on; the last one is preferred if it ends in "!".
func (r *rig) prefers(t testing.TB, u *user.User, factors ...string) {
	t.Helper()
	in := &idp.AdminSetUserMFAPreferenceRequest{UserPoolId: u.Rec.PoolID, Username: u.Username()}
	for _, f := range factors {
		name, preferred := strings.CutSuffix(f, "!")
		switch name {
		case askSMS:
			in.SMSMfaSettings = &idp.SMSMfaSettingsType{Enabled: new(true), PreferredMfa: &preferred}
		case askTOTP:
			in.SoftwareTokenMfaSettings = &idp.SoftwareTokenMfaSettingsType{Enabled: new(true), PreferredMfa: &preferred}
		case askMail:
			in.EmailMfaSettings = &idp.EmailMfaSettingsType{Enabled: new(true), PreferredMfa: &preferred}
		case askPasskey:
			in.WebAuthnMfaSettings = &idp.WebAuthnMfaSettingsType{Enabled: new(true)}
		}
	}
	if _, err := r.factors.AdminSetUserMFAPreference(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// app is an authenticator app.
type app struct {
	r      *rig
	secret []byte
}

func newApp(t testing.TB, r *rig, code string) app {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(code)
	if err != nil || len(secret) != 32 {
		t.Fatal(code, err)
	}
	return app{r, secret}
}

// code is what the app shows, d steps from now.
func (a app) code(d int64) string { return keys.TOTPCode(a.secret, keys.TOTPStepAt(a.r.now())+d) }

// token is an access token of a user, by whatever the pool asks.
func (r *rig) token(t testing.TB, sn *pool.Snapshot, c *pool.Client, u *user.User) string {
	t.Helper()
	a, err := issueTokens(t.Context(), r.Service, &Proof{User: r.read(t, sn, u.ID()), EventID: "test", call: &call{pool: sn, client: c}})
	if err != nil {
		t.Fatal(err)
	}
	return *a.result.AccessToken
}

// enrolled enrols an authenticator app for a user.
func (r *rig) enrolled(t testing.TB, sn *pool.Snapshot, c *pool.Client, u *user.User) app {
	t.Helper()
	token := r.token(t, sn, c, u)
	a := r.associate(t, token)
	if _, err := r.verify(t.Context(), token, a.code(0)); err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * keys.TOTPStep) // The code is used up.
	return a
}

func (r *rig) associate(t testing.TB, token string) app {
	t.Helper()
	out, err := r.AssociateSoftwareToken(t.Context(), &idp.AssociateSoftwareTokenRequest{AccessToken: &token})
	if err != nil {
		t.Fatal(err)
	}
	if out.Session != nil {
		t.Error("a session without a sign-in")
	}
	return newApp(t, r, *out.SecretCode)
}

func (r *rig) verify(ctx context.Context, token, code string) (*idp.VerifySoftwareTokenResponse, error) {
	return r.VerifySoftwareToken(ctx, &idp.VerifySoftwareTokenRequest{AccessToken: &token, UserCode: code, FriendlyDeviceName: new("phone")})
}

// begun is a sign-in that has come to a second factor.
type begun struct {
	r       *rig
	c       *pool.Client
	u       *user.User
	name    idp.ChallengeNameType
	session *string
	params  map[string]string
}

func (r *rig) begin(t testing.TB, c *pool.Client, u *user.User, want string) *begun {
	t.Helper()
	r.Clock.Pass(time.Millisecond) // The inbox sorts by time.
	out, err := r.plain(t.Context(), c, u.Username(), right)
	if got := said(out, err); got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	return &begun{r, c, u, out.ChallengeName, out.Session, out.ChallengeParameters}
}

// answer answers and goes to the next challenge, if there is one.
func (b *begun) answer(t testing.TB, pairs ...string) string {
	t.Helper()
	in := &idp.RespondToAuthChallengeRequest{ClientId: b.c.ID, ChallengeName: b.name, Session: b.session, ChallengeResponses: map[string]string{"USERNAME": b.u.Username()}}
	for i := 0; i < len(pairs); i += 2 {
		in.ChallengeResponses[pairs[i]] = pairs[i+1]
	}
	b.r.Clock.Pass(time.Millisecond)
	out, err := b.r.RespondToAuthChallenge(context.WithoutCancel(t.Context()), in)
	if err == nil && out.AuthenticationResult == nil {
		b.name, b.session, b.params = out.ChallengeName, out.Session, out.ChallengeParameters
	}
	return answered(out, err)
}

func settingsOf(u *user.User) string {
	return fmt.Sprintf("%v %s", u.MFA.Enabled, u.MFA.Preferred)
}

// TestSecondFactorByCode signs in by codes of SMS and mail, on every path that
// leads to them.
func TestSecondFactorByCode(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, test := range []struct {
			name, challenge, key, medium, to, mask, subject, body string
		}{
			{"SMS", askSMS, "SMS_MFA_CODE", "SMS", "+12065550100", "+*******0100", "", "Sign in with %s."},
			{"mail", askMail, "EMAIL_OTP_CODE", "EMAIL", "alice@example.com", "a***@e***", "Signing in", "Your code: %s"},
		} {
			t.Run(test.name, func(t *testing.T) {
				sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askSMS, askMail)
				c := r.client(t, sn)
				attr := user.FactorAttribute(test.challenge)
				u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{attr: test.to}})
				r.prefers(t, u, test.challenge)
				b := r.begin(t, c, u, test.challenge)
				want := map[string]string{"CODE_DELIVERY_DELIVERY_MEDIUM": test.medium, "CODE_DELIVERY_DESTINATION": test.mask, "USER_ID_FOR_SRP": "alice"}
				if diff := cmp.Diff(want, b.params); diff != "" {
					t.Error(diff)
				}
				m := r.sent(t, u)[0]
				code := m.Code
				if len(code) != 6 || m.To != test.to || m.Medium != test.medium || m.Subject != test.subject || m.Body != fmt.Sprintf(test.body, code) {
					t.Errorf("sent %s %s %q %q", m.Medium, m.To, m.Subject, m.Body)
				}
				wantSays(t, b.answer(t), "InvalidParameterException: Missing required parameter "+test.key)
				for range 6 {
					wantSays(t, b.answer(t, test.key, services.OtherCode(code)), sayMismatch)
				}
				wantSays(t, b.answer(t, test.key, " "+code), sayMismatch)
				wantSays(t, b.answer(t, test.key, code), "tokens")
				wantSays(t, b.answer(t, test.key, code), sayUsed)
				if !r.read(t, sn, u.ID()).Verified(attr) {
					t.Error("the code did not verify the address")
				}
				b = r.begin(t, c, u, test.challenge)
				wantSays(t, b.answer(t, test.key, code), sayMismatch) // the former sign-in's
				code = r.code(t, u)
				r.Clock.Pass(c.SessionTTL)
				wantSays(t, b.answer(t, test.key, code), sayExpired)
			})
		}
	})
}

// TestOnlyTheNewestCode: of two sign-ins under way, the later one's code counts.
func TestOnlyTheNewestCode(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.mfaPool(t, idp.UserPoolMfaTypeOn, askSMS)
	c := r.client(t, sn)
	u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
	first := r.begin(t, c, u, askSMS)
	old := r.code(t, u)
	r.Clock.Pass(time.Second)
	second := r.begin(t, c, u, askSMS)
	wantSays(t, first.answer(t, "SMS_MFA_CODE", old), sayMismatch)
	wantSays(t, first.answer(t, "SMS_MFA_CODE", r.code(t, u)), sayMismatch) // the other session's
	wantSays(t, second.answer(t, "SMS_MFA_CODE", r.code(t, u)), "tokens")
}

// TestSecondFactorStands is the table of what ends a sign-in between the factors.
func TestSecondFactorStands(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askSMS, askTOTP, askMail)
		c := r.client(t, sn)
		other := r.client(t, sn)
		admin := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, test := range []struct {
			name   string
			change func(t *testing.T, u *user.User, b *begun)
			want   map[string]string // by challenge; "" for all
		}{
			{"nothing", func(*testing.T, *user.User, *begun) {}, map[string]string{"": "tokens"}},
			{"disabled", func(t *testing.T, u *user.User, _ *begun) {
				_, err := r.users.AdminDisableUser(t.Context(), &idp.AdminDisableUserRequest{UserPoolId: sn.ID, Username: u.Username()})
				admin(err)
			}, map[string]string{"": sayDisabled}},
			{"password set anew", func(t *testing.T, u *user.User, _ *begun) {
				r.Clock.Pass(time.Second)
				_, err := r.users.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: u.Username(), Password: fresh, Permanent: new(true)})
				admin(err)
			}, map[string]string{"": sayInvalid}},
			{"password reset", func(t *testing.T, u *user.User, _ *begun) {
				r.change(t, u, func(rec *store.User) { rec.Status = "RESET_REQUIRED" })
			}, map[string]string{"": sayReset}},
			{"deleted", func(t *testing.T, u *user.User, _ *begun) { r.remove(t, u) }, map[string]string{"": sayUnknown}},
			{"another client", func(_ *testing.T, _ *user.User, b *begun) { b.c = other }, map[string]string{"": sayInvalid}},
			{"another user", func(t *testing.T, u *user.User, b *begun) {
				b.u = r.have(t, sn, "o-"+u.Username(), person{password: right})
			}, map[string]string{"": sayInvalid}},
			{"address changed", func(t *testing.T, u *user.User, _ *begun) {
				_, err := r.users.AdminUpdateUserAttributes(t.Context(), &idp.AdminUpdateUserAttributesRequest{UserPoolId: sn.ID, Username: u.Username(), UserAttributes: []idp.AttributeType{
					{Name: "phone_number", Value: new("+12065550199")}, {Name: "email", Value: new("mallory@example.com")}}})
				admin(err)
			}, map[string]string{askSMS: sayMismatch, askMail: sayMismatch, askTOTP: "tokens"}},
			{"app taken away", func(t *testing.T, u *user.User, _ *begun) {
				_, err := r.factors.AdminDeleteSoftwareToken(t.Context(), &idp.AdminDeleteSoftwareTokenRequest{UserPoolId: sn.ID, Username: u.Username()})
				admin(err)
			}, map[string]string{askSMS: "tokens", askMail: "tokens", askTOTP: sayNoApp}},
			{"out of order", func(_ *testing.T, _ *user.User, b *begun) { b.name = idp.ChallengeNameTypeMfaSetup }, map[string]string{"": sayInvalid}},
			{"no session", func(_ *testing.T, _ *user.User, b *begun) { b.session = nil }, map[string]string{"": "InvalidParameterException: Missing required parameter Session"}},
		} {
			for _, challenge := range []string{askSMS, askTOTP, askMail} {
				t.Run(test.name+"/"+challenge, func(t *testing.T) {
					u := r.have(t, sn, fmt.Sprintf("u%d-%s", i, challenge), person{password: right, attrs: map[string]string{"phone_number": "+12065550100", "email": "alice@example.com"}})
					a := r.enrolled(t, sn, c, u)
					r.prefers(t, u, challenge)
					b := r.begin(t, c, u, challenge)
					pairs := map[string]string{askTOTP: a.code(0)}
					if challenge != askTOTP {
						pairs[challenge] = r.code(t, u)
					}
					test.change(t, u, b)
					key := map[string]string{askSMS: "SMS_MFA_CODE", askMail: "EMAIL_OTP_CODE", askTOTP: "SOFTWARE_TOKEN_MFA_CODE"}[challenge]
					want := test.want[challenge]
					if want == "" {
						want = test.want[""]
					}
					wantSays(t, b.answer(t, key, pairs[challenge]), want)
				})
			}
		}
	})
}

// TestSoftwareTokenCodes is the table of what an authenticator app's code may be.
func TestSoftwareTokenCodes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askTOTP)
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right})
		a := r.enrolled(t, sn, c, u)
		r.prefers(t, u, askTOTP)
		b := r.begin(t, c, u, askTOTP)
		if diff := cmp.Diff(map[string]string{"FRIENDLY_DEVICE_NAME": "phone", "USER_ID_FOR_SRP": "alice"}, b.params); diff != "" {
			t.Error(diff)
		}
		const key = "SOFTWARE_TOKEN_MFA_CODE"
		wantSays(t, b.answer(t), "InvalidParameterException: Missing required parameter "+key)
		for _, d := range []int64{-3, -2, 2, 3} {
			wantSays(t, b.answer(t, key, a.code(d)), sayTOTPMismatch)
		}
		wantSays(t, b.answer(t, key, services.OtherCode(a.code(0))), sayTOTPMismatch)
		wantSays(t, b.answer(t, key, a.code(0)), "tokens")
		wantSays(t, b.answer(t, key, a.code(1)), sayUsed)
		used := []string{a.code(0)}
		for _, d := range []int64{-1, 1} {
			b = r.begin(t, c, u, askTOTP)
			for _, code := range used {
				wantSays(t, b.answer(t, key, code), sayStepUsed)
			}
			used = append(used, a.code(d))
			wantSays(t, b.answer(t, key, a.code(d)), "tokens")
		}
		r.Clock.Pass(keys.TOTPStep)
		b = r.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, key, a.code(0)), sayStepUsed) // it was +1 then
		wantSays(t, b.answer(t, key, a.code(1)), "tokens")
		// The same step does not verify either, whichever secret it is of.
		token := r.token(t, sn, c, u)
		next := r.associate(t, token)
		wantErr(t, second(r.verify(t.Context(), token, next.code(1))), sayEnrolWrong)
		r.Clock.Pass(2 * keys.TOTPStep)
		wantErr(t, second(r.verify(t.Context(), token, next.code(0))), "")
		b = r.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, key, a.code(1)), sayTOTPMismatch) // the old secret
		wantSays(t, b.answer(t, key, next.code(0)), sayStepUsed)
		wantSays(t, b.answer(t, key, next.code(1)), "tokens")
	})
}

func second[T any](_ T, err error) error { return err }

func wantErr(t testing.TB, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	wantSays(t, got, want)
}

// TestSoftwareTokenLife is the table of an app's life: none, pending, verified,
// enabled, and what each call makes of it.
func TestSoftwareTokenLife(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askTOTP)
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right})
		token := r.token(t, sn, c, u)
		enable := func() string {
			_, err := r.factors.SetUserMFAPreference(t.Context(), &idp.SetUserMFAPreferenceRequest{AccessToken: token,
				SoftwareTokenMfaSettings: &idp.SoftwareTokenMfaSettingsType{Enabled: new(true), PreferredMfa: new(true)}})
			if err != nil {
				return err.Error()
			}
			return settingsOf(r.read(t, sn, u.ID()))
		}
		drop := func() string {
			_, err := r.factors.AdminDeleteSoftwareToken(t.Context(), &idp.AdminDeleteSoftwareTokenRequest{UserPoolId: sn.ID, Username: "alice"})
			wantErr(t, err, "")
			return settingsOf(r.read(t, sn, u.ID()))
		}
		// none
		wantErr(t, second(r.verify(t.Context(), token, "123456")), sayNoApp)
		wantSays(t, enable(), sayNoApp)
		wantSays(t, drop(), "[] ")
		// pending
		dead := r.associate(t, token)
		wantSays(t, enable(), "InvalidParameterException: User has not verified software token mfa")
		a := r.associate(t, token)
		wantErr(t, second(r.verify(t.Context(), token, dead.code(0))), sayEnrolWrong)
		wantErr(t, second(r.verify(t.Context(), token, services.OtherCode(a.code(0)))), sayEnrolWrong)
		wantSays(t, drop(), "[] ")
		wantErr(t, second(r.verify(t.Context(), token, a.code(0))), sayNoApp)
		// verified, not enabled
		a = r.associate(t, token)
		wantErr(t, second(r.verify(t.Context(), token, a.code(0))), "")
		wantErr(t, second(r.verify(t.Context(), token, a.code(1))), sayNoApp)
		wantSays(t, settingsOf(r.read(t, sn, u.ID())), "[] ")
		r.signIn(t, c, "alice")
		// enabled
		wantSays(t, enable(), "[SOFTWARE_TOKEN_MFA] SOFTWARE_TOKEN_MFA")
		pending := r.associate(t, token)
		wantErr(t, second(r.verify(t.Context(), token, services.OtherCode(pending.code(1)))), sayEnrolWrong)
		r.Clock.Pass(2 * keys.TOTPStep)
		b := r.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, "SOFTWARE_TOKEN_MFA_CODE", pending.code(0)), sayTOTPMismatch)
		wantSays(t, b.answer(t, "SOFTWARE_TOKEN_MFA_CODE", a.code(0)), "tokens")
		wantErr(t, second(r.verify(t.Context(), token, pending.code(1))), "")
		r.Clock.Pass(2 * keys.TOTPStep)
		b = r.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, "SOFTWARE_TOKEN_MFA_CODE", pending.code(0)), "tokens")
		wantSays(t, drop(), "[] ")
		r.signIn(t, c, "alice")

		// What the calls refuse.
		associate := func(in idp.AssociateSoftwareTokenRequest) error {
			return second(r.AssociateSoftwareToken(t.Context(), &in))
		}
		const one = "InvalidParameterException: Exactly one of AccessToken and Session must be given."
		wantErr(t, associate(idp.AssociateSoftwareTokenRequest{}), one)
		wantErr(t, associate(idp.AssociateSoftwareTokenRequest{AccessToken: &token, Session: &token}), one)
		wantErr(t, associate(idp.AssociateSoftwareTokenRequest{Session: &token}), sayInvalid)
		wantErr(t, associate(idp.AssociateSoftwareTokenRequest{AccessToken: new("x")}), "NotAuthorizedException: Invalid Access Token")
		r.setFactors(t, sn.ID, idp.UserPoolMfaTypeOff)
		const off = "SoftwareTokenMFANotFoundException: Software Token MFA has not been enabled by the userPool"
		wantErr(t, associate(idp.AssociateSoftwareTokenRequest{AccessToken: &token}), off)
		wantErr(t, second(r.verify(t.Context(), token, "123456")), off)
	})
}

// TestVerifySoftwareTokenQuota: guesses at a pending secret are counted.
func TestVerifySoftwareTokenQuota(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askTOTP)
	c := r.client(t, sn)
	u := r.have(t, sn, "alice", person{password: right})
	token := r.token(t, sn, c, u)
	a := r.associate(t, token)
	for range 15 {
		wantErr(t, second(r.verify(t.Context(), token, services.OtherCode(a.code(0)))), sayEnrolWrong)
	}
	wantErr(t, second(r.verify(t.Context(), token, a.code(0))), "EnableSoftwareTokenMFAException: Attempt limit exceeded, please try after some time.")
	r.Clock.Pass(59 * time.Minute)
	wantErr(t, second(r.verify(t.Context(), token, a.code(0))), "EnableSoftwareTokenMFAException: Attempt limit exceeded, please try after some time.")
	token = r.token(t, sn, c, u)
	r.Clock.Pass(time.Minute)
	wantErr(t, second(r.verify(t.Context(), token, a.code(0))), "")
}

// TestGuessesAreBounded guesses over sessions, factors and restarts.
func TestGuessesAreBounded(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askTOTP, askSMS)
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
		a := r.enrolled(t, sn, c, u)
		const key = "SOFTWARE_TOKEN_MFA_CODE"
		r.prefers(t, u, askTOTP+"!", askSMS)
		b := r.begin(t, c, u, askTOTP)
		for range codes.Tries {
			wantSays(t, b.answer(t, key, services.OtherCode(a.code(0))), sayTOTPMismatch)
		}
		wantSays(t, b.answer(t, key, a.code(0)), sayInvalid)
		// A process that begins again counts on.
		again := *r
		again.Service = New(Deps{
			Store: r.store, Pools: r.pools, Users: r.users, Groups: r.groups, Devices: r.devices, Passkeys: r.passkeys, Factors: r.factors, Mail: r.mail,
			Tokens: r.tokens, Ring: r.ring, Gate: r.gate, Lockouts: r.lockouts, Now: r.now,
		})
		b.r = &again
		wantSays(t, b.answer(t, key, a.code(0)), sayInvalid)
		r.prefers(t, u, askSMS+"!")
		b = again.begin(t, c, u, askSMS)
		for range codes.Tries {
			wantSays(t, b.answer(t, "SMS_MFA_CODE", services.OtherCode(r.code(t, u))), sayMismatch)
		}
		// Twenty wrong ones: the hour is used up, for right ones too.
		b = again.begin(t, c, u, askSMS)
		wantSays(t, b.answer(t, "SMS_MFA_CODE", r.code(t, u)), sayExceeded)
		r.prefers(t, u, askTOTP+"!")
		b = again.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, key, a.code(0)), sayExceeded)
		r.Clock.Pass(time.Hour)
		b = again.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, key, a.code(0)), "tokens")
		// The day has a limit of its own: forty more.
		for range 4 {
			r.Clock.Pass(time.Hour)
			b = again.begin(t, c, u, askTOTP)
			for range codes.Tries {
				wantSays(t, b.answer(t, key, services.OtherCode(a.code(0))), sayTOTPMismatch)
			}
		}
		r.Clock.Pass(time.Hour)
		b = again.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, key, a.code(0)), sayExceeded)
		r.Clock.Pass(24 * time.Hour)
		b = again.begin(t, c, u, askTOTP)
		wantSays(t, b.answer(t, key, a.code(0)), "tokens")
	})
}

// TestSecondFactorRaces: of answers at once with one right code, one gets tokens;
// of guesses at once, no more than the limit are judged.
func TestSecondFactorRaces(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askTOTP, askSMS)
		c := r.client(t, sn)
		all := func(n int, answer func(i int) string) map[string]int {
			var mu sync.Mutex
			var wg sync.WaitGroup
			got := map[string]int{}
			for i := range n {
				wg.Go(func() {
					a := answer(i)
					mu.Lock()
					defer mu.Unlock()
					got[a]++
				})
			}
			wg.Wait()
			return got
		}
		t.Run("one session", func(t *testing.T) {
			u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
			r.prefers(t, u, askSMS)
			b := r.begin(t, c, u, askSMS)
			code := r.code(t, u)
			got := all(8, func(int) string { b := *b; return b.answer(t, "SMS_MFA_CODE", code) })
			if got["tokens"] != 1 || got["tokens"]+got[sayUsed] != 8 {
				t.Error(got)
			}
		})
		t.Run("one step, many sessions", func(t *testing.T) {
			u := r.have(t, sn, "bob", person{password: right})
			a := r.enrolled(t, sn, c, u)
			r.prefers(t, u, askTOTP)
			var list []*begun
			for range 8 {
				list = append(list, r.begin(t, c, u, askTOTP))
			}
			code := a.code(0)
			got := all(8, func(i int) string { return list[i].answer(t, "SOFTWARE_TOKEN_MFA_CODE", code) })
			if got["tokens"] != 1 || got[sayStepUsed] != 7 {
				t.Error(got)
			}
		})
		t.Run("guesses", func(t *testing.T) {
			u := r.have(t, sn, "carol", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
			r.prefers(t, u, askSMS)
			b := r.begin(t, c, u, askSMS)
			code := r.code(t, u)
			got := all(3*codes.Tries, func(int) string { b := *b; return b.answer(t, "SMS_MFA_CODE", services.OtherCode(code)) })
			if got[sayMismatch] != codes.Tries || got[sayInvalid] != 2*codes.Tries {
				t.Error(got)
			}
		})
	})
}
