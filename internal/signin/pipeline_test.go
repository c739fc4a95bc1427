package signin

import (
	"strings"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
)

// TestMFADecision is the table of which second factor a sign-in needs.
func TestMFADecision(t *testing.T) {
	t.Parallel()
	const sms, totp, mail = "SMS_MFA", "SOFTWARE_TOKEN_MFA", "EMAIL_OTP"
	phone := map[string]string{"phone_number": "+12065550100"}
	email := map[string]string{"email": "alice@example.com", "email_verified": "true"}
	both := map[string]string{"phone_number": "+12065550100", "email": "alice@example.com"}
	for _, test := range []struct {
		name    string
		mode    idp.UserPoolMfaType
		methods string
		mfa     user.MFA
		attrs   map[string]string
		passed  idp.ChallengeNameType
		want    idp.ChallengeNameType
	}{
		{name: "off", mode: "OFF", methods: sms + totp, mfa: user.MFA{Enabled: []string{sms}}, attrs: phone},
		{name: "optional, none enabled", mode: "OPTIONAL", methods: sms + totp, attrs: phone},
		{name: "optional, SMS", mode: "OPTIONAL", methods: sms + totp, mfa: user.MFA{Enabled: []string{sms}}, attrs: phone, want: sms},
		{name: "optional, SMS, phone deleted", mode: "OPTIONAL", methods: sms + totp, mfa: user.MFA{Enabled: []string{sms}}},
		{name: "optional, SMS, pool without", mode: "OPTIONAL", methods: totp, mfa: user.MFA{Enabled: []string{sms}}, attrs: phone},
		{name: "optional, two", mode: "OPTIONAL", methods: sms + totp, mfa: user.MFA{Enabled: []string{sms, totp}}, attrs: phone, want: "SELECT_MFA_TYPE"},
		{name: "optional, preferred", mode: "OPTIONAL", methods: sms + totp + mail, mfa: user.MFA{Enabled: []string{sms, totp, mail}, Preferred: mail}, attrs: both, want: mail},
		{name: "optional, preferred is gone", mode: "OPTIONAL", methods: sms + totp + mail, mfa: user.MFA{Enabled: []string{sms, totp, mail}, Preferred: mail}, attrs: phone, want: "SELECT_MFA_TYPE"},
		{name: "on, implicit SMS", mode: "ON", methods: sms + totp, attrs: phone, want: sms},
		{name: "on, implicit mail", mode: "ON", methods: mail, attrs: email, want: mail},
		{name: "on, mail not verified", mode: "ON", methods: mail, attrs: both, want: "MFA_SETUP"},
		{name: "on, nothing", mode: "ON", methods: sms + totp, want: "MFA_SETUP"},
		{name: "on, TOTP only, nothing", mode: "ON", methods: totp, attrs: phone, want: "MFA_SETUP"},
		{name: "on, TOTP", mode: "ON", methods: totp, mfa: user.MFA{Enabled: []string{totp}, Preferred: totp}, want: totp},
		{name: "on, TOTP and SMS that the pool lacks", mode: "ON", methods: totp, mfa: user.MFA{Enabled: []string{sms, totp}}, attrs: phone, want: totp},
		{name: "on, passwordless", mode: "ON", methods: sms, attrs: phone, passed: "EMAIL_OTP"},
		{name: "on, SRP", mode: "ON", methods: sms, attrs: phone, passed: "PASSWORD_VERIFIER", want: sms},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.passed == "" {
				test.passed = passwordFactor
			}
			sn := &pool.Snapshot{MFA: pool.MFA{
				Mode: test.mode, SMS: strings.Contains(test.methods, sms),
				SoftwareToken: strings.Contains(test.methods, totp), Email: strings.Contains(test.methods, mail),
			}}
			u := &user.User{Rec: store.User{Status: "CONFIRMED"}, Attributes: test.attrs, MFA: test.mfa}
			st := &state{Passed: []idp.ChallengeNameType{test.passed}}
			if got := nextChallenge(sn, u, st); got != test.want {
				t.Errorf("got %q want %q", got, test.want)
			}
			if test.want == "" || test.want == "SELECT_MFA_TYPE" || test.want == "MFA_SETUP" {
				return
			}
			st.Passed = append(st.Passed, test.want)
			if got := nextChallenge(sn, u, st); got != "" {
				t.Errorf("after it, %q", got)
			}
			u.Rec.Status = "FORCE_CHANGE_PASSWORD"
			if got := nextChallenge(sn, u, &state{}); got != "NEW_PASSWORD_REQUIRED" {
				t.Errorf("a temporary password comes first, not %q", got)
			}
		})
	}
}

// TestMFAFailsClosed: where a second factor is due that cannot be asked, there
// are no tokens.
func TestMFAFailsClosed(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.poolWith(t, nil)
	_, err := r.pools.SetUserPoolMfaConfig(t.Context(), &idp.SetUserPoolMfaConfigRequest{
		UserPoolId: sn.ID, MfaConfiguration: idp.UserPoolMfaTypeOn,
		SoftwareTokenMfaConfiguration: &idp.SoftwareTokenMfaConfigType{Enabled: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if sn, err = r.pools.Load(t.Context(), sn.ID); err != nil {
		t.Fatal(err)
	}
	c := r.client(t, sn)
	r.have(t, sn, "alice", person{password: right})
	const want = "NotAuthorizedException: The challenge MFA_SETUP is required for this sign-in and is not available in this version."
	wantSays(t, said(r.plain(t.Context(), c, "alice", right)), want)
	wantSays(t, r.srp(t, c, "alice", right), "2: "+want)
	wantSays(t, said(r.plain(t.Context(), c, "alice", wrong)), sayIncorrect)
}
