package signin

import (
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/signin/codes"
	"cognate/test/services"
	"cognate/test/srpclient"
)

// TestSweptByAFasterClock: another node, whose clock is ten minutes ahead, sweeps
// what this one has just used up. Nothing can be used again by that, and the tries
// at a code are not counted from the beginning.
func TestSweptByAFasterClock(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		ahead := r.skewed(t, 10*time.Minute)
		sweep := func(t *testing.T) {
			t.Helper()
			if _, err := ahead.store.Sweep(t.Context(), ahead.now(), 10_000); err != nil {
				t.Fatal(err)
			}
		}
		c, rotates := r.client(t, r.pool), r.client(t, r.pool, rotating(0))
		r.confirmed(t, "alice")
		t.Run("session", func(t *testing.T) {
			u, out := r.invited(t, r.pool, c, person{})
			give := func(password string) string {
				return r.answer(t, c.ID, idp.ChallengeNameTypeNewPasswordRequired, out.Session, "USERNAME", u.Username(), "NEW_PASSWORD", password)
			}
			wantSays(t, give(fresh), "tokens")
			sweep(t)
			wantSays(t, give(fresh+"2"), sayUsed)
		})
		t.Run("secret block", func(t *testing.T) {
			client := srpclient.New(c.PoolID)
			asked, err := r.askSRPOf(t, c, client, "alice")
			if err != nil {
				t.Fatal(err)
			}
			responses := client.Prove(asked.ChallengeParameters, right, r.now())
			wantSays(t, answered(r.prove(t, c, responses)), "tokens")
			sweep(t)
			wantSays(t, answered(r.prove(t, c, responses)), sayIncorrect)
		})
		t.Run("rotated refresh token", func(t *testing.T) {
			raw := *r.signIn(t, rotates, "alice").RefreshToken
			r.Clock.Pass(30*24*time.Hour - time.Minute) // it has a minute to live
			_, says := r.viaTokens(t, rotates, raw)
			wantSays(t, says, "tokens")
			sweep(t)
			_, says = r.viaTokens(t, rotates, raw)
			wantSays(t, says, sayReused)
		})
		t.Run("passkey challenge", func(t *testing.T) {
			sn := r.choicePool(t, askPasskey, idp.UserPoolMfaTypeOff, false)
			firstFactorOptions := r.client(t, sn, choosing)
			jane := r.have(t, sn, "jane", reachable(right))
			hers := r.registered(t, sn, jane)
			out := r.mustChoose(t, firstFactorOptions, "jane", askPasskey, "PREFERRED_CHALLENGE", askPasskey)
			credential := assertion(t, hers, out.ChallengeParameters)
			give := func() string {
				return told(answered(r.respondTo(t.Context(), firstFactorOptions, askPasskey, out.Session, "jane", "CREDENTIAL", credential)))
			}
			wantSays(t, give(), "tokens")
			sweep(t)
			wantSays(t, give(), sayUsed)
		})
		t.Run("custom challenge", func(t *testing.T) {
			custom := r.client(t, r.twoRounds(t))
			sn, err := r.pools.Load(t.Context(), custom.PoolID)
			if err != nil {
				t.Fatal(err)
			}
			r.have(t, sn, "carol", person{})
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
				ClientId: custom.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "carol"},
			})
			wantSays(t, said(out, err), "CUSTOM_CHALLENGE")
			give := func() string {
				return answered(r.respondTo(t.Context(), custom, "CUSTOM_CHALLENGE", out.Session, "carol", "ANSWER", "6"))
			}
			wantSays(t, give(), sayIncorrect)
			sweep(t)
			wantSays(t, give(), sayInvalid)
		})
		sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askSMS, askTOTP)
		second := r.client(t, sn)
		sam := r.have(t, sn, "sam", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
		r.prefers(t, sam, askSMS)
		t.Run("tries", func(t *testing.T) {
			b := r.begin(t, second, sam, askSMS)
			code := r.code(t, sam)
			for range codes.Tries {
				wantSays(t, b.answer(t, "SMS_MFA_CODE", services.OtherCode(code)), sayMismatch)
			}
			sweep(t)
			wantSays(t, b.answer(t, "SMS_MFA_CODE", code), sayInvalid)
		})
		t.Run("tries, counted by a clock that is behind", func(t *testing.T) {
			r.Clock.Pass(longPause)
			b := r.begin(t, second, sam, askSMS)
			code := r.code(t, sam)
			behind, next := r.skewed(t, -10*time.Second), *b
			next.r = behind
			for range codes.Tries {
				wantSays(t, next.answer(t, "SMS_MFA_CODE", services.OtherCode(code)), sayMismatch)
			}
			r.Clock.Pass(second.SessionTTL - time.Second)
			wantSays(t, b.answer(t, "SMS_MFA_CODE", code), sayInvalid)
		})
		t.Run("code of an app", func(t *testing.T) {
			tom := r.have(t, sn, "tom", person{password: right})
			toms := r.enrolled(t, sn, second, tom)
			r.prefers(t, tom, askTOTP)
			code := toms.code(0)
			for _, want := range []string{"tokens", sayStepUsed} {
				b := r.begin(t, second, tom, askTOTP)
				wantSays(t, b.answer(t, "SOFTWARE_TOKEN_MFA_CODE", code), want)
				sweep(t)
			}
		})
		t.Run("session of a sign-up", func(t *testing.T) {
			firstFactorOptions := r.client(t, r.choicePool(t, askMail, idp.UserPoolMfaTypeOff, false), choosing)
			in := &idp.SignUpRequest{ClientId: firstFactorOptions.ID, Username: "new", Password: new(right), UserAttributes: []idp.AttributeType{{Name: "email", Value: new("new@example.com")}}}
			if _, err := r.registrations.SignUp(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			sn, err := r.pools.Load(t.Context(), firstFactorOptions.PoolID)
			if err != nil {
				t.Fatal(err)
			}
			u, err := r.users.Resolve(t.Context(), sn, "new")
			if err != nil {
				t.Fatal(err)
			}
			done, err := r.registrations.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: firstFactorOptions.ID, Username: "new", ConfirmationCode: r.code(t, u)})
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"tokens", sayUsed} {
				wantSays(t, said(r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
					ClientId: firstFactorOptions.ID, AuthFlow: idp.AuthFlowTypeUserAuth, Session: done.Session, AuthParameters: map[string]string{"USERNAME": "new"},
				})), want)
				sweep(t)
			}
		})
	})
}
