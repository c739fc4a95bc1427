package oauth_test

import (
	"net/http"
	"net/url"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/lambdas"
	"cognate/test/serving"
)

// TestTokenTrigger: the PreTokenGeneration function runs once, before the redirect. The
// code keeps what it changes, and its refusal is the answer of the authorization.
func TestTokenTrigger(t *testing.T) {
	t.Parallel()
	f := lambdas.New(t)
	r := newRig(t, "", func(c *server.Config) { c.TriggerEndpoint = server.Secret(f.URL) })
	c, b := r.client(t, nil), r.browser(t)
	b.code(c)
	config := &types.LambdaConfigType{PreTokenGenerationConfig: &types.PreTokenGenerationVersionConfigType{
		LambdaArn: lambdas.ARN("tokens"), LambdaVersion: types.PreTokenGenerationLambdaVersionTypeV20,
	}}
	updated, err := r.sdk.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &r.pool, LambdaConfig: config})
	serving.Must(t, updated, err)
	f.Answer("tokens", `{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"tier":"gold"},"scopesToAdd":["extra"]},"idTokenGeneration":{"claimsToAddOrOverride":{"tier":"gold"}}}}}`)
	code := b.again(c)
	if sources := f.Sources(); sources != "TokenGeneration_HostedAuth" {
		t.Errorf("before the redirect: %s", sources)
	}
	f.Answer("tokens", `{"response":{}}`)
	tokens := b.token(c, code).tokens(t)
	if sources := f.Sources(); sources != "" {
		t.Errorf("at the exchange: %s", sources)
	}
	if access := claims(t, tokens["access_token"]); access["tier"] != "gold" || access["scope"] != "openid email extra" || claims(t, tokens["id_token"])["tier"] != "gold" {
		t.Errorf("%v", access)
	}
	f.On("tokens", func(*lambdas.Event) string { return "not today" })
	a := b.authorize(c)
	want(t, "refusal", a, http.StatusFound, callback+"?error=invalid_request&error_description=PreTokenGeneration+failed+with+error+not+today.&state=s")
	refresh := b.token(c, "", "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string))
	want(t, "refusal of a refresh", refresh, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"PreTokenGeneration failed with error not today."}`)
}

// TestMachineMetadata: aws_client_metadata reaches the function of version 3.
func TestMachineMetadata(t *testing.T) {
	t.Parallel()
	f := lambdas.New(t)
	r := newRig(t, "", func(c *server.Config) { c.TriggerEndpoint = server.Secret(f.URL) })
	r.addScopes(t, r.pool, "rs", "read")
	c := r.confidential(t, func(in *cip.CreateUserPoolClientInput) {
		in.AllowedOAuthFlows = []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials}
		in.AllowedOAuthScopes, in.CallbackURLs, in.LogoutURLs = []string{"rs/read"}, nil, nil
	})
	updated, err := r.sdk.UpdateUserPool(t.Context(), &cip.UpdateUserPoolInput{UserPoolId: &r.pool, LambdaConfig: &types.LambdaConfigType{
		PreTokenGenerationConfig: &types.PreTokenGenerationVersionConfigType{LambdaArn: lambdas.ARN("tokens"), LambdaVersion: types.PreTokenGenerationLambdaVersionTypeV30},
	}})
	serving.Must(t, updated, err)
	f.Answer("tokens", `{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"env":"test"}}}}}`)
	a := r.browser(t).grant(url.Values{"grant_type": {"client_credentials"}, "aws_client_metadata": {`{"env":"test"}`}}, "Authorization", basicOf(*c.ClientId, *c.ClientSecret))
	if access := claims(t, a.tokens(t)["access_token"]); access["env"] != "test" {
		t.Errorf("%v", access)
	}
	events := f.Events()
	if len(events) != 1 || events[0].TriggerSource != "TokenGeneration_ClientCredentials" || events[0].UserName != "ClientCredentials" {
		t.Fatalf("%v", events)
	}
	if m, _ := events[0].Request["clientMetadata"].(map[string]any); m["env"] != "test" {
		t.Errorf("%v", events[0].Request)
	}
}
