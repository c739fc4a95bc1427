package credentials_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/pgtest"
)

// TestCredentialsEndOnEveryNode revokes credentials on one server, which another server of the same database has
// accepted before. A second later by its own clock, the other server refuses them.
func TestCredentialsEndOnEveryNode(t *testing.T) {
	t.Parallel()
	database, kek := pgtest.Database(t), filepath.Join(t.TempDir(), "kek")
	check(t, os.WriteFile(kek, []byte(keys.GenerateKEK()+"\n"), 0o600))
	shared := func(c *server.Config) { c.KEKFile, c.IssuerBase = kek, "http://localhost" }
	a, b := newRig(t, database, shared), newRig(t, database, shared)
	ctx := t.Context()
	const unknown, provider = "UnrecognizedClientException", "cognito-identity.amazonaws.com"
	ends := func(name, code string, list []aws.CredentialsProvider, revoke func()) {
		t.Helper()
		for i, c := range list {
			if got := b.pools(t, c); got != "" {
				t.Errorf("%s: credentials %d are refused at first: %s", name, i, got)
			}
		}
		revoke()
		b.ahead.Add(int64(time.Second))
		for i, c := range list {
			if got := b.pools(t, c); got != code {
				t.Errorf("%s: credentials %d afterwards: %q, want %s", name, i, got, code)
			}
		}
	}
	one := func(c aws.CredentialsProvider) []aws.CredentialsProvider { return []aws.CredentialsProvider{c} }

	// Sessions by tokens of identity pools.
	login := func(role string) (pool, id string, session aws.CredentialsProvider) {
		t.Helper()
		pool, id, token := a.identityToken(t, nil)
		a.role(t, role, trustLogin(provider, provider, pool), allow("cognito-idp:*"))
		out, err := a.anybody().AssumeRoleWithWebIdentity(ctx, web(role, token))
		check(t, err)
		return pool, id, of(out.Credentials)
	}
	_, id, session := login("identity")
	ends("deleted identity", unknown, one(session), func() {
		_, err := a.identity.DeleteIdentities(ctx, &ci.DeleteIdentitiesInput{IdentityIdsToDelete: []string{id}})
		check(t, err)
	})
	pool, _, session := login("pool")
	ends("deleted identity pool", unknown, one(session), func() {
		_, err := a.identity.DeleteIdentityPool(ctx, &ci.DeleteIdentityPoolInput{IdentityPoolId: &pool})
		check(t, err)
	})

	// Sessions of roles.
	ada := a.user(t, "ada", allow("sts:AssumeRole"))
	assume := func(role string) aws.CredentialsProvider {
		t.Helper()
		a.role(t, role, trustAccount, allow("cognito-idp:*"))
		out, err := a.sts(ada).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: new(roleARN + role), RoleSessionName: new("one")})
		check(t, err)
		return of(out.Credentials)
	}
	ends("deleted role", unknown, one(assume("gone")), func() {
		_, err := a.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: new("gone"), PolicyName: new("p")})
		check(t, err)
		_, err = a.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: new("gone")})
		check(t, err)
	})
	ends("revoked sessions", "AccessDeniedException", one(assume("revoked")), func() {
		_, err := a.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: new("revoked"), PolicyName: new("AWSRevokeOlderSessions"), PolicyDocument: document(fmt.Sprintf(
			`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":%q}}}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))})
		check(t, err)
	})

	// Users, with the sessions that their keys began.
	user := func(name string) (key string, list []aws.CredentialsProvider) {
		t.Helper()
		own := a.user(t, name, allow("cognito-idp:*"))
		out, err := a.sts(own).GetSessionToken(ctx, &sts.GetSessionTokenInput{})
		check(t, err)
		c, err := own.Retrieve(ctx)
		check(t, err)
		return c.AccessKeyID, []aws.CredentialsProvider{own, of(out.Credentials)}
	}
	key, list := user("bert")
	ends("key switched off", unknown, list, func() {
		_, err := a.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: new("bert"), AccessKeyId: &key, Status: iamtypes.StatusTypeInactive})
		check(t, err)
	})
	// To a development server the deleted key itself is one of those that it never made.
	key, list = user("cleo")
	ends("deleted user", unknown, list[1:], func() {
		_, err := a.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: new("cleo"), AccessKeyId: &key})
		check(t, err)
		_, err = a.iam.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: new("cleo"), PolicyName: new("p")})
		check(t, err)
		_, err = a.iam.DeleteUser(ctx, &iam.DeleteUserInput{UserName: new("cleo")})
		check(t, err)
	})
}
