package ops_test

import (
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
