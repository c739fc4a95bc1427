package login_test

import (
	"encoding/base32"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys"
	"cognate/test/serving"
)

// setMFA turns second factors on.
func (r *rig) setMFA(t *testing.T, mode types.UserPoolMfaType, sms, totp bool) {
	t.Helper()
	in := &cip.SetUserPoolMfaConfigInput{UserPoolId: &r.pool, MfaConfiguration: mode}
	if sms {
		in.SmsMfaConfiguration = &types.SmsMfaConfigType{SmsConfiguration: &types.SmsConfigurationType{SnsCallerArn: new("arn:aws:iam::123456789012:role/sms")}}
	}
	if totp {
		in.SoftwareTokenMfaConfiguration = &types.SoftwareTokenMfaConfigType{Enabled: true}
	}
	out, err := r.sdk.SetUserPoolMfaConfig(t.Context(), in)
	serving.Must(t, out, err)
}

var keyPattern = regexp.MustCompile(`<code>([^<]+)</code>`)

// totp returns the code that an app shows now for the key on the page.
func totp(t *testing.T, p shown, after int64) string {
	t.Helper()
	m := keyPattern.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no key at %s", p)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(m[1], " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return keys.TOTPCode(secret, keys.TOTPStepAt(time.Now())+after)
}

// wrongTOTP returns a code that an app does not show around now: it begins with no digit of theirs.
func wrongTOTP(t *testing.T, p shown) string {
	t.Helper()
	digits := "0123456789"
	for after := range int64(7) {
		digits = strings.ReplaceAll(digits, totp(t, p, after-3)[:1], "")
	}
	return digits[:1] + "00000"
}

// TestSecondFactors goes through the pages of second factors: set-up of an app and of a
// phone, a code of each, and the choice among both.
func TestSecondFactors(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.setMFA(t, types.UserPoolMfaTypeOn, true, true)
		r.addUser(t, "alice", true)
		b := r.browser(t)

		p := b.signIn("alice")
		wantPage(t, p, "/mfa/setup", "Authenticator app")
		p = b.send(p, "method", "SOFTWARE_TOKEN_MFA")
		wantPage(t, p, "/mfa/app", `role="img"`)
		key := p
		p = b.send(p, "authentication_code", wrongTOTP(t, key))
		wantPage(t, p, "/mfa/app", "That code is not right.")
		b.wantSignedIn(b.send(p, "authentication_code", totp(t, key, 0), "device_name", `<b>"Phone`))

		p = b.signIn("alice")
		wantPage(t, p, "/mfa", `Open your authenticator app (<b>"Phone)`)
		if strings.Contains(p.body, "<b>") {
			t.Error("the device's name is not escaped")
		}
		wantPage(t, b.send(p, "authentication_code", wrongTOTP(t, key)), "/mfa", "That code is not right.")
		b.wantSignedIn(b.send(p, "authentication_code", totp(t, key, 1)))

		r.addUser(t, "bob", true)
		p = b.signIn("bob")
		p = b.send(p, "method", "SMS_MFA")
		wantPage(t, p, "/mfa/address", "Add your phone number")
		wantPage(t, b.send(p, "address", "12"), "/mfa/address", "phone")
		p = b.send(p, "address", "+12065550100")
		wantPage(t, p, "/mfa", "We sent a code to +*******0100.")
		first := r.code(t)
		p = b.sendTo(p, "/mfa/resend")
		wantPage(t, p, "/mfa", "A new code is on its way.")
		if second := r.code(t); second != first {
			wantPage(t, b.send(p, "authentication_code", first), "/mfa", "That code is not right.")
		}
		b.wantSignedIn(b.send(p, "authentication_code", " "+r.code(t)[:3]+" "+r.code(t)[3:]))

		p = b.signIn("bob")
		wantPage(t, p, "/mfa", "Check your phone")
		b.wantSignedIn(b.send(p, "authentication_code", r.code(t)))
	})
}

// TestChooseFactor: a user with two factors and no preference chooses.
func TestChooseFactor(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.setMFA(t, types.UserPoolMfaTypeOn, true, true)
		r.addUser(t, "alice", true)
		b := r.browser(t)
		key := b.send(b.signIn("alice"), "method", "SOFTWARE_TOKEN_MFA")
		b.wantSignedIn(b.send(key, "authentication_code", totp(t, key, 0)))
		changed, err := r.sdk.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{
			UserPoolId: &r.pool, Username: new("alice"),
			UserAttributes: []types.AttributeType{{Name: new("phone_number"), Value: new("+12065550100")}, {Name: new("phone_number_verified"), Value: new("true")}},
		})
		serving.Must(t, changed, err)
		for _, on := range []bool{false, true} { // off and on again, so that neither is preferred
			out, err := r.sdk.AdminSetUserMFAPreference(t.Context(), &cip.AdminSetUserMFAPreferenceInput{
				UserPoolId: &r.pool, Username: new("alice"), SMSMfaSettings: &types.SMSMfaSettingsType{Enabled: on}, SoftwareTokenMfaSettings: &types.SoftwareTokenMfaSettingsType{Enabled: on},
			})
			serving.Must(t, out, err)
		}
		p := b.signIn("alice")
		wantPage(t, p, "/mfa/choose", "Code by text message")
		wantPage(t, b.send(p, "method", "EMAIL_OTP"), "/mfa/choose", "Fill in all fields.")
		p = b.send(p, "method", "SMS_MFA")
		wantPage(t, p, "/mfa", "Check your phone")
		b.wantSignedIn(b.send(p, "authentication_code", r.code(t)))
	})
}

// TestChangePassword: a temporary password leads to a new one, with the attributes that
// are missing.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", false)
		b := r.browser(t)
		p := b.signIn("alice")
		wantPage(t, p, "/changePassword", "Email address")
		own := "N3w-password"
		wantPage(t, b.send(p, "password", own, "confirm_password", "other", "requiredAttributes[email]", "a@example.com"), "/changePassword", "The passwords are not the same.")
		wantPage(t, b.send(p, "password", "short", "confirm_password", "short", "requiredAttributes[email]", "a@example.com"), "/changePassword", "Password")
		wantPage(t, b.send(p, "password", own, "confirm_password", own), "/changePassword", "Fill in all fields.")
		b.wantSignedIn(b.send(p, "password", own, "confirm_password", own, "requiredAttributes[email]", "a@example.com"))
		p = b.open("/login")
		b.wantSignedIn(b.send(p, "username", "alice", "password", own))
	})
}

// TestPageState: what a page continues from is good for its page, client, pool, time and
// once. In every other case the person signs in again.
func TestPageState(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.setMFA(t, types.UserPoolMfaTypeOn, true, true)
		r.addUser(t, "alice", true)
		r.addUser(t, "bob", true)
		b := r.browser(t)
		p := b.signIn("alice")
		_, values := b.form(p, "")
		state := values.Get("page_data")
		const again = "Something went wrong. Please sign in again."

		tampered := strings.Replace(state, state[40:44], "AAAA", 1)
		wantPage(t, b.send(p, "page_data", tampered, "method", "SMS_MFA"), "/login", again)
		wantPage(t, b.send(p, "page_data", "x", "method", "SMS_MFA"), "/login", again)
		wantPage(t, r.browser(t).open("/mfa"), "/login", again)
		wantPage(t, b.follow(b.do(http.MethodGet, r.base+"/mfa?"+b.query(), nil)), "/login", again) // a state of another page

		other := r.browser(t)
		other.client = r.addClient(t, r.pool)
		wantPage(t, other.send(other.signIn("bob"), "page_data", state, "method", "SMS_MFA"), "/login", again)

		// The form of a first tab is not disturbed by a second.
		wantPage(t, b.signIn("bob"), "/mfa/setup", "Authenticator app")
		app := b.send(p, "method", "SOFTWARE_TOKEN_MFA")
		wantPage(t, app, "/mfa/app", "Scan the code")
		if !strings.Contains(html.UnescapeString(app.body), "Scan") || strings.Contains(app.body, "eyJ") {
			t.Error("the page shows more than it must")
		}
		wantPage(t, b.send(p, "method", "SOFTWARE_TOKEN_MFA"), "/login", again) // sent twice
		b.wantSignedIn(b.send(app, "authentication_code", totp(t, app, 0)))
		wantPage(t, b.send(app, "authentication_code", totp(t, app, 1)), "/login", again) // the back button

		late := b.signIn("bob")
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_cognate/clock", strings.NewReader(`{"advance":"5m"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("the clock: %v %v", resp, err)
		}
		_ = resp.Body.Close()
		wantPage(t, b.send(late, "method", "SMS_MFA"), "/login", again) // too late
	})
}
