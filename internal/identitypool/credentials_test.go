package identitypool_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/coreos/go-oidc/v3/oidc"

	"cognate/internal/outbound"
	"cognate/test/serving"
)

// iam is the SDK's client of IAM.
func (r *rig) iam(with aws.CredentialsProvider) *iam.Client {
	return iam.New(iam.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: with,
		HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	})
}

// trust returns a trust policy for identities of a pool. amr is the method that they must have.
func trust(pool, amr string, actions ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},
		"Action":["` + strings.Join(append(actions, "sts:AssumeRoleWithWebIdentity"), `","`) + `"],"Condition":{
		"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + pool + `"},"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"` + amr + `"}}}]}`
}

func statement(text string) string {
	return `{"Version":"2012-10-17","Statement":[` + text + `]}`
}

// role makes a role with one inline policy, and returns its ARN.
func (r *rig) role(t *testing.T, name, trust, policy string) string {
	t.Helper()
	made, err := r.iam(r.admin).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	arn := *serving.Must(t, made, err).Role.Arn
	_, err = r.iam(r.admin).PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: new("p"), PolicyDocument: &policy})
	serving.Want(t, err, "")
	return arn
}

func (r *rig) setRoles(t *testing.T, pool, authenticated, unauthenticated string) {
	t.Helper()
	_, err := r.sdk.SetIdentityPoolRoles(t.Context(), &ci.SetIdentityPoolRolesInput{
		IdentityPoolId: &pool, Roles: map[string]string{"authenticated": authenticated, "unauthenticated": unauthenticated},
	})
	serving.Want(t, err, "")
}

// credentials returns what the SDK signs with as an identity.
func (r *rig) credentials(t *testing.T, id string, logins map[string]string) aws.CredentialsProvider {
	t.Helper()
	out, err := r.sdk.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
	c := serving.Must(t, out, err).Credentials
	if left := time.Until(*c.Expiration) - time.Duration(r.skew.Load()); left < 58*time.Minute || left > time.Hour || !strings.HasPrefix(*c.AccessKeyId, "ASIA") || *out.IdentityId != id {
		t.Errorf("credentials of %s until %s, key %s", *out.IdentityId, c.Expiration, *c.AccessKeyId)
	}
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretKey, *c.SessionToken)
}

// listPools lists user pools, which policies must allow.
func (r *rig) listPools(ctx context.Context, with aws.CredentialsProvider) error {
	c := cip.New(cip.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: with,
		HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	})
	_, err := c.ListUserPools(ctx, &cip.ListUserPoolsInput{MaxResults: aws.Int32(1)})
	return err
}

// wantNoCredentials fails unless the pool's roles are refused.
func (r *rig) wantNoCredentials(t *testing.T, id string, logins map[string]string, code, text string) {
	t.Helper()
	_, err := r.sdk.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
	wantText(t, err, code, text)
}

// TestCredentials: the credentials of a guest and of a person do what the pool's roles allow, and
// end with the identity, the role and the pool.
func TestCredentials(t *testing.T) {
	t.Parallel()
	production(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		const wrong, check = "InvalidIdentityPoolConfigurationException", "Check assigned IAM roles for this pool."
		pool, other := r.pool(t), r.pool(t)
		guest, logins := r.id(t, pool, nil), r.logins(t, "ada")
		person := r.id(t, pool, logins)
		r.wantNoCredentials(t, guest, nil, wrong, check)

		both := statement(`{"Effect":"Allow","Action":["cognito-idp:ListUserPools","iam:ListRoles"],"Resource":"*"}`)
		own := statement(`{"Effect":"Allow","Action":["cognito-idp:ListUserPools","iam:ListRoles"],"Resource":"*",
			"Condition":{"StringEquals":{"cognito-identity.amazonaws.com:sub":"` + person + `"}}}`)
		guests := r.role(t, "guests", trust(pool, "unauthenticated"), both)
		people := r.role(t, "people", trust(pool, "authenticated"), own)
		r.setRoles(t, pool, people, guests)

		g := r.credentials(t, guest, nil)
		serving.Want(t, r.listPools(ctx, g), "")
		_, err := r.iam(g).ListRoles(ctx, nil)
		wantText(t, err, "AccessDenied", "no session policy allows the iam:ListRoles action") // Guests never reach IAM.
		p := r.credentials(t, person, logins)
		serving.Want(t, r.listPools(ctx, p), "")
		_, err = r.iam(p).ListRoles(ctx, nil)
		serving.Want(t, err, "")
		_, err = r.iam(p).ListUsers(ctx, nil)
		wantText(t, err, "AccessDenied", "assumed-role/people/CognitoIdentityCredentials is not authorized to perform: iam:ListUsers")
		bob := r.logins(t, "bob")
		serving.Want(t, r.listPools(ctx, r.credentials(t, r.id(t, pool, bob), bob)), "AccessDeniedException")

		// What does not belong together is refused.
		r.wantNoCredentials(t, person, nil, "NotAuthorizedException", "Access to Identity '"+person+"' is forbidden.")
		r.wantNoCredentials(t, person, bob, "NotAuthorizedException", "Logins don't match.")
		r.wantNoCredentials(t, "us-east-1:00000000-0000-4000-8000-000000000000", nil, "ResourceNotFoundException", "not found")
		_, err = r.sdk.GetCredentialsForIdentity(ctx, &ci.GetCredentialsForIdentityInput{IdentityId: &person, Logins: logins, CustomRoleArn: &guests})
		wantText(t, err, "NotAuthorizedException", "Requested role is not allowed for this identity.")

		// The trust policies decide: another pool, the other method, no audience at all.
		r.setRoles(t, other, people, guests)
		r.wantNoCredentials(t, r.id(t, other, nil), nil, wrong, check)
		r.setRoles(t, pool, guests, people)
		r.wantNoCredentials(t, guest, nil, wrong, check)
		r.wantNoCredentials(t, person, logins, wrong, check)
		r.setRoles(t, pool, people, "arn:aws:iam::123456789012:role/nobody")
		r.wantNoCredentials(t, guest, nil, wrong, check)

		// Credentials end with what they stand on, within a second.
		_, err = r.sdk.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{guest}})
		serving.Want(t, err, "")
		r.pass(2 * time.Second)
		serving.Want(t, r.listPools(ctx, g), "UnrecognizedClientException")
		serving.Want(t, r.listPools(ctx, p), "")
		as := r.iam(r.admin)
		_, err = as.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: new("people"), PolicyName: new("p")})
		serving.Want(t, err, "")
		r.pass(2 * time.Second)
		serving.Want(t, r.listPools(ctx, p), "AccessDeniedException")
		_, err = as.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: new("people")})
		serving.Want(t, err, "")
		r.role(t, "people", trust(pool, "authenticated"), own) // Another role of the same name.
		r.pass(2 * time.Second)
		serving.Want(t, r.listPools(ctx, p), "UnrecognizedClientException")
		p = r.credentials(t, person, logins)
		serving.Want(t, r.listPools(ctx, p), "")
		_, err = r.sdk.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: &pool})
		serving.Want(t, err, "")
		r.pass(2 * time.Second)
		serving.Want(t, r.listPools(ctx, p), "UnrecognizedClientException")
	})
}

// TestTagsOfCredentials: the tags of a session come from the login, and the role must allow them.
func TestTagsOfCredentials(t *testing.T) {
	t.Parallel()
	production(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		pool, logins := r.pool(t), r.logins(t, "ada")
		_, err := r.sdk.SetPrincipalTagAttributeMap(ctx, &ci.SetPrincipalTagAttributeMapInput{
			IdentityPoolId: &pool, IdentityProviderName: new(r.key()), PrincipalTags: map[string]string{"name": "cognito:username"},
		})
		serving.Want(t, err, "")
		tagged := statement(`{"Effect":"Allow","Action":"cognito-idp:ListUserPools","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/name":"ada"}}}`)
		id := r.id(t, pool, logins)
		r.setRoles(t, pool, r.role(t, "untagged", trust(pool, "authenticated"), tagged), guestRole)
		r.wantNoCredentials(t, id, logins, "InvalidIdentityPoolConfigurationException", "Check assigned IAM roles for this pool.")
		r.setRoles(t, pool, r.role(t, "tagged", trust(pool, "authenticated", "sts:TagSession"), tagged), guestRole)
		serving.Want(t, r.listPools(ctx, r.credentials(t, id, logins)), "")
		bob := r.logins(t, "bob")
		serving.Want(t, r.listPools(ctx, r.credentials(t, r.id(t, pool, bob), bob)), "AccessDeniedException")
		star := r.logins(t, "a*")
		r.wantNoCredentials(t, r.id(t, pool, star), star, "InvalidIdentityPoolConfigurationException", "Check assigned IAM roles for this pool.")
	})
}

// TestRolesOfGroups: a mapping of type Token takes the role of the person's group, and a rule that of
// a claim.
func TestRolesOfGroups(t *testing.T) {
	t.Parallel()
	production(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		pool := r.pool(t)
		lists := statement(`{"Effect":"Allow","Action":"cognito-idp:ListUserPools","Resource":"*"}`)
		may := r.role(t, "may", trust(pool, "authenticated"), lists)
		mayNot := r.role(t, "may-not", trust(pool, "authenticated"), statement(`{"Effect":"Deny","Action":"*","Resource":"*"}`))
		group, err := r.idp.CreateGroup(ctx, &cip.CreateGroupInput{UserPoolId: &r.userPool, GroupName: new("staff"), RoleArn: &may})
		serving.Must(t, group, err)
		r.signIn(t, "ada")
		added, err := r.idp.AdminAddUserToGroup(ctx, &cip.AdminAddUserToGroupInput{UserPoolId: &r.userPool, Username: new("ada"), GroupName: new("staff")})
		serving.Must(t, added, err)
		ada, bob := r.logins(t, "ada"), r.logins(t, "bob")
		set := func(m types.RoleMapping) {
			t.Helper()
			_, err := r.sdk.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{
				IdentityPoolId: &pool, Roles: map[string]string{"authenticated": mayNot}, RoleMappings: map[string]types.RoleMapping{r.key() + ":" + r.client: m},
			})
			serving.Want(t, err, "")
		}
		for _, m := range []types.RoleMapping{
			{Type: types.RoleMappingTypeToken, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeAuthenticatedRole},
			{Type: types.RoleMappingTypeRules, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeAuthenticatedRole, RulesConfiguration: &types.RulesConfigurationType{
				Rules: []types.MappingRule{{Claim: new("cognito:groups"), MatchType: types.MappingRuleMatchTypeContains, Value: new("staff"), RoleARN: &may}},
			}},
		} {
			set(m)
			serving.Want(t, r.listPools(ctx, r.credentials(t, r.id(t, pool, ada), ada)), "")
			serving.Want(t, r.listPools(ctx, r.credentials(t, r.id(t, pool, bob), bob)), "AccessDeniedException")
		}
		set(types.RoleMapping{Type: types.RoleMappingTypeToken, AmbiguousRoleResolution: types.AmbiguousRoleResolutionTypeDeny})
		r.wantNoCredentials(t, r.id(t, pool, bob), bob, "NotAuthorizedException", "The logins match no role")
	})
}

// A foreignSTS stands in for AWS's STS. It verifies tokens by the issuer's public keys.
type foreignSTS struct {
	*httptest.Server
	issuer string
	refuse atomic.Pointer[string] // the code of every answer
	last   atomic.Pointer[url.Values]
}

func newForeignSTS(t *testing.T) *foreignSTS {
	f := &foreignSTS{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f.last.Store(&r.Form)
		w.Header().Set("Content-Type", "text/xml")
		if code := f.refuse.Load(); code != nil {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, *code)
			return
		}
		verifier := oidc.NewVerifier(f.issuer, oidc.NewRemoteKeySet(r.Context(), f.issuer+"/.well-known/jwks_uri"), &oidc.Config{SkipClientIDCheck: true})
		token, err := verifier.Verify(r.Context(), r.Form.Get("WebIdentityToken"))
		if err != nil || r.Form.Get("Action") != "AssumeRoleWithWebIdentity" || r.Header.Get("Authorization") != "" {
			t.Errorf("STS is asked with %v: %v", r.Form, err)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAFOREIGN</AccessKeyId>
			<SecretAccessKey>secret of %s</SecretAccessKey><SessionToken>token</SessionToken><Expiration>2030-01-02T03:04:05Z</Expiration></Credentials>
			</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, token.Subject)
	}))
	t.Cleanup(f.Close)
	return f
}

// TestForeignSTS: with sts-endpoint, another STS makes the credentials, by the identity's token.
func TestForeignSTS(t *testing.T) {
	t.Parallel()
	foreign := newForeignSTS(t)
	c := serving.Dev(t)
	c.STSEndpoint = foreign.URL
	r := &rig{skew: &atomic.Int64{}}
	r.start(t, c)
	r.use(t, credentials.NewStaticCredentialsProvider("dev", "dev", ""))
	foreign.issuer = r.URL() + "/cognito-identity"
	pool := r.pool(t)
	r.setRoles(t, pool, authRole, guestRole)
	guest, logins := r.id(t, pool, nil), r.logins(t, "ada")
	person := r.id(t, pool, logins)
	get := func(id string, logins map[string]string) *types.Credentials {
		t.Helper()
		out, err := r.sdk.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &id, Logins: logins})
		return serving.Must(t, out, err).Credentials
	}
	got := get(person, logins)
	if asked := *foreign.last.Load(); *got.AccessKeyId != "ASIAFOREIGN" || *got.SecretKey != "secret of "+person || *got.SessionToken != "token" || got.Expiration.Year() != 2030 ||
		asked.Get("RoleArn") != authRole || asked.Get("DurationSeconds") != "3600" || asked.Get("Policy") != "" || asked.Get("RoleSessionName") != "CognitoIdentityCredentials" {
		t.Errorf("credentials %v, asked for with %v", got, asked)
	}
	get(guest, nil)
	if asked := *foreign.last.Load(); asked.Get("RoleArn") != guestRole || !strings.Contains(asked.Get("Policy"), `"s3:*"`) {
		t.Errorf("for a guest STS is asked with %v", asked)
	}
	for code, want := range map[string]string{"AccessDenied": "InvalidIdentityPoolConfigurationException", "InvalidParameterValue": "InvalidIdentityPoolConfigurationException", "Throttling": "ExternalServiceException"} {
		foreign.refuse.Store(&code)
		_, err := r.sdk.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guest})
		serving.Want(t, err, want)
		if !strings.Contains(r.Log.String(), "api error "+code) {
			t.Errorf("the log does not have %s, which STS answered", code)
		}
	}
	foreign.Close()
	_, err := r.sdk.GetCredentialsForIdentity(t.Context(), &ci.GetCredentialsForIdentityInput{IdentityId: &guest})
	serving.Want(t, err, "ExternalServiceException")
}
