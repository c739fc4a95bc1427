package login_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

// TestSignUp: a person signs up at a confidential client that lists no flow, confirms
// the address, and is signed in.
func TestSignUp(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		b := r.browser(t)
		p := b.open("/login")
		if !strings.Contains(p.body, "/signup?") || !strings.Contains(p.body, "/forgotPassword?") {
			t.Errorf("the sign-in page has no links: %s", p.body)
		}
		p = b.open("/signup")
		wantPage(t, p, "/signup", "8 characters or more")
		if strings.Count(p.body, `name="requiredAttributes[`) != 1 {
			t.Errorf("attributes: %s", p.body)
		}
		fill := func(p shown, name, pass string) shown {
			return b.send(p, "username", name, "requiredAttributes[email]", name+"@example.com", "password", pass)
		}
		wantPage(t, fill(p, "a b", password), "/signup", "A username has no spaces")
		wantPage(t, fill(p, "carol", "short"), "/signup", "Password did not conform with policy: Password not long enough")
		wantPage(t, b.send(p, "username", "carol", "password", password), "/signup", "Fill in all fields.")
		wantPage(t, b.send(p, "username", "carol", "requiredAttributes[email]", "c@example.com", "password", password, "confirm_password", "x"), "/signup", "The passwords are not the same.")
		p = fill(p, "carol", password)
		wantPage(t, p, "/confirm", "We sent a code to c***@e***.")
		first := r.code(t)
		wantPage(t, b.send(p, "code", "000000x"), "/confirm", "That code is not right.")
		p = b.sendTo(p, "/resendcode")
		wantPage(t, p, "/confirm", "A new code is on its way.")
		if r.code(t) == first { // by chance, in one run of a million
			p = b.sendTo(p, "/resendcode")
		}
		if r.code(t) == first {
			t.Error("the code was not replaced")
		}
		done := b.send(p, "code", r.code(t))
		b.wantSignedIn(done)
		if again := b.send(p, "code", r.code(t)); again.status == http.StatusFound && strings.HasPrefix(again.location, callback) {
			t.Errorf("the form signed in twice: %s", again)
		}
		wantPage(t, fill(b.open("/signup"), "carol", password), "/signup", "User already exists")

		// Who did not confirm comes back to it by signing in.
		wantPage(t, fill(b.open("/signup"), "dave", password), "/confirm", "d***@e***")
		other := r.browser(t)
		p = other.signIn("dave")
		wantPage(t, p, "/confirm", "Enter the code that we sent you.")
		other.wantSignedIn(other.send(p, "code", r.code(t)))
	})
}

// TestSignUpByEmail: in a pool whose usernames are addresses the address is asked for
// once; a second factor that the pool demands is set up before the sign-in ends.
func TestSignUpByEmail(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", func(in *cip.CreateUserPoolInput) {
		in.UsernameAttributes = []types.UsernameAttributeType{types.UsernameAttributeTypeEmail}
	})
	r.setMFA(t, types.UserPoolMfaTypeOn, false, true)
	b := r.browser(t)
	p := b.open("/signup")
	if strings.Contains(p.body, "requiredAttributes") || !strings.Contains(p.body, `type="email"`) {
		t.Errorf("fields: %s", p.body)
	}
	p = b.send(p, "username", "erin@example.com", "password", password, "confirm_password", password)
	wantPage(t, p, "/confirm", "e***@e***")
	p = b.send(p, "code", r.code(t))
	wantPage(t, p, "/mfa/app", "Scan the code")
	b.wantSignedIn(b.send(p, "authentication_code", totp(t, p, 0)))
}

// TestNoSignUp: a pool whose users administrators create has no page for it.
func TestNoSignUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", func(in *cip.CreateUserPoolInput) {
		in.AdminCreateUserConfig = &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true}
	})
	b := r.browser(t)
	if p := b.open("/signup"); p.status != http.StatusBadRequest || p.path != "/error" || !strings.Contains(p.body, "SignUp is not permitted for this user pool") {
		t.Errorf("%s: %s", p, p.body)
	}
	p := b.open("/login")
	if strings.Contains(p.body, "/signup?") {
		t.Error("the sign-in page has a link to sign up")
	}
	_, values := b.form(p, "")
	for name, value := range map[string]string{"username": "mallory", "requiredAttributes[email]": "m@example.com", "password": password} {
		values.Set(name, value)
	}
	if p := b.follow(b.do(http.MethodPost, r.base+"/signup?"+b.query(), values)); p.path != "/error" {
		t.Errorf("%s: %s", p, p.body)
	}
	_, err := r.sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: new("mallory")})
	serving.Want(t, err, "UserNotFoundException")
}

// TestConfirmUser: the link of a mail confirms the user, more than once.
func TestConfirmUser(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		b := r.browser(t)
		b.send(b.open("/signup"), "username", "carol", "requiredAttributes[email]", "carol@example.com", "password", password)
		link := func(name, code string) shown {
			return b.do(http.MethodGet, r.base+"/confirmUser?"+url.Values{"client_id": {*r.client.ClientId}, "user_name": {name}, "confirmation_code": {code}}.Encode(), nil)
		}
		code := r.code(t)
		for _, c := range []struct {
			name, user, code string
			status           int
		}{
			{"wrong code", "carol", "x", http.StatusBadRequest}, {"no such user", "nobody", code, http.StatusBadRequest},
			{"right", "carol", code, http.StatusOK}, {"again", "carol", code, http.StatusOK},
			{"wrong code of a confirmed user", "carol", "x", http.StatusBadRequest},
		} {
			if p := link(c.user, c.code); p.status != c.status {
				t.Errorf("%s: %d %s", c.name, p.status, p.body)
			}
		}
		b.wantSignedIn(b.signIn("carol"))
	})
}

// TestConfirmByLink: in a pool that confirms by link, the mail has a link, and the page does
// not ask for a code. The link confirms the user.
func TestConfirmByLink(t *testing.T) {
	t.Parallel()
	engines(t, func(in *cip.CreateUserPoolInput) {
		in.UsernameAttributes = []types.UsernameAttributeType{types.UsernameAttributeTypeEmail}
		in.VerificationMessageTemplate = &types.VerificationMessageTemplateType{
			DefaultEmailOption: types.DefaultEmailOptionTypeConfirmWithLink, EmailMessageByLink: new("<p>{##Open & confirm##}</p>"), EmailSubjectByLink: new("Welcome"),
		}
	}, func(t *testing.T, r *rig) {
		b := r.browser(t)
		p := b.send(b.open("/signup"), "username", "o'carol+x@example.com", "password", password)
		wantPage(t, p, "/confirm", "We sent a link to o***@e***. Open it to confirm your account.")
		if strings.Contains(p.body, `name="code"`) {
			t.Error("the page asks for a code")
		}
		first := r.link(t)
		p = b.sendTo(p, "/resendcode")
		wantPage(t, p, "/confirm", "A new link is on its way.")
		second := r.link(t)
		for _, c := range []struct {
			name, link string
			status     int
		}{{"replaced", first, http.StatusBadRequest}, {"new", second, http.StatusOK}, {"again", second, http.StatusOK}} {
			if c.link == "" {
				t.Fatalf("%s: the mail has no link", c.name)
			}
			if p := b.do(http.MethodGet, c.link, nil); p.status != c.status {
				t.Errorf("%s: %d %s", c.name, p.status, p.body)
			}
		}
		b.wantSignedIn(b.send(b.open("/login"), "username", "o'carol+x@example.com", "password", password))
		b.send(b.open("/signup"), "username", "dave@example.com", "password", password)
		wantPage(t, b.send(b.open("/login"), "username", "dave@example.com", "password", password), "/confirm", "Open the link that we sent you to confirm your account.")
	})
}

// link returns the link in the newest mail.
func (r *rig) link(t testing.TB) string {
	t.Helper()
	messages := serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{})
	if len(messages) == 0 {
		t.Fatal("the inbox is empty")
	}
	found := regexp.MustCompile(`^<p><a href="([^"]+)">Open & confirm</a></p>$`).FindStringSubmatch(messages[0].Body)
	if found == nil || messages[0].Subject != "Welcome" {
		t.Fatalf("the mail is %q: %s", messages[0].Subject, messages[0].Body)
	}
	return html.UnescapeString(found[1])
}

// TestForgotPassword: a code by mail leads to a new password. A name that nobody has
// takes the same pages.
func TestForgotPassword(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		b := r.browser(t)
		p := b.send(b.open("/forgotPassword"), "username", "alice")
		wantPage(t, p, "/confirmForgotPassword", "We sent a code to a***@e***.")
		p = b.sendTo(p, "/forgotPassword")
		wantPage(t, p, "/confirmForgotPassword", "We sent a code to")
		code, own := r.code(t), "N3w-password"
		wantPage(t, b.send(p, "code", "000000x", "password", own, "confirm_password", own), "/confirmForgotPassword", "That code is not right.")
		wantPage(t, b.send(p, "code", code, "password", own, "confirm_password", "x"), "/confirmForgotPassword", "The passwords are not the same.")
		wantPage(t, b.send(p, "code", code, "password", own, "confirm_password", own), "/login", "Your password was changed.")
		b.wantSignedIn(b.send(b.open("/login"), "username", "alice", "password", own))

		p = b.send(b.open("/forgotPassword"), "username", "nobody")
		wantPage(t, p, "/confirmForgotPassword", "We sent a code to")
		wantPage(t, b.send(p, "code", "123456", "password", own, "confirm_password", own), "/confirmForgotPassword", "That code is not right.")

		out, err := r.sdk.AdminResetUserPassword(t.Context(), &cip.AdminResetUserPasswordInput{UserPoolId: &r.pool, Username: new("alice")})
		serving.Must(t, out, err)
		p = b.send(b.open("/login"), "username", "alice", "password", own)
		wantPage(t, p, "/confirmForgotPassword", "Enter the code that we sent you.")
	})
}

// TestForms: a form counts only with the cookie's value and from its own site, and what
// a page repeats is text.
func TestForms(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", true)
		b := r.browser(t)
		p := b.open("/login")
		action, good := b.form(p, "")
		good.Set("username", "alice")
		good.Set("password", password)
		with := func(name, value string) url.Values {
			out := url.Values{}
			maps.Copy(out, good)
			if out.Set(name, value); value == "" {
				out.Del(name)
			}
			return out
		}
		for _, c := range []struct {
			name   string
			form   url.Values
			header []string
		}{
			{"no CSRF field", with("_csrf", ""), nil},
			{"foreign CSRF field", with("_csrf", "0b0c0d0e-0000-4000-8000-000000000000"), nil},
			{"another origin", good, []string{"Origin", "https://evil.example"}},
			{"another site", good, []string{"Sec-Fetch-Site", "cross-site"}},
			{"no text", with("username", "a\x00"), nil},
			{"not a form", good, []string{"Content-Type", "text/plain"}},
		} {
			a := b.do(http.MethodPost, action, c.form, c.header...)
			if a.status != http.StatusFound || !strings.HasPrefix(a.location, "/_domain/people/login?") {
				t.Errorf("%s: %s", c.name, a)
			}
			wantPage(t, b.follow(a), "/login", "Something went wrong.")
		}
		const script = `"><script>alert(1)</script>`
		for _, path := range []string{"/login", "/signup", "/forgotPassword"} {
			open := b.do(http.MethodGet, r.base+path+"?"+b.query()+"&login_hint="+url.QueryEscape(script)+"&x="+script, nil)
			sent := b.send(open, "username", script, "requiredAttributes[email]", script, "password", script, "confirm_password", script)
			for _, p := range []shown{open, sent} {
				if strings.Contains(p.body, "<script>alert") || strings.Contains(p.body, `""><`) {
					t.Errorf("%s repeats a script: %s", p, p.body)
				}
				policy := p.header.Get("Content-Security-Policy")
				if !strings.Contains(policy, "script-src 'self';") || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(p.header.Get("Cache-Control"), "no-store") {
					t.Errorf("%s: headers %v", p, p.header)
				}
			}
		}
		p = b.do(http.MethodGet, r.base+"/error?error="+url.QueryEscape(script), nil)
		if !strings.Contains(html.UnescapeString(p.body), script) || strings.Contains(p.body, script) {
			t.Errorf("error page: %s", p.body)
		}
		b.wantSignedIn(b.do(http.MethodPost, action, good))
	})
}
