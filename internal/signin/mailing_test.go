package signin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/user"
	"cognate/test/lambdas"
	"cognate/test/services"
)

// chooses brings a sign-in to SELECT_MFA_TYPE of a pool with these functions.
func (r *rig) chooses(t *testing.T, functions idp.LambdaConfigType) *begun {
	t.Helper()
	sn := r.mfaPoolWith(t, idp.UserPoolMfaTypeOptional, []string{askSMS, askMail}, func(in *idp.CreateUserPoolRequest) { in.LambdaConfig = &functions })
	c := r.client(t, sn)
	u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100", "email": "alice@example.com"}})
	r.prefers(t, u, askSMS, askMail)
	return r.begin(t, c, u, askChoice)
}

// TestCustomMessageOfSignIn: codes of sign-ins have the function's words, and the
// function sees what metadata it is to see.
func TestCustomMessageOfSignIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.Functions.On("custom", func(e *lambdas.Event) string {
			e.Response["smsMessage"], e.Response["emailMessage"], e.Response["emailSubject"] = "sms {####}", "mail {####}", "subject"
			return ""
		})
		functions := idp.LambdaConfigType{CustomMessage: lambdas.ARN("custom")}
		metadata := map[string]string{"k": "v"}
		for _, row := range []struct {
			name, medium, body string
			seen               any // clientMetadata
			ask                func(t *testing.T) (*user.User, *pool.Client, error)
		}{
			{"InitiateAuth", "SMS", "sms %s", nil, func(t *testing.T) (*user.User, *pool.Client, error) {
				sn := r.mfaPoolWith(t, idp.UserPoolMfaTypeOptional, []string{askSMS}, func(in *idp.CreateUserPoolRequest) { in.LambdaConfig = &functions })
				c := r.client(t, sn)
				u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
				r.prefers(t, u, askSMS)
				_, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
					ClientId: c.ID, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": right}, ClientMetadata: metadata,
				})
				return u, c, err
			}},
			{"RespondToAuthChallenge", "EMAIL", "mail %s", nil, func(t *testing.T) (*user.User, *pool.Client, error) {
				b := r.chooses(t, functions)
				_, err := r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
					ClientId: b.c.ID, ChallengeName: b.name, Session: b.session, ChallengeResponses: map[string]string{"USERNAME": "alice", "ANSWER": askMail}, ClientMetadata: metadata,
				})
				return b.u, b.c, err
			}},
			{"AdminRespondToAuthChallenge", "EMAIL", "mail %s", map[string]any{"k": "v"}, func(t *testing.T) (*user.User, *pool.Client, error) {
				b := r.chooses(t, functions)
				_, err := r.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeRequest{
					UserPoolId: b.u.Rec.PoolID, ClientId: b.c.ID, ChallengeName: b.name, Session: b.session, ChallengeResponses: map[string]string{"USERNAME": "alice", "ANSWER": askMail}, ClientMetadata: metadata,
				})
				return b.u, b.c, err
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				r.Functions.Events()
				u, c, err := row.ask(t)
				if err != nil {
					t.Fatal(err)
				}
				events := r.Functions.Events()
				if len(events) != 1 || events[0].TriggerSource != "CustomMessage_Authentication" || events[0].CallerContext["clientId"] != c.ID {
					t.Fatalf("events %v", events)
				}
				if diff := cmp.Diff(row.seen, events[0].Request["clientMetadata"]); diff != "" {
					t.Error(diff)
				}
				list := r.sent(t, u)
				if len(list) != 1 || list[0].Medium != row.medium || list[0].Body != fmt.Sprintf(row.body, list[0].Code) {
					t.Errorf("sent %v", list)
				}
			})
		}
	})
}

// TestCustomMessageOfSignInFails: the step is over, and no code goes out.
func TestCustomMessageOfSignInFails(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.Functions.On("custom", func(*lambdas.Event) string { return "no" })
		b := r.chooses(t, idp.LambdaConfigType{CustomMessage: lambdas.ARN("custom")})
		wantSays(t, b.answer(t, "ANSWER", askMail), "UserLambdaValidationException: CustomMessage failed with error no.")
		wantSays(t, b.answer(t, "ANSWER", askMail), sayUsed)
		if list := r.sent(t, b.u); len(list) != 0 {
			t.Errorf("sent %v", list)
		}
	})
}

// TestCustomSenderOfSignIn: the function that sends gets the code of a sign-in,
// with the metadata of the answer that asked for it.
func TestCustomSenderOfSignIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.Functions.On("sms", func(*lambdas.Event) string { return "" })
		r.Functions.On("mail", func(*lambdas.Event) string { return "" })
		b := r.chooses(t, idp.LambdaConfigType{
			CustomSMSSender:   &idp.CustomSMSLambdaVersionConfigType{LambdaArn: *lambdas.ARN("sms"), LambdaVersion: "V1_0"},
			CustomEmailSender: &idp.CustomEmailLambdaVersionConfigType{LambdaArn: *lambdas.ARN("mail"), LambdaVersion: "V1_0"}, KMSKeyID: new(services.SenderKeyID),
		})
		for _, row := range []struct {
			choice, source string
			metadata       map[string]string
		}{{askSMS, "CustomSMSSender_Authentication", map[string]string{"k": "v"}}, {askMail, "CustomEmailSender_Authentication", nil}} {
			b := r.begin(t, b.c, b.u, askChoice)
			_, err := r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
				ClientId: b.c.ID, ChallengeName: b.name, Session: b.session, ChallengeResponses: map[string]string{"USERNAME": "alice", "ANSWER": row.choice}, ClientMetadata: row.metadata,
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Messages.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			events := r.Functions.Events()
			if len(events) != 1 || events[0].TriggerSource != row.source {
				t.Fatalf("events %v", events)
			}
			code, _ := events[0].Request["code"].(string)
			got, _ := events[0].Request["clientMetadata"].(map[string]any)
			if !strings.HasPrefix(code, "AYAD") || len(got) != len(row.metadata) {
				t.Errorf("request %v", events[0].Request)
			}
		}
	})
}
