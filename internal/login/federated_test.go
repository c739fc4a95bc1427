package login_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/fakeidp"
	"cognate/test/serving"
)

// addOIDC adds an OpenID Connect provider to the pool and to the rig's client.
func (r *rig) addOIDC(t *testing.T, name string, change func(in *cip.CreateIdentityProviderInput)) *fakeidp.Provider {
	t.Helper()
	fake, end := fakeidp.Start(time.Now)
	t.Cleanup(end)
	in := &cip.CreateIdentityProviderInput{
		UserPoolId: &r.pool, ProviderName: &name, ProviderType: types.IdentityProviderTypeTypeOidc,
		ProviderDetails: map[string]string{
			"client_id": fakeidp.ClientID, "client_secret": fakeidp.ClientSecret, "authorize_scopes": "openid email",
			"oidc_issuer": fake.URL, "attributes_request_method": "GET",
		},
		AttributeMapping: map[string]string{"email": "email", "email_verified": "email_verified", "name": "name"},
	}
	if change != nil {
		change(in)
	}
	out, err := r.sdk.CreateIdentityProvider(t.Context(), in)
	serving.Must(t, out, err)
	r.allowProviders(t, "COGNITO", name)
	return fake
}

// allowProviders sets the providers of the rig's client.
func (r *rig) allowProviders(t *testing.T, names ...string) {
	t.Helper()
	c := r.client
	out, err := r.sdk.UpdateUserPoolClient(t.Context(), &cip.UpdateUserPoolClientInput{
		UserPoolId: &r.pool, ClientId: c.ClientId, AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: c.AllowedOAuthFlows,
		AllowedOAuthScopes: c.AllowedOAuthScopes, CallbackURLs: c.CallbackURLs, LogoutURLs: []string{callback}, SupportedIdentityProviders: names,
		PreventUserExistenceErrors: c.PreventUserExistenceErrors,
	})
	serving.Must(t, out, err)
}

var providerLink = regexp.MustCompile(`<a class="secondary idpButton-customizable" href="([^"]+)"`)

// toProvider presses the page's first button of a provider and returns the provider's address.
func (b *browser) toProvider(p shown) string {
	b.t.Helper()
	m := providerLink.FindStringSubmatch(p.body)
	if m == nil {
		b.t.Fatalf("no provider at %s: %s", p, p.body)
	}
	away := b.do(http.MethodGet, html.UnescapeString(m[1]), nil)
	if away.status != http.StatusFound || strings.HasPrefix(away.location, b.base) {
		b.t.Fatalf("%d %s: %s", away.status, away.location, away.body)
	}
	return away.location
}

// back visits the provider and brings its answer to the callback.
func (b *browser) back(address string) shown {
	b.t.Helper()
	values, err := fakeidp.Visit(b.t.Context(), address)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.callback(values)
}

func (b *browser) callback(values url.Values) shown {
	return b.do(http.MethodGet, b.base+"/oauth2/idpresponse?"+values.Encode(), nil)
}

// claimsOf returns the claims of the ID token in a token response.
func claimsOf(t *testing.T, body string) map[string]any {
	t.Helper()
	var tokens struct {
		IDToken string `json:"id_token"`
	}
	if err := json.Unmarshal([]byte(body), &tokens); err != nil {
		t.Fatal(err)
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(tokens.IDToken, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestSignInByOIDC signs in at an OpenID Connect provider, twice, and reuses the session.
func TestSignInByOIDC(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) {
			v["email"], v["email_verified"], v["name"] = "ada@example.com", true, "Ada"
		}})
		b := r.browser(t)
		p := b.open("/login")
		wantPage(t, p, "/login", "Continue with Corp")
		claims := claimsOf(t, b.tokens(b.back(b.toProvider(p))))
		want := "Corp_" + fakeidp.Subject
		if claims["cognito:username"] != want || claims["email"] != "ada@example.com" || claims["email_verified"] != true {
			t.Errorf("claims: %v", claims)
		}
		if groups, _ := json.Marshal(claims["cognito:groups"]); string(groups) != `["`+r.pool+`_Corp"]` {
			t.Errorf("groups: %s", groups)
		}
		list, _ := claims["identities"].([]any)
		if len(list) != 1 {
			t.Fatalf("identities: %v", claims["identities"])
		}
		entry, _ := list[0].(map[string]any)
		if entry["userId"] != fakeidp.Subject || entry["providerName"] != "Corp" || entry["providerType"] != "OIDC" || entry["primary"] != "true" || entry["issuer"] != nil {
			t.Errorf("identity: %v", entry)
		}
		// The session answers for the provider, and not for the pool's own directory.
		again := b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query()+"&identity_provider=Corp", nil)
		b.wantSignedIn(again)
		local := b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query()+"&identity_provider=COGNITO", nil)
		if !strings.Contains(local.location, "/login?") {
			t.Errorf("another provider: %s", local.location)
		}
		// Another browser: the profile is the same, and its attributes follow the provider.
		fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) {
			v["email"], v["email_verified"], v["name"] = "ada@example.org", "false", "Ada L"
		}})
		other := r.browser(t)
		second := claimsOf(t, other.tokens(other.back(other.toProvider(other.open("/login")))))
		if second["sub"] != claims["sub"] || second["email"] != "ada@example.org" || second["email_verified"] != false {
			t.Errorf("second sign-in: %v", second)
		}
		got, err := r.sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: &want})
		if serving.Must(t, got, err).UserStatus != types.UserStatusTypeExternalProvider {
			t.Errorf("status: %s", got.UserStatus)
		}
		r.wantFederations(t, *r.client.ClientId, "success", 2)
		r.wantFederations(t, *r.client.ClientId, "failure", 0)
		if r.Config.Database == "" {
			usage, _ := serving.Run(t, nil, "usage", "--pool", r.pool, "--data", r.Config.Data)
			if !regexp.MustCompile(`\(all\) +1 +1\n`).MatchString(usage) {
				t.Errorf("active users:\n%s", usage)
			}
		}
	})
}

// wantFederations wants so many sign-ins at the provider Corp in the metrics.
func (r *rig) wantFederations(t *testing.T, client, result string, n int) {
	t.Helper()
	_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
	series := fmt.Sprintf("cognate_federation_sign_ins_total{client=%q,pool=%q,provider=%q,result=%q}", client, r.pool, "Corp", result)
	if has := strings.Contains(metrics, "\n"+series); n > 0 && !strings.Contains(metrics, fmt.Sprintf("\n%s %d\n", series, n)) || n == 0 && has {
		t.Errorf("the metrics do not have %d of %s", n, series)
	}
}

// TestProviderRefused: what goes wrong at a provider leads back to the app client, and an answer
// that belongs to no attempt of the browser leads nowhere.
func TestProviderRefused(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		b := r.browser(t)
		start := func() url.Values {
			t.Helper()
			values, err := fakeidp.Visit(t.Context(), b.toProvider(b.open("/login")))
			if err != nil {
				t.Fatal(err)
			}
			return values
		}
		for name, change := range map[string]func(v url.Values){
			"no state":      func(v url.Values) { v.Del("state") },
			"another state": func(v url.Values) { v.Set("state", "x"+v.Get("state")) },
			"two states":    func(v url.Values) { v.Add("state", "x") },
		} {
			v := start()
			change(v)
			if p := b.callback(v); !strings.Contains(p.location, "/error?error=The+sign-in+has+expired") {
				t.Errorf("%s: %d %s", name, p.status, p.location)
			}
		}
		v := start()
		if p := r.browser(t).callback(v); !strings.Contains(p.location, "/error?") {
			t.Errorf("another browser: %d %s", p.status, p.location)
		}
		b.tokens(b.callback(v))
		if p := b.callback(v); !strings.Contains(p.location, "/error?") {
			t.Errorf("a second time: %d %s", p.status, p.location)
		}
		for _, row := range []struct {
			name, code, text string
			behaviour        fakeidp.Behaviour
		}{
			{"the provider's own error", "access_denied", "no", fakeidp.Behaviour{Answer: func(v url.Values) {
				v.Del("code")
				v.Set("error", "access_denied")
				v.Set("error_description", "no")
			}}},
			{"neither code nor error", "invalid_request", "", fakeidp.Behaviour{Answer: func(v url.Values) { v.Del("code") }}},
			{"another nonce", "invalid_request", "", fakeidp.Behaviour{Claims: func(v map[string]any) { v["nonce"] = "x" }}},
			{"no required attribute", "invalid_request", "attributes required: [email]", fakeidp.Behaviour{Claims: func(v map[string]any) {
				v["sub"] = "person-2"
				delete(v, "email")
			}, Info: func(v map[string]any) { v["sub"] = "person-2" }}},
			{"a malformed attribute", "invalid_request", "Invalid email address format.", fakeidp.Behaviour{Claims: func(v map[string]any) { v["email"] = "x" }}},
		} {
			fake.Behave(row.behaviour)
			fresh := r.browser(t)
			p := fresh.back(fresh.toProvider(fresh.open("/login")))
			u, err := url.Parse(p.location)
			if err != nil || !strings.HasPrefix(p.location, callback+"?") || u.Query().Get("error") != row.code || row.text != "" && u.Query().Get("error_description") != row.text || u.Query().Get("state") != "s+1" {
				t.Errorf("%s: %d %s", row.name, p.status, p.location)
			}
		}
		r.advance(t, "6m")
		late := r.browser(t)
		v, err := fakeidp.Visit(t.Context(), late.toProvider(late.open("/login")))
		if err != nil {
			t.Fatal(err)
		}
		r.advance(t, "6m")
		if p := late.callback(v); !strings.Contains(p.location, "/error?") {
			t.Errorf("too late: %d %s", p.status, p.location)
		}
		r.allowProviders(t, "COGNITO")
		if p := b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query()+"&identity_provider=Corp", nil); !strings.Contains(p.location, "/error?error=Login+option+is+not+available") {
			t.Errorf("a provider that the client does not allow: %s", p.location)
		}
	})
}

// TestLinkedUser: a person of a provider who is linked to a user signs in as that user, and as
// nobody else once the link is gone.
func TestLinkedUser(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		link := func(attribute, value string) error {
			_, err := r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
				UserPoolId: &r.pool, DestinationUser: &types.ProviderUserIdentifierType{ProviderName: new("Cognito"), ProviderAttributeValue: new("alice")},
				SourceUser: &types.ProviderUserIdentifierType{ProviderName: new("Corp"), ProviderAttributeName: &attribute, ProviderAttributeValue: &value},
			})
			return err
		}
		signIn := func(sub, email string) map[string]any {
			t.Helper()
			fake.Behave(fakeidp.Behaviour{
				Claims: func(v map[string]any) { v["sub"], v["email"], v["email_verified"] = sub, email, true },
				Info:   func(v map[string]any) { v["sub"] = sub },
			})
			b := r.browser(t)
			return claimsOf(t, b.tokens(b.back(b.toProvider(b.open("/login")))))
		}
		if err := link("email", "ada@corp.example.com"); err != nil {
			t.Fatal(err)
		}
		wantInvalid(t, link("email", "ada@corp.example.com"), "SourceUser is already linked to DestinationUser")
		linked := signIn("ada-1", "ada@corp.example.com")
		list, _ := linked["identities"].([]any)
		entry, _ := list[0].(map[string]any)
		if linked["cognito:username"] != "alice" || linked["email"] != "ada@corp.example.com" || entry["userId"] != "ada-1" || entry["primary"] != "false" || linked["cognito:groups"] != nil {
			t.Errorf("linked: %v", linked)
		}
		// The link is bound to the person now: another person with the address is somebody else.
		if other := signIn("eve-1", "ada@corp.example.com"); other["cognito:username"] != "Corp_eve-1" {
			t.Errorf("another person with the address: %v", other)
		}
		wantInvalid(t, link("Cognito_Subject", "eve-1"), "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link")
		wantInvalid(t, link("Cognito_Subject", "ada-2"), "Invalid SourceUser: Cognito users with a username/password may not be passed in as a SourceUser, only as a DestinationUser")
		disable := func(provider, value string) {
			t.Helper()
			out, err := r.sdk.AdminDisableProviderForUser(t.Context(), &cip.AdminDisableProviderForUserInput{
				UserPoolId: &r.pool, User: &types.ProviderUserIdentifierType{ProviderName: &provider, ProviderAttributeName: new("Cognito_Subject"), ProviderAttributeValue: &value},
			})
			serving.Must(t, out, err)
		}
		disable("Corp", "ada-1")
		if again := signIn("ada-1", "ada@corp.example.com"); again["cognito:username"] != "Corp_ada-1" {
			t.Errorf("after the link is gone: %v", again)
		}
		disable("Corp", "eve-1")
		b := r.browser(t)
		fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) { v["sub"] = "eve-1" }, Info: func(v map[string]any) { v["sub"] = "eve-1" }})
		if p := b.back(b.toProvider(b.open("/login"))); !strings.Contains(p.location, "error_description=User+is+disabled.") {
			t.Errorf("a profile that may not use the provider: %s", p.location)
		}
		local := r.browser(t)
		local.wantSignedIn(local.signIn("alice"))
		disable("Cognito", "alice")
		wantPage(t, r.browser(t).signIn("alice"), "/login", badProof)
	})
}

// wantInvalid fails unless the error is an InvalidParameterException of this text.
func wantInvalid(t *testing.T, err error, text string) {
	t.Helper()
	if serving.Code(err) != "InvalidParameterException" || !strings.HasSuffix(err.Error(), ": "+text) {
		t.Errorf("%v, want %q", err, text)
	}
}

// TestFormPost: a provider that answers by POST is sent back by a GET, which has the cookies.
func TestFormPost(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.addOIDC(t, "Corp", nil)
	b := r.browser(t)
	values, err := fakeidp.Visit(t.Context(), b.toProvider(b.open("/login")))
	if err != nil {
		t.Fatal(err)
	}
	values.Set("x", "dropped")
	bare := r.browser(t)
	p := bare.do(http.MethodPost, b.base+"/oauth2/idpresponse", values)
	if p.status != http.StatusSeeOther || strings.Contains(p.location, "dropped") {
		t.Fatalf("%d %s", p.status, p.location)
	}
	b.tokens(b.do(http.MethodGet, p.location, nil))
}

// TestSearchByAddress: classic pages find one of several SAML providers by the domain of the
// person's address.
func TestSearchByAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.useClassicPages(t)
	first := r.addSAML(t, "Corp", nil)
	r.addSAML(t, "Firm", nil)
	r.allowProviders(t, "COGNITO", "Corp", "Firm")
	b := r.browser(t)
	p := b.open("/login")
	wantPage(t, p, "/login", "Work email or company domain")
	if policy := p.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://a.example https: http:;") {
		t.Errorf("a form cannot lead to a provider: %s", policy)
	}
	if strings.Contains(p.body, "Continue with") {
		t.Error("the page names its providers")
	}
	search := func(text string) shown {
		t.Helper()
		at := strings.LastIndex(p.body[:strings.Index(p.body, `name="idp_search"`)], "<form")
		action, values := b.form(shown{body: p.body[at:]}, "")
		values.Set("idp_search", text)
		return b.do(http.MethodPost, action, values)
	}
	wantPage(t, search("ada@elsewhere.example.com"), "/login", "No identity provider is known for this domain.")
	for _, text := range []string{"ada@CORP.example.com", " corp.example.com "} {
		away := b.follow(search(text))
		if !strings.HasPrefix(away.location, first.SSOURL) {
			t.Errorf("%q: %d %s", text, away.status, away.location)
		}
	}
	byIdentifier := b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query()+"&idp_identifier=corp.example.com", nil)
	if !strings.HasPrefix(byIdentifier.location, first.SSOURL) {
		t.Errorf("idp_identifier: %s", byIdentifier.location)
	}
}
