package ops_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/lambdas"
	"cognate/test/pgtest"
)

// scene is a server of its own, whose functions are f's, and a pool that names
// all of them.
type scene struct {
	rig
	f            *lambdas.Server
	pool, client string

	// What a row leaves to the next.
	session, refresh, access *string
}

// scenes runs a test on each engine. The functions change nothing until a test
// says so, but for the custom sign-in, which wants "5", and the migration, which
// knows olivia.
func scenes(t *testing.T, test func(t *testing.T, s *scene)) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			f := lambdas.New(t)
			config := server.Config{Data: t.TempDir(), TriggerSettings: server.TriggerSettings{TriggerEndpoint: server.Secret(f.URL)}}
			if engine == "postgres" {
				config.Database = server.Secret(pgtest.Database(t))
			}
			r, end, err := start(config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := end(); err != nil {
					t.Error(err)
				}
			})
			s := &scene{rig: r, f: f}
			s.reset()
			s.pool = r.pool(t, allFunctions, func(in *cip.CreateUserPoolInput) {
				in.Policies = &types.UserPoolPolicyType{SignInPolicy: &types.SignInPolicyType{
					AllowedFirstAuthFactors: []types.AuthFactorType{types.AuthFactorTypePassword, types.AuthFactorTypeEmailOtp},
				}}
			})
			s.client = r.client(t, s.pool, allFlows)
			test(t, s)
		})
	}
}

func allFunctions(in *cip.CreateUserPoolInput) {
	in.LambdaConfig = &types.LambdaConfigType{
		PreSignUp: lambdas.ARN("sign-up"), PostConfirmation: lambdas.ARN("confirmation"),
		PreAuthentication: lambdas.ARN("pre"), PostAuthentication: lambdas.ARN("post"), PreTokenGeneration: lambdas.ARN("tokens"),
		DefineAuthChallenge: lambdas.ARN("define"), CreateAuthChallenge: lambdas.ARN("create"), VerifyAuthChallengeResponse: lambdas.ARN("verify"),
		UserMigration: lambdas.ARN("migrate"), CustomMessage: lambdas.ARN("message"),
	}
}

func allFlows(in *cip.CreateUserPoolClientInput) {
	in.ExplicitAuthFlows = append(in.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowCustomAuth, types.ExplicitAuthFlowsTypeAllowUserAuth)
}

// reset sets the functions as a test finds them.
func (s *scene) reset() {
	for _, name := range []string{"confirmation", "pre", "post", "tokens", "message"} {
		s.f.On(name, func(*lambdas.Event) string { return "" })
	}
	s.f.On("sign-up", func(e *lambdas.Event) string {
		data, _ := e.Request["validationData"].(map[string]any)
		e.Response["autoConfirmUser"] = data["confirm"] == "yes"
		return ""
	})
	s.f.On("define", func(e *lambdas.Event) string {
		session, _ := e.Request["session"].([]any)
		last := map[string]any{}
		if len(session) > 0 {
			last = session[len(session)-1].(map[string]any)
		}
		e.Response["issueTokens"] = last["challengeName"] == "CUSTOM_CHALLENGE" && last["challengeResult"] == true
		e.Response["failAuthentication"] = len(session) > 1 && last["challengeResult"] == false
		if e.Response["challengeName"] = "CUSTOM_CHALLENGE"; last["challengeName"] == "SRP_A" {
			e.Response["challengeName"] = "PASSWORD_VERIFIER"
		}
		return ""
	})
	s.f.On("create", func(e *lambdas.Event) string {
		e.Response["publicChallengeParameters"] = map[string]string{"question": "2+3"}
		e.Response["privateChallengeParameters"] = map[string]string{"answer": "5"}
		return ""
	})
	s.f.On("verify", func(e *lambdas.Event) string {
		private, _ := e.Request["privateChallengeParameters"].(map[string]any)
		e.Response["answerCorrect"] = e.Request["challengeAnswer"] == private["answer"]
		return ""
	})
	s.f.On("migrate", func(e *lambdas.Event) string {
		if given, shown := e.Request["password"]; shown && given != password {
			return "Bad password"
		}
		e.Response["userAttributes"] = map[string]string{"email": e.UserName + "@example.com", "email_verified": "true"}
		e.Response["finalUserStatus"], e.Response["messageAction"] = "CONFIRMED", "SUPPRESS"
		return ""
	})
}

// start begins a sign-in.
func (s *scene) start(t *testing.T, flow types.AuthFlowType, pairs ...string) (*cip.InitiateAuthOutput, error) {
	t.Helper()
	return s.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &s.client, AuthFlow: flow, AuthParameters: mapOf(pairs)})
}

func (s *scene) respond(t *testing.T, name types.ChallengeNameType, session *string, pairs ...string) (*cip.RespondToAuthChallengeOutput, error) {
	t.Helper()
	return s.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
		ClientId: &s.client, ChallengeName: name, Session: session, ChallengeResponses: mapOf(pairs),
	})
}

func mapOf(pairs []string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

const (
	eventsBefore = "PreAuthentication_Authentication"
	eventsAfter  = "PostAuthentication_Authentication TokenGeneration_Authentication"
)

// sourceRows are calls with what they cause, each going on from those before.
var sourceRows = []struct {
	name, want string
	run        func(t *testing.T, s *scene) error
}{
	{"SignUp", "PreSignUp_SignUp CustomMessage_SignUp", func(t *testing.T, s *scene) error {
		s.signUp(t, s.client, "alice", "email", "alice@example.com")
		return nil
	}},
	{"ResendConfirmationCode", "CustomMessage_ResendCode", func(t *testing.T, s *scene) error {
		_, err := s.ResendConfirmationCode(t.Context(), &cip.ResendConfirmationCodeInput{ClientId: &s.client, Username: aws.String("alice")})
		return err
	}},
	{"ConfirmSignUp", "PostConfirmation_ConfirmSignUp", func(t *testing.T, s *scene) error {
		_, err := s.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &s.client, Username: aws.String("alice"), ConfirmationCode: aws.String(s.code(t, s.pool, "alice"))})
		return err
	}},
	{"SignUp, confirmed at once", "PreSignUp_SignUp PostConfirmation_ConfirmSignUp", func(t *testing.T, s *scene) error {
		out, err := s.SignUp(t.Context(), &cip.SignUpInput{
			ClientId: &s.client, Username: aws.String("bob"), Password: aws.String(password), ValidationData: attributes("confirm", "yes"),
		})
		if err == nil && !out.UserConfirmed {
			t.Error("bob is not confirmed")
		}
		return err
	}},
	{"SignUp, for an administrator", "PreSignUp_SignUp", func(t *testing.T, s *scene) error {
		s.signUp(t, s.client, "carol")
		return nil
	}},
	{"AdminConfirmSignUp", "PostConfirmation_ConfirmSignUp", func(t *testing.T, s *scene) error {
		_, err := s.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{UserPoolId: &s.pool, Username: aws.String("carol")})
		return err
	}},
	{"AdminCreateUser", "PreSignUp_AdminCreateUser CustomMessage_AdminCreateUser", func(t *testing.T, s *scene) error {
		_, err := s.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
			UserPoolId: &s.pool, Username: aws.String("dave"), TemporaryPassword: aws.String(password),
			UserAttributes: attributes("email", "dave@example.com"), DesiredDeliveryMediums: []types.DeliveryMediumType{"EMAIL"},
		})
		return err
	}},
	{"AdminCreateUser of a name that is taken", "", func(t *testing.T, s *scene) error {
		_, err := s.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &s.pool, Username: aws.String("dave")})
		wantType[*types.UsernameExistsException](t, err)
		return nil
	}},
	{"InitiateAuth", eventsBefore + " " + eventsAfter, func(t *testing.T, s *scene) error {
		out := s.signIn(t, s.client, "alice")
		s.refresh, s.access = out.RefreshToken, out.AccessToken
		return nil
	}},
	{"InitiateAuth, wrong password", eventsBefore, func(t *testing.T, s *scene) error {
		_, err := s.trySignIn(t, s.client, "alice", otherPassword)
		wantError(t, err, incorrect())
		return nil
	}},
	{"REFRESH_TOKEN_AUTH", "TokenGeneration_RefreshTokens", func(t *testing.T, s *scene) error {
		_, err := s.start(t, types.AuthFlowTypeRefreshTokenAuth, "REFRESH_TOKEN", *s.refresh)
		return err
	}},
	{"GetTokensFromRefreshToken", "TokenGeneration_RefreshTokens", func(t *testing.T, s *scene) error {
		_, err := s.GetTokensFromRefreshToken(t.Context(), &cip.GetTokensFromRefreshTokenInput{ClientId: &s.client, RefreshToken: s.refresh})
		return err
	}},
	{"UpdateUserAttributes", "CustomMessage_UpdateUserAttribute", func(t *testing.T, s *scene) error {
		_, err := s.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: s.access, UserAttributes: attributes("email", "a@example.com")})
		return err
	}},
	{"GetUserAttributeVerificationCode", "CustomMessage_VerifyUserAttribute", func(t *testing.T, s *scene) error {
		_, err := s.GetUserAttributeVerificationCode(t.Context(), &cip.GetUserAttributeVerificationCodeInput{AccessToken: s.access, AttributeName: aws.String("email")})
		return err
	}},
	{"VerifyUserAttribute", "", func(t *testing.T, s *scene) error {
		_, err := s.VerifyUserAttribute(t.Context(), &cip.VerifyUserAttributeInput{AccessToken: s.access, AttributeName: aws.String("email"), Code: aws.String(s.code(t, s.pool, "alice"))})
		return err
	}},
	{"ForgotPassword", "CustomMessage_ForgotPassword", func(t *testing.T, s *scene) error {
		_, err := s.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &s.client, Username: aws.String("alice")})
		return err
	}},
	{"ConfirmForgotPassword", "PostConfirmation_ConfirmForgotPassword", func(t *testing.T, s *scene) error {
		_, err := s.ConfirmForgotPassword(t.Context(), &cip.ConfirmForgotPasswordInput{
			ClientId: &s.client, Username: aws.String("alice"), Password: aws.String(password), ConfirmationCode: aws.String(s.code(t, s.pool, "alice")),
		})
		return err
	}},
	{"EMAIL_OTP", eventsBefore + " CustomMessage_Authentication", func(t *testing.T, s *scene) error {
		out, err := s.start(t, types.AuthFlowTypeUserAuth, "USERNAME", "alice", "PREFERRED_CHALLENGE", "EMAIL_OTP")
		if err == nil {
			s.session = out.Session
		}
		return err
	}},
	{"RespondToAuthChallenge EMAIL_OTP", eventsAfter, func(t *testing.T, s *scene) error {
		_, err := s.respond(t, types.ChallengeNameTypeEmailOtp, s.session, "USERNAME", "alice", "EMAIL_OTP_CODE", s.code(t, s.pool, "alice"))
		return err
	}},
	{"temporary password", eventsBefore, func(t *testing.T, s *scene) error {
		out, err := s.trySignIn(t, s.client, "dave", password)
		if err == nil {
			s.session = out.Session
		}
		return err
	}},
	{"NEW_PASSWORD_REQUIRED", "PostAuthentication_Authentication TokenGeneration_NewPasswordChallenge", func(t *testing.T, s *scene) error {
		_, err := s.respond(t, types.ChallengeNameTypeNewPasswordRequired, s.session, "USERNAME", "dave", "NEW_PASSWORD", otherPassword)
		return err
	}},
	{"InitiateAuth of a user to migrate", "UserMigration_Authentication " + eventsBefore + " " + eventsAfter, func(t *testing.T, s *scene) error {
		s.signIn(t, s.client, "olivia")
		return nil
	}},
	{"InitiateAuth of a user who was migrated", eventsBefore + " " + eventsAfter, func(t *testing.T, s *scene) error {
		s.signIn(t, s.client, "olivia")
		return nil
	}},
	{"AdminInitiateAuth of a user to migrate", "UserMigration_Authentication " + eventsBefore + " " + eventsAfter, func(t *testing.T, s *scene) error {
		_, err := s.AdminInitiateAuth(t.Context(), &cip.AdminInitiateAuthInput{
			UserPoolId: &s.pool, ClientId: &s.client, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": "oscar", "PASSWORD": password},
		})
		return err
	}},
	{"ForgotPassword of a user to migrate", "UserMigration_ForgotPassword CustomMessage_ForgotPassword", func(t *testing.T, s *scene) error {
		_, err := s.ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &s.client, Username: aws.String("otto")})
		return err
	}},
	{"CUSTOM_AUTH", eventsBefore + " DefineAuthChallenge_Authentication CreateAuthChallenge_Authentication", func(t *testing.T, s *scene) error {
		out, err := s.start(t, types.AuthFlowTypeCustomAuth, "USERNAME", "bob")
		if err == nil {
			s.session = out.Session
		}
		return err
	}},
	{"CUSTOM_CHALLENGE", "VerifyAuthChallengeResponse_Authentication DefineAuthChallenge_Authentication " + eventsAfter, func(t *testing.T, s *scene) error {
		_, err := s.respond(t, types.ChallengeNameTypeCustomChallenge, s.session, "USERNAME", "bob", "ANSWER", "5")
		return err
	}},
	{"ChangePassword, GlobalSignOut", "", func(t *testing.T, s *scene) error {
		_, err := s.ChangePassword(t.Context(), &cip.ChangePasswordInput{AccessToken: s.access, PreviousPassword: aws.String(password), ProposedPassword: aws.String(otherPassword)})
		if err == nil {
			_, err = s.GlobalSignOut(t.Context(), &cip.GlobalSignOutInput{AccessToken: s.access})
		}
		return err
	}},
}

// TestTriggerSources: which functions each operation calls, by triggerSource and
// in order.
func TestTriggerSources(t *testing.T) {
	scenes(t, func(t *testing.T, s *scene) {
		for _, row := range sourceRows {
			t.Run(row.name, func(t *testing.T) {
				s.f.Events()
				wantError(t, row.run(t, s), nil)
				if got := s.f.Sources(); got != row.want {
					t.Errorf("got  %q\nwant %q", got, row.want)
				}
			})
		}
	})
}
