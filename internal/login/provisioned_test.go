package login_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/test/fakeidp"
	"cognate/test/serving"
)

// A provisioner calls the server as the directory of a provider does.
type provisioner struct {
	t           *testing.T
	base, token string
}

// send sends a request and returns the answer's JSON.
func (p *provisioner) send(method, path, body string, status int) map[string]any {
	p.t.Helper()
	in, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	in.Header.Set("Authorization", "Bearer "+p.token)
	res, err := http.DefaultClient.Do(in)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if res.StatusCode != status {
		p.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	var out map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			p.t.Fatal(err)
		}
	}
	return out
}

func (p *provisioner) patch(id, operations string) {
	p.t.Helper()
	p.send("PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operations+`]}`, http.StatusOK)
}

const provisionedUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"NAME","emails":[{"value":"ada@corp.example"}]}`

// refresh exchanges the refresh token of a token response, and returns the status and the body.
func (b *browser) refresh(tokens string) (status int, body string) {
	b.t.Helper()
	var set struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(tokens), &set); err != nil {
		b.t.Fatal(err)
	}
	p := b.do(http.MethodPost, b.base+"/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {*b.client.ClientId}, "client_secret": {*b.client.ClientSecret}, "refresh_token": {set.RefreshToken},
	})
	return p.status, p.body
}

// TestProvisionedPerson: a person that the directory has added signs in as that user. A person
// that it disables is signed out at once: no refresh, no session of a browser, no new sign-in.
func TestProvisionedPerson(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) { v["email"] = "ada@corp.example" }})
		base, token := serving.NewDirectory(t, r.Rig, r.pool, "Corp", "--closed")
		d := &provisioner{t, base, token}

		// The directory is closed: it has not added the person yet.
		b := r.browser(t)
		if p := b.back(b.toProvider(b.open("/login"))); !strings.Contains(p.location, "error_description=User+does+not+exist.") {
			t.Errorf("a stranger: %d %s", p.status, p.location)
		}
		id := d.send("POST", "/Users", strings.Replace(provisionedUser, "NAME", fakeidp.Subject, 1), http.StatusCreated)["id"].(string)
		tokens := b.tokens(b.back(b.toProvider(b.open("/login"))))
		if claims := claimsOf(t, tokens); claims["sub"] != id || claims["cognito:username"] != "Corp_"+fakeidp.Subject {
			t.Errorf("claims: %v", claims)
		}
		if status, body := b.refresh(tokens); status != http.StatusOK {
			t.Fatalf("refresh: %d %s", status, body)
		}

		d.patch(id, `{"op":"Replace","path":"active","value":"False"}`)
		if status, body := b.refresh(tokens); status != http.StatusBadRequest || !strings.Contains(body, "invalid_grant") {
			t.Errorf("refresh of a disabled person: %d %s", status, body)
		}
		if p := b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query(), nil); !strings.Contains(p.location, "/login?") {
			t.Errorf("session of a disabled person: %d %s", p.status, p.location)
		}
		if p := b.back(b.toProvider(b.open("/login"))); !strings.Contains(p.location, "error_description=User+is+disabled.") {
			t.Errorf("sign-in of a disabled person: %d %s", p.status, p.location)
		}

		// The person comes back; old tokens stay revoked.
		d.patch(id, `{"op":"replace","value":{"active":true}}`)
		again := b.tokens(b.back(b.toProvider(b.open("/login"))))
		if status, _ := b.refresh(tokens); status != http.StatusBadRequest {
			t.Errorf("refresh by an old token: %d", status)
		}
		if status, body := b.refresh(again); status != http.StatusOK {
			t.Errorf("refresh: %d %s", status, body)
		}

		// The person is removed.
		d.send("DELETE", "/Users/"+id, "", http.StatusNoContent)
		if status, _ := b.refresh(again); status != http.StatusBadRequest {
			t.Errorf("refresh of a removed person: %d", status)
		}
		if p := b.back(b.toProvider(b.open("/login"))); !strings.Contains(p.location, "error_description=User+does+not+exist.") {
			t.Errorf("sign-in of a removed person: %d %s", p.status, p.location)
		}
	})
}

// TestProvisionedAfterSignIn: a person who has signed in before is taken over by the directory,
// and renamed without losing the user.
func TestProvisionedAfterSignIn(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) { v["email"], v["email_verified"] = "ada@corp.example", true }})
		b := r.browser(t)
		sub := claimsOf(t, b.tokens(b.back(b.toProvider(b.open("/login")))))["sub"].(string)
		base, token := serving.NewDirectory(t, r.Rig, r.pool, "Corp", "--closed")
		d := &provisioner{t, base, token}
		// The directory is closed: it has not added the person, although there is a profile.
		without := r.browser(t) // the first one has a session
		if p := without.back(without.toProvider(without.open("/login"))); !strings.Contains(p.location, "error_description=User+does+not+exist.") {
			t.Errorf("a person that the directory has not added: %d %s", p.status, p.location)
		}
		if id := d.send("POST", "/Users", strings.Replace(provisionedUser, "NAME", fakeidp.Subject, 1), http.StatusCreated)["id"]; id != sub {
			t.Errorf("made %v, want the user %s", id, sub)
		}
		u, err := r.sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: new("Corp_" + fakeidp.Subject)})
		for _, a := range serving.Must(t, u, err).UserAttributes {
			if *a.Name == "email_verified" && *a.Value != "true" {
				t.Error("the address is no longer verified")
			}
		}
		d.patch(sub, `{"op":"replace","path":"userName","value":"renamed"}`)
		renamed := func(v map[string]any) { v["email"], v["sub"] = "ada@corp.example", "renamed" }
		fake.Behave(fakeidp.Behaviour{Claims: renamed, Info: renamed})
		other := r.browser(t)
		if got := claimsOf(t, other.tokens(other.back(other.toProvider(other.open("/login")))))["sub"]; got != sub {
			t.Errorf("signed in as %v, want %s", got, sub)
		}
	})
}
