package identitypool_test

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cognate/internal/federation/saml/samltest"
	"cognate/test/fakeidp"
	"cognate/test/serving"
)

// TestOtherProviders: logins of Google, Apple, Facebook, Amazon, and of OpenID Connect and SAML providers
// of the account lead to identities. What is not for this pool, or is not verified, is refused.
func TestOtherProviders(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	fake, end := fakeidp.Start(time.Now)
	t.Cleanup(end)
	gone, stop := fakeidp.Start(time.Now)
	stop()
	social := httptest.NewServer(http.HandlerFunc(fakeidp.Social))
	t.Cleanup(social.Close)
	c := serving.Dev(t)
	c.SocialEndpoint = []string{
		"Google.oidc_issuer=" + fake.URL, "SignInWithApple.oidc_issuer=" + fake.URL, "Facebook.attributes_url=" + social.URL + "/v1/me?fields=",
		"LoginWithAmazon.attributes_url=" + social.URL + "/user/profile",
	}
	r := &rig{skew: &atomic.Int64{}}
	r.start(t, c)
	r.use(t, credentials.NewStaticCredentialsProvider("dev", "dev", ""))
	const account = "arn:aws:iam::123456789012:"
	corp, lost := strings.TrimPrefix(fake.URL, "http://"), strings.TrimPrefix(gone.URL, "http://")
	for _, name := range []string{corp, lost} {
		_, err := r.iam(r.admin).CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: new("https://" + name), ClientIDList: []string{"app"}})
		serving.Want(t, err, "")
	}
	idp := samltest.New(t, samltest.RSA)
	idp.Certificate = samltest.Certificate(t, idp.Signer, time.Now())
	_, err := r.iam(r.admin).CreateSAMLProvider(ctx, &iam.CreateSAMLProviderInput{Name: new("firm"), SAMLMetadataDocument: new(string(idp.Metadata()))})
	serving.Want(t, err, "")
	firm := account + "saml-provider/firm"
	pool := r.pool(t, func(in *ci.CreateIdentityPoolInput) {
		in.SupportedLoginProviders = map[string]string{"accounts.google.com": "g-app", "appleid.apple.com": "a-app", "graph.facebook.com": "123", "www.amazon.com": "amzn1"}
		in.OpenIdConnectProviderARNs = []string{account + "oidc-provider/" + corp, account + "oidc-provider/" + lost}
		in.SamlProviderARNs = []string{firm}
	})

	now := time.Now()
	token := func(aud string, change func(header, claims map[string]any)) string {
		k := fakeidp.RSAKey("key-1")
		header, claims := map[string]any{"alg": k.Alg, "kid": k.ID}, map[string]any{"iss": fake.URL, "aud": aud, "sub": "dora", "iat": now.Unix(), "exp": now.Unix() + 300, "team": "red"}
		if change != nil {
			change(header, claims)
		}
		return k.Sign(header, claims)
	}
	claim := func(name string, value any) string {
		return token("app", func(_, claims map[string]any) { claims[name] = value })
	}
	answer := func(change func(a *samltest.Answer)) string {
		a := samltest.Answer{Consumer: "https://signin.aws.amazon.com/saml", Audience: "urn:amazon:webservices", NameID: "Dora", Now: now, ID: rand.Text()}
		if change != nil {
			change(&a)
		}
		return samltest.Encode(idp.Sign(t, idp.Response(a)))
	}
	// Each leads to an identity, and again to the same.
	seen := map[string]string{}
	for _, row := range []struct{ name, key, token, again, amr string }{
		{"OpenID Connect", corp, token("app", nil), claim("nbf", now.Unix()+60), account + "oidc-provider/" + corp + ":OIDC:dora"},
		{"Google", "accounts.google.com", token("g-app", nil), "", "accounts.google.com:g-app:dora"},
		{"Apple", "appleid.apple.com", token("a-app", nil), "", "appleid.apple.com:a-app:dora"},
		{"Facebook", "graph.facebook.com", "123:77", "", "graph.facebook.com:123:77"},
		{"Amazon", "www.amazon.com", "amzn1:amzn1.account.X", "", "www.amazon.com:amzn1:amzn1.account.X"},
		{"SAML", firm, answer(nil), answer(nil), firm + ":SAML:Dora"},
	} {
		id := r.id(t, pool, map[string]string{row.key: row.token})
		if other := seen[id]; other != "" {
			t.Errorf("%s and %s are one identity", row.name, other)
		}
		seen[id] = row.name
		if row.again == "" {
			row.again = row.token
		}
		same, claims := r.open(t, id, map[string]string{row.key: row.again})
		amr, _ := claims["amr"].([]any)
		if same != id || len(amr) != 3 || amr[1] != row.key || amr[2] != row.amr {
			t.Errorf("%s: identity %s, then %s, amr %v", row.name, id, same, amr)
		}
	}

	const bad, external = "NotAuthorizedException", "ExternalServiceException"
	unsigned := samltest.Encode(idp.Response(samltest.Answer{Consumer: "https://signin.aws.amazon.com/saml", Audience: "urn:amazon:webservices", NameID: "Dora", Now: now, ID: "x"}))
	for _, row := range []struct{ name, key, token, code, text string }{
		{"another audience", corp, token("stranger", nil), bad, "Token is not from a supported provider"},
		{"another party", corp, claim("azp", "stranger"), bad, "Token is not from a supported provider"},
		{"expired", corp, claim("exp", now.Unix()-1), bad, "Invalid login token. Token expired: "},
		{"without an end", corp, claim("exp", nil), bad, "Missing a required claim: exp"},
		{"not valid yet", corp, claim("nbf", now.Unix()+600), bad, "not valid yet"},
		{"without a subject", corp, claim("sub", ""), bad, "Missing a required claim: sub"},
		{"without an audience", corp, claim("aud", nil), bad, "Missing a required claim: aud"},
		{"another issuer", corp, claim("iss", "https://login.example.com"), bad, "Issuer doesn't match providerName"},
		{"unknown key", corp, token("app", func(header, _ map[string]any) { header["kid"] = "key-9" }), bad, "Couldn't verify signed token."},
		{"key of somebody else", corp, fakeidp.Key{ID: "key-1", Alg: "ES256", Private: fakeidp.ECKey("x").Private}.Sign(map[string]any{"alg": "ES256", "kid": "key-1"}, map[string]any{"iss": fake.URL, "aud": "app", "sub": "dora", "exp": now.Unix() + 300}), bad, "Couldn't verify signed token."},
		{"no signature", corp, strings.Join(strings.Split(token("app", nil), ".")[:2], ".") + ".", bad, "Invalid login token."},
		{"garbage", corp, "garbage", bad, "Not a valid OpenId Connect identity token."},
		{"provider that does not answer", lost, claim("iss", gone.URL), external, "An exception occurred while calling an external service."},
		{"Google's token of another app", "accounts.google.com", token("other", nil), bad, "Token is not from a supported provider"},
		{"Facebook's token of another app", "graph.facebook.com", "124:77", bad, "Token is not from a supported provider"},
		{"Facebook refuses", "graph.facebook.com", "x", bad, "Couldn't verify signed token."},
		{"Facebook names nobody", "graph.facebook.com", "123:", bad, "Not a valid OpenId Connect identity token."},
		{"Amazon's token of another app", "www.amazon.com", "amzn2:amzn1.account.X", bad, "Token is not from a supported provider"},
		{"unsigned answer", firm, unsigned, bad, "Invalid login token."},
		{"answer for another audience", firm, answer(func(a *samltest.Answer) { a.Audience = "urn:other" }), bad, "Invalid login token."},
		{"old answer", firm, answer(func(a *samltest.Answer) { a.Now = now.Add(-20 * time.Minute) }), bad, "Invalid login token."},
		{"SAML provider that the pool does not list", account + "saml-provider/other", answer(nil), bad, "Token is not from a supported provider"},
	} {
		_, err := r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: map[string]string{row.key: row.token}})
		if serving.Code(err) != row.code || !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: %v, want %s: %s", row.name, err, row.code, row.text)
		}
	}
	for _, secret := range []string{url.QueryEscape("124:77"), "124:77", "123:77"} {
		if strings.Contains(r.Log.String(), secret) {
			t.Errorf("the log has the access token %s", secret)
		}
	}

	// Rules go by the claims of the provider's tokens.
	role := r.role(t, "red", trust(pool, "authenticated"), statement(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	_, err = r.sdk.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool, Roles: map[string]string{}, RoleMappings: map[string]types.RoleMapping{
		account + "oidc-provider/" + corp: {Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny, RulesConfiguration: &types.RulesConfigurationType{
			Rules: []types.MappingRule{{Claim: new("team"), MatchType: types.MappingRuleMatchTypeEquals, Value: new("red"), RoleARN: &role}},
		}},
	}})
	serving.Want(t, err, "")
	id := r.id(t, pool, map[string]string{corp: token("app", nil)})
	r.credentials(t, id, map[string]string{corp: token("app", nil)})
	r.wantNoCredentials(t, id, map[string]string{corp: claim("team", "blue")}, bad, "The logins match no role")
}
