package login_test

import (
	"net/http"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// TestKnownPerson: the sign-in page offers the account that has signed in already, while
// its session can answer the request.
func TestKnownPerson(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", true)
		r.addUser(t, "bob", true)
		b := r.browser(t)
		if p := b.open("/login"); strings.Contains(p.body, `name="continue"`) {
			t.Error("a browser without a session is offered one")
		}
		b.wantSignedIn(b.signIn("alice"))
		p := b.open("/login")
		wantPage(t, p, "/login", `<p class="who">alice</p>`)
		if strings.Contains(p.body, `name="password"`) {
			t.Error("the page asks for a password, too")
		}
		b.wantSignedIn(b.send(p, "continue", "yes"))
		// A request without the form's CSRF token comes from another site.
		if p := b.do(http.MethodPost, b.base+"/login?"+b.query(), map[string][]string{"continue": {"yes"}}); !strings.HasPrefix(p.location, "/_domain/people/login?") {
			t.Errorf("a form of another site: %s %s", p, p.location)
		}
		// Another account. After a wrong password the form stays.
		other := b.send(b.open("/login"), "another", "yes")
		wantPage(t, other, "/login", `name="password"`)
		wantPage(t, b.send(other, "username", "bob", "password", "wrong"), "/login", "Incorrect username or password.")
		b.wantSignedIn(b.send(other, "username", "bob", "password", password))
		wantPage(t, b.open("/login"), "/login", `<p class="who">bob</p>`)
		// A request that asks for a new sign-in has no use for the session.
		for _, extra := range []string{"&prompt=login", "&max_age=0"} {
			p := b.do(http.MethodGet, b.base+"/login?"+b.query()+extra, nil)
			if strings.Contains(p.body, `name="continue"`) {
				t.Errorf("%s: the page offers the session", extra)
			}
			if p := b.follow(b.do(http.MethodPost, b.base+"/login?"+b.query()+extra, map[string][]string{"continue": {"yes"}, "_csrf": {csrfOf(b, p)}})); p.path != "/login" {
				t.Errorf("%s: %s %s", extra, p, p.location)
			}
		}
		// A session that ends meanwhile cannot answer the form.
		p = b.open("/login")
		if _, err := r.sdk.AdminUserGlobalSignOut(t.Context(), &cip.AdminUserGlobalSignOutInput{UserPoolId: &r.pool, Username: new("bob")}); err != nil {
			t.Fatal(err)
		}
		wantPage(t, b.send(p, "continue", "yes"), "/login", "Something went wrong. Please sign in again.")
	})
}

func csrfOf(b *browser, p shown) string {
	_, values := b.form(p, "")
	return values.Get("_csrf")
}
