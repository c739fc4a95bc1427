package login_test

import (
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/fakeidp"
	"cognate/test/lambdas"
	"cognate/test/serving"
)

// TestFederatedTriggers: the pool's functions on the way of a first sign-in at a provider and of
// a later one, what InboundFederation changes, and what a refusal leads to.
func TestFederatedTriggers(t *testing.T) {
	t.Parallel()
	f := lambdas.New(t)
	c := serving.Dev(t)
	c.TriggerEndpoint = server.Secret(f.URL)
	r := startRig(t, c, func(in *cip.CreateUserPoolInput) {
		arn := lambdas.ARN
		in.LambdaConfig = &types.LambdaConfigType{
			PreSignUp: arn("f"), PostConfirmation: arn("f"), PreAuthentication: arn("f"), PostAuthentication: arn("f"), PreTokenGeneration: arn("f"),
			InboundFederation: &types.InboundFederationLambdaType{LambdaArn: arn("inbound"), LambdaVersion: types.InboundFederationLambdaVersionTypeV10},
		}
	})
	f.Answer("f", `{"response":{}}`)
	f.Answer("inbound", `{"response":{"userAttributesToMap":{}}}`)
	fake := r.addOIDC(t, "Corp", nil)
	signIn := func() shown {
		t.Helper()
		b := r.browser(t)
		return b.back(b.toProvider(b.open("/login")))
	}
	first := claimsOf(t, r.browser(t).tokens(signIn()))
	events := f.Events()
	sources := func(events []lambdas.Event) string {
		var list []string
		for _, e := range events {
			list = append(list, e.TriggerSource)
		}
		return strings.Join(list, " ")
	}
	if got := sources(events); got != "InboundFederation_ExternalProvider PreSignUp_ExternalProvider PostConfirmation_ConfirmSignUp TokenGeneration_HostedAuth" {
		t.Errorf("first: %s", got)
	}
	request := events[0].Request
	attributes, _ := request["attributes"].(map[string]any)
	token, _ := attributes["idToken"].(map[string]any)
	if request["providerName"] != "Corp" || request["providerType"] != "OIDC" || token["email"] != "person@example.com" || token["email_verified"] != "true" || attributes["samlResponse"] != nil || attributes["tokenResponse"] == nil {
		t.Errorf("InboundFederation: %v", request)
	}
	asked, _ := events[1].Request["userAttributes"].(map[string]any)
	if alias, there := asked["cognito:email_alias"]; !there || alias != "" || asked["email"] != "person@example.com" || asked["identities"] != nil {
		t.Errorf("PreSignUp: %v", asked)
	}

	f.Answer("inbound", `{"response":{"userAttributesToMap":{"email":"changed@example.com"}}}`)
	second := claimsOf(t, r.browser(t).tokens(signIn()))
	if second["sub"] != first["sub"] || second["email"] != "changed@example.com" || second["email_verified"] != false {
		t.Errorf("claims: %v", second)
	}
	if got := sources(f.Events()); got != "InboundFederation_ExternalProvider PreAuthentication_Authentication PostAuthentication_Authentication TokenGeneration_HostedAuth" {
		t.Errorf("second: %s", got)
	}

	f.On("inbound", func(*lambdas.Event) string { return "not today" })
	if p := signIn(); !strings.Contains(p.location, "error=invalid_request&error_description=InboundFederation+failed+with+error+not+today.") {
		t.Errorf("refused by InboundFederation: %s", p.location)
	}
	f.Answer("inbound", `{"response":{}}`)
	fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) { v["sub"] = "new" }, Info: func(v map[string]any) { v["sub"] = "new" }})
	f.On("f", func(*lambdas.Event) string { return "no" })
	if p := signIn(); !strings.Contains(p.location, "error_description=PreSignUp+failed+with+error+no.") {
		t.Errorf("refused by PreSignUp: %s", p.location)
	}
	_, err := r.sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: new("Corp_new")})
	serving.Want(t, err, "UserNotFoundException")
}

// TestLinkInPreSignUp: a function that links the person while it is asked lets the sign-in go on
// as the linked user.
func TestLinkInPreSignUp(t *testing.T) {
	t.Parallel()
	f := lambdas.New(t)
	c := serving.Dev(t)
	c.TriggerEndpoint = server.Secret(f.URL)
	r := startRig(t, c, func(in *cip.CreateUserPoolInput) {
		in.LambdaConfig = &types.LambdaConfigType{PreSignUp: lambdas.ARN("f")}
	})
	r.addOIDC(t, "Corp", nil)
	f.Answer("f", `{"response":{}}`)
	r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
	f.On("f", func(e *lambdas.Event) string {
		_, subject, _ := strings.Cut(e.UserName, "_")
		_, err := r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
			UserPoolId: &r.pool, DestinationUser: &types.ProviderUserIdentifierType{ProviderName: new("Cognito"), ProviderAttributeValue: new("alice")},
			SourceUser: &types.ProviderUserIdentifierType{ProviderName: new("Corp"), ProviderAttributeName: new("Cognito_Subject"), ProviderAttributeValue: &subject},
		})
		if err != nil {
			return err.Error()
		}
		return ""
	})
	b := r.browser(t)
	if claims := claimsOf(t, b.tokens(b.back(b.toProvider(b.open("/login"))))); claims["cognito:username"] != "alice" {
		t.Errorf("claims: %v", claims)
	}
}
