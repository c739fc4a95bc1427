package login_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/services"
)

const loa3, loa4 = "urn:cognito:loa:3", "urn:cognito:loa:4"

// codesFirst lets people of a pool sign in by a code in an e-mail.
func codesFirst(in *cip.CreateUserPoolInput) {
	in.Policies = &types.UserPoolPolicyType{SignInPolicy: &types.SignInPolicyType{
		AllowedFirstAuthFactors: []types.AuthFactorType{types.AuthFactorTypePassword, types.AuthFactorTypeEmailOtp},
	}}
}

// advance puts the server's clock forward.
func (r *rig) advance(t *testing.T, by string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_cognate/clock", strings.NewReader(`{"advance":"`+by+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK {
		t.Fatalf("clock: %s", resp.Status)
	}
}

// authorize sends an authorization request with more parameters, and follows redirects
// within the site.
func (b *browser) authorize(pairs ...string) shown {
	b.t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	return b.follow(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query()+"&"+q.Encode(), nil))
}

// context exchanges the code in the browser's redirect, and returns acr and amr.
func (b *browser) context(p shown) string {
	b.t.Helper()
	var tokens struct {
		ID     string `json:"id_token"`
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(b.tokens(p)), &tokens); err != nil {
		b.t.Fatal(err)
	}
	var got []string
	for _, raw := range []string{tokens.ID, tokens.Access} {
		body, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
		if err != nil {
			b.t.Fatal(err)
		}
		var c struct {
			ACR string
			AMR []string
		}
		if err := json.Unmarshal(body, &c); err != nil {
			b.t.Fatal(err)
		}
		got = append(got, fmt.Sprint(c.ACR, " ", c.AMR))
	}
	if got[0] != got[1] {
		b.t.Errorf("the ID token says %s, the access token %s", got[0], got[1])
	}
	return got[0]
}

func (b *browser) wantContext(p shown, want string) {
	b.t.Helper()
	if got := b.context(p); got != want {
		b.t.Errorf("got %s, want %s", got, want)
	}
}

// wantRefused fails unless the browser was sent to the client with the error.
func (b *browser) wantRefused(p shown, code string) {
	b.t.Helper()
	if !strings.HasPrefix(p.location, callback+"?error="+code+"&") {
		b.t.Errorf("sent to %s (%s), want %s", p.location, p, code)
	}
}

// TestStepUpFromSession: a user whose session is too weak for acr_values passes the missing
// factor. Then the session answers later requests with both factors.
func TestStepUpFromSession(t *testing.T) {
	t.Parallel()
	engines(t, codesFirst, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		b := r.browser(t)
		const byPassword, byBoth = "urn:cognito:loa:1 [pwd]", loa3 + " [pwd email_otp mfa]"
		b.wantContext(b.signIn("alice"), byPassword)

		b.wantContext(b.authorize("acr_values", "urn:x gold", "prompt", "none"), byPassword)
		b.wantContext(b.authorize("acr_values", loa4, "prompt", "none"), byPassword) // Nobody reaches it.
		b.wantContext(b.authorize("acr_values", "urn:cognito:loa:1 "+loa3, "prompt", "none"), byPassword)
		b.wantRefused(b.authorize("acr_values", loa3, "prompt", "none"), "login_required")
		b.wantRefused(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query()+"&acr_values=a&acr_values=b", nil), "invalid_request")

		r.advance(t, "30m")
		p := b.authorize("acr_values", loa4+" "+loa3)
		wantPage(t, p, "/login", `<p class="who">alice</p>`)
		p = b.send(p, "continue", "yes")
		wantPage(t, p, "/mfa", "a***@e***")
		if strings.Contains(p.body, `type="password"`) {
			t.Error("the page asks for the password again")
		}
		wantPage(t, b.send(p, "authentication_code", services.OtherCode(r.code(t))), "/mfa", "That code is not right.")
		b.wantContext(b.send(p, "authentication_code", r.code(t)), byBoth)
		b.wantContext(b.authorize("acr_values", loa3, "prompt", "none"), byBoth)
		b.wantContext(b.authorize("prompt", "none"), byBoth)

		// A form that is sent twice does not sign in.
		if p = b.send(p, "authentication_code", "000000"); strings.Contains(p.location, "code=") {
			t.Errorf("a used page signs in: %s", p.location)
		}
		// The session ends an hour after its first sign-in.
		r.advance(t, "20m")
		b.wantContext(b.authorize("prompt", "none"), byBoth)
		r.advance(t, "15m")
		b.wantRefused(b.authorize("prompt", "none"), "login_required")
	})
}

// TestLevelFromScratch: the sign-in page asks for all factors of the level. If the level is out
// of reach, the tokens have the level that was reached.
func TestLevelFromScratch(t *testing.T) {
	t.Parallel()
	engines(t, codesFirst, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		r.addUser(t, "bob", true, "email", "bob@example.com")
		b := r.browser(t)
		p := b.send(b.authorize("acr_values", loa3), "username", "alice", "password", password)
		wantPage(t, p, "/mfa", "a***@e***")
		b.wantContext(b.send(p, "authentication_code", r.code(t)), loa3+" [pwd email_otp mfa]")
		b = r.browser(t)
		b.wantContext(b.send(b.authorize("acr_values", loa3), "username", "bob", "password", password), "urn:cognito:loa:1 [pwd]")
		b.wantContext(b.authorize("acr_values", loa3, "prompt", "none"), "urn:cognito:loa:1 [pwd]")
	})
}

// TestStepUpOfAnOldSession: the factors of a session that is older than max_age do not count.
// A step-up fails if its session ends meanwhile.
func TestStepUpOfAnOldSession(t *testing.T) {
	t.Parallel()
	engines(t, codesFirst, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		b := r.browser(t)
		b.wantSignedIn(b.signIn("alice"))
		for _, age := range []string{"-1", "1e3", "99999999999999999999"} {
			b.wantRefused(b.authorize("acr_values", loa3, "max_age", age), "invalid_request")
		}
		for _, age := range []string{"0", "60"} {
			r.advance(t, "61s")
			if p := b.authorize("acr_values", loa3, "max_age", age); p.path != "/login" || strings.Contains(p.body, `name="continue"`) {
				t.Errorf("max_age=%s: %s offers the session", age, p)
			}
		}
		p := b.send(b.authorize("acr_values", loa3, "max_age", "2147483647"), "continue", "yes")
		wantPage(t, p, "/mfa", "a***@e***")
		code := r.code(t)
		if out := b.do(http.MethodGet, b.base+"/logout?client_id="+*b.client.ClientId+"&redirect_uri="+url.QueryEscape(callback)+"&response_type=code", nil); out.status != http.StatusFound {
			t.Fatalf("logout: %s %s", out, out.location)
		}
		if p = b.send(p, "authentication_code", code); p.path != "/login" || p.location != "" {
			t.Errorf("after the sign-out: %s %s", p, p.location)
		}
	})
}

// TestStepUpOfASessionWithAnOldPassword: a session from before a temporary password was set
// leads to the form for that password, not to the page for a new one.
func TestStepUpOfASessionWithAnOldPassword(t *testing.T) {
	t.Parallel()
	engines(t, codesFirst, func(t *testing.T, r *rig) {
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		b := r.browser(t)
		b.wantSignedIn(b.signIn("alice"))
		r.advance(t, "2s")
		p := b.authorize("acr_values", loa3)
		wantPage(t, p, "/login", `<p class="who">alice</p>`)
		if _, err := r.sdk.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &r.pool, Username: new("alice"), Password: new("Temporary-1")}); err != nil {
			t.Fatal(err)
		}
		p = b.send(p, "continue", "yes")
		wantPage(t, p, "/login", `type="password"`)
		wantPage(t, b.send(p, "username", "alice", "password", password), "/login", `type="password"`)
	})
}
