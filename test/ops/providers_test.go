package ops_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"cognate/internal/federation/saml/samltest"
)

// terraformProvider is a provider as a configuration of Terraform has it. change are the
// details that the configuration gets later, and hidden are those that no answer shows.
type terraformProvider struct {
	name        string
	kind        types.IdentityProviderTypeType
	details     map[string]string
	mapping     map[string]string
	identifiers []string
	change      map[string]string
	hidden      string
	computed    []string
}

// computedDetails are the details that Terraform's provider takes for computed: it does not plan
// them, and its updates do not send the first one.
var computedDetails = []string{"ActiveEncryptionCertificate", "SLORedirectBindingURI", "SSORedirectBindingURI"}

// terraformProviders returns a provider of each type. metadata is a URL of SAML metadata.
func terraformProviders(t *testing.T, metadata, file string) []terraformProvider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	social := map[string]string{"client_id": "id", "client_secret": "secret", "authorize_scopes": "email"}
	otherSocial := map[string]string{"client_id": "id", "client_secret": "secret-2", "authorize_scopes": "email profile"}
	corp := map[string]string{
		"client_id": "id", "client_secret": "secret", "authorize_scopes": "openid email", "oidc_issuer": "https://idp.example.com", "attributes_request_method": "GET",
		"authorize_url": "https://idp.example.com/a", "token_url": "https://idp.example.com/t", "attributes_url": "https://idp.example.com/u", "jwks_uri": "https://idp.example.com/k",
	}
	apple := map[string]string{
		"client_id": "com.example.web", "team_id": "ABCDE12345", "key_id": "FGHIJ67890", "authorize_scopes": "email name",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	with := func(details map[string]string, key, value string) map[string]string {
		out := maps.Clone(details)
		out[key] = value
		return out
	}
	email := map[string]string{"email": "email"}
	return []terraformProvider{
		{name: "Google", kind: types.IdentityProviderTypeTypeGoogle, details: social, mapping: email, change: otherSocial},
		{name: "Facebook", kind: types.IdentityProviderTypeTypeFacebook, details: with(social, "api_version", "v17.0"), mapping: email, change: with(otherSocial, "api_version", "v18.0")},
		{name: "LoginWithAmazon", kind: types.IdentityProviderTypeTypeLoginWithAmazon, details: social, mapping: email, change: otherSocial},
		{name: "SignInWithApple", kind: types.IdentityProviderTypeTypeSignInWithApple, details: apple, mapping: email, change: with(apple, "authorize_scopes", "email"), hidden: "private_key"},
		{name: "Corp", kind: types.IdentityProviderTypeTypeOidc, details: corp, mapping: email, identifiers: []string{"corp.example.com"}, change: with(corp, "client_secret", "secret-2")},
		{
			name: "File", kind: types.IdentityProviderTypeTypeSaml, mapping: map[string]string{"email": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"},
			details: map[string]string{"MetadataFile": file, "EncryptedResponses": "true", "IDPInit": "true"}, identifiers: []string{"file.example.com", "File"},
			change:   map[string]string{"MetadataFile": strings.ReplaceAll(file, "example.com/sso", "example.com/new"), "EncryptedResponses": "false", "IDPInit": "false"},
			computed: computedDetails,
		},
		{
			name: "URL", kind: types.IdentityProviderTypeTypeSaml, mapping: email,
			details: map[string]string{"MetadataURL": metadata, "IDPSignout": "true", "RequestSigningAlgorithm": "rsa-sha256"}, identifiers: []string{"url.example.com"},
			change: map[string]string{"MetadataURL": metadata + "?2", "IDPSignout": "false"}, computed: computedDetails,
		},
	}
}

// wantBack fails unless what was sent is read back.
func (p terraformProvider) wantBack(t *testing.T, sent map[string]string, got *types.IdentityProviderType) {
	t.Helper()
	for key, want := range sent {
		if key == p.hidden {
			want = ""
		}
		if got.ProviderDetails[key] != want {
			t.Errorf("%s: %s is %q, want %q", p.name, key, got.ProviderDetails[key], want)
		}
	}
	for _, key := range p.computed {
		if got.ProviderDetails[key] == "" {
			t.Errorf("%s has no %s", p.name, key)
		}
	}
	if p.kind == types.IdentityProviderTypeTypeSaml { // Other types have fixed details, too.
		for key := range got.ProviderDetails {
			if _, ok := sent[key]; !ok && !slices.Contains(p.computed, key) {
				t.Errorf("%s has %s, which was not sent", p.name, key)
			}
		}
	}
	for attribute, source := range p.mapping {
		if got.AttributeMapping[attribute] != source {
			t.Errorf("%s: %s comes from %q", p.name, attribute, got.AttributeMapping[attribute])
		}
	}
	if !slices.Equal(got.IdpIdentifiers, p.identifiers) && len(got.IdpIdentifiers)+len(p.identifiers) > 0 {
		t.Errorf("%s: identifiers %v", p.name, got.IdpIdentifiers)
	}
}

// TestIdentityProviders makes the calls of Terraform's aws_cognito_identity_provider for each type:
// it creates, reads back what it sent, changes and destroys.
func TestIdentityProviders(t *testing.T) {
	saml := samltest.New(t, samltest.RSA)
	saml.Certificate = samltest.Certificate(t, saml.Signer, time.Now())
	metadata := saml.Metadata()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(metadata) }))
	t.Cleanup(site.Close)
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID := *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("federated")})).UserPool.Id
		for _, row := range terraformProviders(t, site.URL, string(metadata)) {
			read := func() *types.IdentityProviderType {
				return must[*cip.DescribeIdentityProviderOutput](t)(r.DescribeIdentityProvider(ctx, &cip.DescribeIdentityProviderInput{UserPoolId: &poolID, ProviderName: &row.name})).IdentityProvider
			}
			unchanged := func(got *types.IdentityProviderType) {
				t.Helper()
				again := read()
				again.LastModifiedDate = got.LastModifiedDate
				if diff := cmp.Diff(asJSON(t, got), asJSON(t, again)); diff != "" {
					t.Errorf("%s drifts: %s", row.name, diff)
				}
			}
			update := func(details map[string]string, got *types.IdentityProviderType) {
				t.Helper()
				details = maps.Clone(details)
				delete(details, computedDetails[0])
				must[*cip.UpdateIdentityProviderOutput](t)(r.UpdateIdentityProvider(ctx, &cip.UpdateIdentityProviderInput{
					UserPoolId: &poolID, ProviderName: &row.name, ProviderDetails: details, AttributeMapping: got.AttributeMapping, IdpIdentifiers: got.IdpIdentifiers,
				}))
			}
			must[*cip.CreateIdentityProviderOutput](t)(r.CreateIdentityProvider(ctx, &cip.CreateIdentityProviderInput{
				UserPoolId: &poolID, ProviderName: &row.name, ProviderType: row.kind, ProviderDetails: row.details, AttributeMapping: row.mapping, IdpIdentifiers: row.identifiers,
			}))
			got := read()
			row.wantBack(t, row.details, got)
			for _, identifier := range row.identifiers {
				found := must[*cip.GetIdentityProviderByIdentifierOutput](t)(r.GetIdentityProviderByIdentifier(ctx, &cip.GetIdentityProviderByIdentifierInput{UserPoolId: &poolID, IdpIdentifier: &identifier}))
				if diff := cmp.Diff(asJSON(t, got), asJSON(t, found.IdentityProvider)); diff != "" {
					t.Errorf("%s by identifier: %s", row.name, diff)
				}
			}
			unchanged(got)
			update(got.ProviderDetails, got) // what was read, computed details included
			unchanged(got)
			update(row.change, got)
			row.wantBack(t, row.change, read())
			must[*cip.DeleteIdentityProviderOutput](t)(r.DeleteIdentityProvider(ctx, &cip.DeleteIdentityProviderInput{UserPoolId: &poolID, ProviderName: &row.name}))
			_, err := r.DescribeIdentityProvider(ctx, &cip.DescribeIdentityProviderInput{UserPoolId: &poolID, ProviderName: &row.name})
			wantError(t, err, &types.ResourceNotFoundException{Message: aws.String("Identity provider " + row.name + " does not exist.")})
		}
	})
}

// TestLinks links a person of a provider to a user and takes the link away.
func TestLinks(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID := *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("federated")})).UserPool.Id
		for _, row := range terraformProviders(t, "", "")[:5] {
			must[*cip.CreateIdentityProviderOutput](t)(r.CreateIdentityProvider(ctx, &cip.CreateIdentityProviderInput{
				UserPoolId: &poolID, ProviderName: &row.name, ProviderType: row.kind, ProviderDetails: row.details,
			}))
		}
		listed := must[*cip.ListIdentityProvidersOutput](t)(r.ListIdentityProviders(ctx, &cip.ListIdentityProvidersInput{UserPoolId: &poolID}))
		if len(listed.Providers) != 5 {
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
