package server_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

// The scenarios call every operation that is built through the SDK's own client,
// on both engines, and with it one refusal at least. What an operation does in
// every case, the tests of its package show.

const password = "Correct-horse-1"

// newPool makes a pool that verifies e-mail addresses.
func NewPool(t *testing.T, r serving.Rig) string {
	t.Helper()
	out, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
		PoolName: aws.String("people"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	})
	return *serving.Must(t, out, err).UserPool.Id
}

// newClient makes a public client that takes passwords.
func newClient(t *testing.T, r serving.Rig, pool string) string {
	t.Helper()
	out, err := r.Dev().CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("app"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth,
			types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	})
	return *serving.Must(t, out, err).UserPoolClient.ClientId
}

// newest returns the code of the newest message to a user.
func newest(t *testing.T, r serving.Rig, pool, username string) string {
	t.Helper()
	_, body := serving.Get(t, r.URL()+"/_cognate/inbox?wait=5s&"+url.Values{"pool": {pool}, "username": {username}}.Encode())
	var inbox struct {
		Messages []struct{ Code, To, Medium, PoolID, Username, ID, CreatedAt string }
	}
	if err := json.Unmarshal([]byte(body), &inbox); err != nil || len(inbox.Messages) == 0 {
		t.Fatalf("inbox: %v %s", err, body)
	}
	return inbox.Messages[0].Code
}

// newUser makes a confirmed user with a password.
func newUser(t *testing.T, r serving.Rig, pool, name string) {
	t.Helper()
	_, err := r.Dev().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &name, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{
			{Name: aws.String("email"), Value: aws.String(name + "@example.com")},
			{Name: aws.String("email_verified"), Value: aws.String("true")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Dev().AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &name, Password: aws.String(password), Permanent: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func signIn(t *testing.T, r serving.Rig, client, name, password string) (*cip.InitiateAuthOutput, error) {
	t.Helper()
	return r.Dev().InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
}

func TestUserPools(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool := serving.NewPool(t, r)
		d, err := c.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &pool})
		if got := serving.Must(t, d, err).UserPool; *got.Name != "people" || *got.Arn != "arn:aws:cognito-idp:us-east-1:123456789012:userpool/"+pool {
			t.Errorf("DescribeUserPool: %s %s", *got.Name, *got.Arn)
		}
		_, err = c.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: aws.String("us-east-1_none00000")})
		serving.Want(t, err, "ResourceNotFoundException")
		_, err = c.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{UserPoolId: &pool, DeletionProtection: types.DeletionProtectionTypeActive})
		serving.Want(t, err, "")
		_, err = c.DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &pool})
		serving.Want(t, err, "InvalidParameterException")
		_, err = c.AddCustomAttributes(ctx, &cip.AddCustomAttributesInput{UserPoolId: &pool, CustomAttributes: []types.SchemaAttributeType{
			{Name: aws.String("team"), AttributeDataType: types.AttributeDataTypeString, Mutable: aws.Bool(true)},
		}})
		serving.Want(t, err, "")
		_, err = c.SetUserPoolMfaConfig(ctx, &cip.SetUserPoolMfaConfigInput{
			UserPoolId: &pool, MfaConfiguration: types.UserPoolMfaTypeOptional,
			SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
		})
		serving.Want(t, err, "")
		mfa, err := c.GetUserPoolMfaConfig(ctx, &cip.GetUserPoolMfaConfigInput{UserPoolId: &pool})
		if got := serving.Must(t, mfa, err).MfaConfiguration; got != types.UserPoolMfaTypeOptional {
			t.Errorf("GetUserPoolMfaConfig: %s", got)
		}
		tags(t, r, *d.UserPool.Arn)
		pages := 0
		for range 3 {
			serving.NewPool(t, r)
		}
		p := cip.NewListUserPoolsPaginator(c, &cip.ListUserPoolsInput{MaxResults: aws.Int32(1)})
		for p.HasMorePages() {
			page, err := p.NextPage(ctx)
			pages += len(serving.Must(t, page, err).UserPools)
		}
		if pages != 4 {
			t.Errorf("ListUserPools gave %d pools, want 4", pages)
		}
		_, err = c.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{UserPoolId: &pool, DeletionProtection: types.DeletionProtectionTypeInactive, MfaConfiguration: types.UserPoolMfaTypeOptional})
		serving.Want(t, err, "")
		_, err = c.DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &pool})
		serving.Want(t, err, "")
		_, err = c.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &pool})
		serving.Want(t, err, "ResourceNotFoundException")
	})
}

func tags(t *testing.T, r serving.Rig, arn string) {
	t.Helper()
	c, ctx := r.Dev(), t.Context()
	_, err := c.TagResource(ctx, &cip.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"stage": "test", "team": "a"}})
	serving.Want(t, err, "")
	_, err = c.UntagResource(ctx, &cip.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"team"}})
	serving.Want(t, err, "")
	out, err := c.ListTagsForResource(ctx, &cip.ListTagsForResourceInput{ResourceArn: &arn})
	if got := serving.Must(t, out, err).Tags; len(got) != 1 || got["stage"] != "test" {
		t.Errorf("ListTagsForResource: %v", got)
	}
	_, err = c.ListTagsForResource(ctx, &cip.ListTagsForResourceInput{ResourceArn: aws.String(arn + "x")})
	serving.Want(t, err, "ResourceNotFoundException")
}

func TestAppClients(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool, other := serving.NewPool(t, r), serving.NewPool(t, r)
		out, err := c.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{UserPoolId: &pool, ClientName: aws.String("web"), GenerateSecret: true})
		id := *serving.Must(t, out, err).UserPoolClient.ClientId
		if out.UserPoolClient.ClientSecret == nil {
			t.Error("no secret")
		}
		d, err := c.DescribeUserPoolClient(ctx, &cip.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &id})
		if got := serving.Must(t, d, err).UserPoolClient; *got.ClientName != "web" {
			t.Errorf("DescribeUserPoolClient: %s", *got.ClientName)
		}
		_, err = c.DescribeUserPoolClient(ctx, &cip.DescribeUserPoolClientInput{UserPoolId: &other, ClientId: &id})
		serving.Want(t, err, "ResourceNotFoundException")
		u, err := c.UpdateUserPoolClient(ctx, &cip.UpdateUserPoolClientInput{UserPoolId: &pool, ClientId: &id, ClientName: aws.String("site")})
		if got := serving.Must(t, u, err).UserPoolClient; *got.ClientName != "site" {
			t.Errorf("UpdateUserPoolClient: %s", *got.ClientName)
		}
		l, err := c.ListUserPoolClients(ctx, &cip.ListUserPoolClientsInput{UserPoolId: &pool})
		if got := serving.Must(t, l, err).UserPoolClients; len(got) != 1 {
			t.Errorf("ListUserPoolClients: %d", len(got))
		}
		_, err = c.DeleteUserPoolClient(ctx, &cip.DeleteUserPoolClientInput{UserPoolId: &pool, ClientId: &id})
		serving.Want(t, err, "")
		_, err = c.DescribeUserPoolClient(ctx, &cip.DescribeUserPoolClientInput{UserPoolId: &pool, ClientId: &id})
		serving.Want(t, err, "ResourceNotFoundException")
	})
}

// TestClientSecrets goes by plain requests: the SDK does not know these yet.
func TestClientSecrets(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.AllowUnsigned = true
	r := serving.Start(t, c)
	pool := serving.NewPool(t, r)
	out, err := r.Dev().CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &pool, ClientName: aws.String("web"), GenerateSecret: true})
	id := *serving.Must(t, out, err).UserPoolClient.ClientId
	names := `"UserPoolId":"` + pool + `","ClientId":"` + id + `"`
	status, added := call(t, r, "AddUserPoolClientSecret", `{`+names+`}`, nil)
	descriptor, _ := added["ClientSecretDescriptor"].(map[string]any)
	if status != 200 || descriptor["ClientSecretValue"] == nil {
		t.Fatalf("AddUserPoolClientSecret: %d %v", status, added)
	}
	if status, third := call(t, r, "AddUserPoolClientSecret", `{`+names+`}`, nil); third["__type"] != "LimitExceededException" {
		t.Errorf("a third: %d %v", status, third)
	}
	count := func() int {
		_, listed := call(t, r, "ListUserPoolClientSecrets", `{`+names+`}`, nil)
		list, _ := listed["ClientSecrets"].([]any)
		return len(list)
	}
	if n := count(); n != 2 {
		t.Errorf("ListUserPoolClientSecrets: %d", n)
	}
	secretID, _ := json.Marshal(descriptor["ClientSecretId"])
	if status, body := call(t, r, "DeleteUserPoolClientSecret", `{`+names+`,"ClientSecretId":`+string(secretID)+`}`, nil); status != 200 {
		t.Errorf("DeleteUserPoolClientSecret: %d %v", status, body)
	}
	if n := count(); n != 1 {
		t.Errorf("after deletion: %d", n)
	}
}

func TestResourceServers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool, id := serving.NewPool(t, r), aws.String("https://api.example.com")
		create := func() error {
			_, err := c.CreateResourceServer(ctx, &cip.CreateResourceServerInput{UserPoolId: &pool, Identifier: id, Name: aws.String("api"),
				Scopes: []types.ResourceServerScopeType{{ScopeName: aws.String("read"), ScopeDescription: aws.String("Read")}}})
			return err
		}
		serving.Want(t, create(), "")
		serving.Want(t, create(), "InvalidParameterException")
		d, err := c.DescribeResourceServer(ctx, &cip.DescribeResourceServerInput{UserPoolId: &pool, Identifier: id})
		if got := serving.Must(t, d, err).ResourceServer; len(got.Scopes) != 1 {
			t.Errorf("DescribeResourceServer: %d scopes", len(got.Scopes))
		}
		_, err = c.UpdateResourceServer(ctx, &cip.UpdateResourceServerInput{UserPoolId: &pool, Identifier: id, Name: aws.String("API")})
		serving.Want(t, err, "")
		l, err := c.ListResourceServers(ctx, &cip.ListResourceServersInput{UserPoolId: &pool, MaxResults: aws.Int32(10)})
		if got := serving.Must(t, l, err).ResourceServers; len(got) != 1 || *got[0].Name != "API" {
			t.Errorf("ListResourceServers: %d", len(got))
		}
		_, err = c.DeleteResourceServer(ctx, &cip.DeleteResourceServerInput{UserPoolId: &pool, Identifier: id})
		serving.Want(t, err, "")
		_, err = c.DescribeResourceServer(ctx, &cip.DescribeResourceServerInput{UserPoolId: &pool, Identifier: id})
		serving.Want(t, err, "ResourceNotFoundException")
	})
}

func TestDomains(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool, other, name := serving.NewPool(t, r), serving.NewPool(t, r), aws.String("people-of-example")
		_, err := c.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: &pool, Domain: name})
		serving.Want(t, err, "")
		_, err = c.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: &other, Domain: name})
		serving.Want(t, err, "InvalidParameterException")
		d, err := c.DescribeUserPoolDomain(ctx, &cip.DescribeUserPoolDomainInput{Domain: name})
		if got := serving.Must(t, d, err).DomainDescription; aws.ToString(got.UserPoolId) != pool {
			t.Errorf("DescribeUserPoolDomain: %q", aws.ToString(got.UserPoolId))
		}
		_, err = c.UpdateUserPoolDomain(ctx, &cip.UpdateUserPoolDomainInput{UserPoolId: &pool, Domain: name, ManagedLoginVersion: aws.Int32(1)})
		serving.Want(t, err, "")
		_, err = c.DeleteUserPoolDomain(ctx, &cip.DeleteUserPoolDomainInput{UserPoolId: &pool, Domain: name})
		serving.Want(t, err, "")
		_, err = c.DeleteUserPoolDomain(ctx, &cip.DeleteUserPoolDomainInput{UserPoolId: &pool, Domain: name})
		serving.Want(t, err, "InvalidParameterException")
	})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool, group, alice := serving.NewPool(t, r), aws.String("staff"), aws.String("alice")
		newUser(t, r, pool, *alice)
		create := func() error {
			_, err := c.CreateGroup(ctx, &cip.CreateGroupInput{UserPoolId: &pool, GroupName: group, Precedence: aws.Int32(3)})
			return err
		}
		serving.Want(t, create(), "")
		serving.Want(t, create(), "GroupExistsException")
		_, err := c.UpdateGroup(ctx, &cip.UpdateGroupInput{UserPoolId: &pool, GroupName: group, Description: aws.String("Staff")})
		serving.Want(t, err, "")
		g, err := c.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &pool, GroupName: group})
		if got := serving.Must(t, g, err).Group; aws.ToString(got.Description) != "Staff" || aws.ToInt32(got.Precedence) != 3 {
			t.Errorf("GetGroup: %+v", got)
		}
		_, err = c.AdminAddUserToGroup(ctx, &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: group, Username: alice})
		serving.Want(t, err, "")
		_, err = c.AdminAddUserToGroup(ctx, &cip.AdminAddUserToGroupInput{UserPoolId: &pool, GroupName: aws.String("none"), Username: alice})
		serving.Want(t, err, "ResourceNotFoundException")
		of, err := c.AdminListGroupsForUser(ctx, &cip.AdminListGroupsForUserInput{UserPoolId: &pool, Username: alice})
		if got := serving.Must(t, of, err).Groups; len(got) != 1 {
			t.Errorf("AdminListGroupsForUser: %d", len(got))
		}
		in, err := c.ListUsersInGroup(ctx, &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: group})
		if got := serving.Must(t, in, err).Users; len(got) != 1 || *got[0].Username != *alice {
			t.Errorf("ListUsersInGroup: %d", len(got))
		}
		l, err := c.ListGroups(ctx, &cip.ListGroupsInput{UserPoolId: &pool})
		if got := serving.Must(t, l, err).Groups; len(got) != 1 {
			t.Errorf("ListGroups: %d", len(got))
		}
		_, err = c.AdminRemoveUserFromGroup(ctx, &cip.AdminRemoveUserFromGroupInput{UserPoolId: &pool, GroupName: group, Username: alice})
		serving.Want(t, err, "")
		in, err = c.ListUsersInGroup(ctx, &cip.ListUsersInGroupInput{UserPoolId: &pool, GroupName: group})
		if got := serving.Must(t, in, err).Users; len(got) != 0 {
			t.Errorf("after removal: %d", len(got))
		}
		_, err = c.DeleteGroup(ctx, &cip.DeleteGroupInput{UserPoolId: &pool, GroupName: group})
		serving.Want(t, err, "")
		_, err = c.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &pool, GroupName: group})
		serving.Want(t, err, "ResourceNotFoundException")
	})
}

func TestUserAdministration(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool, alice := serving.NewPool(t, r), aws.String("alice")
		client := newClient(t, r, pool)
		newUser(t, r, pool, *alice)
		_, err := c.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: &pool, Username: alice})
		serving.Want(t, err, "UsernameExistsException")
		_, err = c.AdminUpdateUserAttributes(ctx, &cip.AdminUpdateUserAttributesInput{UserPoolId: &pool, Username: alice, UserAttributes: []types.AttributeType{
			{Name: aws.String("given_name"), Value: aws.String("Alice")}, {Name: aws.String("nickname"), Value: aws.String("Al")},
		}})
		serving.Want(t, err, "")
		_, err = c.AdminDeleteUserAttributes(ctx, &cip.AdminDeleteUserAttributesInput{UserPoolId: &pool, Username: alice, UserAttributeNames: []string{"nickname"}})
		serving.Want(t, err, "")
		u, err := c.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &pool, Username: alice})
		got := serving.Must(t, u, err)
		has := func(name string) bool {
			return slices.ContainsFunc(got.UserAttributes, func(a types.AttributeType) bool { return *a.Name == name })
		}
		if got.UserStatus != types.UserStatusTypeConfirmed || !has("given_name") || has("nickname") || !has("sub") {
			t.Errorf("AdminGetUser: %s", got.UserStatus)
		}
		_, err = c.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &pool, Username: aws.String("bob")})
		serving.Want(t, err, "UserNotFoundException")
		l, err := c.ListUsers(ctx, &cip.ListUsersInput{UserPoolId: &pool, Filter: aws.String(`email ^= "alice@"`)})
		if users := serving.Must(t, l, err).Users; len(users) != 1 {
			t.Errorf("ListUsers: %d", len(users))
		}
		_, err = c.AdminDisableUser(ctx, &cip.AdminDisableUserInput{UserPoolId: &pool, Username: alice})
		serving.Want(t, err, "")
		_, err = signIn(t, r, client, *alice, password)
		serving.Want(t, err, "NotAuthorizedException")
		_, err = c.AdminEnableUser(ctx, &cip.AdminEnableUserInput{UserPoolId: &pool, Username: alice})
		serving.Want(t, err, "")
		_, err = c.AdminResetUserPassword(ctx, &cip.AdminResetUserPasswordInput{UserPoolId: &pool, Username: alice})
		serving.Want(t, err, "")
		_, err = signIn(t, r, client, *alice, password)
		serving.Want(t, err, "PasswordResetRequiredException")
		_, err = c.SignUp(ctx, &cip.SignUpInput{ClientId: &client, Username: aws.String("carol"), Password: aws.String(password)})
		serving.Want(t, err, "")
		_, err = c.AdminConfirmSignUp(ctx, &cip.AdminConfirmSignUpInput{UserPoolId: &pool, Username: aws.String("carol")})
		serving.Want(t, err, "")
		_, err = signIn(t, r, client, "carol", password)
		serving.Want(t, err, "")
		_, err = c.AdminDeleteUser(ctx, &cip.AdminDeleteUserInput{UserPoolId: &pool, Username: alice})
		serving.Want(t, err, "")
		_, err = c.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &pool, Username: alice})
		serving.Want(t, err, "UserNotFoundException")
	})
}

func TestSelfService(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool, alice := serving.NewPool(t, r), aws.String("alice")
		client := newClient(t, r, pool)
		_, err := c.SignUp(ctx, &cip.SignUpInput{ClientId: &client, Username: alice, Password: aws.String(password),
			UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("alice@example.com")}}})
		serving.Want(t, err, "")
		first := newest(t, r, pool, *alice)
		_, err = c.ResendConfirmationCode(ctx, &cip.ResendConfirmationCodeInput{ClientId: &client, Username: alice})
		serving.Want(t, err, "")
		second := newest(t, r, pool, *alice)
		confirm := func(code string) error {
			_, err := c.ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: &client, Username: alice, ConfirmationCode: &code})
			return err
		}
		if first != second {
			serving.Want(t, confirm(first), "CodeMismatchException")
		}
		serving.Want(t, confirm(second), "")
		out, err := signIn(t, r, client, *alice, password)
		token := serving.Must(t, out, err).AuthenticationResult.AccessToken
		_, err = c.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: token, PreviousPassword: aws.String(password), ProposedPassword: aws.String(password + "2")})
		serving.Want(t, err, "")
		_, err = signIn(t, r, client, *alice, password)
		serving.Want(t, err, "NotAuthorizedException")
		_, err = c.UpdateUserAttributes(ctx, &cip.UpdateUserAttributesInput{AccessToken: token, UserAttributes: []types.AttributeType{
			{Name: aws.String("nickname"), Value: aws.String("Al")}, {Name: aws.String("email"), Value: aws.String("al@example.com")}}})
		serving.Want(t, err, "")
		_, err = c.GetUserAttributeVerificationCode(ctx, &cip.GetUserAttributeVerificationCodeInput{AccessToken: token, AttributeName: aws.String("email")})
		serving.Want(t, err, "")
		_, err = c.VerifyUserAttribute(ctx, &cip.VerifyUserAttributeInput{AccessToken: token, AttributeName: aws.String("email"), Code: aws.String(newest(t, r, pool, *alice))})
		serving.Want(t, err, "")
		_, err = c.DeleteUserAttributes(ctx, &cip.DeleteUserAttributesInput{AccessToken: token, UserAttributeNames: []string{"nickname"}})
		serving.Want(t, err, "")
		u, err := c.GetUser(ctx, &cip.GetUserInput{AccessToken: token})
		var text []string
		for _, a := range serving.Must(t, u, err).UserAttributes {
			text = append(text, *a.Name+"="+*a.Value)
		}
		if all := strings.Join(text, " "); !strings.Contains(all, "email=al@example.com") || !strings.Contains(all, "email_verified=true") || strings.Contains(all, "nickname") {
			t.Errorf("GetUser: %s", all)
		}
		_, err = c.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: &client, Username: alice})
		serving.Want(t, err, "")
		_, err = c.ConfirmForgotPassword(ctx, &cip.ConfirmForgotPasswordInput{ClientId: &client, Username: alice,
			ConfirmationCode: aws.String(newest(t, r, pool, *alice)), Password: aws.String(password + "3")})
		serving.Want(t, err, "")
		out, err = signIn(t, r, client, *alice, password+"3")
		_, err = c.DeleteUser(ctx, &cip.DeleteUserInput{AccessToken: serving.Must(t, out, err).AuthenticationResult.AccessToken})
		serving.Want(t, err, "")
		_, err = c.GetUser(ctx, &cip.GetUserInput{AccessToken: token})
		if serving.Code(err) == "" {
			t.Error("a deleted user's token is good")
		}
	})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r serving.Rig) {
		c, ctx := r.Dev(), t.Context()
		pool := serving.NewPool(t, r)
		client := newClient(t, r, pool)
		newUser(t, r, pool, "alice")
		out, err := signIn(t, r, client, "alice", password)
		got := serving.Must(t, out, err).AuthenticationResult
		again := func(refresh *string) error {
			_, err := c.InitiateAuth(ctx, &cip.InitiateAuthInput{ClientId: &client, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
				AuthParameters: map[string]string{"REFRESH_TOKEN": *refresh}})
			return err
		}
		serving.Want(t, again(got.RefreshToken), "")
		tokens, err := c.GetTokensFromRefreshToken(ctx, &cip.GetTokensFromRefreshTokenInput{ClientId: &client, RefreshToken: got.RefreshToken})
		if serving.Must(t, tokens, err).AuthenticationResult.AccessToken == nil {
			t.Error("GetTokensFromRefreshToken gave no access token")
		}
		_, err = c.RevokeToken(ctx, &cip.RevokeTokenInput{ClientId: &client, Token: got.RefreshToken})
		serving.Want(t, err, "")
		serving.Want(t, again(got.RefreshToken), "NotAuthorizedException")
		_, err = c.GetUser(ctx, &cip.GetUserInput{AccessToken: got.AccessToken})
		serving.Want(t, err, "NotAuthorizedException")

		for _, end := range []func(token *string) error{
			func(token *string) error {
				_, err := c.GlobalSignOut(ctx, &cip.GlobalSignOutInput{AccessToken: token})
				return err
			},
			func(*string) error {
				_, err := c.AdminUserGlobalSignOut(ctx, &cip.AdminUserGlobalSignOutInput{UserPoolId: &pool, Username: aws.String("alice")})
				return err
			},
		} {
			admin, err := c.AdminInitiateAuth(ctx, &cip.AdminInitiateAuthInput{UserPoolId: &pool, ClientId: &client, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
				AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password}})
			token := serving.Must(t, admin, err).AuthenticationResult.AccessToken
			serving.Want(t, end(token), "")
			_, err = c.GetUser(ctx, &cip.GetUserInput{AccessToken: token})
			serving.Want(t, err, "NotAuthorizedException")
		}
		newPasswords(t, r, pool, client)
	})
}

// newPasswords answers NEW_PASSWORD_REQUIRED, as a person and as an administrator.
func newPasswords(t *testing.T, r serving.Rig, pool, client string) {
	t.Helper()
	c, ctx := r.Dev(), t.Context()
	for _, name := range []string{"bob", "carol"} {
		_, err := c.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: &pool, Username: &name, TemporaryPassword: aws.String(password), MessageAction: types.MessageActionTypeSuppress})
		serving.Want(t, err, "")
	}
	out, err := signIn(t, r, client, "bob", password)
	if serving.Must(t, out, err).ChallengeName != types.ChallengeNameTypeNewPasswordRequired {
		t.Fatalf("challenge %s", out.ChallengeName)
	}
	answer := map[string]string{"USERNAME": "bob", "NEW_PASSWORD": password + "2"}
	done, err := c.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{ClientId: &client, ChallengeName: out.ChallengeName, Session: out.Session, ChallengeResponses: answer})
	if serving.Must(t, done, err).AuthenticationResult == nil {
		t.Error("RespondToAuthChallenge gave no tokens")
	}
	_, err = c.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{ClientId: &client, ChallengeName: out.ChallengeName, Session: out.Session, ChallengeResponses: answer})
	serving.Want(t, err, "NotAuthorizedException")
	admin, err := c.AdminInitiateAuth(ctx, &cip.AdminInitiateAuthInput{UserPoolId: &pool, ClientId: &client, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": "carol", "PASSWORD": password}})
	session := serving.Must(t, admin, err).Session
	adminDone, err := c.AdminRespondToAuthChallenge(ctx, &cip.AdminRespondToAuthChallengeInput{UserPoolId: &pool, ClientId: &client,
		ChallengeName: types.ChallengeNameTypeNewPasswordRequired, Session: session,
		ChallengeResponses: map[string]string{"USERNAME": "carol", "NEW_PASSWORD": password + "2"}})
	if serving.Must(t, adminDone, err).AuthenticationResult == nil {
		t.Error("AdminRespondToAuthChallenge gave no tokens")
	}
}
