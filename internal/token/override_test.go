package token

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/trigger"
	"cognate/test/lambdas"
)

// withTrigger makes a pool whose tokens a function sees.
func (r *rig) withTrigger(t testing.TB, version idp.PreTokenGenerationLambdaVersionType) *pool.Snapshot {
	t.Helper()
	out, err := r.deps.Pools.CreateUserPool(t.Context(), &idp.CreateUserPoolRequest{
		PoolName: "people", LambdaConfig: &idp.LambdaConfigType{PreTokenGenerationConfig: &idp.PreTokenGenerationVersionConfigType{
			LambdaArn: *lambdas.ARN("tokens"), LambdaVersion: version,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.UserPool.LambdaConfig.PreTokenGeneration; got == nil || *got != *lambdas.ARN("tokens") {
		t.Errorf("PreTokenGeneration does not show what PreTokenGenerationConfig names")
	}
	sn, err := r.deps.Pools.Load(t.Context(), *out.UserPool.Id)
	if err != nil {
		t.Fatal(err)
	}
	return sn
}

// TestPreTokenGeneration holds a row for each rule of what a function changes.
func TestPreTokenGeneration(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	role := "arn:aws:iam::123456789012:role/editors"
	groups := []Group{{Name: "editors", RoleARN: role, Precedence: new(int32(1))}, {Name: "readers"}}
	type claims map[string]any
	rows := []struct {
		name       string
		version    idp.PreTokenGenerationLambdaVersionType
		answer     string // the response member
		id, access claims // what must be there; nil values must not
		want       string
	}{
		{name: "nothing", version: "V2_0", answer: `{}`,
			id: claims{"cognito:groups": []any{"editors", "readers"}, "cognito:roles": []any{role}, "cognito:preferred_role": role}, access: claims{"scope": userScope}},
		{name: "version 1 adds to the ID token alone", version: "V1_0",
			answer: `{"claimsOverrideDetails":{"claimsToAddOrOverride":{"plan":"gold","sub":"x","email":"b@example.com","cognito:username":"x","dev:custom:x":"y","amr":"x"},"claimsToSuppress":["name","aud","acr"]}}`,
			id:     claims{"acr": "urn:cognito:loa:1", "amr": []any{"pwd"}, "plan": "gold", "sub": "USER", "email": "b@example.com", "name": nil, "cognito:username": "NAME", "aud": "CLIENT", "dev:custom:x": nil}, access: claims{"plan": nil, "email": nil}},
		{name: "version 1 takes text alone", version: "V1_0", answer: `{"claimsOverrideDetails":{"claimsToAddOrOverride":{"plan":["gold"]}}}`,
			want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		{name: "suppression wins", version: "V1_0", answer: `{"claimsOverrideDetails":{"claimsToAddOrOverride":{"plan":"gold"},"claimsToSuppress":["plan"]}}`, id: claims{"plan": nil}},
		{name: "types", version: "V2_0",
			answer: `{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToAddOrOverride":{"n":5,"b":true,"l":[1,"a"],"o":{"x":{"y":1}},"address":{"x":1},"email_verified":true}},"accessTokenGeneration":{"claimsToAddOrOverride":{"o":{"a":[1]}}}}}`,
			id:     claims{"n": 5.0, "b": true, "l": []any{1.0, "a"}, "o": map[string]any{"x": map[string]any{"y": 1.0}}, "address": nil, "email_verified": true}, access: claims{"o": map[string]any{"a": []any{1.0}}, "n": nil}},
		{name: "protected claims of the access token", version: "V2_0",
			answer: `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"username":"x","client_id":"x","token_use":"id","scope":"x","aud":"x","jti":"x","acr":"x"},"claimsToSuppress":["sub","scope","exp","amr"]}}}`,
			access: claims{"acr": "urn:cognito:loa:1", "amr": []any{"pwd"}, "username": "NAME", "client_id": "CLIENT", "token_use": "access", "scope": userScope, "sub": "USER", "aud": nil}},
		{name: "the client as aud", version: "V2_0", answer: `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"aud":"CLIENT"}}}}`,
			access: claims{"aud": "CLIENT"}},
		{name: "scopes", version: "V3_0", answer: `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToAdd":["a/read","b","a/read","c"],"scopesToSuppress":["c"]}}}`,
			access: claims{"scope": userScope + " a/read b"}},
		{name: "no scope left", version: "V2_0", answer: `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToSuppress":["` + userScope + `"]}}}`, access: claims{"scope": ""}},
		{name: "a scope with a blank", version: "V2_0", answer: `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"scopesToAdd":["a b"]}}}`,
			want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		{name: "no groups", version: "V2_0", answer: `{"claimsAndScopeOverrideDetails":{"groupOverrideDetails":{}}}`,
			id: claims{"cognito:groups": nil, "cognito:roles": nil, "cognito:preferred_role": nil}, access: claims{"cognito:groups": nil}},
		{name: "other groups", version: "V1_0", answer: `{"claimsOverrideDetails":{"groupOverrideDetails":{"groupsToOverride":["staff"],"iamRolesToOverride":["r"],"preferredRole":"r"}}}`,
			id: claims{"cognito:groups": []any{"staff"}, "cognito:roles": []any{"r"}, "cognito:preferred_role": "r"}, access: claims{"cognito:groups": []any{"staff"}}},
		{name: "groups suppressed", version: "V2_0",
			answer: `{"claimsAndScopeOverrideDetails":{"idTokenGeneration":{"claimsToSuppress":["cognito:groups"]},"accessTokenGeneration":{"claimsToSuppress":["cognito:groups"]}}}`,
			id:     claims{"cognito:groups": nil, "cognito:roles": nil, "cognito:preferred_role": nil}, access: claims{"cognito:groups": nil}},
		{name: "garbage", version: "V2_0", answer: `"x"`, want: "InvalidLambdaResponseException: Unrecognizable lambda output"},
		{name: "throws", version: "V2_0", answer: "", want: "UserLambdaValidationException: PreTokenGeneration failed with error not today."},
	}
	pools := map[idp.PreTokenGenerationLambdaVersionType]*pool.Snapshot{}
	fill := func(c *pool.Client, id, name string, v any) any {
		switch v {
		case "CLIENT":
			return c.ID
		case "USER":
			return id
		case "NAME":
			return name
		}
		return v
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			sn := pools[row.version]
			if sn == nil {
				sn = r.withTrigger(t, row.version)
				pools[row.version] = sn
			}
			c := r.client(t, sn, nil)
			u := r.user(t, sn, row.name)
			answer := row.answer
			if row.name == "the client as aud" {
				answer = `{"claimsAndScopeOverrideDetails":{"accessTokenGeneration":{"claimsToAddOrOverride":{"aud":"` + c.ID + `"}}}}`
			}
			r.lambdas.On("tokens", func(e *lambdas.Event) string {
				if answer == "" {
					return "not today"
				}
				e.Response = nil
				if json.Unmarshal([]byte(answer), &e.Response) != nil {
					e.Response = nil
				}
				return ""
			})
			if answer == `"x"` {
				r.lambdas.Answer("tokens", `{"response":"x"}`)
			}
			g := r.grant(t, sn, c, u)
			g.Subject.Groups, g.Subject.Status = groups, u.Status
			g.Subject.Attributes = map[string]string{"email": "a@example.com", "name": "Alice"}
			g.ACR, g.AMR = "urn:cognito:loa:1", []string{"pwd"}
			g.Source, g.ClientMetadata = trigger.SourceTokenRefreshTokens, map[string]string{"k": "v"}
			set, err := r.Issue(t.Context(), g)
			if got := lambdas.Says(err); got != row.want {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
			if err != nil {
				return
			}
			for token, wants := range map[string]claims{set.IDToken: row.id, set.AccessToken: row.access} {
				got := claimsOf(t, token)
				for name, want := range wants {
					if diff := cmp.Diff(fill(c, u.ID, u.Username, want), got[name]); diff != "" {
						t.Errorf("%s of %v token: %s", name, got["token_use"], diff)
					}
				}
			}
		})
	}
}

// TestPreTokenGenerationEvent compares the events of the three versions.
func TestPreTokenGenerationEvent(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	for version, number := range map[idp.PreTokenGenerationLambdaVersionType]string{"V1_0": "1", "V2_0": "2", "V3_0": "3"} {
		sn := r.withTrigger(t, version)
		c, u := r.client(t, sn, nil), r.user(t, sn, "alice")
		r.lambdas.On("tokens", func(*lambdas.Event) string { return "" })
		g := r.grant(t, sn, c, u)
		g.Subject.Status = u.Status
		g.Subject.Attributes = map[string]string{"email": "a@example.com"}
		r.lambdas.Events()
		r.issue(t, g)
		request := map[string]any{
			"userAttributes": map[string]any{
				"sub": u.ID, "email": "a@example.com", "email_verified": "false", "cognito:user_status": "CONFIRMED",
			},
			"groupConfiguration": map[string]any{"groupsToOverride": []any{}, "iamRolesToOverride": []any{}, "preferredRole": nil},
		}
		response := map[string]any{"claimsOverrideDetails": nil}
		if version != "V1_0" {
			request["scopes"] = []any{userScope}
			response = map[string]any{"claimsAndScopeOverrideDetails": nil}
		}
		want := []lambdas.Event{{
			Version: number, TriggerSource: "TokenGeneration_Authentication", Region: sn.Region, UserPoolID: sn.ID, UserName: "alice",
			CallerContext: map[string]any{"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": c.ID},
			Request:       request, Response: response,
		}}
		if diff := cmp.Diff(want, r.lambdas.Events()); diff != "" {
			t.Errorf("%s: %s", version, diff)
		}
	}
}
