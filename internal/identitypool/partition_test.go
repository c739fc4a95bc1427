package identitypool_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/internal/outbound"
	"cognate/test/serving"
)

// TestPartitions uses identity pools in Regions of China and of the government clouds. Their principal, their
// condition keys, the names of user pools and the ARNs are those of the partition.
func TestPartitions(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for _, p := range []struct{ region, partition, provider, domain string }{
		{"cn-north-1", "aws-cn", "cognito-identity.cn-north-1.amazonaws.com.cn", "amazonaws.com.cn"},
		{"cn-northwest-1", "aws-cn", "cognito-identity.cn-northwest-1.amazonaws.com.cn", "amazonaws.com.cn"},
		{"us-gov-west-1", "aws-us-gov", "cognito-identity-us-gov.amazonaws.com", "amazonaws.com"},
	} {
		t.Run(p.region, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			settings := aws.Config{
				Region: p.region, BaseEndpoint: aws.String(r.URL()), Credentials: r.admin,
				HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
			}
			local := &rig{Rig: r.Rig, admin: r.admin, skew: r.skew, idp: cip.NewFromConfig(settings), sdk: ci.NewFromConfig(settings)}
			made, err := local.idp.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: new("people")})
			local.userPool = *serving.Must(t, made, err).UserPool.Id
			local.client = local.addClient(t)
			key := "cognito-idp." + p.region + "." + p.domain + "/" + local.userPool
			pool := local.pool(t, func(in *ci.CreateIdentityPoolInput) {
				in.CognitoIdentityProviders = []types.CognitoIdentityProvider{{ProviderName: &key, ClientId: &local.client}}
			})
			logins := map[string]string{key: *local.signIn(t, "ada").IdToken}
			id := local.id(t, pool, logins)

			roles := iam.NewFromConfig(settings)
			create := func(name, provider string) string {
				t.Helper()
				out, err := roles.CreateRole(ctx, &iam.CreateRoleInput{
					RoleName: new(name + p.region), AssumeRolePolicyDocument: new(strings.ReplaceAll(trust(pool, "authenticated"), "cognito-identity.amazonaws.com", provider)),
				})
				return *serving.Must(t, out, err).Role.Arn
			}
			right, wrong := create("right", p.provider), create("wrong", "cognito-identity.amazonaws.com")
			if !strings.HasPrefix(right, "arn:"+p.partition+":iam::") {
				t.Errorf("the role is %s", right)
			}
			_, err = roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: new("right" + p.region), PolicyName: new("p"), PolicyDocument: new(
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cognito-idp:*","Resource":"*","Condition":{"StringEquals":{"` + p.provider + `:sub":"` + id + `"}}}]}`)})
			serving.Want(t, err, "")
			use := func(role string) {
				t.Helper()
				_, err := local.sdk.SetIdentityPoolRoles(ctx, &ci.SetIdentityPoolRolesInput{IdentityPoolId: &pool, Roles: map[string]string{"authenticated": role}})
				serving.Want(t, err, "")
			}
			use(right)
			session := local.credentials(t, id, logins)
			as := settings
			as.Credentials = session
			who, err := sts.NewFromConfig(as).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			if arn := *serving.Must(t, who, err).Arn; !strings.HasPrefix(arn, "arn:"+p.partition+":sts::") {
				t.Errorf("the session is %s", arn)
			}
			_, err = cip.NewFromConfig(as).ListUserPools(ctx, &cip.ListUserPoolsInput{MaxResults: aws.Int32(1)})
			serving.Want(t, err, "")
			use(wrong)
			local.wantNoCredentials(t, id, logins, "InvalidIdentityPoolConfigurationException", "")

			// The basic flow, and the developer's token under the partition's name.
			token, err := local.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
			anybody := as
			anybody.Credentials = aws.AnonymousCredentials{}
			assume := func(role string) error {
				_, err := sts.NewFromConfig(anybody).AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{
					RoleArn: &role, RoleSessionName: new("web"), WebIdentityToken: serving.Must(t, token, err).Token,
				})
				return err
			}
			serving.Want(t, assume(right), "")
			serving.Want(t, assume(wrong), "AccessDenied")
			dev, err := local.sdk.GetOpenIdTokenForDeveloperIdentity(ctx, &ci.GetOpenIdTokenForDeveloperIdentityInput{IdentityPoolId: &pool, Logins: map[string]string{developer: "dora"}})
			serving.Must(t, dev, err)
			for _, name := range []string{p.provider, "https://" + p.provider + "/"} {
				if code := serving.Code(local.openError(t, *dev.IdentityId, map[string]string{name: *dev.Token})); code != "" {
					t.Errorf("a token under %s: %s", name, code)
				}
			}
		})
	}
}

// openError returns the error of GetOpenIdToken.
func (r *rig) openError(t *testing.T, id string, logins map[string]string) error {
	t.Helper()
	_, err := r.sdk.GetOpenIdToken(t.Context(), &ci.GetOpenIdTokenInput{IdentityId: &id, Logins: logins})
	return err
}
