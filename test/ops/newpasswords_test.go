package ops_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// common is a password that satisfies the default policy and that every attacker tries.
const common = "Password123!"

// TestNewPasswordsThatAttackersKnow: people cannot choose such a password where threat protection
// is enforced, unless the risk configuration permits it. Administrators can set it.
func TestNewPasswordsThatAttackersKnow(t *testing.T) {
	refused := &types.InvalidPasswordException{Message: aws.String("Provided password cannot be used for security reasons.")}
	protect := func(mode types.AdvancedSecurityModeType) func(*cip.CreateUserPoolInput) {
		return func(in *cip.CreateUserPoolInput) {
			in.UserPoolAddOns = &types.UserPoolAddOnsType{AdvancedSecurityMode: mode}
			in.AutoVerifiedAttributes = []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail}
		}
	}
	signUp := func(t *testing.T, r rig, client, name string) error {
		_, err := r.SignUp(t.Context(), &cip.SignUpInput{ClientId: &client, Username: &name, Password: aws.String(common)})
		return err
	}
	configure := func(t *testing.T, r rig, pool string, client *string, action types.CompromisedCredentialsEventActionType, events ...types.EventFilterType) {
		t.Helper()
		must[*cip.SetRiskConfigurationOutput](t)(r.SetRiskConfiguration(t.Context(), &cip.SetRiskConfigurationInput{
			UserPoolId: &pool, ClientId: client, CompromisedCredentialsRiskConfiguration: &types.CompromisedCredentialsRiskConfigurationType{
				EventFilter: events, Actions: &types.CompromisedCredentialsActionsType{EventAction: action},
			},
		}))
	}
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.pool(t, protect(types.AdvancedSecurityModeTypeEnforced))
		client, other := r.client(t, pool), r.client(t, pool)

		wantError(t, signUp(t, r, client, "new"), refused)

		r.user(t, pool, "alice", verified("alice@example.com")...)
		token := r.signIn(t, client, "alice").AccessToken
		_, err := r.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: token, PreviousPassword: aws.String(password), ProposedPassword: aws.String(common)})
		wantError(t, err, refused)
		_, err = r.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: token, PreviousPassword: aws.String("wrong"), ProposedPassword: aws.String(common)})
		wantError(t, err, notAuthorized("Incorrect username or password."))

		must[*cip.ForgotPasswordOutput](t)(r.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: &client, Username: aws.String("alice")}))
		confirm := func(client, password string) error {
			_, err := r.ConfirmForgotPassword(ctx, &cip.ConfirmForgotPasswordInput{
				ClientId: &client, Username: aws.String("alice"), ConfirmationCode: aws.String(r.code(t, pool, "alice")), Password: &password,
			})
			return err
		}
		wantError(t, confirm(client, common), refused)
		// The code was not spent.
		wantError(t, confirm(client, otherPassword), nil)

		must[*cip.AdminSetUserPasswordOutput](t)(r.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: aws.String("alice"), Password: aws.String(otherPassword), Permanent: false}))
		start := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, "alice", otherPassword))
		answer := func(password string) error {
			_, err := r.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{
				ClientId: &client, ChallengeName: start.ChallengeName, Session: start.Session,
				ChallengeResponses: map[string]string{"USERNAME": "alice", "NEW_PASSWORD": password},
			})
			return err
		}
		wantError(t, answer(common), refused)
		wantError(t, answer(password), nil)

		// An administrator can set such a password, but the user cannot keep it.
		must[*cip.AdminSetUserPasswordOutput](t)(r.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: aws.String("alice"), Password: aws.String(common), Permanent: true}))
		_, err = r.trySignIn(t, client, "alice", common)
		wantError(t, err, &types.PasswordResetRequiredException{Message: aws.String("Password reset required for user due to security reasons")})
		if status := r.find(t, pool, "alice").UserStatus; status != types.UserStatusTypeResetRequired {
			t.Errorf("status %s", status)
		}

		// An app client has a configuration of its own.
		configure(t, r, pool, &other, types.CompromisedCredentialsEventActionTypeNoAction)
		wantError(t, signUp(t, r, client, "still"), refused)
		wantError(t, signUp(t, r, other, "other"), nil)
		configure(t, r, pool, nil, types.CompromisedCredentialsEventActionTypeBlock, types.EventFilterTypePasswordChange)
		wantError(t, signUp(t, r, client, "filtered"), nil)

		for _, mode := range []types.AdvancedSecurityModeType{types.AdvancedSecurityModeTypeAudit, types.AdvancedSecurityModeTypeOff} {
			pool := r.pool(t, protect(mode))
			wantError(t, signUp(t, r, r.client(t, pool), "new"), nil)
		}
	})
}
