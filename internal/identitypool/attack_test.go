package identitypool_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idptypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/lambdas"
	"cognate/test/serving"
)

const cognito = "cognito-identity.amazonaws.com"

// TestTokensOfIdentitiesAsLogins: a guest's own token proves no person, and a token that was made
// by another token is not valid for longer.
func TestTokensOfIdentitiesAsLogins(t *testing.T) {
	t.Parallel()
	production(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		pool := r.pool(t)
		r.setRoles(t, pool, r.role(t, "people", trust(pool, "authenticated"), statement(`{"Effect":"Allow","Action":"iam:*","Resource":"*"}`)),
			r.role(t, "guests", trust(pool, "unauthenticated"), statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)))
		guest := r.id(t, pool, nil)
		out, err := r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest})
		logins := map[string]string{cognito: *serving.Must(t, out, err).Token}
		const refused, text = "NotAuthorizedException", "Can't pass in a Cognito token."
		r.wantNoCredentials(t, guest, logins, refused, text)
		_, err = r.sdk.GetOpenIdToken(ctx, &ci.GetOpenIdTokenInput{IdentityId: &guest, Logins: logins})
		wantText(t, err, refused, text)
		_, err = r.sdk.UnlinkIdentity(ctx, &ci.UnlinkIdentityInput{IdentityId: &guest, Logins: logins, LoginsToRemove: []string{cognito}})
		wantText(t, err, refused, text)

		made, err := r.sdk.GetOpenIdTokenForDeveloperIdentity(ctx, &ci.GetOpenIdTokenForDeveloperIdentityInput{
			IdentityPoolId: &pool, Logins: map[string]string{developer: "ada"}, TokenDuration: new(int64(300)),
		})
		id := *serving.Must(t, made, err).IdentityId
		logins = map[string]string{cognito: *made.Token}
		_, claims := r.open(t, id, logins)
		if first := claimsOf(t, *made.Token)["exp"]; claims["exp"] != first {
			t.Errorf("the second token ends at %v, the first at %v", claims["exp"], first)
		}
		r.credentials(t, id, logins)
		r.pass(6 * time.Minute)
		r.wantNoCredentials(t, id, logins, refused, "Token expired")
	})
}

// TestAccessTokenWithAudience: a function of the user pool may give access tokens the app client as
// audience. They are no logins all the same, at identity pools and at STS.
func TestAccessTokenWithAudience(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	f := lambdas.New(t)
	c := serving.Dev(t)
	c.TriggerEndpoint = server.Secret(f.URL)
	r := &rig{skew: &atomic.Int64{}}
	r.start(t, c)
	r.use(t, credentials.NewStaticCredentialsProvider("dev", "dev", ""))
	f.Answer("tokens", `{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"aud":"`+r.client+`"}}}}}`)
	_, err := r.idp.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{UserPoolId: &r.userPool, LambdaConfig: &idptypes.LambdaConfigType{
		PreTokenGenerationConfig: &idptypes.PreTokenGenerationVersionConfigType{LambdaArn: lambdas.ARN("tokens"), LambdaVersion: idptypes.PreTokenGenerationLambdaVersionTypeV20},
	}})
	serving.Want(t, err, "")
	tokens := r.signIn(t, "ada")
	if aud := claimsOf(t, *tokens.AccessToken)["aud"]; aud != r.client {
		t.Fatalf("the access token has the audience %v", aud)
	}
	pool := r.pool(t)
	r.id(t, pool, map[string]string{r.key(): *tokens.IdToken})
	_, err = r.sdk.GetId(ctx, &ci.GetIdInput{IdentityPoolId: &pool, Logins: map[string]string{r.key(): *tokens.AccessToken}})
	wantText(t, err, "NotAuthorizedException", "Missing a required claim: aud")

	issuer, _ := claimsOf(t, *tokens.IdToken)["iss"].(string)
	name := strings.TrimPrefix(issuer, "http://")
	provider, err := r.iam(r.admin).CreateOpenIDConnectProvider(ctx, &iam.CreateOpenIDConnectProviderInput{Url: new("https://" + name), ClientIDList: []string{r.client}})
	arn := *serving.Must(t, provider, err).OpenIDConnectProviderArn
	role := r.role(t, "people", statement(`{"Effect":"Allow","Principal":{"Federated":"`+arn+`"},"Action":"sts:AssumeRoleWithWebIdentity"}`), statement(`{"Effect":"Allow","Action":"*","Resource":"*"}`))
	anybody := sts.New(sts.Options{
		BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: aws.AnonymousCredentials{},
		HTTPClient: outbound.NewAWSClient(aws.Config{}), RetryMaxAttempts: 1,
	})
	for token, code := range map[*string]string{tokens.IdToken: "", tokens.AccessToken: "InvalidIdentityToken"} {
		_, err := anybody.AssumeRoleWithWebIdentity(ctx, &sts.AssumeRoleWithWebIdentityInput{RoleArn: &role, RoleSessionName: new("one"), WebIdentityToken: token})
		if got := serving.Code(err); got != code && !strings.HasPrefix(got, code+"Exception") {
			t.Errorf("%v, want %q", err, code)
		}
	}
}
