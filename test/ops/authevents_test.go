package ops_test

import (
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// TestAuthEvents signs a user in where threat protection is on, finds the event by the id in the tokens, and sends feedback
// about it.
func TestAuthEvents(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(ctx, &cip.CreateUserPoolInput{
			PoolName: aws.String("events"), UserPoolAddOns: &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeAudit},
		})).UserPool
		if pool.UserPoolTier != types.UserPoolTierTypePlus || pool.UserPoolAddOns.AdvancedSecurityMode != types.AdvancedSecurityModeTypeAudit {
			t.Errorf("%s, %+v", pool.UserPoolTier, pool.UserPoolAddOns)
		}
		clientID := must[*cip.CreateUserPoolClientOutput](t)(r.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
			UserPoolId: pool.Id, ClientName: aws.String("web"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
		})).UserPoolClient.ClientId
		must[*cip.AdminCreateUserOutput](t)(r.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: pool.Id, Username: aws.String("alice"), MessageAction: types.MessageActionTypeSuppress}))
		must[*cip.AdminSetUserPasswordOutput](t)(r.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: pool.Id, Username: aws.String("alice"), Password: aws.String(password), Permanent: true}))
		tokens := must[*cip.InitiateAuthOutput](t)(r.InitiateAuth(ctx, &cip.InitiateAuthInput{
			ClientId: clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
			UserContextData: &types.UserContextDataType{EncodedData: aws.String("bm90IGpzb24=")},
		})).AuthenticationResult
		id, _ := claims(t, *tokens.AccessToken)["event_id"].(string)
		must[*cip.AdminUpdateAuthEventFeedbackOutput](t)(r.AdminUpdateAuthEventFeedback(ctx, &cip.AdminUpdateAuthEventFeedbackInput{
			UserPoolId: pool.Id, Username: aws.String("alice"), EventId: &id, FeedbackValue: types.FeedbackValueTypeValid,
		}))
		out := must[*cip.AdminListUserAuthEventsOutput](t)(r.AdminListUserAuthEvents(ctx, &cip.AdminListUserAuthEventsInput{UserPoolId: pool.Id, Username: aws.String("alice")}))
		if len(out.AuthEvents) != 1 || out.NextToken != nil {
			t.Fatalf("%d events", len(out.AuthEvents))
		}
		e := out.AuthEvents[0]
		if *e.EventId != id || e.EventType != types.EventTypeSignIn || e.EventResponse != types.EventResponseTypePass || e.CreationDate == nil ||
			e.EventRisk.RiskDecision != types.RiskDecisionTypeNoRisk || len(e.ChallengeResponses) != 1 || e.EventFeedback.FeedbackValue != types.FeedbackValueTypeValid || *e.EventContextData.IpAddress != "127.0.0.1" {
			t.Errorf("%+v", e)
		}
		_, err := r.AdminUpdateAuthEventFeedback(ctx, &cip.AdminUpdateAuthEventFeedbackInput{UserPoolId: pool.Id, Username: aws.String("alice"), EventId: aws.String("other"), FeedbackValue: types.FeedbackValueTypeValid})
		wantType[*types.ResourceNotFoundException](t, err)
		_, err = r.UpdateAuthEventFeedback(ctx, &cip.UpdateAuthEventFeedbackInput{UserPoolId: pool.Id, Username: aws.String("alice"), EventId: &id, FeedbackToken: aws.String("x"), FeedbackValue: types.FeedbackValueTypeValid})
		wantType[*types.NotAuthorizedException](t, err)
	})
}

// TestAuthEventsOfAccounts signs a user up, recovers the account and changes the password, with context data, and finds the
// events of it all. Passwords that attackers know are noted with them.
func TestAuthEventsOfAccounts(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.pool(t, func(in *cip.CreateUserPoolInput) {
			in.UserPoolAddOns = &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeEnforced}
			in.AutoVerifiedAttributes = []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail}
		})
		must[*cip.SetRiskConfigurationOutput](t)(r.SetRiskConfiguration(ctx, &cip.SetRiskConfigurationInput{
			UserPoolId: &pool, CompromisedCredentialsRiskConfiguration: &types.CompromisedCredentialsRiskConfigurationType{
				EventFilter: []types.EventFilterType{types.EventFilterTypePasswordChange}, Actions: &types.CompromisedCredentialsActionsType{EventAction: types.CompromisedCredentialsEventActionTypeBlock},
			},
		}))
		client, alice := r.client(t, pool), aws.String("alice")
		data := &types.UserContextDataType{EncodedData: aws.String("bm90IGpzb24=")}
		must[*cip.SignUpOutput](t)(r.SignUp(ctx, &cip.SignUpInput{ClientId: &client, Username: alice, Password: aws.String(password), UserAttributes: attributes("email", "alice@example.com"), UserContextData: data}))
		must[*cip.ResendConfirmationCodeOutput](t)(r.ResendConfirmationCode(ctx, &cip.ResendConfirmationCodeInput{ClientId: &client, Username: alice, UserContextData: data}))
		must[*cip.ConfirmSignUpOutput](t)(r.ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: &client, Username: alice, ConfirmationCode: aws.String(r.code(t, pool, "alice")), UserContextData: data}))
		must[*cip.ForgotPasswordOutput](t)(r.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: &client, Username: alice, UserContextData: data}))
		must[*cip.ConfirmForgotPasswordOutput](t)(r.ConfirmForgotPassword(ctx, &cip.ConfirmForgotPasswordInput{
			ClientId: &client, Username: alice, ConfirmationCode: aws.String(r.code(t, pool, "alice")), Password: aws.String(otherPassword), UserContextData: data,
		}))
		token := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", otherPassword)).AuthenticationResult.AccessToken
		_, err := r.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: token, PreviousPassword: aws.String("wrong"), ProposedPassword: aws.String(password)})
		wantError(t, err, notAuthorized("Incorrect username or password."))
		_, err = r.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: token, PreviousPassword: aws.String(otherPassword), ProposedPassword: aws.String(common)})
		wantType[*types.InvalidPasswordException](t, err)
		must[*cip.ChangePasswordOutput](t)(r.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: token, PreviousPassword: aws.String(otherPassword), ProposedPassword: aws.String(password)}))

		out := must[*cip.AdminListUserAuthEventsOutput](t)(r.AdminListUserAuthEvents(ctx, &cip.AdminListUserAuthEventsInput{UserPoolId: &pool, Username: alice}))
		got := map[string]int{}
		for _, e := range out.AuthEvents {
			text := string(e.EventType) + " " + string(e.EventResponse)
			if e.EventRisk.CompromisedCredentialsDetected != nil && *e.EventRisk.CompromisedCredentialsDetected {
				text += " compromised"
			}
			got[text]++
			if e.CreationDate == nil || *e.EventContextData.IpAddress != "127.0.0.1" || e.EventRisk.RiskDecision != types.RiskDecisionTypeNoRisk {
				t.Errorf("%+v", e)
			}
		}
		want := map[string]int{
			"SignUp Pass": 1, "ResendCode Pass": 1, "ForgotPassword Pass": 1, "PasswordChange Pass": 2, "SignIn Pass": 1,
			"PasswordChange Fail": 1, "PasswordChange Fail compromised": 1,
		}
		if !maps.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
	})
}
