package token

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/lambdas"
)

// machine makes a client that gets tokens of its own, and a server for its scopes.
func (r *rig) machine(t testing.TB, sn *pool.Snapshot) *pool.Client {
	t.Helper()
	if _, err := r.deps.Pools.CreateResourceServer(t.Context(), &idp.CreateResourceServerRequest{
		UserPoolId: sn.ID, Identifier: "api", Name: "api", Scopes: []idp.ResourceServerScopeType{{ScopeName: "read"}, {ScopeName: "write"}},
	}); err != nil {
		t.Fatal(err)
	}
	return r.client(t, sn, func(in *idp.CreateUserPoolClientRequest) {
		in.ExplicitAuthFlows = []idp.ExplicitAuthFlowsType{idp.ExplicitAuthFlowsTypeAllowClientTokenAuth}
		in.ClientSecret = new(machineSecret)
		in.AllowedOAuthScopes = []string{"api/read", "api/write"}
	})
}

const machineSecret = "0123456789abcdefghijklmnopqrstuvwxyz"

// TestMachineTokenEvent: only V3_0 is asked, with the machine's event, and it
// cannot make a user of the machine.
func TestMachineTokenEvent(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	for _, version := range []idp.PreTokenGenerationLambdaVersionType{"V1_0", "V2_0", "V3_0"} {
		t.Run(string(version), func(t *testing.T) {
			sn := r.withTrigger(t, version)
			c := r.machine(t, sn)
			r.lambdas.Events()
			r.lambdas.Answer("tokens", `{"response":{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{
				"claimsToAddOrOverride":{"tenant":7,"sub":"forged","username":"alice","cognito:groups":["admins"]},
				"scopesToAdd":["extra","aws.cognito.signin.user.admin","openid"],"scopesToSuppress":["api/read"]},
				"groupOverrideDetails":{"groupsToOverride":["admins"]}}}}`)
			ask := &idp.GetClientTokenRequest{ClientId: c.ID, Secret: machineSecret, ClientMetadata: map[string]string{"k": "v"}}
			out, err := r.GetClientToken(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			got := claimsOf(t, *out.ClientAuthenticationResult.AccessToken)
			var want []lambdas.Event
			scope, tenant := "api/read api/write", any(nil)
			if version == "V3_0" {
				scope, tenant = "api/write extra", 7.
				want = []lambdas.Event{{
					Version: "3", TriggerSource: "TokenGeneration_ClientCredentials", Region: sn.Region, UserPoolID: sn.ID, UserName: "ClientCredentials",
					CallerContext: map[string]any{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": c.ID},
					Request: map[string]any{
						"userAttributes": map[string]any{}, "groupConfiguration": nil,
						"scopes": []any{"api/read", "api/write"}, "clientMetadata": map[string]any{"k": "v"},
					},
					Response: map[string]any{"claimsAndScopeOverrideDetails": nil},
				}}
			}
			if diff := cmp.Diff(want, r.lambdas.Events()); diff != "" {
				t.Errorf("events: %s", diff)
			}
			if got["scope"] != scope || got["tenant"] != tenant || got["sub"] != c.ID || got["username"] != nil || got["cognito:groups"] != nil {
				t.Errorf("%v", got)
			}
			_, err = r.Authenticate(t.Context(), *out.ClientAuthenticationResult.AccessToken)
			wantSays(t, err, "NotAuthorizedException: Access Token does not have required scopes")

			if version != "V3_0" {
				return
			}
			r.lambdas.On("tokens", func(*lambdas.Event) string { return "not today" })
			_, err = r.GetClientToken(t.Context(), ask)
			if api.CodeOf(err) != "NotAuthorizedException" { // The operation declares no error of triggers.
				t.Error(err)
			}
		})
	}
}

// TestMachineToken holds every claim of a machine's token.
func TestMachineToken(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c := r.machine(t, sn)
	set, err := r.IssueForMachine(t.Context(), MachineGrant{Pool: sn, Client: c})
	if err != nil {
		t.Fatal(err)
	}
	got := claimsOf(t, set.AccessToken)
	want := map[string]any{
		"sub": c.ID, "client_id": c.ID, "token_use": "access", "scope": "api/read api/write", "version": 2., "iss": r.Issuer(sn),
		"auth_time": 1_800_000_000., "iat": 1_800_000_000., "exp": 1_800_003_600., "jti": got["jti"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if set.IDToken != "" || set.RefreshToken != "" || set.ExpiresIn != 3600 {
		t.Errorf("%+v", *set)
	}
}
