package progress

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
		app     bool // a verified software token
		passed  idp.ChallengeNameType
		want    idp.ChallengeNameType
	}{
		{name: "off", mode: "OFF", methods: sms + totp, mfa: user.MFA{Enabled: []string{sms}}, attrs: phone},
		{name: "optional, none enabled", mode: "OPTIONAL", methods: sms + totp, attrs: phone},
		{name: "optional, SMS", mode: "OPTIONAL", methods: sms + totp, mfa: user.MFA{Enabled: []string{sms}}, attrs: phone, want: sms},
		{name: "optional, SMS, phone deleted", mode: "OPTIONAL", methods: sms + totp, mfa: user.MFA{Enabled: []string{sms}}},
		{name: "optional, SMS, pool without", mode: "OPTIONAL", methods: totp, mfa: user.MFA{Enabled: []string{sms}}, attrs: phone},
		{name: "optional, two", mode: "OPTIONAL", methods: sms + totp, app: true, mfa: user.MFA{Enabled: []string{sms, totp}}, attrs: phone, want: "SELECT_MFA_TYPE"},
		{name: "optional, preferred", mode: "OPTIONAL", methods: sms + totp + mail, app: true, mfa: user.MFA{Enabled: []string{sms, totp, mail}, Preferred: mail}, attrs: both, want: mail},
		{name: "optional, preferred is gone", mode: "OPTIONAL", methods: sms + totp + mail, app: true, mfa: user.MFA{Enabled: []string{sms, totp, mail}, Preferred: mail}, attrs: phone, want: "SELECT_MFA_TYPE"},
		{name: "on, implicit SMS", mode: "ON", methods: sms + totp, attrs: phone, want: sms},
		{name: "on, implicit mail", mode: "ON", methods: mail, attrs: email, want: mail},
		{name: "on, mail not verified", mode: "ON", methods: mail, attrs: both, want: "MFA_SETUP"},
		{name: "on, nothing", mode: "ON", methods: sms + totp, want: "MFA_SETUP"},
		{name: "on, TOTP only, nothing", mode: "ON", methods: totp, attrs: phone, want: "MFA_SETUP"},
		{name: "on, TOTP", mode: "ON", methods: totp, app: true, mfa: user.MFA{Enabled: []string{totp}, Preferred: totp}, want: totp},
		{name: "on, TOTP and SMS that the pool lacks", mode: "ON", methods: totp, app: true, mfa: user.MFA{Enabled: []string{sms, totp}}, attrs: phone, want: totp},
		{name: "optional, app that is not turned on", mode: "OPTIONAL", methods: totp, app: true},
		{name: "optional, app taken away", mode: "OPTIONAL", methods: totp, mfa: user.MFA{Enabled: []string{totp}}},
		{name: "optional, SMS without a phone and no app", mode: "OPTIONAL", methods: totp, mfa: user.MFA{Enabled: []string{sms}}},
		{name: "optional, app that the pool switched off", mode: "OPTIONAL", methods: sms, app: true, mfa: user.MFA{Enabled: []string{totp}}, want: totp},
		{name: "on, only SMS turned on, verified app", mode: "ON", methods: totp, app: true, mfa: user.MFA{Enabled: []string{sms}}, attrs: phone, want: totp},
		{name: "on, app turned off", mode: "ON", methods: totp, app: true, want: totp},
		{name: "on, SMS only, no phone", mode: "ON", methods: sms, want: "MFA_SETUP"},
		{name: "on, passkey", mode: "ON", methods: sms + totp, attrs: phone, passed: "WEB_AUTHN"},
		{name: "on, passwordless", mode: "ON", methods: sms, attrs: phone, passed: "EMAIL_OTP"},
		{name: "on, SRP", mode: "ON", methods: sms, attrs: phone, passed: "PASSWORD_VERIFIER", want: sms},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.passed == "" {
				test.passed = "PASSWORD"
			}
			sn := &pool.Snapshot{MFA: pool.MFA{
				Mode: test.mode, SMS: strings.Contains(test.methods, sms),
				SoftwareToken: strings.Contains(test.methods, totp), Email: strings.Contains(test.methods, mail),
			}}
			rec := store.User{Status: "CONFIRMED", Profile: []byte(`{"v":1}`)}
			if test.app {
				rec.Profile = []byte(`{"v":1,"softwareToken":{"secret":"c2VhbGVk"}}`)
			}
			u, err := user.FromRecord(sn, rec)
			if err != nil {
				t.Fatal(err)
			}
			u.Attributes, u.MFA = test.attrs, test.mfa
			st := &Progress{Passed: []idp.ChallengeNameType{test.passed}}
			if got := st.Next(sn, u, false, nil); got != test.want {
				t.Errorf("got %q want %q", got, test.want)
			}
			if test.want == "" || test.want == "SELECT_MFA_TYPE" || test.want == "MFA_SETUP" {
				return
			}
			st.Passed = append(st.Passed, test.want)
			if got := st.Next(sn, u, false, nil); got != "" {
				t.Errorf("after it, %q", got)
			}
			u.Rec.Status = "FORCE_CHANGE_PASSWORD"
			if got := new(Progress).Next(sn, u, false, nil); got != "NEW_PASSWORD_REQUIRED" {
				t.Errorf("a temporary password comes first, not %q", got)
			}
		})
	}
}

// TestSecondFactorOfNow: a code of an earlier sign-in is not the second factor of a user who
// has turned an authenticator app on.
func TestSecondFactorOfNow(t *testing.T) {
	t.Parallel()
	sn := &pool.Snapshot{MFA: pool.MFA{Mode: "OPTIONAL", SoftwareToken: true}}
	u, err := user.FromRecord(sn, store.User{Status: "CONFIRMED", Profile: []byte(`{"v":1,"softwareToken":{"secret":"c2VhbGVk"}}`)})
	if err != nil {
		t.Fatal(err)
	}
	p := &Progress{Passed: []idp.ChallengeNameType{"EMAIL_OTP", "PASSWORD"}}
	if got := p.Next(sn, u, false, nil); got != "" {
		t.Errorf("without an app: %q", got)
	}
	u.MFA = user.MFA{Enabled: []string{user.FactorTOTP}}
	if got := p.Next(sn, u, false, nil); got != "SOFTWARE_TOKEN_MFA" {
		t.Errorf("with an app: %q", got)
	}
}
