package ops_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

func TestGetClientToken(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t)
		must[*cip.CreateResourceServerOutput](t)(r.CreateResourceServer(t.Context(), &cip.CreateResourceServerInput{
			UserPoolId: &pool, Identifier: aws.String("api"), Name: aws.String("api"), Scopes: []types.ResourceServerScopeType{
				{ScopeName: aws.String("read"), ScopeDescription: aws.String("r")}, {ScopeName: aws.String("write"), ScopeDescription: aws.String("w")},
				{ScopeName: aws.String("admin"), ScopeDescription: aws.String("a")},
			},
		}))
		machine := func(in *cip.CreateUserPoolClientInput) {
			in.GenerateSecret = true
			in.ExplicitAuthFlows = []types.ExplicitAuthFlowsType{"ALLOW_CLIENT_TOKEN_AUTH"}
			in.AllowedOAuthScopes = []string{"api/read", "openid", "api/write"}
			in.AccessTokenValidity = aws.Int32(2)
		}
		_, err := r.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
			UserPoolId: &pool, ClientName: aws.String("app"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_CLIENT_TOKEN_AUTH"},
		})
		wantError(t, err, invalid("ALLOW_CLIENT_TOKEN_AUTH requires a client secret."))
		c := r.clientOf(t, pool, machine)
		id, secret := *c.ClientId, *c.ClientSecret
		people, bare := r.clientOf(t, pool, withSecret), r.clientOf(t, pool, machine, func(in *cip.CreateUserPoolClientInput) { in.AllowedOAuthScopes = nil })

		unsigned := func(req *http.Request) { req.Header.Del("Authorization") }
		ask := func(t *testing.T, secret string, scopes ...string) (map[string]any, string) {
			t.Helper()
			in := body{"ClientId": id, "Secret": secret}
			if scopes != nil {
				in["Scopes"] = scopes
			}
			out, said := r.raw(t, "GetClientToken", in, unsigned)
			if said != "" {
				return nil, said
			}
			result := out["ClientAuthenticationResult"].(map[string]any)
			if result["TokenType"] != "Bearer" || result["ExpiresIn"] != 7200. || len(result) != 3 {
				t.Errorf("%v", result)
			}
			return claims(t, result["AccessToken"].(string)), ""
		}
		got, said := ask(t, secret)
		if said != "" {
			t.Fatal(said)
		}
		if got["sub"] != id || got["client_id"] != id || got["token_use"] != "access" || got["scope"] != "api/read api/write" || got["version"] != 2. ||
			got["exp"].(float64)-got["iat"].(float64) != 7200 || got["auth_time"] != got["iat"] || len(got["jti"].(string)) != 36 ||
			!strings.HasSuffix(got["iss"].(string), "/"+pool) || len(got) != 10 {
			t.Errorf("%v", got)
		}
		if got, said := ask(t, secret, "api/write", "api/write"); said != "" || got["scope"] != "api/write" {
			t.Errorf("%v %s", got, said)
		}

		// Either of two secrets; none once it is gone.
		added := r.mustRaw(t, "AddUserPoolClientSecret", body{"UserPoolId": pool, "ClientId": id})["ClientSecretDescriptor"].(map[string]any)
		second := added["ClientSecretValue"].(string)
		for _, s := range []string{secret, second} {
			if _, said := ask(t, s); said != "" {
				t.Error(said)
			}
		}
		r.mustRaw(t, "DeleteUserPoolClientSecret", body{"UserPoolId": pool, "ClientId": id, "ClientSecretId": added["ClientSecretId"]})
		const wrongSecret = "NotAuthorizedException: Invalid client secret"
		if _, said := ask(t, second); said != wrongSecret {
			t.Error(said)
		}

		for _, row := range []struct {
			name string
			in   body
			want string
		}{
			{"wrong secret", body{"ClientId": id, "Secret": strings.Repeat("x", 40)}, wrongSecret},
			{"wrong secret, right scope", body{"ClientId": id, "Secret": strings.Repeat("x", 40), "Scopes": []string{"api/read"}}, wrongSecret},
			{"public client", body{"ClientId": r.client(t, pool), "Secret": secret}, wrongSecret},
			{"flow missing", body{"ClientId": *people.ClientId, "Secret": *people.ClientSecret}, "NotAuthorizedException: ALLOW_CLIENT_TOKEN_AUTH is not enabled for the client."},
			{"flow missing, wrong secret", body{"ClientId": *people.ClientId, "Secret": secret}, wrongSecret},
			{"unknown client", body{"ClientId": "unknown", "Secret": secret}, "ResourceNotFoundException: User pool client unknown does not exist."},
			{"scope of the server, not of the client", body{"ClientId": id, "Secret": secret, "Scopes": []string{"api/admin"}}, "InvalidParameterException: Invalid scope requested"},
			{"a person's scope", body{"ClientId": id, "Secret": secret, "Scopes": []string{"openid"}}, "InvalidParameterException: Invalid scope requested"},
			{"the user API", body{"ClientId": id, "Secret": secret, "Scopes": []string{"aws.cognito.signin.user.admin"}}, "InvalidParameterException: Invalid scope requested"},
			{"no scopes at all", body{"ClientId": *bare.ClientId, "Secret": *bare.ClientSecret}, "InvalidParameterException: Invalid scope requested"},
		} {
			t.Run(row.name, func(t *testing.T) { r.says(t, "GetClientToken", row.in, row.want) })
		}
		for _, bad := range []body{
			{"ClientId": id}, {"Secret": secret}, {"ClientId": id, "Secret": "short"}, {"ClientId": id, "Secret": strings.Repeat("x", 65)},
			{"ClientId": id, "Secret": secret, "Scopes": []string{"a b"}}, {"ClientId": id, "Secret": secret, "Scopes": make([]string, 51)},
		} {
			if _, said := r.raw(t, "GetClientToken", bad); !strings.HasPrefix(said, "InvalidParameterException: ") {
				t.Errorf("%v: %q", bad, said)
			}
		}

		// A machine is nobody.
		token := r.mustRaw(t, "GetClientToken", body{"ClientId": id, "Secret": secret})["ClientAuthenticationResult"].(map[string]any)["AccessToken"].(string)
		_, err = r.GetUser(t.Context(), &cip.GetUserInput{AccessToken: &token})
		wantError(t, err, notAuthorized("Access Token does not have required scopes"))
		r.says(t, "ListUserSessions", body{"AccessToken": token}, "NotAuthorizedException: Access Token does not have required scopes")
		// And it signs nobody in.
		r.user(t, pool, "alice")
		_, err = r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &id, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{
			"USERNAME": "alice", "PASSWORD": password, "SECRET_HASH": *secretHash(secret, "alice", id)}})
		wantError(t, err, invalid("USER_PASSWORD_AUTH flow not enabled for this client"))

		must[*cip.DeleteResourceServerOutput](t)(r.DeleteResourceServer(t.Context(), &cip.DeleteResourceServerInput{UserPoolId: &pool, Identifier: aws.String("api")}))
		if _, said := ask(t, secret); said != "InvalidParameterException: Invalid scope requested" {
			t.Errorf("without the resource server: %q", said)
		}
	})
}
