package login_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/authenticator"
	"cognate/test/serving"
)

// everyFirstFactor lets people of a pool choose how they sign in.
func everyFirstFactor(in *cip.CreateUserPoolInput) {
	in.Policies = &types.UserPoolPolicyType{SignInPolicy: &types.SignInPolicyType{
		AllowedFirstAuthFactors: []types.AuthFactorType{types.AuthFactorTypePassword, types.AuthFactorTypeEmailOtp, types.AuthFactorTypeWebAuthn},
	}}
}

// allowChoice lets the rig's client use choice-based sign-in.
func (r *rig) allowChoice(t *testing.T) {
	t.Helper()
	c := r.client
	out, err := r.sdk.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
		UserPoolId: &r.pool, ClientId: c.ClientId, ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserAuth},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: c.AllowedOAuthFlows, AllowedOAuthScopes: c.AllowedOAuthScopes,
		CallbackURLs: c.CallbackURLs, SupportedIdentityProviders: c.SupportedIdentityProviders, PreventUserExistenceErrors: c.PreventUserExistenceErrors,
	})
	serving.Must(t, out, err)
}

// choose sends a username, and then the choice of a factor.
func (b *browser) choose(username, factor string) shown {
	b.t.Helper()
	p := b.send(b.open("/login"), "username", username)
	wantPage(b.t, p, "/login/choose", "Choose how to sign in")
	return b.send(p, "method", factor)
}

const badProof = "Incorrect username or password."

// TestFirstFactor signs in by each first factor that needs no authenticator. A name that
// nobody has takes the same pages.
func TestFirstFactor(t *testing.T) {
	t.Parallel()
	engines(t, everyFirstFactor, func(t *testing.T, r *rig) {
		r.allowChoice(t)
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		b := r.browser(t)

		p := b.open("/login")
		if strings.Contains(p.body, `type="password"`) {
			t.Error("the first page asks for a password")
		}
		wantPage(t, b.send(p), "/login", "Fill in all fields.")
		p = b.send(p, "username", "alice")
		wantPage(t, p, "/login/choose", "Code by email")
		if strings.Contains(p.body, "WEB_AUTHN") {
			t.Error("a passkey is offered on a host that is not its own")
		}
		wantPage(t, b.send(p, "method", "WEB_AUTHN"), "/login/choose", "Fill in all fields.")

		p = b.choose("alice", "PASSWORD")
		wantPage(t, p, "/verifyPassword", "alice")
		wantPage(t, b.send(p), "/verifyPassword", "Fill in all fields.")
		p = b.send(p, "password", "wrong")
		wantPage(t, p, "/verifyPassword", badProof)
		b.wantSignedIn(b.send(p, "password", password))
		wantPage(t, b.send(p, "password", password), "/login", "Something went wrong.") // used

		p = b.choose("alice", "EMAIL_OTP")
		wantPage(t, p, "/mfa", "We sent a code to a***@e***.")
		first := r.code(t)
		wantPage(t, b.send(p, "authentication_code", "00000000"), "/mfa", "That code is not right.")
		p = b.sendTo(p, "/mfa/resend")
		wantPage(t, p, "/mfa", "A new code is on its way.")
		wantPage(t, b.send(p, "authentication_code", first), "/mfa", "That code is not right.")
		wantPage(t, b.sendTo(p, "/login"), "/login/choose", "Password") // another way
		b.wantSignedIn(b.send(p, "authentication_code", r.code(t)))

		b.wantSignedIn(b.send(b.open("/login"), "username", "alice", "password", password)) // as scripts do

		p = b.choose("ghost", "PASSWORD")
		wantPage(t, p, "/verifyPassword", "ghost")
		wantPage(t, b.send(b.send(p, "password", password), "password", password), "/verifyPassword", badProof)
		p = b.choose("ghost", "EMAIL_OTP")
		wantPage(t, p, "/mfa", "We sent a code to ")
		wantPage(t, b.send(p, "authentication_code", "00000000"), "/mfa", "That code is not right.")
	})
}

var optionsPattern = regexp.MustCompile(`data-options="([^"]+)"`)

// options returns the options that the page has for an authenticator.
func options(t *testing.T, p shown) string {
	t.Helper()
	m := optionsPattern.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("no options at %s: %s", p, p.body)
	}
	return html.UnescapeString(m[1])
}

// device makes an authenticator for the options of a new passkey.
func (b *browser) device(p shown) *authenticator.Device {
	b.t.Helper()
	var o struct {
		RP   struct{ ID string }
		User struct{ ID []byte }
	}
	if err := json.Unmarshal([]byte(options(b.t, p)), &o); err != nil {
		b.t.Fatal(err)
	}
	return authenticator.New(string(o.User.ID), o.RP.ID, b.origin)
}

// TestPasskey enrols a passkey after a sign-up, and signs in with it.
func TestPasskey(t *testing.T) {
	t.Parallel()
	engines(t, everyFirstFactor, func(t *testing.T, r *rig) {
		r.allowChoice(t)
		b := r.hostBrowser(t)
		p := b.send(b.open("/signup"), "username", "alice", "requiredAttributes[email]", "alice@example.com", "password", password, "confirm_password", password)
		wantPage(t, p, "/confirm", "Confirm your account")
		p = b.send(p, "code", r.code(t))
		wantPage(t, p, "/passkeys/add", "Create a passkey")
		p = b.send(p, "credential", "{}")
		wantPage(t, p, "/passkeys/add", "The passkey was not created.")
		d := b.device(p)
		b.wantSignedIn(b.send(p, "credential", string(d.Create(t, options(t, p)))))

		other := r.hostBrowser(t)
		p = other.choose("alice", "WEB_AUTHN")
		wantPage(t, p, "/login/passkey", "alice")
		wantPage(t, other.send(p), "/login/passkey", "The passkey was not used.")
		p = other.send(p, "credential", `{"id":"x"}`)
		wantPage(t, p, "/login/passkey", "The passkey was not used.")
		wantPage(t, other.open("/login/passkey"), "/login/passkey", "alice") // a reload
		answer := string(d.Get(t, options(t, p)))
		other.wantSignedIn(other.send(p, "credential", answer))
		wantPage(t, other.send(p, "credential", answer), "/login", "Something went wrong.") // used

		p = other.choose("ghost", "WEB_AUTHN")
		wantPage(t, p, "/login/passkey", "ghost")
		wantPage(t, other.send(p, "credential", string(d.Get(t, options(t, p)))), "/login/passkey", "The passkey was not used.")
	})
}

// autofillForm returns the form by which a sign-in page's script answers with a passkey, and
// the options that it has for the authenticator.
func (b *browser) autofillForm(p shown) (action string, values url.Values, options string) {
	b.t.Helper()
	m := autofillPattern.FindStringSubmatchIndex(p.body)
	if m == nil {
		b.t.Fatalf("no autofill at %s: %s", p, p.body)
	}
	action, values = b.form(shown{body: p.body[m[0]:]}, "")
	return action, values, html.UnescapeString(p.body[m[2]:m[3]])
}

var autofillPattern = regexp.MustCompile(`<form [^>]*data-autofill="([^"]+)"`)

// TestPasskeyAutofill: the sign-in page takes a passkey before it knows a name. Its challenge
// is good for one answer, of the user that the answer names.
func TestPasskeyAutofill(t *testing.T) {
	t.Parallel()
	engines(t, everyFirstFactor, func(t *testing.T, r *rig) {
		r.allowChoice(t)
		r.addUser(t, "alice", true)
		r.addUser(t, "bob", true)
		bob, err := r.sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: new("bob")})
		serving.Must(t, bob, err)
		b := r.hostBrowser(t)
		b.open("/passkeys/add")
		p := b.signIn("alice")
		wantPage(t, p, "/passkeys/add", "Create a passkey")
		d := b.device(p)
		b.wantSignedIn(b.send(p, "credential", string(d.Create(t, options(t, p)))))

		other := r.hostBrowser(t)
		p = other.open("/login")
		wantPage(t, p, "/login", `autocomplete="username webauthn"`)
		action, values, asked := other.autofillForm(p)
		values.Set("credential", string(d.Get(t, asked)))
		other.wantSignedIn(other.follow(other.do(http.MethodPost, action, values)))
		refused := func(name string, change func(values url.Values, asked string)) {
			t.Helper()
			fresh := r.hostBrowser(t)
			action, values, asked := fresh.autofillForm(fresh.open("/login"))
			change(values, asked)
			p := fresh.follow(fresh.do(http.MethodPost, action, values))
			if p.path != "/login" || !strings.Contains(html.UnescapeString(p.body), "The passkey was not used.") {
				t.Errorf("%s: at %s (%d): %s", name, p.path, p.status, p.body)
			}
		}
		refused("a second use", func(now url.Values, _ string) {
			now.Set("challenge", values.Get("challenge"))
			now.Set("credential", values.Get("credential"))
		})
		refused("an answer to another challenge", func(now url.Values, _ string) { now.Set("credential", values.Get("credential")) })
		refused("a challenge that the server did not make", func(now url.Values, asked string) {
			now.Set("challenge", "x")
			now.Set("credential", string(d.Get(t, asked)))
		})
		refused("no answer", func(now url.Values, _ string) { now.Set("credential", "{}") })
		as := func(handle string) func(url.Values, string) {
			return func(now url.Values, asked string) {
				another := authenticator.New(handle, d.Page.ID, d.Page.Origin)
				another.Cred = d.Cred
				now.Set("credential", string(another.Get(t, asked)))
			}
		}
		refused("another user", as(*bob.UserAttributes[slices.IndexFunc(bob.UserAttributes, func(a types.AttributeType) bool { return *a.Name == "sub" })].Value))
		refused("a user who does not exist", as("11111111-2222-4333-8444-555555555555"))
		refused("no user", as(""))
		late := r.hostBrowser(t)
		action, values, asked = late.autofillForm(late.open("/login"))
		r.advance(t, "5m")
		values.Set("credential", string(d.Get(t, asked)))
		wantPage(t, late.follow(late.do(http.MethodPost, action, values)), "/login", "The passkey was not used.")
	})
}

// TestPasskeyAsTwoFactors: where a passkey counts as two factors, the one that was made on a
// page replaces the others.
func TestPasskeyAsTwoFactors(t *testing.T) {
	t.Parallel()
	noCodes := func(in *cip.CreateUserPoolInput) {
		everyFirstFactor(in)
		in.Policies.SignInPolicy.AllowedFirstAuthFactors = []types.AuthFactorType{types.AuthFactorTypePassword, types.AuthFactorTypeWebAuthn}
	}
	engines(t, noCodes, func(t *testing.T, r *rig) {
		r.allowChoice(t)
		set, err := r.sdk.SetUserPoolMfaConfig(t.Context(), &cip.SetUserPoolMfaConfigInput{
			UserPoolId: &r.pool, MfaConfiguration: types.UserPoolMfaTypeOn, SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
			WebAuthnConfiguration: &types.WebAuthnConfigurationType{
				UserVerification: types.UserVerificationTypeRequired, FactorConfiguration: types.WebAuthnFactorConfigurationTypeMultiFactorWithUserVerification,
			},
		})
		serving.Must(t, set, err)
		r.addUser(t, "alice", true)
		b := r.hostBrowser(t)
		wantPage(t, b.open("/passkeys/add"), "/login", "Sign in")
		key := b.send(b.open("/login"), "username", "alice", "password", password)
		wantPage(t, key, "/mfa/app", `role="img"`)
		p := b.send(key, "authentication_code", totp(t, key, 0))
		wantPage(t, p, "/passkeys/add", "Create a passkey")
		d := b.device(p)
		b.wantSignedIn(b.send(p, "credential", string(d.Create(t, options(t, p)))))

		other := r.hostBrowser(t)
		p = other.choose("alice", "WEB_AUTHN")
		other.wantSignedIn(other.send(p, "credential", string(d.Get(t, options(t, p)))))
		p = other.choose("alice", "PASSWORD") // the password still leads to the other factor
		wantPage(t, other.send(p, "password", password), "/mfa", "Enter the code of your app")
	})
}

// TestAddPasskey: the page for a new passkey is for people who are signed in. Others sign
// in first and come back.
func TestAddPasskey(t *testing.T) {
	t.Parallel()
	engines(t, everyFirstFactor, func(t *testing.T, r *rig) {
		r.allowChoice(t)
		r.addUser(t, "alice", true)
		b := r.hostBrowser(t)
		wantPage(t, b.open("/passkeys/add"), "/login", "Sign in")
		p := b.send(b.open("/login"), "username", "alice", "password", password)
		wantPage(t, p, "/passkeys/add", "Create a passkey")
		b.wantSignedIn(b.sendTo(p, "/passkeys/add", "skip", "yes"))

		// The session serves by itself, unless the request demands a new sign-in.
		p = b.open("/passkeys/add")
		wantPage(t, p, "/passkeys/add", "Not now")
		b.wantSignedIn(b.send(p, "skip", "yes"))
		action, values := b.form(p, "")
		values.Set("skip", "yes")
		wantPage(t, b.follow(b.do(http.MethodPost, action+"&prompt=login", values)), "/login", "Sign in")

		// The sign-in for one request is none for another, and the page follows the sign-in
		// for the request that asked for it alone.
		fresh := r.hostBrowser(t)
		at := func(path, more string) shown {
			return fresh.follow(fresh.do(http.MethodGet, fresh.base+path+"?"+fresh.query()+more, nil))
		}
		wantPage(t, at("/passkeys/add", "&prompt=login"), "/login", "Sign in")
		fresh.wantSignedIn(fresh.send(at("/login", ""), "username", "alice", "password", password))
		wantPage(t, at("/passkeys/add", "&prompt=login"), "/login", "Sign in")
		p = fresh.send(at("/login", "&prompt=login"), "username", "alice", "password", password)
		wantPage(t, p, "/passkeys/add", "Not now")
		wantPage(t, at("/passkeys/add", "&prompt=login&nonce=other"), "/login", "Sign in")
		action, values = fresh.form(p, "")
		values.Set("skip", "yes")
		wantPage(t, fresh.follow(fresh.do(http.MethodPost, action+"&nonce=other", values)), "/login", "Sign in")
		fresh.wantSignedIn(fresh.send(p, "skip", "yes"))

		// On another host than its own a passkey cannot be made.
		path := r.browser(t)
		wantPage(t, path.open("/passkeys/add"), "/login", "Sign in")
		p = path.send(path.open("/login"), "username", "alice", "password", password)
		wantPage(t, p, "/passkeys/add", "Passkeys cannot be used on this page.")
		wantPage(t, path.send(p, "credential", "{}"), "/passkeys/add", "Passkeys cannot be used on this page.")
		path.wantSignedIn(path.send(p, "skip", "yes"))

		// Somebody else's page state and no session: sign in first.
		stranger := r.hostBrowser(t)
		u, err := url.Parse(b.origin)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.Jar.Cookies(u) {
			if c.Name == "page-data" {
				stranger.Jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
			}
		}
		wantPage(t, stranger.open("/passkeys/add"), "/login", "Sign in")
	})
}
