package ops_test

import (
	"fmt"
	"testing"
	"time"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
)

// TestStepUp: a user who signed in by a password passes a code to reach a level, which the
// pool has renamed. The SDK does not know AcrConfiguration yet.
func TestStepUp(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		pool := r.pool(t, choosing(types.AuthFactorTypeEmailOtp))
		client := r.client(t, pool, byChoice)
		r.user(t, pool, "alice", verified("a@example.com")...)
		same := body{"Level1": body{"AcrValue": "gold"}, "Level3": body{"AcrValue": "gold"}}
		policies := body{"SignInPolicy": body{"AllowedFirstAuthFactors": []string{"PASSWORD", "EMAIL_OTP"}}}
		r.says(t, "UpdateUserPool", body{"UserPoolId": pool, "AcrConfiguration": same, "Policies": policies},
			"InvalidParameterException: AcrValue must be unique across all levels in AcrConfiguration, with the default names of the levels that it leaves out.")
		r.says(t, "UpdateUserPool", body{"UserPoolId": pool, "AcrConfiguration": body{"Level3": body{"AcrValue": "gold"}}, "Policies": policies}, "")
		shown := r.mustRaw(t, "DescribeUserPool", body{"UserPoolId": pool})["UserPool"].(map[string]any)["AcrConfiguration"]
		want := map[string]any{}
		for level, name := range map[string]string{"Level1": "urn:cognito:loa:1", "Level2": "urn:cognito:loa:2", "Level3": "gold", "Level4": "urn:cognito:loa:4"} {
			want[level] = map[string]any{"AcrValue": name}
		}
		if diff := cmp.Diff(want, shown); diff != "" {
			t.Error(diff)
		}
		r.pass(2 * time.Second)

		first, err := r.choose(t, client, "alice", "PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", password)
		token := *must[*cip.InitiateAuthOutput](t)(first, err).AuthenticationResult.AccessToken
		for _, start := range []initiator{public, admin} {
			up := map[string]string{"USERNAME": "alice", "ACCESS_TOKEN": token, "TARGET_ACR_VALUES": "urn:cognito:loa:4 gold", "MAX_AGE": "600"}
			out := must[*cip.InitiateAuthOutput](t)(start(t, r, pool, client, types.AuthFlowTypeUserAuth, up))
			if out.ChallengeName != types.ChallengeNameTypeEmailOtp {
				t.Fatalf("%+v", out)
			}
			up["TARGET_ACR_VALUES"] = "urn:cognito:loa:1"
			_, err := start(t, r, pool, client, types.AuthFlowTypeUserAuth, up)
			wantError(t, err, invalid("The access token already meets the requested authentication level."))
			up["TARGET_ACR_VALUES"] = "urn:cognito:loa:3"
			_, err = start(t, r, pool, client, types.AuthFlowTypeUserAuth, up)
			wantError(t, err, invalid("TARGET_ACR_VALUES has no authentication level of the user pool."))
			responses := map[string]string{"USERNAME": "alice", "EMAIL_OTP_CODE": r.code(t, pool, "alice")}
			done := must[*cip.RespondToAuthChallengeOutput](t)(r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
				ClientId: &client, ChallengeName: out.ChallengeName, Session: out.Session, ChallengeResponses: responses,
			}))
			if got := claims(t, *done.AuthenticationResult.AccessToken); fmt.Sprint(got["acr"], got["amr"]) != "gold[pwd email_otp mfa]" {
				t.Errorf("acr %v, amr %v", got["acr"], got["amr"])
			}
		}
	})
}
