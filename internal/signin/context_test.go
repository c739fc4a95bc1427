package signin

import (
	"fmt"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/user"
)

// contextOf returns the acr and the amr of both tokens, which must be the same.
func contextOf(t testing.TB, result *idp.AuthenticationResultType) string {
	t.Helper()
	if result == nil {
		t.Fatal("no tokens")
	}
	id, access := claims(t, *result.IdToken), claims(t, *result.AccessToken)
	got := fmt.Sprint(id["acr"], " ", id["amr"])
	if other := fmt.Sprint(access["acr"], " ", access["amr"]); other != got {
		t.Errorf("the ID token says %s, the access token %s", got, other)
	}
	return got
}

// finish answers a challenge that must lead to tokens.
func (r *rig) finish(t testing.TB, c *pool.Client, u *user.User, name idp.ChallengeNameType, session *string, pairs ...string) *idp.AuthenticationResultType {
	t.Helper()
	out, err := r.respondTo(t.Context(), c, string(name), session, u.Username(), pairs...)
	if err != nil || out.AuthenticationResult == nil {
		t.Fatal(answered(out, err))
	}
	return out.AuthenticationResult
}

// TestAuthenticationContext: acr and amr say which factors were passed, whatever the flow,
// and a refresh keeps both.
func TestAuthenticationContext(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		plain := r.choicePool(t, "EMAIL_OTP SMS_OTP WEB_AUTHN", idp.UserPoolMfaTypeOff, false)
		mfa := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askSMS, askTOTP, askMail)
		first := func(t *testing.T, c *pool.Client, u *user.User, preferred string, answer func(params map[string]string) []string) *idp.AuthenticationResultType {
			out := r.mustChoose(t, c, u.Username(), preferred, "PREFERRED_CHALLENGE", preferred)
			return r.finish(t, c, u, out.ChallengeName, out.Session, answer(out.ChallengeParameters)...)
		}
		second := func(t *testing.T, c *pool.Client, u *user.User, name string, code func() string) *idp.AuthenticationResultType {
			b := r.begin(t, c, u, name)
			return r.finish(t, c, u, b.name, b.session, name+"_CODE", code())
		}
		for _, row := range []struct {
			name string
			pool *pool.Snapshot
			run  func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType
			want string
		}{
			{"a password", plain, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				return r.signIn(t, c, u.Username())
			}, "urn:cognito:loa:1 [pwd]"},
			{"a chosen password", plain, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				return r.mustChoose(t, c, u.Username(), "tokens", "PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", right).AuthenticationResult
			}, "urn:cognito:loa:1 [pwd]"},
			{"a code by mail", plain, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				return first(t, c, u, askMail, func(map[string]string) []string { return []string{"EMAIL_OTP_CODE", r.code(t, u)} })
			}, "urn:cognito:loa:2 [email_otp]"},
			{"a code by SMS", plain, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				return first(t, c, u, askSMSCode, func(map[string]string) []string { return []string{"SMS_OTP_CODE", r.code(t, u)} })
			}, "urn:cognito:loa:2 [sms]"},
			{"a passkey", plain, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				d := r.registered(t, plain, u)
				return first(t, c, u, askPasskey, func(params map[string]string) []string { return []string{"CREDENTIAL", assertion(t, d, params)} })
			}, "urn:cognito:loa:3 [swk]"},
			{"a password and SMS", mfa, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				r.prefers(t, u, askSMS)
				return second(t, c, u, askSMS, func() string { return r.code(t, u) })
			}, "urn:cognito:loa:3 [pwd sms mfa]"},
			{"a password and mail", mfa, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				r.prefers(t, u, askMail)
				return second(t, c, u, askMail, func() string { return r.code(t, u) })
			}, "urn:cognito:loa:3 [pwd email_otp mfa]"},
			{"a password and an app", mfa, func(t *testing.T, c *pool.Client, u *user.User) *idp.AuthenticationResultType {
				a := r.enrolled(t, mfa, c, u)
				r.prefers(t, u, askTOTP)
				return second(t, c, u, askTOTP, func() string { return a.code(0) })
			}, "urn:cognito:loa:4 [pwd otp mfa]"},
		} {
			t.Run(row.name, func(t *testing.T) {
				p := reachable(right)
				u := r.have(t, row.pool, "u-"+row.name, p)
				c := r.client(t, row.pool, choosing)
				r.Clock.Pass(time.Millisecond)
				result := row.run(t, c, u)
				wantSays(t, contextOf(t, result), row.want)
				r.Clock.Pass(time.Hour)
				refreshed, err := r.viaAuth(t, c, *result.RefreshToken)
				if refreshed == nil {
					t.Fatal(err)
				}
				wantSays(t, contextOf(t, refreshed), row.want)
			})
		}
	})
}

// TestNamedContext: acr has the pool's name of the level, and a refresh keeps the name of
// the sign-in. Custom challenges are no factor of a level.
func TestNamedContext(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
		in.AcrConfiguration = map[string]idp.AcrLevelConfigType{"Level1": {AcrValue: "bronze"}}
	})
	c, u := r.client(t, sn), r.have(t, sn, "alice", person{password: right})
	result := r.signIn(t, c, u.Username())
	wantSays(t, contextOf(t, result), "bronze [pwd]")
	if _, err := r.pools.UpdateUserPool(t.Context(), &idp.UpdateUserPoolRequest{
		UserPoolId: sn.ID, AcrConfiguration: map[string]idp.AcrLevelConfigType{"Level1": {AcrValue: "copper"}},
	}); err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * time.Second)
	refreshed, _ := r.viaAuth(t, c, *result.RefreshToken)
	wantSays(t, contextOf(t, refreshed), "bronze [pwd]")
	wantSays(t, contextOf(t, r.signIn(t, c, u.Username())), "copper [pwd]")

	sn = r.twoRounds(t)
	c, u = r.client(t, sn), r.have(t, sn, "bob", person{password: right})
	out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "bob"},
	})
	if err != nil {
		t.Fatal(err)
	}
	next, err := r.respondTo(t.Context(), c, "CUSTOM_CHALLENGE", out.Session, "bob", "ANSWER", "5")
	if err != nil {
		t.Fatal(err)
	}
	wantSays(t, contextOf(t, r.finish(t, c, u, next.ChallengeName, next.Session, "ANSWER", "5")), "<nil> <nil>")
}

// TestContextAfterSignUp: the sign-in that follows a sign-up proved the code, so the tokens
// name it. They do not name the password, which a step-up still asks for.
func TestContextAfterSignUp(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "EMAIL_OTP", idp.UserPoolMfaTypeOff, false)
		c := r.client(t, sn, choosing)
		for name, password := range map[string]*string{"with-password": new(right), "without-password": nil} {
			signed, err := r.registrations.SignUp(t.Context(), &idp.SignUpRequest{
				ClientId: c.ID, Username: name, Password: password, UserAttributes: []idp.AttributeType{{Name: "email", Value: new(name + "@example.com")}},
			})
			if err != nil {
				t.Fatal(err)
			}
			u, err := r.users.Resolve(t.Context(), sn, name)
			if err != nil {
				t.Fatal(err)
			}
			confirmed, err := r.registrations.ConfirmSignUp(t.Context(), &idp.ConfirmSignUpRequest{ClientId: c.ID, Username: name, ConfirmationCode: r.code(t, u), Session: signed.Session})
			if err != nil {
				t.Fatal(err)
			}
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
				ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, Session: confirmed.Session, AuthParameters: map[string]string{"USERNAME": name},
			})
			if err != nil || out.AuthenticationResult == nil {
				t.Fatalf("%s: %v, %v", name, out, err)
			}
			wantSays(t, contextOf(t, out.AuthenticationResult), "urn:cognito:loa:2 [email_otp]")
			if password == nil {
				continue
			}
			more, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, AuthParameters: map[string]string{
				"USERNAME": name, "TARGET_ACR_VALUES": "urn:cognito:loa:3", "ACCESS_TOKEN": *out.AuthenticationResult.AccessToken, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": right,
			}})
			if err != nil || more.AuthenticationResult == nil {
				t.Fatalf("step-up: %v, %v", more, err)
			}
			wantSays(t, contextOf(t, more.AuthenticationResult), "urn:cognito:loa:3 [email_otp pwd mfa]")
		}
	})
}
