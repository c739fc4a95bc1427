package token

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

func TestDiscovery(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	aws := "https://cognito-idp.us-east-1.amazonaws.com/" + sn.ID
	own := "http://127.0.0.1:9229/" + sn.ID
	const (
		algs  = `"id_token_signing_alg_values_supported":["RS256"]`
		rest  = `"scopes_supported":["openid","email","phone","profile"],"subject_types_supported":["public"]`
		auths = `"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]`
		types = `"response_types_supported":["code","token"]`
		d     = "https://auth.example.com"
	)
	for _, test := range []struct {
		name string
		deps func(*Deps)
		want string
	}{
		{"as AWS", func(*Deps) {}, `{` + algs + `,"issuer":"` + aws + `","jwks_uri":"` + aws + `/.well-known/jwks.json",` + types + `,` + rest + `,` + auths + `}`},
		{"own base and domain", func(deps *Deps) {
			deps.IssuerBase = func(*pool.Snapshot) string { return "http://127.0.0.1:9229/" }
			deps.DomainBase = func(*pool.Snapshot) string { return d }
		}, `{"authorization_endpoint":"` + d + `/oauth2/authorize","end_session_endpoint":"` + d + `/logout",` + algs + `,"issuer":"` + own + `","jwks_uri":"` + own + `/.well-known/jwks.json",` + types +
			`,"revocation_endpoint":"` + d + `/oauth2/revoke",` + rest + `,"token_endpoint":"` + d + `/oauth2/token",` + auths + `,"userinfo_endpoint":"` + d + `/oauth2/userInfo"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			deps := r.deps
			test.deps(&deps)
			got, err := New(deps).Discovery(t.Context(), sn.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	_, err := r.Discovery(t.Context(), "us-east-1_000000000")
	wantSays(t, err, "ResourceNotFoundException: User pool us-east-1_000000000 does not exist.")
	_, err = r.JWKS(t.Context(), "us-east-1_000000000")
	wantSays(t, err, "ResourceNotFoundException: User pool us-east-1_000000000 does not exist.")
	if got := AWSIssuerBase("cn-north-1"); got != "https://cognito-idp.cn-north-1.amazonaws.com.cn" {
		t.Error(got)
	}
}

// TestUpdatedIssuer: the other form of AWS's issuer, and tokens that were issued
// before the change.
func TestUpdatedIssuer(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c := r.client(t, sn, nil)
	u := r.user(t, sn, "alice")
	before := r.issue(t, r.grant(t, sn, c, u))
	if _, err := r.deps.Pools.UpdateUserPool(t.Context(), &idp.UpdateUserPoolRequest{UserPoolId: sn.ID, IssuerConfiguration: &idp.IssuerConfigurationType{Type: idp.IssuerTypeUpdated}}); err != nil {
		t.Fatal(err)
	}
	sn, err := r.deps.Pools.Load(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	after := r.issue(t, r.grant(t, sn, c, u))
	if got, want := claimsOf(t, after.AccessToken)["iss"], "https://issuer-cognito-idp.us-east-1.amazonaws.com/"+sn.ID; got != want {
		t.Errorf("iss %v, want %s", got, want)
	}
	for _, set := range []*Set{before, after} {
		if _, err := r.Authenticate(t.Context(), set.AccessToken); err != nil {
			t.Error(err)
		}
	}
}
