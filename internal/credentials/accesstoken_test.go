package credentials_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/internal/server"
	"cognate/test/fakeidp"
)

// TestAccessTokens exchanges access tokens of Facebook and Login with Amazon. Roles see the application
// and the person, and no others are let in.
func TestAccessTokens(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	social := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if strings.HasPrefix(r.URL.Query().Get("access_token"), "down") {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fakeidp.Social(w, r)
	}))
	t.Cleanup(social.Close)
	r := newRig(t, "", func(c *server.Config) {
		c.SocialEndpoint = []string{"Facebook.attributes_url=" + social.URL + "/v1/me?fields=", "LoginWithAmazon.attributes_url=" + social.URL + "/user/profile"}
	})
	const facebook, amazon = "graph.facebook.com", "www.amazon.com"
	trust := func(provider string) string {
		return strings.Replace(trustLogin(provider, provider, "123"), ":aud", ":app_id", 1)
	}
	owns := func(key string) string {
		return `{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*","Condition":{"StringEquals":{"` + key + `":"77"}}}`
	}
	r.role(t, "facebook", trust(facebook), owns(facebook+":id"))
	r.role(t, "amazon", trust(amazon), owns(amazon+":user_id"))
	r.role(t, "anybody", `{"Effect":"Allow","Principal":{"Federated":"`+facebook+`"},"Action":"sts:AssumeRoleWithWebIdentity"}`, allow("cognito-idp:*"))
	r.role(t, "person", strings.Replace(trust(facebook), `"StringEquals":{`, `"StringEquals":{"`+facebook+`:id":"78",`, 1), allow("cognito-idp:*"))
	assume := func(role, provider, token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		in := web(role, token)
		in.ProviderId = &provider
		return r.anybody().AssumeRoleWithWebIdentity(t.Context(), in)
	}
	for role, provider := range map[string]string{"facebook": facebook, "amazon": amazon} {
		out, err := assume(role, provider, "123:77")
		check(t, err)
		if *out.Provider != provider || *out.Audience != "123" || *out.SubjectFromWebIdentityToken != "77" {
			t.Errorf("%s: %+v", provider, out)
		}
		if code := r.pools(t, of(out.Credentials)); code != "" {
			t.Errorf("%s: ListUserPools: %s", provider, code)
		}
		out, err = assume(role, provider, "123:78")
		check(t, err)
		if code := r.pools(t, of(out.Credentials)); code == "" {
			t.Errorf("%s: another person has the permissions", provider)
		}
	}
	for _, row := range []struct{ name, role, provider, token, code, text string }{
		{"token of another app", "facebook", facebook, "124:77", "AccessDenied", notAuthorized},
		{"Amazon's token of another app", "amazon", amazon, "124:77", "AccessDenied", notAuthorized},
		{"trust policy without an app", "anybody", facebook, "123:77", "AccessDenied", notAuthorized},
		{"trust policy for another person", "person", facebook, "123:77", "AccessDenied", notAuthorized},
		{"refused by the provider", "facebook", facebook, "garbage", "InvalidIdentityToken", ""},
		{"without a person", "facebook", facebook, "123:", "InvalidIdentityToken", ""},
		{"provider that fails", "facebook", facebook, "down", "IDPCommunicationError", ""},
		{"a provider of ID tokens", "facebook", "accounts.google.com", "123:77", "InvalidIdentityToken", ""},
	} {
		_, err := assume(row.role, row.provider, row.token)
		t.Log(row.name)
		want(t, err, row.code, row.text)
	}
	// No provider is asked for a role that does not trust it.
	before := asked.Load()
	for _, role := range []string{"amazon", "none"} {
		_, err := assume(role, facebook, "123:77")
		want(t, err, "AccessDenied", notAuthorized)
	}
	if asked.Load() != before {
		t.Error("a provider is asked that no role trusts")
	}
	if strings.Contains(r.Log.String(), "123:77") || strings.Contains(r.Log.String(), "123%3A77") {
		t.Error("the log has an access token")
	}
}
