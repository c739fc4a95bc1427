package ops_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"cognate/test/lambdas"
	"cognate/test/srpclient"
)

func refusedBy(text string) error { return &types.UserLambdaValidationException{Message: &text} }

// TestTriggerFaults: what the caller hears of functions that throw, answer
// nonsense or are not there, and what is left behind.
func TestTriggerFaults(t *testing.T) {
	scenes(t, func(t *testing.T, s *scene) {
		s.user(t, s.pool, "alice", verified("alice@example.com")...)
		unknown := &types.UserNotFoundException{Message: aws.String("Exception migrating user in app client " + s.client)}
		signUp := func(t *testing.T) error {
			_, err := s.SignUp(t.Context(), &cip.SignUpInput{ClientId: &s.client, Username: aws.String("zoe"), Password: aws.String(password), ValidationData: attributes("confirm", "yes")})
			return err
		}
		signIn := func(t *testing.T) error {
			_, err := s.trySignIn(t, s.client, "alice", password)
			return err
		}
		custom := func(t *testing.T) error {
			_, err := s.start(t, types.AuthFlowTypeCustomAuth, "USERNAME", "alice")
			return err
		}
		verify := func(t *testing.T) error {
			out, err := s.start(t, types.AuthFlowTypeCustomAuth, "USERNAME", "alice")
			if err != nil {
				return err
			}
			_, err = s.respond(t, types.ChallengeNameTypeCustomChallenge, out.Session, "USERNAME", "alice", "ANSWER", "5")
			return err
		}
		rows := []struct {
			function, trigger string
			call              func(t *testing.T) error
		}{
			{"sign-up", "PreSignUp", signUp},
			{"pre", "PreAuthentication", signIn},
			{"post", "PostAuthentication", signIn},
			{"tokens", "PreTokenGeneration", signIn},
			{"define", "DefineAuthChallenge", custom},
			{"create", "CreateAuthChallenge", custom},
			{"verify", "VerifyAuthChallengeResponse", verify},
			{"migrate", "UserMigration", func(t *testing.T) error {
				_, err := s.trySignIn(t, s.client, "olivia", password)
				return err
			}},
			// The last: what it is told of stays done.
			{"confirmation", "PostConfirmation", signUp},
		}
		for _, row := range rows {
			t.Run(row.trigger, func(t *testing.T) {
				s.reset()
				s.f.Answer(row.function, "null")
				wantError(t, row.call(t), &types.InvalidLambdaResponseException{Message: aws.String("Invalid lambda function output : Invalid JSON")})
				if row.function == "confirmation" {
					s.remove(t, "zoe")
				}
				s.reset()
				s.f.Remove(row.function)
				wantError(t, row.call(t), &types.UnexpectedLambdaException{Message: aws.String(row.trigger + " invocation failed due to error ResourceNotFoundException.")})
				if row.function == "confirmation" {
					s.remove(t, "zoe")
				}
				s.reset()
				s.f.On(row.function, func(*lambdas.Event) string { return "Not today." })
				if row.function == "migrate" {
					wantError(t, row.call(t), unknown)
				} else {
					wantError(t, row.call(t), refusedBy(row.trigger+" failed with error Not today.."))
				}
				_, err := s.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &s.pool, Username: aws.String("zoe")})
				if (err == nil) != (row.function == "confirmation") {
					t.Errorf("zoe: %v", err)
				}
			})
		}
		s.reset()
		wantError(t, signIn(t), nil)
	})
}

// remove deletes a user who is there.
func (s *scene) remove(t *testing.T, name string) {
	t.Helper()
	must[*cip.AdminDeleteUserOutput](t)(s.AdminDeleteUser(t.Context(), &cip.AdminDeleteUserInput{UserPoolId: &s.pool, Username: &name}))
}

// TestTokenFunction: what each version of PreTokenGeneration changes, in which
// token, at a sign-in and at a refresh.
func TestTokenFunction(t *testing.T) {
	scenes(t, func(t *testing.T, s *scene) {
		s.f.On("tokens", func(e *lambdas.Event) string {
			if e.Version == "1" {
				e.Response["claimsOverrideDetails"] = map[string]any{
					"claimsToAddOrOverride": map[string]any{"tenant": "acme", "sub": "somebody"}, "claimsToSuppress": []string{"email"},
				}
				return ""
			}
			e.Response["claimsAndScopeOverrideDetails"] = map[string]any{
				"idTokenGeneration":     map[string]any{"claimsToAddOrOverride": map[string]any{"tenant": "acme", "seats": 5}},
				"accessTokenGeneration": map[string]any{"claimsToAddOrOverride": map[string]any{"limits": map[string]any{"seats": 5}}, "scopesToAdd": []string{"reports/read"}},
				"groupOverrideDetails":  map[string]any{"groupsToOverride": []string{"staff"}},
			}
			return ""
		})
		const scope = "aws.cognito.signin.user.admin"
		rows := []struct {
			version types.PreTokenGenerationLambdaVersionType
			event   string
			id      map[string]any // nil members must be absent
			access  map[string]any
		}{
			{"V1_0", "1", map[string]any{"tenant": "acme", "email": nil}, map[string]any{"tenant": nil, "scope": scope}},
			{"V2_0", "2", map[string]any{"tenant": "acme", "seats": 5.0, "cognito:groups": []any{"staff"}}, map[string]any{
				"tenant": nil, "limits": map[string]any{"seats": 5.0}, "scope": scope + " reports/read", "cognito:groups": []any{"staff"},
			}},
			{"V3_0", "3", map[string]any{"tenant": "acme", "email": "alice@example.com"}, map[string]any{"scope": scope + " reports/read"}},
		}
		for _, row := range rows {
			t.Run(string(row.version), func(t *testing.T) {
				pool := s.rig.pool(t, func(in *cip.CreateUserPoolInput) {
					in.LambdaConfig = &types.LambdaConfigType{PreTokenGenerationConfig: &types.PreTokenGenerationVersionConfigType{LambdaArn: lambdas.ARN("tokens"), LambdaVersion: row.version}}
				})
				client := s.rig.client(t, pool)
				sub := s.user(t, pool, "alice", verified("alice@example.com")...)
				s.f.Events()
				result := s.signIn(t, client, "alice")
				again := must[*cip.InitiateAuthOutput](t)(s.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
					ClientId: &client, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": *result.RefreshToken},
				})).AuthenticationResult
				for _, r := range []*types.AuthenticationResultType{result, again} {
					id, access := claims(t, *r.IdToken), claims(t, *r.AccessToken)
					if id["sub"] != sub || access["sub"] != sub {
						t.Errorf("sub %v and %v", id["sub"], access["sub"])
					}
					wantClaims(t, row.id, id)
					wantClaims(t, row.access, access)
				}
				events := s.f.Events()
				for i, source := range []string{"TokenGeneration_Authentication", "TokenGeneration_RefreshTokens"} {
					scopes, shown := events[i].Request["scopes"]
					if events[i].TriggerSource != source || events[i].Version != row.event || shown != (row.event != "1") {
						t.Errorf("event %s of version %s, scopes %v", events[i].TriggerSource, events[i].Version, scopes)
					}
				}
			})
		}
	})
}

func wantClaims(t *testing.T, want, got map[string]any) {
	t.Helper()
	for name, value := range want {
		if d := cmp.Diff(value, got[name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// TestCustomAuth: custom challenges by either operation, alone and after the
// password, and what is out of order.
func TestCustomAuth(t *testing.T) {
	const invalidSession = "Invalid session for the user."
	for _, by := range []struct {
		name    string
		start   initiator
		respond responder
	}{{"InitiateAuth", public, publicly}, {"AdminInitiateAuth", admin, byAdmin}} {
		t.Run(by.name, func(t *testing.T) {
			scenes(t, func(t *testing.T, s *scene) {
				s.user(t, s.pool, "alice")
				s.user(t, s.pool, "bob")
				start := func(params ...string) (*cip.InitiateAuthOutput, error) {
					return by.start(t, s.rig, s.pool, s.client, types.AuthFlowTypeCustomAuth, mapOf(params))
				}
				begin := func() *string {
					out := must[*cip.InitiateAuthOutput](t)(start("USERNAME", "alice"))
					want := map[string]string{"USERNAME": "alice", "question": "2+3"}
					if d := cmp.Diff(want, out.ChallengeParameters); d != "" || out.ChallengeName != types.ChallengeNameTypeCustomChallenge {
						t.Errorf("%s: %s", out.ChallengeName, d)
					}
					return out.Session
				}
				answer := func(name types.ChallengeNameType, session *string, params ...string) (*cip.RespondToAuthChallengeOutput, error) {
					return by.respond(t, s.rig, s.pool, s.client, name, session, mapOf(params))
				}
				fails := func(name types.ChallengeNameType, session *string, want error, params ...string) {
					t.Helper()
					_, err := answer(name, session, params...)
					wantError(t, err, want)
				}
				session := begin()
				fails("SMS_MFA", session, notAuthorized(invalidSession), "USERNAME", "alice", "SMS_MFA_CODE", "123456")
				fails("CUSTOM_CHALLENGE", session, notAuthorized(invalidSession), "USERNAME", "bob", "ANSWER", "5")
				fails("CUSTOM_CHALLENGE", session, invalid("Missing required parameter ANSWER"), "USERNAME", "alice")
				out := must[*cip.RespondToAuthChallengeOutput](t)(answer("CUSTOM_CHALLENGE", session, "USERNAME", "alice", "ANSWER", "6"))
				fails("CUSTOM_CHALLENGE", session, notAuthorized(invalidSession), "USERNAME", "alice", "ANSWER", "5")
				if out = must[*cip.RespondToAuthChallengeOutput](t)(answer("CUSTOM_CHALLENGE", out.Session, "USERNAME", "alice", "ANSWER", "5")); out.AuthenticationResult == nil {
					t.Errorf("no tokens but %s", out.ChallengeName)
				}
				// The second wrong answer: failAuthentication.
				out = must[*cip.RespondToAuthChallengeOutput](t)(answer("CUSTOM_CHALLENGE", begin(), "USERNAME", "alice", "ANSWER", "6"))
				fails("CUSTOM_CHALLENGE", out.Session, incorrect(), "USERNAME", "alice", "ANSWER", "6")
				fails("CUSTOM_CHALLENGE", out.Session, notAuthorized(invalidSession), "USERNAME", "alice", "ANSWER", "5")

				p := srpclient.New(s.pool)
				first := must[*cip.InitiateAuthOutput](t)(start("USERNAME", "alice", "CHALLENGE_NAME", "SRP_A", "SRP_A", p.Public()))
				if first.ChallengeName != types.ChallengeNameTypePasswordVerifier || first.Session == nil {
					t.Fatalf("%s", first.ChallengeName)
				}
				fails("CUSTOM_CHALLENGE", first.Session, notAuthorized(invalidSession), "USERNAME", "alice", "ANSWER", "5") // not before the password
				fails("PASSWORD_VERIFIER", first.Session, incorrect(), pairs(p.Prove(first.ChallengeParameters, otherPassword, time.Now()))...)
				first = must[*cip.InitiateAuthOutput](t)(start("USERNAME", "alice", "CHALLENGE_NAME", "SRP_A", "SRP_A", p.Public()))
				s.f.Events()
				out = must[*cip.RespondToAuthChallengeOutput](t)(answer("PASSWORD_VERIFIER", first.Session, pairs(p.Prove(first.ChallengeParameters, password, time.Now()))...))
				session1, _ := json.Marshal(s.f.Events()[0].Request["session"])
				if want := `[{"challengeMetadata":null,"challengeName":"SRP_A","challengeResult":true},{"challengeMetadata":null,"challengeName":"PASSWORD_VERIFIER","challengeResult":true}]`; string(session1) != want {
					t.Errorf("session %s", session1)
				}
				if out = must[*cip.RespondToAuthChallengeOutput](t)(answer("CUSTOM_CHALLENGE", out.Session, "USERNAME", "alice", "ANSWER", "5")); out.AuthenticationResult == nil {
					t.Errorf("no tokens but %s", out.ChallengeName)
				}
			})
		})
	}
}

func pairs(m map[string]string) []string {
	var list []string
	for k, v := range m {
		list = append(list, k, v)
	}
	return list
}
