package signin

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/test/lambdas"
)

// TestFunctionsAfterSignUp: the session of ConfirmSignUp signs in past the same
// functions as a password, and a refusal uses it up.
func TestFunctionsAfterSignUp(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		const sources = "PreSignUp_SignUp PostConfirmation_ConfirmSignUp PreAuthentication_Authentication"
		rows := []struct{ name, throws, want, sources string }{
			{"admitted", "", "tokens", sources + " PostAuthentication_Authentication TokenGeneration_Authentication"},
			{"refused before", "pre", "UserLambdaValidationException: PreAuthentication failed with error no.", sources},
			{"refused after", "post", "UserLambdaValidationException: PostAuthentication failed with error no.", sources + " PostAuthentication_Authentication"},
		}
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
					in.LambdaConfig = &idp.LambdaConfigType{
						PreSignUp: lambdas.ARN("sign-up"), PostConfirmation: lambdas.ARN("confirmation"),
						PreAuthentication: lambdas.ARN("pre"), PostAuthentication: lambdas.ARN("post"), PreTokenGeneration: lambdas.ARN("tokens"),
					}
				})
				r.Functions.On("sign-up", func(e *lambdas.Event) string {
					e.Response["autoConfirmUser"] = true
					return ""
				})
				for _, name := range []string{"confirmation", "pre", "post", "tokens"} {
					r.Functions.On(name, func(*lambdas.Event) string {
						if name == row.throws {
							return "no"
						}
						return ""
					})
				}
				c := r.client(t, sn, choosing, hiding)
				r.Functions.Events()
				up, err := r.registrations.SignUp(t.Context(), &idp.SignUpRequest{ClientId: c.ID, Username: "alice", Password: new(right)})
				if err != nil {
					t.Fatal(err)
				}
				in := &idp.InitiateAuthRequest{
					ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth, Session: up.Session,
					AuthParameters: map[string]string{"USERNAME": "alice"}, ClientMetadata: map[string]string{"k": "v"},
				}
				out, err := r.InitiateAuth(t.Context(), in)
				got := lambdas.Says(err)
				if err == nil {
					got = said(out, nil)
				}
				wantSays(t, got, row.want)
				list, told := r.Functions.Events(), ""
				for i, e := range list {
					if i > 0 {
						told += " "
					}
					told += e.TriggerSource
					if e.TriggerSource != "PreAuthentication_Authentication" {
						continue
					}
					if validation, _ := e.Request["validationData"].(map[string]any); validation["k"] != "v" || e.Request["userNotFound"] != false {
						t.Errorf("request: %v", e.Request)
					}
				}
				wantSays(t, told, row.sources)
				_, err = r.InitiateAuth(t.Context(), in)
				wantSays(t, lambdas.Says(err), sayUsed)
				wantSays(t, r.Functions.Sources(), "") // No function is called for a session that is spent.
			})
		}
	})
}
