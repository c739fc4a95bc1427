package ops_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestRiskConfiguration makes the calls of Terraform's aws_cognito_risk_configuration, on a pool without threat protection
// as its own tests do: it sets, reads back, replaces, and removes by a request without settings.
func TestRiskConfiguration(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID := *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("risk")})).UserPool.Id
		clientID := *must[*cip.CreateUserPoolClientOutput](t)(r.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{UserPoolId: &poolID, ClientName: aws.String("web")})).UserPoolClient.ClientId
		read := func() *types.RiskConfigurationType {
			t.Helper()
			return must[*cip.DescribeRiskConfigurationOutput](t)(r.DescribeRiskConfiguration(ctx, &cip.DescribeRiskConfigurationInput{UserPoolId: &poolID, ClientId: &clientID})).RiskConfiguration
		}
		set := &cip.SetRiskConfigurationInput{
			UserPoolId: &poolID, ClientId: &clientID,
			AccountTakeoverRiskConfiguration: &types.AccountTakeoverRiskConfigurationType{
				NotifyConfiguration: &types.NotifyConfigurationType{
					SourceArn:  aws.String("arn:aws:ses:us-east-1:123456789012:identity/example.com"),
					BlockEmail: &types.NotifyEmailType{Subject: aws.String("Blocked"), HtmlBody: aws.String("<p>Blocked</p>"), TextBody: aws.String("Blocked")},
				},
				Actions: &types.AccountTakeoverActionsType{HighAction: &types.AccountTakeoverActionType{EventAction: types.AccountTakeoverEventActionTypeBlock, Notify: true}},
			},
		}
		must[*cip.SetRiskConfigurationOutput](t)(r.SetRiskConfiguration(ctx, set))
		got := read()
		got.LastModifiedDate = nil
		want := &types.RiskConfigurationType{UserPoolId: &poolID, ClientId: &clientID, AccountTakeoverRiskConfiguration: set.AccountTakeoverRiskConfiguration}
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(types.RiskConfigurationType{}, types.AccountTakeoverRiskConfigurationType{}, types.NotifyConfigurationType{}, types.NotifyEmailType{}, types.AccountTakeoverActionsType{}, types.AccountTakeoverActionType{})); d != "" {
			t.Errorf("read back (-want +got):\n%s", d)
		}
		must[*cip.SetRiskConfigurationOutput](t)(r.SetRiskConfiguration(ctx, &cip.SetRiskConfigurationInput{
			UserPoolId: &poolID, ClientId: &clientID,
			CompromisedCredentialsRiskConfiguration: &types.CompromisedCredentialsRiskConfigurationType{Actions: &types.CompromisedCredentialsActionsType{EventAction: types.CompromisedCredentialsEventActionTypeBlock}},
		}))
		if got := read(); got.AccountTakeoverRiskConfiguration != nil || len(got.CompromisedCredentialsRiskConfiguration.EventFilter) != 3 {
			t.Errorf("replaced: %+v", got)
		}
		must[*cip.SetRiskConfigurationOutput](t)(r.SetRiskConfiguration(ctx, &cip.SetRiskConfigurationInput{UserPoolId: &poolID, ClientId: &clientID}))
		if got := read(); got.CompromisedCredentialsRiskConfiguration != nil || got.LastModifiedDate != nil {
			t.Errorf("removed: %+v", got)
		}
		_, err := r.SetRiskConfiguration(ctx, &cip.SetRiskConfigurationInput{UserPoolId: &poolID, RiskExceptionConfiguration: &types.RiskExceptionConfigurationType{BlockedIPRangeList: []string{"10.0.0.1"}}})
		wantError(t, err, &types.InvalidParameterException{Message: aws.String("Invalid CIDR range: 10.0.0.1")})
	})
}

// TestStuffing: a sign-in from an address from which many users have failed is risky. AUDIT lets it pass, and its event says
// that ENFORCED would block it. A sign-in before that is not risky.
func TestStuffing(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		poolID := *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(ctx, &cip.CreateUserPoolInput{
			PoolName: aws.String("stuffing"), UserPoolTier: types.UserPoolTierTypePlus,
			UserPoolAddOns: &types.UserPoolAddOnsType{AdvancedSecurityMode: types.AdvancedSecurityModeTypeAudit},
		})).UserPool.Id
		clientID := *must[*cip.CreateUserPoolClientOutput](t)(r.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
			UserPoolId: &poolID, ClientName: aws.String("web"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth},
		})).UserPoolClient.ClientId
		const password = "Right-quartz-83!"
		signIn := func(name, password string) error {
			_, err := r.InitiateAuth(ctx, &cip.InitiateAuthInput{
				ClientId: &clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
				AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
			})
			return err
		}
		last := func(name string) types.AuthEventType {
			t.Helper()
			return must[*cip.AdminListUserAuthEventsOutput](t)(r.AdminListUserAuthEvents(ctx, &cip.AdminListUserAuthEventsInput{UserPoolId: &poolID, Username: &name})).AuthEvents[0]
		}
		// The server estimates how many users have failed, and needs 15. An estimate of 24 is practically never lower.
		const failing = 24
		for i := range failing + 1 {
			name := fmt.Sprintf("user-%d", i)
			must[*cip.AdminCreateUserOutput](t)(r.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: &poolID, Username: &name, MessageAction: types.MessageActionTypeSuppress}))
			must[*cip.AdminSetUserPasswordOutput](t)(r.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: &poolID, Username: &name, Password: aws.String(password), Permanent: true}))
		}
		if err := signIn("user-0", password); err != nil {
			t.Fatal(err)
		}
		if e := last("user-0"); e.EventRisk.RiskDecision != types.RiskDecisionTypeNoRisk || e.EventResponse != types.EventResponseTypePass {
			t.Errorf("an ordinary sign-in: %+v", e.EventRisk)
		}
		for i := 1; i <= failing; i++ {
			wantError(t, signIn(fmt.Sprintf("user-%d", i), "Wrong-quartz-83!"), &types.NotAuthorizedException{Message: aws.String("Incorrect username or password.")})
		}
		if err := signIn("user-0", password); err != nil {
			t.Fatal(err)
		}
		if e := last("user-0"); e.EventRisk.RiskDecision != types.RiskDecisionTypeBlock || e.EventRisk.RiskLevel != types.RiskLevelTypeLow || e.EventResponse != types.EventResponseTypePass {
			t.Errorf("after %d users have failed from the address: %+v", failing, e.EventRisk)
		}
		if e := last("user-3"); e.EventResponse != types.EventResponseTypeFail {
			t.Errorf("a failed sign-in: %+v", e)
		}
	})
}
