package ops_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

// TestIdentityProviders makes the calls of Terraform's aws_cognito_identity_provider for each type
// whose details need no other server: it creates, reads back what it sent, changes and destroys.
func TestIdentityProviders(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID := *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("federated")})).UserPool.Id
		social := map[string]string{"client_id": "id", "client_secret": "secret", "authorize_scopes": "email"}
		corp := map[string]string{
			"client_id": "id", "client_secret": "secret", "authorize_scopes": "openid email", "oidc_issuer": "https://idp.example.com", "attributes_request_method": "GET",
			"authorize_url": "https://idp.example.com/a", "token_url": "https://idp.example.com/t", "attributes_url": "https://idp.example.com/u", "jwks_uri": "https://idp.example.com/k",
		}
		for _, row := range []struct {
			name    string
			kind    types.IdentityProviderTypeType
			details map[string]string
		}{
			{"Google", types.IdentityProviderTypeTypeGoogle, social},
			{"Facebook", types.IdentityProviderTypeTypeFacebook, social},
			{"LoginWithAmazon", types.IdentityProviderTypeTypeLoginWithAmazon, social},
			{"Corp", types.IdentityProviderTypeTypeOidc, corp},
		} {
			must[*cip.CreateIdentityProviderOutput](t)(r.CreateIdentityProvider(ctx, &cip.CreateIdentityProviderInput{
				UserPoolId: &poolID, ProviderName: &row.name, ProviderType: row.kind, ProviderDetails: row.details, AttributeMapping: map[string]string{"email": "email"},
			}))
			read := func() *types.IdentityProviderType {
				return must[*cip.DescribeIdentityProviderOutput](t)(r.DescribeIdentityProvider(ctx, &cip.DescribeIdentityProviderInput{UserPoolId: &poolID, ProviderName: &row.name})).IdentityProvider
			}
			got := read()
			for key, want := range row.details {
				if got.ProviderDetails[key] != want {
					t.Errorf("%s: %s is %q, want %q", row.name, key, got.ProviderDetails[key], want)
				}
			}
			// The tool sends back all that it has read.
			must[*cip.UpdateIdentityProviderOutput](t)(r.UpdateIdentityProvider(ctx, &cip.UpdateIdentityProviderInput{
				UserPoolId: &poolID, ProviderName: &row.name, ProviderDetails: got.ProviderDetails, AttributeMapping: got.AttributeMapping, IdpIdentifiers: got.IdpIdentifiers,
			}))
			again := read()
			again.LastModifiedDate = got.LastModifiedDate
			if diff := cmp.Diff(asJSON(t, got), asJSON(t, again)); diff != "" {
				t.Errorf("%s drifts: %s", row.name, diff)
			}
		}
		listed := must[*cip.ListIdentityProvidersOutput](t)(r.ListIdentityProviders(ctx, &cip.ListIdentityProvidersInput{UserPoolId: &poolID}))
		if len(listed.Providers) != 4 {
			t.Errorf("list: %v", listed.Providers)
		}
		client := must[*cip.CreateUserPoolClientOutput](t)(r.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{UserPoolId: &poolID, ClientName: aws.String("web"), SupportedIdentityProviders: []string{"Corp", "COGNITO"}})).UserPoolClient
		must[*cip.AdminCreateUserOutput](t)(r.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: &poolID, Username: aws.String("ada")}))
		local := &types.ProviderUserIdentifierType{ProviderName: aws.String("Cognito"), ProviderAttributeValue: aws.String("ada")}
		person := &types.ProviderUserIdentifierType{ProviderName: aws.String("Google"), ProviderAttributeName: aws.String("Cognito_Subject"), ProviderAttributeValue: aws.String("10")}
		must[*cip.AdminLinkProviderForUserOutput](t)(r.AdminLinkProviderForUser(ctx, &cip.AdminLinkProviderForUserInput{UserPoolId: &poolID, DestinationUser: local, SourceUser: person}))
		_, err := r.AdminLinkProviderForUser(ctx, &cip.AdminLinkProviderForUserInput{UserPoolId: &poolID, DestinationUser: local, SourceUser: local})
		wantError(t, err, &types.InvalidParameterException{Message: aws.String("Invalid SourceUser: Cognito users with a username/password may not be passed in as a SourceUser, only as a DestinationUser")})
		user := must[*cip.AdminGetUserOutput](t)(r.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &poolID, Username: aws.String("ada")}))
		var identities []map[string]any
		for _, a := range user.UserAttributes {
			if *a.Name == "identities" {
				if err := json.Unmarshal([]byte(*a.Value), &identities); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(identities) != 1 || identities[0]["userId"] != "10" || identities[0]["primary"] != false || identities[0]["issuer"] != nil {
			t.Errorf("identities: %v", identities)
		}
		must[*cip.AdminDisableProviderForUserOutput](t)(r.AdminDisableProviderForUser(ctx, &cip.AdminDisableProviderForUserInput{UserPoolId: &poolID, User: person}))
		_, err = r.AdminDisableProviderForUser(ctx, &cip.AdminDisableProviderForUserInput{UserPoolId: &poolID, User: person})
		wantError(t, err, &types.UserNotFoundException{Message: aws.String("User does not exist.")})

		must[*cip.DeleteIdentityProviderOutput](t)(r.DeleteIdentityProvider(ctx, &cip.DeleteIdentityProviderInput{UserPoolId: &poolID, ProviderName: aws.String("Corp")}))
		_, err = r.UpdateUserPoolClient(ctx, &cip.UpdateUserPoolClientInput{UserPoolId: &poolID, ClientId: client.ClientId, SupportedIdentityProviders: []string{"Corp"}})
		wantError(t, err, &types.InvalidParameterException{Message: aws.String("The provider Corp does not exist for User Pool " + poolID + ".")})
	})
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
