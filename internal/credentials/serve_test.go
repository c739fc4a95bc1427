package credentials_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/test/serving"
)

// TestProduction wants a server in production to accept its own keys only.
func TestProduction(t *testing.T) {
	t.Parallel()
	r := &rig{Rig: serving.Start(t, serving.Serve(t))}
	ops := credentials.NewStaticCredentialsProvider(pair(serving.NewKey(t, r.Rig, "ops", "admin")))
	r.iam = iam.NewFromConfig(r.settings(ops))
	r.role(t, "app", trustAccount, allow("cognito-idp:*"))
	made, err := r.sts(ops).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: new(roleARN + "app"), RoleSessionName: new("one")})
	check(t, err)
	if code := r.pools(t, of(made.Credentials)); code != "" {
		t.Errorf("ListUserPools: %s", code)
	}
	for _, token := range []string{"", "IQoJb3JpZ2luX2VjEA==", *made.Credentials.SessionToken} {
		stranger := credentials.NewStaticCredentialsProvider("ASIAAAAAAAAAAAAAAAAA", "secret", token)
		_, err := r.sts(stranger).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		want(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")
	}
}

func pair(id, secret string) (string, string, string) { return id, secret, "" }
