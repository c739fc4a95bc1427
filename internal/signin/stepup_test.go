package signin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/token"
	"cognate/internal/user"
	"cognate/test/services"
)

const (
	loa1, loa2, loa3, loa4 = "urn:cognito:loa:1", "urn:cognito:loa:2", "urn:cognito:loa:3", "urn:cognito:loa:4"

	sayReached   = "InvalidParameterException: The access token already meets the requested authentication level."
	sayLacks     = "InvalidParameterException: The user has no authentication factors that meet the requested authentication level."
	sayNoLevel   = "InvalidParameterException: TARGET_ACR_VALUES has no authentication level of the user pool."
	sayNoTarget  = "InvalidParameterException: TARGET_ACR_VALUES is required with ACCESS_TOKEN."
	sayMaxAge    = "InvalidParameterException: MAX_AGE must be a non-negative integer."
	sayBadToken  = "NotAuthorizedException: Invalid Access Token"
	sayOthers    = "NotAuthorizedException: The access token belongs to another user."
	sayRevoked   = "NotAuthorizedException: Access Token has been revoked"
	sayPasswords = "PASSWORD_SRP PASSWORD"
)

// A stepper is a user with a phone, an address and an authenticator app, who has signed in
// by a password alone.
type stepper struct {
	*rig
	sn    *pool.Snapshot
	c     *pool.Client
	u     *user.User
	app   app
	token string
}

// stepper makes a pool that asks for these second factors, and its user.
func (r *rig) stepper(t testing.TB, name string, factors ...string) *stepper {
	t.Helper()
	sn := r.mfaPool(t, idp.UserPoolMfaTypeOptional, askSMS, askTOTP, askMail)
	s := &stepper{rig: r, sn: sn, c: r.client(t, sn, choosing), u: r.have(t, sn, name, reachable(right))}
	s.token = *r.signIn(t, s.c, name).AccessToken
	s.app = r.enrolled(t, sn, s.c, s.u)
	r.prefers(t, s.u, factors...)
	r.Clock.Pass(time.Millisecond)
	return s
}

// up starts a step-up.
func (s *stepper) up(t testing.TB, pairs ...string) (*idp.InitiateAuthResponse, string) {
	t.Helper()
	out, err := s.choose(t.Context(), s.c, s.u.Username(), pairs...)
	return out, told(said(out, err))
}

// TestStepUp: a user who holds an access token passes only the factors that are missing.
func TestStepUp(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for i, row := range []struct {
			name    string
			factors []string
			params  []string // beside the token
			want    string
			also    string // MFAS_CAN_CHOOSE, or the available challenges
			context string // after the code of the challenge
		}{
			{name: "the app", factors: []string{askSMS, askTOTP}, params: []string{"TARGET_ACR_VALUES", loa4}, want: askTOTP, context: loa4 + " [pwd otp mfa]"},
			{name: "SMS", factors: []string{askSMS}, params: []string{"TARGET_ACR_VALUES", loa3}, want: askSMS, context: loa3 + " [pwd sms mfa]"},
			{name: "the preferred one of several", factors: []string{askSMS, askTOTP + "!"}, params: []string{"TARGET_ACR_VALUES", loa3}, want: askTOTP, context: loa4 + " [pwd otp mfa]"},
			{name: "a choice", factors: []string{askSMS, askTOTP, askMail}, params: []string{"TARGET_ACR_VALUES", loa3}, want: askChoice, also: `["SMS_MFA","SOFTWARE_TOKEN_MFA","EMAIL_OTP"]`},
			{name: "the factor that the call prefers", factors: []string{askSMS, askTOTP, askMail}, params: []string{"TARGET_ACR_VALUES", loa3, "PREFERRED_CHALLENGE", "SMS_OTP"}, want: askSMS, context: loa3 + " [pwd sms mfa]"},
			{name: "the level that can be reached", factors: []string{askSMS}, params: []string{"TARGET_ACR_VALUES", loa4 + " urn:x  " + loa3}, want: askSMS, context: loa3 + " [pwd sms mfa]"},
			{name: "a code for level 2", factors: []string{askMail}, params: []string{"TARGET_ACR_VALUES", loa2}, want: askMail, context: loa3 + " [pwd email_otp mfa]"},
			{name: "young enough", factors: []string{askTOTP}, params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", "3600"}, want: askTOTP, context: loa4 + " [pwd otp mfa]"},
			{name: "too old", factors: []string{askTOTP}, params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", "60"}, want: askSelect, also: sayPasswords},
			{name: "no age", factors: []string{askTOTP}, params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", "0"}, want: askSelect, also: sayPasswords},
			{name: "a huge age", factors: []string{askTOTP}, params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", "2147483647"}, want: askTOTP, context: loa4 + " [pwd otp mfa]"},
			{name: "an age too long for a number", params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", "99999999999999999999"}, want: sayMaxAge},
			{name: "a negative age", params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", "-1"}, want: sayMaxAge},
			{name: "an age that is no number", params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", "1e3"}, want: sayMaxAge},
			{name: "an empty age", params: []string{"TARGET_ACR_VALUES", loa4, "MAX_AGE", ""}, want: sayMaxAge},
			{name: "reached", factors: []string{askTOTP}, params: []string{"TARGET_ACR_VALUES", loa1}, want: sayReached},
			{name: "out of reach, then reached", factors: []string{askSMS}, params: []string{"TARGET_ACR_VALUES", loa4 + " " + loa1}, want: sayReached},
			{name: "out of reach", factors: []string{askSMS}, params: []string{"TARGET_ACR_VALUES", loa4}, want: sayLacks},
			{name: "no level", params: []string{"TARGET_ACR_VALUES", "urn:cognito:loa:5 gold"}, want: sayNoLevel},
			{name: "an empty level", params: []string{"TARGET_ACR_VALUES", ""}, want: sayNoLevel},
			{name: "no target", want: sayNoTarget},
		} {
			t.Run(row.name, func(t *testing.T) {
				s := r.stepper(t, fmt.Sprint("u", i), row.factors...)
				out, got := s.up(t, append(row.params, "ACCESS_TOKEN", s.token)...)
				wantSays(t, got, row.want)
				if row.also != "" && out != nil && out.ChallengeParameters["MFAS_CAN_CHOOSE"]+names(out.AvailableChallenges) != row.also {
					t.Errorf("%v %v, want %s", out.ChallengeParameters, out.AvailableChallenges, row.also)
				}
				if row.context == "" || out == nil {
					return
				}
				code := s.app.code(0)
				if row.want != askTOTP {
					code = r.code(t, s.u)
				}
				r.Clock.Pass(time.Second)
				done := r.finish(t, s.c, s.u, out.ChallengeName, out.Session, row.want+"_CODE", code)
				wantSays(t, contextOf(t, done), row.context)
				if at := claims(t, *done.AccessToken)["auth_time"].(float64); int64(at) != r.now().Unix() || done.RefreshToken == nil {
					t.Errorf("auth_time %v at %v", at, r.now().Unix())
				}
			})
		}
	})
}

// TestStepUpFromScratch: without a token the user passes all factors of the level.
func TestStepUpFromScratch(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		off, on := idp.UserPoolMfaTypeOff, idp.UserPoolMfaTypeOptional
		pools := map[string]*pool.Snapshot{
			"OFF": r.choicePool(t, "EMAIL_OTP SMS_OTP WEB_AUTHN", off, false), "OPTIONAL": r.choicePool(t, "WEB_AUTHN", on, false), "MAIL": r.choicePool(t, "EMAIL_OTP", off, false),
		}
		for i, row := range []struct {
			name, pool, target string
			person             person
			mfa                string // a second factor that is turned on
			passkey, hiding    bool
			absent             bool
			want, offers       string
			after              string // after the password
		}{
			{name: "level 1", pool: "OFF", target: loa1, person: reachable(right), want: askSelect, offers: sayPasswords + " EMAIL_OTP SMS_OTP", after: "tokens"},
			{name: "level 2", pool: "MAIL", target: loa2, person: reachable(right), want: askSelect, offers: sayPasswords + " EMAIL_OTP", after: askMail},
			{name: "level 3 by a passkey", pool: "OFF", target: loa3, person: person{password: right}, passkey: true, want: askPasskey, offers: "WEB_AUTHN"},
			{name: "level 3 by a password and a code", pool: "MAIL", target: loa3, person: reachable(right), want: askSelect, offers: sayPasswords, after: askMail},
			{name: "level 3 or 2", pool: "MAIL", target: loa3 + " " + loa2, person: reachable(""), want: askMail, offers: "EMAIL_OTP"},
			{name: "level 4", pool: "OPTIONAL", target: loa4, person: reachable(right), mfa: askTOTP, want: askSelect, offers: sayPasswords, after: askTOTP},
			{name: "level 4, several factors", pool: "OPTIONAL", target: loa4, person: reachable(right), mfa: askSMS + " " + askTOTP, want: askSelect, offers: sayPasswords, after: askTOTP},
			{name: "MFA although level 1 is enough", pool: "OPTIONAL", target: loa1, person: reachable(right), mfa: askSMS, want: askSelect, offers: sayPasswords, after: askSMS},
			{name: "out of reach", pool: "OPTIONAL", target: loa4, person: reachable(right), mfa: askSMS, want: sayLacks},
			{name: "out of reach, hidden", pool: "OPTIONAL", target: loa4, person: reachable(right), mfa: askSMS, hiding: true, want: askSelect, offers: sayPasswords, after: sayLacks},
			{name: "out of reach of all, hidden", pool: "OFF", target: loa4, person: reachable(right), hiding: true, want: sayLacks},
			{name: "unknown", pool: "OPTIONAL", target: loa4, absent: true, want: sayUnknown},
			{name: "unknown, hidden", pool: "OPTIONAL", target: loa4, absent: true, hiding: true, want: askSelect, offers: sayPasswords, after: sayIncorrect},
			{name: "unknown, out of reach of all, hidden", pool: "OFF", target: loa4, absent: true, hiding: true, want: sayLacks},
			{name: "no factor that leads there, hidden", pool: "MAIL", target: loa2, person: person{attrs: reachable("").attrs, password: ""}, hiding: true, want: askMail, offers: "EMAIL_OTP"},
			{name: "nothing, hidden", pool: "MAIL", target: loa3, person: reachable(""), hiding: true, want: askSelect, offers: sayPasswords, after: sayIncorrect},
			{name: "disabled, hidden", pool: "OPTIONAL", target: loa4, person: person{password: right, disabled: true}, hiding: true, want: askSelect, offers: sayPasswords + "", after: sayDisabled},
		} {
			t.Run(row.name, func(t *testing.T) {
				sn, name := pools[row.pool], fmt.Sprint("u", i)
				changes := []func(*idp.CreateUserPoolClientRequest){choosing}
				if row.hiding {
					changes = append(changes, hiding)
				}
				c := r.client(t, sn, changes...)
				if !row.absent {
					u := r.have(t, sn, name, row.person)
					if strings.Contains(row.mfa, askTOTP) {
						r.enrolled(t, sn, c, u)
					}
					if row.mfa != "" {
						r.prefers(t, u, strings.Fields(row.mfa)...)
					}
					if row.passkey {
						r.registered(t, sn, u)
					}
				}
				out, err := r.choose(t.Context(), c, name, "TARGET_ACR_VALUES", row.target)
				if got := told(said(out, err)); got != row.want || err == nil && names(out.AvailableChallenges) != row.offers {
					t.Fatalf("%s %v, want %s %s", got, out, row.want, row.offers)
				}
				if row.after == "" {
					return
				}
				next, err := r.respondTo(t.Context(), c, askSelect, out.Session, name, "ANSWER", "PASSWORD", "PASSWORD", right)
				wantSays(t, answered(next, err), row.after)
			})
		}
	})
}

// TestStepUpInTwoSteps: from a code by mail to level 4 the user passes two more factors, and
// gets no tokens between them.
func TestStepUpInTwoSteps(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		s := r.stepper(t, "alice", askTOTP)
		set, err := r.tokens.Issue(t.Context(), grantOf(s, loa2, "email_otp"))
		if err != nil {
			t.Fatal(err)
		}
		out, got := s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", set.AccessToken)
		wantSays(t, got+" "+names(out.AvailableChallenges), askSelect+" "+sayPasswords)
		next, err := r.respondTo(t.Context(), s.c, askSelect, out.Session, "alice", "ANSWER", "EMAIL_OTP")
		wantSays(t, answered(next, err), sayNoChoice)
		next, err = r.respondTo(t.Context(), s.c, askSelect, out.Session, "alice", "ANSWER", "PASSWORD", "PASSWORD", right)
		wantSays(t, answered(next, err), askTOTP)
		failed, err := r.respondTo(t.Context(), s.c, askTOTP, next.Session, "alice", "SOFTWARE_TOKEN_MFA_CODE", services.OtherCode(s.app.code(0)))
		wantSays(t, answered(failed, err), sayTOTPMismatch)
		done := r.finish(t, s.c, s.u, askTOTP, next.Session, "SOFTWARE_TOKEN_MFA_CODE", s.app.code(0))
		wantSays(t, contextOf(t, done), loa4+" [email_otp pwd otp mfa]")
	})
}

// grantOf returns a grant of tokens that say how the user signed in.
func grantOf(s *stepper, level string, amr ...string) token.Grant {
	return token.Grant{
		Pool: s.sn, Client: s.c, AuthTime: s.now(), ACR: level, AMR: amr, WithRefresh: true,
		Subject: token.Subject{UserID: s.u.ID(), Username: s.u.Username(), TokensValidAfter: s.u.Rec.TokensValidAfter},
	}
}

// TestStepUpAttacks: an access token counts only for its user, its client and its pool, and
// only while it is valid.
func TestStepUpAttacks(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		s := r.stepper(t, "alice", askTOTP)
		mallory := r.have(t, s.sn, "mallory", person{password: right})
		other := r.client(t, s.sn, choosing)
		foreign := r.stepper(t, "alice", askTOTP)
		begun, got := s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", s.token)
		wantSays(t, got, askTOTP)
		plain := *s
		for _, row := range []struct {
			name, user, token string
			c                 *pool.Client
			want              string
		}{
			{"another user's", "alice", *r.signIn(t, s.c, "mallory").AccessToken, s.c, sayOthers},
			{"for a user who does not exist", "nobody", s.token, s.c, sayOthers},
			{"another client's", "alice", s.token, other, sayBadToken},
			{"another pool's", "alice", foreign.token, s.c, sayBadToken},
			{"changed", "alice", s.token[:len(s.token)-8] + "AAAAAAAA", s.c, sayBadToken},
			{"an ID token", "alice", func() string { set, _ := r.tokens.Issue(t.Context(), grantOf(&plain, loa1, "pwd")); return set.IDToken }(), s.c, sayBadToken},
			{"empty", "alice", "", s.c, sayBadToken},
			{"without the scope", "alice", func() string {
				g := grantOf(&plain, loa1, "pwd")
				g.OAuth, g.Scopes = true, []string{"openid"}
				set, _ := r.tokens.Issue(t.Context(), g)
				return set.AccessToken
			}(), s.c, "NotAuthorizedException: Access Token does not have required scopes"},
		} {
			t.Run(row.name, func(t *testing.T) {
				out, err := r.choose(t.Context(), row.c, row.user, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", row.token)
				wantSays(t, told(said(out, err)), row.want)
			})
		}
		t.Run("without amr", func(t *testing.T) {
			set, err := r.tokens.Issue(t.Context(), grantOf(&plain, ""))
			if err != nil {
				t.Fatal(err)
			}
			_, got := s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", set.AccessToken)
			wantSays(t, got, askSelect)
		})
		t.Run("the session of another user", func(t *testing.T) {
			out, err := r.respondTo(t.Context(), s.c, askTOTP, begun.Session, mallory.Username(), "SOFTWARE_TOKEN_MFA_CODE", s.app.code(0))
			wantSays(t, answered(out, err), sayInvalid)
		})
		t.Run("the session as that of another challenge", func(t *testing.T) {
			out, err := r.respondTo(t.Context(), s.c, "MFA_SETUP", begun.Session, "alice")
			wantSays(t, answered(out, err), sayInvalid)
		})
		t.Run("a replayed session", func(t *testing.T) {
			r.finish(t, s.c, s.u, askTOTP, begun.Session, "SOFTWARE_TOKEN_MFA_CODE", s.app.code(0))
			out, err := r.respondTo(t.Context(), s.c, askTOTP, begun.Session, "alice", "SOFTWARE_TOKEN_MFA_CODE", s.app.code(1))
			wantSays(t, answered(out, err), sayUsed)
		})
		t.Run("revoked meanwhile", func(t *testing.T) {
			begun, got := s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", s.token)
			wantSays(t, got, askTOTP)
			r.Clock.Pass(time.Minute)
			if _, err := r.tokens.GlobalSignOut(t.Context(), &idp.GlobalSignOutRequest{AccessToken: s.token}); err != nil {
				t.Fatal(err)
			}
			out, err := r.respondTo(t.Context(), s.c, askTOTP, begun.Session, "alice", "SOFTWARE_TOKEN_MFA_CODE", s.app.code(0))
			wantSays(t, answered(out, err), sayInvalid)
			_, got = s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", s.token)
			wantSays(t, got, sayRevoked)
		})
	})
}

// TestStepUpOfRenamedLevel: the factors of a token whose level was renamed count only if they
// do not reach the requested level by themselves.
func TestStepUpOfRenamedLevel(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	s := r.stepper(t, "alice", askTOTP)
	strong, err := r.tokens.Issue(t.Context(), grantOf(s, "gold", "pwd", "otp", "mfa"))
	if err != nil {
		t.Fatal(err)
	}
	weak, err := r.tokens.Issue(t.Context(), grantOf(s, "bronze", "pwd"))
	if err != nil {
		t.Fatal(err)
	}
	_, got := s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", strong.AccessToken)
	wantSays(t, got, askSelect)
	_, got = s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", weak.AccessToken)
	wantSays(t, got, askTOTP)
}

// TestStepUpPlan: a plan without step-up refuses a target to users and to administrators.
func TestStepUpPlan(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool
	c, u := r.client(t, sn, choosing), r.have(t, sn, "alice", person{password: right})
	if _, err := r.pools.UpdateUserPool(t.Context(), &idp.UpdateUserPoolRequest{UserPoolId: sn.ID, UserPoolTier: idp.UserPoolTierTypeLite}); err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * time.Second)
	const unavailable = "FeatureUnavailableInTierException: Step-up authentication is not available in your current tier."
	out, err := r.choose(t.Context(), c, u.Username(), "TARGET_ACR_VALUES", loa1)
	wantSays(t, said(out, err), unavailable)
	admin, err := r.AdminInitiateAuth(t.Context(), &idp.AdminInitiateAuthRequest{
		UserPoolId: sn.ID, ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, AuthParameters: map[string]string{"USERNAME": "alice", "TARGET_ACR_VALUES": loa1},
	})
	wantSays(t, second(admin, err).Error(), unavailable)
	wantSays(t, contextOf(t, r.signIn(t, c, "alice")), loa1+" [pwd]")
}

// TestStepUpAfterNewPassword: an earlier sign-in by a password that was replaced since does
// not count, so that nobody replaces a temporary password without knowing it.
func TestStepUpAfterNewPassword(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for i, permanent := range []bool{false, true} {
			s := r.stepper(t, fmt.Sprint("u", i), askTOTP)
			r.Clock.Pass(time.Second)
			begun, got := s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", s.token)
			wantSays(t, got, askTOTP)
			_, err := r.users.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{
				UserPoolId: s.sn.ID, Username: s.u.Username(), Password: fresh, Permanent: &permanent,
			})
			if err != nil {
				t.Fatal(err)
			}
			out, got := s.up(t, "TARGET_ACR_VALUES", loa4, "ACCESS_TOKEN", s.token)
			wantSays(t, got, askSelect)
			if got == askSelect {
				wrong, err := r.respondTo(t.Context(), s.c, askSelect, out.Session, s.u.Username(), "ANSWER", "PASSWORD", "PASSWORD", right)
				wantSays(t, answered(wrong, err), sayIncorrect)
			}
			old, err := r.respondTo(t.Context(), s.c, askTOTP, begun.Session, s.u.Username(), "SOFTWARE_TOKEN_MFA_CODE", s.app.code(0))
			wantSays(t, answered(old, err), sayInvalid)
		}
	})
}
