package ops_test

import (
	"encoding/base32"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys"
)

// mfaPool makes a pool that asks for second factors of every kind.
func (r rig) mfaPool(t *testing.T, mode types.UserPoolMfaType) string {
	t.Helper()
	pool := r.pool(t, withSMS, func(in *cip.CreateUserPoolInput) {
		in.EmailConfiguration = &types.EmailConfigurationType{
			EmailSendingAccount: types.EmailSendingAccountTypeDeveloper, SourceArn: aws.String("arn:aws:ses:us-east-1:123456789012:identity/example.com"),
		}
	})
	must[*cip.SetUserPoolMfaConfigOutput](t)(r.SetUserPoolMfaConfig(t.Context(), &cip.SetUserPoolMfaConfigInput{
		UserPoolId: &pool, MfaConfiguration: mode, SmsMfaConfiguration: &types.SmsMfaConfigType{},
		SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true}, EmailMfaConfiguration: &types.EmailMfaConfigType{},
	}))
	return pool
}

// app is an authenticator app with the server's clock.
type app struct {
	r      rig
	secret []byte
}

func (r rig) app(t *testing.T, secretCode *string) app {
	t.Helper()
	return app{r, must[[]byte](t)(base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(*secretCode))}
}

func (a app) code() *string {
	return aws.String(keys.TOTPCode(a.secret, keys.TOTPStepAt(time.Now().Add(time.Duration(a.r.skew.Load())))))
}

// TestSoftwareToken takes an authenticator app from its association to its end,
// over an administrator's flow.
func TestSoftwareToken(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.mfaPool(t, types.UserPoolMfaTypeOptional)
		client := r.client(t, pool)
		name := "alice"
		r.user(t, pool, name)
		token := r.signIn(t, client, name).AccessToken
		enable := func() error {
			return second(r.SetUserMFAPreference(ctx, &cip.SetUserMFAPreferenceInput{AccessToken: token, SoftwareTokenMfaSettings: totpWish(true, true)}))
		}
		verify := func(code *string) error {
			return second(r.VerifySoftwareToken(ctx, &cip.VerifySoftwareTokenInput{AccessToken: token, UserCode: code}))
		}
		wantError(t, verify(aws.String("123456")), invalid("User has not set up software token mfa"))
		out := must[*cip.AssociateSoftwareTokenOutput](t)(r.AssociateSoftwareToken(ctx, &cip.AssociateSoftwareTokenInput{AccessToken: token}))
		a := r.app(t, out.SecretCode)
		wantError(t, enable(), invalid("User has not verified software token mfa"))
		wantError(t, verify(aws.String(wrong(*a.code()))), &types.EnableSoftwareTokenMFAException{Message: aws.String("Code mismatch")})
		wantError(t, verify(a.code()), nil)
		wantError(t, enable(), nil)
		if f := r.factors(t, pool, name, *token); len(f.ConfiguredUserAuthFactors) != 2 || aws.ToString(f.PreferredMfaSetting) != "SOFTWARE_TOKEN_MFA" {
			t.Errorf("%v %v", f.ConfiguredUserAuthFactors, f.PreferredMfaSetting)
		}

		begin := func() *cip.AdminInitiateAuthOutput {
			t.Helper()
			return must[*cip.AdminInitiateAuthOutput](t)(r.AdminInitiateAuth(ctx, &cip.AdminInitiateAuthInput{
				UserPoolId: &pool, ClientId: &client, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password}}))
		}
		answer := func(session, code *string) (*cip.AdminRespondToAuthChallengeOutput, error) {
			return r.AdminRespondToAuthChallenge(ctx, &cip.AdminRespondToAuthChallengeInput{UserPoolId: &pool, ClientId: &client, Session: session,
				ChallengeName: types.ChallengeNameTypeSoftwareTokenMfa, ChallengeResponses: map[string]string{"USERNAME": name, "SOFTWARE_TOKEN_MFA_CODE": *code}})
		}
		r.pass(time.Minute)
		asked := begin()
		if asked.ChallengeName != types.ChallengeNameTypeSoftwareTokenMfa {
			t.Fatal(asked.ChallengeName)
		}
		wantError(t, second(answer(asked.Session, aws.String(wrong(*a.code())))), &types.CodeMismatchException{Message: aws.String("Invalid code received for user")})
		code := a.code()
		if got := must[*cip.AdminRespondToAuthChallengeOutput](t)(answer(asked.Session, code)); got.AuthenticationResult == nil {
			t.Error("no tokens")
		}
		wantError(t, second(answer(asked.Session, code)), notAuthorized("Invalid session for the user, session can only be used once."))
		wantError(t, second(answer(begin().Session, code)), &types.ExpiredCodeException{Message: aws.String("Your software token has already been used once.")})

		if status, text := r.deleteSoftwareToken(t, pool, name); status != http.StatusOK {
			t.Errorf("%d %s", status, text)
		}
		if u := r.find(t, pool, name); u.UserMFASettingList != nil || u.PreferredMfaSetting != nil {
			t.Errorf("%v %v", u.UserMFASettingList, u.PreferredMfaSetting)
		}
		if begin().AuthenticationResult == nil {
			t.Error("a factor is asked that was taken away")
		}
	})
}

// TestSecondFactorCodes signs in by codes of SMS and mail, chosen by the user.
func TestSecondFactorCodes(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.mfaPool(t, types.UserPoolMfaTypeOn)
		client := r.client(t, pool)
		name := "alice"
		r.user(t, pool, name, "phone_number", "+12065550100", "email", "alice@example.com")
		must[*cip.AdminSetUserMFAPreferenceOutput](t)(r.AdminSetUserMFAPreference(ctx, &cip.AdminSetUserMFAPreferenceInput{
			UserPoolId: &pool, Username: &name, SMSMfaSettings: smsWish(true, false), EmailMfaSettings: mailWish(true, false)}))
		answer := func(challenge types.ChallengeNameType, session *string, key, value string) (*cip.RespondToAuthChallengeOutput, error) {
			return r.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{ClientId: &client, ChallengeName: challenge, Session: session,
				ChallengeResponses: map[string]string{"USERNAME": name, key: value}})
		}
		for _, row := range []struct {
			choice types.ChallengeNameType
			key    string
		}{{types.ChallengeNameTypeSmsMfa, "SMS_MFA_CODE"}, {types.ChallengeNameTypeEmailOtp, "EMAIL_OTP_CODE"}} {
			r.pass(time.Second)
			begun := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, name, password))
			if got := begun.ChallengeParameters["MFAS_CAN_CHOOSE"]; begun.ChallengeName != types.ChallengeNameTypeSelectMfaType || got != `["SMS_MFA","EMAIL_OTP"]` {
				t.Fatal(begun.ChallengeName, got)
			}
			wantType[*types.InvalidParameterException](t, second(answer(begun.ChallengeName, begun.Session, "ANSWER", "SOFTWARE_TOKEN_MFA")))
			asked := must[*cip.RespondToAuthChallengeOutput](t)(answer(begun.ChallengeName, begun.Session, "ANSWER", string(row.choice)))
			code := r.code(t, pool, name)
			wantType[*types.CodeMismatchException](t, second(answer(row.choice, asked.Session, row.key, wrong(code))))
			if done := must[*cip.RespondToAuthChallengeOutput](t)(answer(row.choice, asked.Session, row.key, code)); done.AuthenticationResult == nil {
				t.Error("no tokens")
			}
			wantType[*types.NotAuthorizedException](t, second(answer(row.choice, asked.Session, row.key, code)))

			r.pass(time.Second)
			begun = must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, name, password))
			asked = must[*cip.RespondToAuthChallengeOutput](t)(answer(begun.ChallengeName, begun.Session, "ANSWER", string(row.choice)))
			r.pass(3 * time.Minute)
			wantError(t, second(answer(row.choice, asked.Session, row.key, r.code(t, pool, name))), notAuthorized("Invalid session for the user, session is expired."))
		}
		values := valuesOf(r.find(t, pool, name).UserAttributes)
		if values["phone_number_verified"] != "true" || values["email_verified"] != "true" {
			t.Error(values)
		}
	})
}
