package deploy_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/serving"
)

const shop = `
Parameters:
  Length: {Type: Number, Default: 10}
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties:
      UserPoolName: shop
      Policies: {PasswordPolicy: {MinimumLength: !Ref Length}}
      Schema: [{Name: tier, AttributeDataType: String, Mutable: true}]
  Web:
    Type: AWS::Cognito::UserPoolClient
    Properties:
      ClientName: web
      UserPoolId: !Ref Pool
      GenerateSecret: false
      ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]
Outputs:
  PoolId: {Value: !Ref Pool}
  ProviderName: {Value: !GetAtt Pool.ProviderName}
`

// TestSignIn goes from a template to a signed-in user, and through a restart and a change.
func TestSignIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Template, c.TemplateParameter = templateFile(t, shop), []string{"Length=12"}
		r := serving.Start(t, c)
		sdk := r.Dev()
		id := pool(t, sdk, "shop")
		web := client(t, sdk, id, "web")
		if web == nil {
			t.Fatal("the template's app client is not there")
		}
		p, err := sdk.DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: &id})
		if err != nil || *p.UserPool.Policies.PasswordPolicy.MinimumLength != 12 {
			t.Fatalf("%v, %v", p, err)
		}
		addUser(t, sdk, id, "alice")
		serving.Want(t, signIn(t, sdk, *web.ClientId, "alice"), "")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}

		// A start with the same template changes nothing.
		r = serving.Start(t, c)
		sdk = r.Dev()
		serving.Want(t, signIn(t, sdk, *web.ClientId, "alice"), "")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}

		// A changed template changes what differs, in place.
		write(t, c.Template, strings.Replace(strings.Replace(shop, "ALLOW_USER_PASSWORD_AUTH, ", "ALLOW_USER_SRP_AUTH, ", 1),
			"Mutable: true}", "Mutable: true}, {Name: colour, AttributeDataType: String, Mutable: true}", 1))
		r = serving.Start(t, c)
		sdk = r.Dev()
		serving.Want(t, signIn(t, sdk, *web.ClientId, "alice"), "InvalidParameterException")
		_, err = sdk.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{UserPoolId: &id, Username: aws.String("alice"), UserAttributes: attributes("custom:colour", "red")})
		serving.Want(t, err, "")
	})
}
