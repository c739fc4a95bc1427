package login_test

import (
	"html"
	"strings"
	"testing"

	"cognate/test/services"
)

// wantFault fails unless the page shows the text at the input, and the summary links to the input.
func wantFault(t *testing.T, p shown, id, text string) {
	t.Helper()
	body := html.UnescapeString(p.body)
	for _, part := range []string{
		`id="` + id + `" `, `aria-describedby="` + id + `-error`, `<p class="error" id="` + id + `-error">`, "<span>" + text, `<a href="#` + id + `">`,
	} {
		if !strings.Contains(body, part) {
			t.Errorf("%s has no %s:\n%s", p, part, body)
		}
	}
}

// TestErrorAtInput: the page shows an error at its input, and the summary links to the input. An
// error that may be about several inputs is in the summary only.
func TestErrorAtInput(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
	b := r.browser(t)
	signUp := func(fields ...string) shown { return b.send(b.open("/signup"), fields...) }
	email := "requiredAttributes[email]"

	p := signUp("username", "bob", email, "", "password", password, "confirm_password", "")
	wantFault(t, p, "confirm_password", "The passwords are not the same.")
	p = signUp("username", "bob", email, "", "password", password, "confirm_password", password)
	wantFault(t, p, "attribute-email", "Fill in this field.")
	p = signUp("username", "", email, "bob@example.com", "password", password, "confirm_password", password)
	wantFault(t, p, "username", "A username has no spaces and at most 128 characters.")
	p = signUp("username", "bob", email, "bob@example.com", "password", "x", "confirm_password", "x")
	wantFault(t, p, "password", "Password did not conform with policy")
	p = signUp("username", "alice", email, "bob@example.com", "password", password, "confirm_password", password)
	wantFault(t, p, "username", "User already exists")
	p = signUp("username", "bob", email, "bob@", "password", password, "confirm_password", password)
	wantFault(t, p, "attribute-email", "Invalid email address format.")
	p = signUp("username", "bob", email, "", "password", "", "confirm_password", "")
	for _, id := range []string{"attribute-email", "password", "confirm_password"} {
		wantFault(t, p, id, "Fill in this field.")
	}
	p = signUp("username", "bob", email, "bob@example.com", "password", password, "confirm_password", password)
	wantFault(t, b.send(p, "code", services.OtherCode(r.code(t))), "code", "That code is not right.")

	p = b.send(b.open("/login"), "username", "alice", "password", "wrong")
	wantPage(t, p, "/login", "Incorrect username or password.")
	if strings.Contains(p.body, "aria-invalid") {
		t.Errorf("an input is marked, though either the name or the password can be wrong: %s", p.body)
	}
}
