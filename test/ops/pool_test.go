package ops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

func TestPools(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		c := r.Client
		ctx := t.Context()
		var made []*types.UserPoolType
		for i := range 5 {
			made = append(made, must[*cip.CreateUserPoolOutput](t)(c.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String(fmt.Sprintf("p%d", i))})).UserPool)
		}
		// Pools of one millisecond are listed by id.
		slices.SortFunc(made, func(a, b *types.UserPoolType) int {
			if byTime := a.CreationDate.Compare(*b.CreationDate); byTime != 0 {
				return byTime
			}
			return strings.Compare(*a.Id, *b.Id)
		})
		var ids []string
		for _, p := range made {
			ids = append(ids, *p.Id)
		}
		id, unknown := ids[0], aws.String("us-east-1_unknown00")

		var listed []string
		pages := cip.NewListUserPoolsPaginator(c, &cip.ListUserPoolsInput{MaxResults: aws.Int32(2)})
		for pages.HasMorePages() {
			for _, p := range must[*cip.ListUserPoolsOutput](t)(pages.NextPage(ctx)).UserPools {
				if slices.Contains(ids, *p.Id) { // The others are of other tests.
					listed = append(listed, *p.Id)
				}
			}
		}
		if diff := cmp.Diff(ids, listed); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		_, err := c.ListUserPools(ctx, &cip.ListUserPoolsInput{MaxResults: aws.Int32(2), NextToken: aws.String("Zm9yZ2Vk")})
		wantType[*types.InvalidParameterException](t, err)

		must[*cip.AddCustomAttributesOutput](t)(c.AddCustomAttributes(ctx, &cip.AddCustomAttributesInput{
			UserPoolId: &id, CustomAttributes: []types.SchemaAttributeType{{Name: aws.String("plan"), AttributeDataType: types.AttributeDataTypeString}},
		}))
		must[*cip.UpdateUserPoolOutput](t)(c.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{
			UserPoolId: &id, PoolName: aws.String("renamed"), DeletionProtection: types.DeletionProtectionTypeActive,
		}))
		pool := must[*cip.DescribeUserPoolOutput](t)(c.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &id})).UserPool
		if *pool.Name != "renamed" || len(pool.SchemaAttributes) != 22 || *pool.SchemaAttributes[21].Name != "custom:plan" || pool.EstimatedNumberOfUsers != 0 {
			t.Errorf("described %+v", pool)
		}

		must[*cip.TagResourceOutput](t)(c.TagResource(ctx, &cip.TagResourceInput{ResourceArn: pool.Arn, Tags: map[string]string{"a": "1", "b": "2"}}))
		must[*cip.UntagResourceOutput](t)(c.UntagResource(ctx, &cip.UntagResourceInput{ResourceArn: pool.Arn, TagKeys: []string{"a"}}))
		tags := must[*cip.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &cip.ListTagsForResourceInput{ResourceArn: pool.Arn}))
		if diff := cmp.Diff(map[string]string{"b": "2"}, tags.Tags); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}

		must[*cip.SetUserPoolMfaConfigOutput](t)(c.SetUserPoolMfaConfig(ctx, &cip.SetUserPoolMfaConfigInput{
			UserPoolId: &id, MfaConfiguration: types.UserPoolMfaTypeOptional, SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
		}))
		mfa := must[*cip.GetUserPoolMfaConfigOutput](t)(c.GetUserPoolMfaConfig(ctx, &cip.GetUserPoolMfaConfigInput{UserPoolId: &id}))
		if mfa.MfaConfiguration != types.UserPoolMfaTypeOptional || !mfa.SoftwareTokenMfaConfiguration.Enabled {
			t.Errorf("MFA %+v", mfa)
		}

		_, err = c.DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &id})
		wantType[*types.InvalidParameterException](t, err)
		must[*cip.DeleteUserPoolOutput](t)(c.DeleteUserPool(ctx, &cip.DeleteUserPoolInput{UserPoolId: &ids[1]}))
		for _, gone := range []*string{&ids[1], unknown} {
			_, err = c.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: gone})
			wantType[*types.ResourceNotFoundException](t, err)
			_, err = c.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{UserPoolId: gone})
			wantType[*types.ResourceNotFoundException](t, err)
			_, err = c.SetUserPoolMfaConfig(ctx, &cip.SetUserPoolMfaConfigInput{UserPoolId: gone})
			wantType[*types.ResourceNotFoundException](t, err)
		}
		_, err = c.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("p"), UserPoolTags: map[string]string{"aws:x": ""}})
		wantType[*types.UserPoolTaggingException](t, err)
		_, err = c.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("p"), UserPoolTier: types.UserPoolTierTypeLite,
			Policies: &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{PasswordHistorySize: aws.Int32(1)}}})
		wantType[*types.FeatureUnavailableInTierException](t, err)
		_, err = c.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("p")}, func(o *cip.Options) { o.Credentials = aws.AnonymousCredentials{} })
		if err == nil {
			t.Error("an unsigned call created a pool")
		}
	})
}

func TestAppClients(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		c := r.Client
		ctx := t.Context()
		newPool := func() *string {
			return must[*cip.CreateUserPoolOutput](t)(c.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("p")})).UserPool.Id
		}
		pool, other := newPool(), newPool()
		created := must[*cip.CreateUserPoolClientOutput](t)(c.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
			UserPoolId: pool, ClientName: aws.String("web"), GenerateSecret: true,
		})).UserPoolClient
		id := created.ClientId
		added := must[*cip.AddUserPoolClientSecretOutput](t)(c.AddUserPoolClientSecret(ctx, &cip.AddUserPoolClientSecretInput{UserPoolId: pool, ClientId: id})).ClientSecretDescriptor
		_, err := c.AddUserPoolClientSecret(ctx, &cip.AddUserPoolClientSecretInput{UserPoolId: pool, ClientId: id})
		wantType[*types.LimitExceededException](t, err)
		if got := must[*cip.ListUserPoolClientSecretsOutput](t)(c.ListUserPoolClientSecrets(ctx, &cip.ListUserPoolClientSecretsInput{UserPoolId: pool, ClientId: id})); len(got.ClientSecrets) != 2 {
			t.Errorf("%d secrets", len(got.ClientSecrets))
		}

		// People sign up with a hash under either secret.
		signUp := func(name, secret string) error {
			_, err := c.SignUp(ctx, &cip.SignUpInput{ClientId: id, Username: &name, Password: aws.String("Passw0rd!"), SecretHash: secretHash(secret, name, *id)})
			return err
		}
		for name, secret := range map[string]string{"alice": *created.ClientSecret, "bob": *added.ClientSecretValue} {
			if err := signUp(name, secret); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		must[*cip.DeleteUserPoolClientSecretOutput](t)(c.DeleteUserPoolClientSecret(ctx, &cip.DeleteUserPoolClientSecretInput{
			UserPoolId: pool, ClientId: id, ClientSecretId: added.ClientSecretId,
		}))
		wantType[*types.NotAuthorizedException](t, signUp("carol", *added.ClientSecretValue))

		must[*cip.UpdateUserPoolClientOutput](t)(c.UpdateUserPoolClient(ctx, &cip.UpdateUserPoolClientInput{UserPoolId: pool, ClientId: id, ClientName: aws.String("app")}))
		if got := must[*cip.DescribeUserPoolClientOutput](t)(c.DescribeUserPoolClient(ctx, &cip.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: id})).UserPoolClient; *got.ClientName != "app" || *got.ClientSecret != *created.ClientSecret {
			t.Errorf("described %+v", got)
		}
		for range 4 {
			must[*cip.CreateUserPoolClientOutput](t)(c.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{UserPoolId: pool, ClientName: aws.String("more")}))
		}
		n := 0
		pages := cip.NewListUserPoolClientsPaginator(c, &cip.ListUserPoolClientsInput{UserPoolId: pool, MaxResults: aws.Int32(2)})
		for pages.HasMorePages() {
			n += len(must[*cip.ListUserPoolClientsOutput](t)(pages.NextPage(ctx)).UserPoolClients)
		}
		if n != 5 {
			t.Errorf("listed %d clients, want 5", n)
		}

		_, err = c.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{UserPoolId: pool, ClientName: aws.String("x"),
			AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}})
		wantType[*types.InvalidOAuthFlowException](t, err)
		_, err = c.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{UserPoolId: pool, ClientName: aws.String("x"), AllowedOAuthScopes: []string{"a/b"}})
		wantType[*types.ScopeDoesNotExistException](t, err)
		_, err = c.DescribeUserPoolClient(ctx, &cip.DescribeUserPoolClientInput{UserPoolId: other, ClientId: id})
		wantType[*types.ResourceNotFoundException](t, err)
		_, err = c.DeleteUserPoolClient(ctx, &cip.DeleteUserPoolClientInput{UserPoolId: other, ClientId: id})
		wantType[*types.ResourceNotFoundException](t, err)
		must[*cip.DeleteUserPoolClientOutput](t)(c.DeleteUserPoolClient(ctx, &cip.DeleteUserPoolClientInput{UserPoolId: pool, ClientId: id}))
		wantType[*types.ResourceNotFoundException](t, signUp("dave", *created.ClientSecret))
	})
}

func TestDomainsAndResourceServers(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		c := r.Client
		ctx := t.Context()
		pool := must[*cip.CreateUserPoolOutput](t)(c.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("p")})).UserPool.Id
		shop := aws.String("shop-of-ops")
		must[*cip.CreateUserPoolDomainOutput](t)(c.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: pool, Domain: shop}))
		_, err := c.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: pool, Domain: shop})
		wantType[*types.InvalidParameterException](t, err)
		if got := must[*cip.UpdateUserPoolDomainOutput](t)(c.UpdateUserPoolDomain(ctx, &cip.UpdateUserPoolDomainInput{UserPoolId: pool, Domain: shop, ManagedLoginVersion: aws.Int32(2)})); *got.ManagedLoginVersion != 2 {
			t.Errorf("updated %+v", got)
		}
		if got := must[*cip.DescribeUserPoolDomainOutput](t)(c.DescribeUserPoolDomain(ctx, &cip.DescribeUserPoolDomainInput{Domain: shop})).DomainDescription; *got.UserPoolId != *pool || got.Status != types.DomainStatusTypeActive {
			t.Errorf("described %+v", got)
		}
		must[*cip.DeleteUserPoolDomainOutput](t)(c.DeleteUserPoolDomain(ctx, &cip.DeleteUserPoolDomainInput{UserPoolId: pool, Domain: shop}))
		if got := must[*cip.DescribeUserPoolDomainOutput](t)(c.DescribeUserPoolDomain(ctx, &cip.DescribeUserPoolDomainInput{Domain: shop})).DomainDescription; got == nil || got.UserPoolId != nil {
			t.Errorf("described after its deletion %+v", got)
		}

		server := aws.String("https://api.example.com")
		must[*cip.CreateResourceServerOutput](t)(c.CreateResourceServer(ctx, &cip.CreateResourceServerInput{UserPoolId: pool, Identifier: server, Name: aws.String("api"),
			Scopes: []types.ResourceServerScopeType{{ScopeName: aws.String("read"), ScopeDescription: aws.String("Read")}}}))
		must[*cip.UpdateResourceServerOutput](t)(c.UpdateResourceServer(ctx, &cip.UpdateResourceServerInput{UserPoolId: pool, Identifier: server, Name: aws.String("new")}))
		if got := must[*cip.DescribeResourceServerOutput](t)(c.DescribeResourceServer(ctx, &cip.DescribeResourceServerInput{UserPoolId: pool, Identifier: server})).ResourceServer; *got.Name != "new" || len(got.Scopes) != 0 {
			t.Errorf("described %+v", got)
		}
		n := 0
		pages := cip.NewListResourceServersPaginator(c, &cip.ListResourceServersInput{UserPoolId: pool, MaxResults: aws.Int32(1)})
		for pages.HasMorePages() {
			n += len(must[*cip.ListResourceServersOutput](t)(pages.NextPage(ctx)).ResourceServers)
		}
		if n != 1 {
			t.Errorf("listed %d resource servers", n)
		}
		must[*cip.DeleteResourceServerOutput](t)(c.DeleteResourceServer(ctx, &cip.DeleteResourceServerInput{UserPoolId: pool, Identifier: server}))
		_, err = c.DescribeResourceServer(ctx, &cip.DescribeResourceServerInput{UserPoolId: pool, Identifier: server})
		wantType[*types.ResourceNotFoundException](t, err)
	})
}
