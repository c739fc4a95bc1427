package signin

import (
	"testing"

	"cognate/internal/api/idp"
	"cognate/test/lambdas"
	"cognate/test/srpclient"
)

// TestCustomAuthAfterSRP proves a password first, then answers one custom
// challenge: Define sees what was proven, and a wrong proof ends it before any
// custom challenge.
func TestCustomAuthAfterSRP(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.Functions.On("define", func(e *lambdas.Event) string {
			session, _ := e.Request["session"].([]any)
			names := ""
			for _, one := range session {
				m := one.(map[string]any)
				if m["challengeResult"] != true {
					e.Response["failAuthentication"] = true
					return ""
				}
				names += m["challengeName"].(string) + " "
			}
			switch names {
			case "SRP_A ":
				e.Response["challengeName"] = "PASSWORD_VERIFIER"
			case "SRP_A PASSWORD_VERIFIER ":
				e.Response["challengeName"] = "CUSTOM_CHALLENGE"
			case "SRP_A PASSWORD_VERIFIER CUSTOM_CHALLENGE ":
				e.Response["issueTokens"] = true
			default:
				return "unexpected " + names
			}
			return ""
		})
		r.Functions.On("create", func(e *lambdas.Event) string {
			e.Response["publicChallengeParameters"] = map[string]string{"question": "2+3"}
			e.Response["privateChallengeParameters"] = map[string]string{"answer": "5"}
			return ""
		})
		r.Functions.On("verify", func(e *lambdas.Event) string {
			private, _ := e.Request["privateChallengeParameters"].(map[string]any)
			e.Response["answerCorrect"] = e.Request["challengeAnswer"] == private["answer"]
			return ""
		})
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			in.LambdaConfig = &idp.LambdaConfigType{
				DefineAuthChallenge: lambdas.ARN("define"), CreateAuthChallenge: lambdas.ARN("create"), VerifyAuthChallengeResponse: lambdas.ARN("verify"),
			}
		})
		c := r.client(t, sn)
		r.have(t, sn, "alice", person{password: right})
		for _, row := range []struct {
			name, password, answer, want string
		}{
			{"right", right, "5", "tokens"},
			{"wrong answer", right, "6", sayIncorrect},
			{"wrong password", wrong, "", sayIncorrect},
		} {
			t.Run(row.name, func(t *testing.T) {
				client := srpclient.New(c.PoolID)
				out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
					ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth,
					AuthParameters: map[string]string{"USERNAME": "alice", "SRP_A": client.Public(), "CHALLENGE_NAME": "SRP_A"},
				})
				wantSays(t, said(out, err), "PASSWORD_VERIFIER")
				if err != nil {
					return
				}
				if out.Session == nil {
					t.Fatal("PASSWORD_VERIFIER of CUSTOM_AUTH comes with a Session")
				}
				res, err := r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
					ClientId: c.ID, ChallengeName: idp.ChallengeNameTypePasswordVerifier, Session: out.Session,
					ChallengeResponses: client.Prove(out.ChallengeParameters, row.password, r.now()),
				})
				if row.password != wrong {
					wantSays(t, answered(res, err), "CUSTOM_CHALLENGE")
					if err != nil {
						return
					}
					res, err = r.respondTo(t.Context(), c, "CUSTOM_CHALLENGE", res.Session, "alice", "ANSWER", row.answer)
				}
				wantSays(t, answered(res, err), row.want)
			})
		}
		t.Run("without SRP_A", func(t *testing.T) {
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
				ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: map[string]string{"USERNAME": "alice", "CHALLENGE_NAME": "SRP_A"},
			})
			wantSays(t, said(out, err), "InvalidParameterException: Missing required parameter SRP_A")
		})
	})
}
