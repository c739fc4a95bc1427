package seed_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// engines runs a test with the configuration of a development server for each database.
func engines(t *testing.T, test func(t *testing.T, c server.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, serving.Dev(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := serving.Dev(t)
		c.Database = server.Secret(pgtest.Database(t))
		test(t, c)
	})
}

// write stores a seed in a file.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	poolID   = "us-east-1_shop1"
	aliceSub = "11111111-1111-4111-8111-111111111111"
)

// shop is the seed of the tests. Erin's secret is that of RFC 4226, appendix D.

const shop = `
roles:
  - name: shop-admin
    trustPolicy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Federated: cognito-identity.amazonaws.com}, Action: "sts:AssumeRoleWithWebIdentity"}]}
    policies:
      orders: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:GetObject", Resource: "*"}]}
userPools:
  - id: us-east-1_shop1
    name: shop
    settings:
      AutoVerifiedAttributes: [email]
      UserPoolTags: {team: a}
      Schema: [{Name: tier, AttributeDataType: String, Mutable: true}]
    mfa: {MfaConfiguration: OPTIONAL, SoftwareTokenMfaConfiguration: {Enabled: true}}
    domain: {name: shop, managedLoginVersion: 2}
    resourceServers:
      - {identifier: https://api.example.com, name: api, scopes: [{name: read, description: Read orders}]}
    identityProviders:
      - name: partner
        type: OIDC
        details: {client_id: a, client_secret: b, oidc_issuer: https://login.example.com, attributes_request_method: GET, authorize_scopes: openid,
          authorize_url: https://login.example.com/a, token_url: https://login.example.com/t, attributes_url: https://login.example.com/u, jwks_uri: https://login.example.com/j}
        attributeMapping: {email: email}
    clients:
      - id: shopweb
        name: web
        settings: {ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH]}
      - id: shopapi
        name: api
        secret: abcdefghijklmnopqrstuvwxyz
        settings: {AllowedOAuthFlows: [client_credentials], AllowedOAuthScopes: ["https://api.example.com/read"], AllowedOAuthFlowsUserPoolClient: true}
    groups:
      - {name: admins, precedence: 1, role: shop-admin}
    users:
      - username: alice
        sub: 11111111-1111-4111-8111-111111111111
        password: Correct-horse-1
        attributes: {email: alice@example.com, email_verified: true, "custom:tier": gold}
        groups: [admins]
      - username: bob
        # The hash of Correct-horse-1.
        passwordHash: $2a$04$HASH
      - {username: carol, password: Correct-horse-1, status: FORCE_CHANGE_PASSWORD}
      - {username: dave, password: Correct-horse-1, enabled: false}
      - {username: erin, password: Correct-horse-1, totpSecret: GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ}
identityPools:
  - id: us-east-1:00000000-0000-4000-8000-000000000001
    name: shop
    settings:
      AllowUnauthenticatedIdentities: true
      CognitoIdentityProviders: [{ProviderName: cognito-idp.us-east-1.amazonaws.com/us-east-1_shop1, ClientId: shopweb}]
    roles: {authenticated: shop-admin}
`

// seedText returns the seed of the tests.
func seedText(t *testing.T) string {
	t.Helper()
	hash, err := bcryptHash("Correct-horse-1")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(shop, "$2a$04$HASH", hash)
}

func signIn(ctx context.Context, c *cip.Client, client, name, password string) (*cip.InitiateAuthOutput, error) {
	return c.InitiateAuth(ctx, &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
}

// sub returns the sub of a user.
func sub(t *testing.T, c *cip.Client, name string) string {
	t.Helper()
	out, err := c.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: &name})
	if err != nil {
		t.Fatal(err)
	}
	return attribute(out.UserAttributes, "sub")
}

func attribute(list []types.AttributeType, name string) string {
	for _, a := range list {
		if *a.Name == name {
			return aws.ToString(a.Value)
		}
	}
	return ""
}

// TestSeed starts a server with a seed, and again after changes.
func TestSeed(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		ctx := t.Context()
		c.Seed = write(t, "shop.yaml", seedText(t))
		first := startOnce(t, c)
		sdk := first.Dev()
		for name, want := range map[string]string{"alice": "", "bob": "", "carol": "NEW_PASSWORD_REQUIRED", "dave": "NotAuthorizedException", "erin": "SOFTWARE_TOKEN_MFA"} {
			out, err := signIn(ctx, sdk, "shopweb", name, "Correct-horse-1")
			got := serving.Code(err)
			if err == nil {
				got = string(out.ChallengeName)
			}
			if got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
			if name == "erin" && err == nil {
				_, err := sdk.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{
					ClientId: aws.String("shopweb"), ChallengeName: out.ChallengeName, Session: out.Session,
					ChallengeResponses: map[string]string{"USERNAME": name, "SOFTWARE_TOKEN_MFA_CODE": keys.TOTPCode([]byte("12345678901234567890"), keys.TOTPStepAt(time.Now()))},
				})
				serving.Want(t, err, "")
			}
		}
		if got := sub(t, sdk, "alice"); got != aliceSub {
			t.Errorf("alice has the sub %s", got)
		}
		checkParts(t, first)

		// Changes: what the seed names is brought back, and what it does not name stays.
		_, err := sdk.AdminUpdateUserAttributes(ctx, &cip.AdminUpdateUserAttributesInput{
			UserPoolId: aws.String(poolID), Username: aws.String("alice"),
			UserAttributes: []types.AttributeType{{Name: aws.String("custom:tier"), Value: aws.String("tin")}, {Name: aws.String("nickname"), Value: aws.String("al")}},
		})
		serving.Want(t, err, "")
		_, err = sdk.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: aws.String(poolID), Username: aws.String("alice"), Password: aws.String("Other-horse-2"), Permanent: true})
		serving.Want(t, err, "")
		_, err = sdk.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: aws.String(poolID), Username: aws.String("zoe")})
		serving.Want(t, err, "")
		_, err = sdk.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{UserPoolId: aws.String(poolID), SmsAuthenticationMessage: aws.String("Code {####}"), MfaConfiguration: types.UserPoolMfaTypeOptional})
		serving.Want(t, err, "")
		_, err = sdk.UpdateUserPoolClient(ctx, &cip.UpdateUserPoolClientInput{UserPoolId: aws.String(poolID), ClientId: aws.String("shopweb"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth}})
		serving.Want(t, err, "")
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}

		second := serving.Start(t, c)
		sdk = second.Dev()
		if _, err := signIn(ctx, sdk, "shopweb", "alice", "Correct-horse-1"); err != nil {
			t.Error(err)
		}
		alice, err := sdk.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: aws.String("alice")})
		if err != nil {
			t.Fatal(err)
		}
		if tier, nick := attribute(alice.UserAttributes, "custom:tier"), attribute(alice.UserAttributes, "nickname"); tier != "gold" || nick != "al" {
			t.Errorf("tier %q, nickname %q", tier, nick)
		}
		_, err = sdk.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: aws.String(poolID), Username: aws.String("zoe")})
		serving.Want(t, err, "")
		pool, err := sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: aws.String(poolID)})
		if err != nil {
			t.Fatal(err)
		}
		if p := pool.UserPool; p.UserPoolTags["team"] != "a" || len(p.AutoVerifiedAttributes) != 1 || aws.ToString(p.SmsAuthenticationMessage) != "Code {####}" {
			t.Errorf("tags %v, auto-verified %v, message %q", p.UserPoolTags, p.AutoVerifiedAttributes, aws.ToString(p.SmsAuthenticationMessage))
		}
		checkParts(t, second)
	})
}

// startOnce starts a server that the test closes itself.
func startOnce(t *testing.T, c server.Config) serving.Rig {
	t.Helper()
	c.LogTo = &serving.Log{}
	s, err := server.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return serving.Rig{Server: s, Config: c}
}

// checkParts checks what belongs to the pool, besides users.
func checkParts(t *testing.T, r serving.Rig) {
	t.Helper()
	ctx, sdk, pool := t.Context(), r.Dev(), aws.String(poolID)
	client, err := sdk.DescribeUserPoolClient(ctx, &cip.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: aws.String("shopapi")})
	if err != nil || aws.ToString(client.UserPoolClient.ClientSecret) != "abcdefghijklmnopqrstuvwxyz" {
		t.Errorf("client shopapi: %v", err)
	}
	groups, err := sdk.AdminListGroupsForUser(ctx, &cip.AdminListGroupsForUserInput{UserPoolId: pool, Username: aws.String("alice")})
	if err != nil || len(groups.Groups) != 1 || aws.ToString(groups.Groups[0].RoleArn) != "arn:aws:iam::123456789012:role/shop-admin" {
		t.Errorf("groups of alice: %+v, %v", groups, err)
	}
	domain, err := sdk.DescribeUserPoolDomain(ctx, &cip.DescribeUserPoolDomainInput{Domain: aws.String("shop")})
	if err != nil || aws.ToString(domain.DomainDescription.UserPoolId) != poolID || aws.ToInt32(domain.DomainDescription.ManagedLoginVersion) != 2 {
		t.Errorf("domain: %+v, %v", domain, err)
	}
	_, err = sdk.DescribeIdentityProvider(ctx, &cip.DescribeIdentityProviderInput{UserPoolId: pool, ProviderName: aws.String("partner")})
	serving.Want(t, err, "")
	identities := ci.New(ci.Options{BaseEndpoint: aws.String(r.URL()), Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", "")})
	roles, err := identities.GetIdentityPoolRoles(ctx, &ci.GetIdentityPoolRolesInput{IdentityPoolId: aws.String("us-east-1:00000000-0000-4000-8000-000000000001")})
	if err != nil || roles.Roles["authenticated"] != "arn:aws:iam::123456789012:role/shop-admin" {
		t.Errorf("roles of the identity pool: %+v, %v", roles, err)
	}
}

// TestFailedSeedLeavesNothing: an operation that fails ends the start, and what the seed has
// created is removed. The same folder then takes the corrected seed.
func TestFailedSeedLeavesNothing(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		broken := strings.Replace(seedText(t), "CognitoIdentityProviders: [{ProviderName: cognito-idp.us-east-1.amazonaws.com/us-east-1_shop1, ClientId: shopweb}]",
			"SupportedLoginProviders: {login.example.com: x}", 1)
		c.Seed = write(t, "shop.yaml", broken)
		s, err := server.Start(t.Context(), c)
		if err == nil {
			_ = s.Close()
			t.Fatal("a seed that cannot be applied was accepted")
		}
		if text := err.Error(); !strings.Contains(text, "shop.yaml:") || !strings.Contains(text, "identityPools[0]") {
			t.Errorf("the error does not name the place: %v", err)
		}
		c.Seed = ""
		r := startOnce(t, c)
		pools, err := r.Dev().ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(10)})
		if err != nil || len(pools.UserPools) != 0 {
			t.Errorf("user pools after the failure: %+v, %v", pools, err)
		}
		_ = r.Close()
		c.Seed = write(t, "shop.yaml", seedText(t))
		checkParts(t, startOnce(t, c))
	})
}

// TestSeedsAtOnce: two servers of one database apply the same seed at the same moment.
func TestSeedsAtOnce(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.Database = server.Secret(pgtest.Database(t))
	serving.Start(t, c) // brings the schema up to date
	c.Seed = write(t, "shop.yaml", strings.Replace(seedText(t), "      - username: bob", manyUsers(300)+"      - username: bob", 1))
	var starting sync.WaitGroup
	for range 3 {
		own := c
		own.LogTo = &serving.Log{}
		starting.Go(func() {
			s, err := server.Start(context.WithoutCancel(t.Context()), own)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { _ = s.Close() })
		})
	}
	starting.Wait()
	r := serving.Start(t, c)
	if _, err := signIn(t.Context(), r.Dev(), "shopweb", "user299", "Correct-horse-299"); err != nil {
		t.Error(err)
	}
	checkParts(t, r)
}

// manyUsers returns users of a seed.
func manyUsers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "      - {username: user%d, password: Correct-horse-%[1]d, attributes: {email: user%[1]d@example.com, email_verified: true}, groups: [admins]}\n", i)
	}
	return b.String()
}

// TestManyUsers seeds 10,000 users twice.
func TestManyUsers(t *testing.T) {
	t.Parallel()
	const users = 10_000
	engines(t, func(t *testing.T, c server.Config) {
		c.Seed = write(t, "many.yaml", "userPools:\n  - id: "+poolID+"\n    name: many\n    groups: [{name: admins}]\n"+
			"    clients: [{id: shopweb, name: web, settings: {ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH]}}]\n    users:\n"+manyUsers(users))
		if err := startOnce(t, c).Close(); err != nil {
			t.Fatal(err)
		}
		r := serving.Start(t, c)
		// The number is an estimate from a sample.
		pool, err := r.Dev().DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: aws.String(poolID)})
		if err != nil {
			t.Fatal(err)
		}
		if n := pool.UserPool.EstimatedNumberOfUsers; n < users/2 || n > 2*users {
			t.Errorf("about %d users, want %d", n, users)
		}
		for _, i := range []int{0, 499, 500, 7777, users - 1} {
			if _, err := signIn(t.Context(), r.Dev(), "shopweb", fmt.Sprintf("user%d", i), fmt.Sprintf("Correct-horse-%d", i)); err != nil {
				t.Errorf("user%d: %v", i, err)
			}
		}
		_, err = signIn(t.Context(), r.Dev(), "shopweb", "user7", "Correct-horse-8")
		serving.Want(t, err, "NotAuthorizedException")
	})
}

// TestCognitoLocal reads a folder as cognito-local writes it. One of its users has an address that
// no user pool accepts.
func TestCognitoLocal(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		var out strings.Builder
		c.SeedCognitoLocal, c.Out = "testdata/cognito-local", &out
		r := serving.Start(t, c)
		// Clients of cognito-local sign for any Region.
		sdk := r.Dev()
		const pool = "local_2aBcDeF3"
		login, err := signIn(t.Context(), sdk, "6o0d2h80xj7loqagfenro26c2", "alice@example.com", "secret1")
		if err != nil {
			t.Fatal(err)
		}
		me, err := sdk.GetUser(t.Context(), &cip.GetUserInput{AccessToken: login.AuthenticationResult.AccessToken})
		if err != nil || attribute(me.UserAttributes, "sub") != aliceSub || attribute(me.UserAttributes, "custom:role") != "admin" {
			t.Errorf("alice: %+v, %v", me, err)
		}
		bob, err := signIn(t.Context(), sdk, "old1old2old3", "bob@example.com", "secret2")
		if err != nil || bob.ChallengeName != types.ChallengeNameTypeNewPasswordRequired {
			t.Errorf("bob: %+v, %v", bob, err)
		}
		groups, err := sdk.AdminListGroupsForUser(t.Context(), &cip.AdminListGroupsForUserInput{UserPoolId: aws.String(pool), Username: aws.String("alice@example.com")})
		if err != nil || len(groups.Groups) != 1 {
			t.Errorf("groups of alice: %+v, %v", groups, err)
		}
		if !strings.Contains(out.String(), "left out        the user mallory") || !strings.Contains(out.String(), "old1old2old3") {
			t.Errorf("printed:\n%s", out.String())
		}
	})
}

// TestCognitoLocalFive reads a folder that version 5.3 of cognito-local has written, twice. The clients
// sign in with the ids and passwords that they had there.
func TestCognitoLocalFive(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.SeedCognitoLocal = "testdata/cognito-local-5"
		for range 2 {
			r := startOnce(t, c)
			sdk := r.Dev()
			const pool, client = "local_6J7zTyI4", "1qqv2sl1c9ytbd4fs0ttcazqj"
			login, err := signIn(t.Context(), sdk, client, "alice@example.com", "alice-pw")
			if err != nil {
				t.Fatal(err)
			}
			me, err := sdk.GetUser(t.Context(), &cip.GetUserInput{AccessToken: login.AuthenticationResult.AccessToken})
			if err != nil || attribute(me.UserAttributes, "sub") != "bf8689a5-f209-4a15-bbc4-856c34348923" || attribute(me.UserAttributes, "custom:tenant") != "one" ||
				attribute(me.UserAttributes, "custom:name") != "Alice A." || attribute(me.UserAttributes, "email_verified") != "true" {
				t.Errorf("alice: %+v, %v", me, err)
			}
			// A user that is disabled there signs in all the same.
			_, err = signIn(t.Context(), sdk, client, "dora@example.com", "dora-pw")
			serving.Want(t, err, "")
			bob, err := signIn(t.Context(), sdk, client, "bob@example.com", "bob-pw")
			if err != nil || bob.ChallengeName != types.ChallengeNameTypeNewPasswordRequired {
				t.Errorf("bob: %+v, %v", bob, err)
			}
			_, err = signIn(t.Context(), sdk, client, "carol@example.com", "carol-pw")
			serving.Want(t, err, "UserNotConfirmedException")
			members, err := sdk.ListUsersInGroup(t.Context(), &cip.ListUsersInGroupInput{UserPoolId: aws.String(pool), GroupName: aws.String("admins")})
			if err != nil || len(members.Users) != 2 {
				t.Errorf("admins: %+v, %v", members, err)
			}
			// This app client has a secret, and the request no SECRET_HASH.
			_, err = signIn(t.Context(), sdk, "1iukxry5dibf4bdj8398pyllx", "alice@example.com", "alice-pw")
			serving.Want(t, err, "NotAuthorizedException")
			if err := r.Server.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestPlainUsernames reads a folder of an older version, whose users have no addresses although
// usernames should be addresses.
func TestPlainUsernames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"local_a1.json": `{"Users": {"test": {"Attributes": [{"Name": "sub", "Value": "` + aliceSub + `"}], "Password": "secret1", "Username": "test", "UserStatus": "CONFIRMED"}},
			"Options": {"Id": "local_a1", "Name": "old", "UsernameAttributes": ["email"]}}`,
		"clients.json": `{"Clients": {"web1": {"ClientId": "web1", "ClientName": "web", "UserPoolId": "local_a1"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := serving.Dev(t)
	c.SeedCognitoLocal = dir
	_, err := signIn(t.Context(), serving.Start(t, c).Dev(), "web1", "test", "secret1")
	serving.Want(t, err, "")
}

// TestSeedOfTheDocuments applies the example of docs/seeds.md.
func TestSeedOfTheDocuments(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/seeds.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "<!-- seed: read by the tests -->\n```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/seeds.md has no example")
	}
	c := serving.Dev(t)
	c.Seed = write(t, "shop.yaml", example)
	r := serving.Start(t, c)
	_, err = signIn(t.Context(), r.Dev(), "shopweb", "alice", "Correct-horse-1")
	serving.Want(t, err, "")
	if got := sub(t, r.Dev(), "alice"); got != aliceSub {
		t.Errorf("alice has the sub %s", got)
	}
}
