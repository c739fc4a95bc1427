package identitypool

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"cognate/internal/api/identity"
	"cognate/internal/iam"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/session"
	"cognate/internal/store"
)

const (
	// sessionName is the name of every session (Cognito: enhanced flow).
	sessionName = "CognitoIdentityCredentials"
	// credentialLife is how long credentials are valid. The role's longest session does not count.
	credentialLife = time.Hour
)

// GuestActions are the actions that a guest may be allowed: what the role allows besides is out of
// reach (Cognito: services that unauthenticated identities can access).
var GuestActions = []string{
	"appsync:*", "cloudwatch:*", "codewhisperer:*", "cognito-identity:*", "cognito-idp:*", "cognito-sync:*", "comprehend:*", "dynamodb:*",
	"execute-api:*", "firehose:*", "gamelift:*", "iot:*", "kinesis:*", "lambda:*", "lex:*", "logs:*", "machinelearning:*", "mobileanalytics:*",
	"mobiletargeting:*", "personalize:*", "polly:*", "rekognition:*", "s3:*", "sagemaker:InvokeEndpoint", "sdb:*", "ses:*", "sns:*", "sqs:*",
	"textract:AnalyzeDocument", "textract:DetectDocumentText", "transcribe:*", "translate:*",
}

// GetCredentialsForIdentity returns temporary credentials for the role that the pool has for a
// guest or for the person of the logins (Cognito: the enhanced flow).
func (s *Service) GetCredentialsForIdentity(ctx context.Context, in *identity.GetCredentialsForIdentityInput) (*identity.GetCredentialsForIdentityResponse, error) {
	i, p, err := s.identity(ctx, in.IdentityId)
	if err != nil {
		return nil, err
	}
	id, logins, err := s.access(ctx, i, p, in.IdentityId, in.Logins)
	if err != nil {
		return nil, err
	}
	custom := ""
	if in.CustomRoleArn != nil {
		custom = *in.CustomRoleArn
	}
	role, err := p.chooseRole(logins, custom)
	if err != nil {
		return nil, err
	}
	a := iam.Assumption{
		Role: role, SessionName: sessionName, Login: iam.IdentityLogin(p.ID, id, methods(logins)...), Duration: credentialLife,
		Tags: tagsOf(p, logins), IdentityPool: p.ID, Identity: id, IdentityRead: true,
	}
	if len(logins) == 0 {
		a.Policy = s.guestPolicy
	}
	made, err := s.assume(ctx, p, logins, &a)
	if err != nil {
		return nil, err
	}
	secret := string(made.Secret)
	return &identity.GetCredentialsForIdentityResponse{IdentityId: &id, Credentials: &identity.Credentials{
		AccessKeyId: &made.AccessKeyID, SecretKey: &secret, SessionToken: &made.Token, Expiration: made.Expires,
	}}, nil
}

// assume makes the session, or has it made by the other STS.
func (s *Service) assume(ctx context.Context, p *Pool, logins []*login, a *iam.Assumption) (*session.Credentials, error) {
	if s.deps.STS != nil {
		token, err := s.sign(ctx, p, a.Identity, logins, a.Tags, openIDLife)
		if err != nil {
			return nil, err
		}
		return s.deps.STS.assume(ctx, p.Region, token, a)
	}
	made, err := s.deps.IAM.AssumeRole(ctx, *a)
	if isRefusal(err) {
		return nil, badRoles(err)
	}
	if err != nil {
		return nil, err
	}
	return &made.Credentials, nil
}

// isRefusal reports whether the role, its trust policy or the session's tags are the cause.
func isRefusal(err error) bool {
	_, trust := errors.AsType[*iam.TrustError](err)
	return trust || errors.Is(err, iam.ErrTags) || errors.Is(err, iam.ErrLargeSession) || errors.Is(err, iam.ErrLongSession)
}

// The first entry of amr.
const (
	methodAuthenticated   = "authenticated"
	methodUnauthenticated = "unauthenticated"
)

// methods returns the authentication methods of an identity, as its tokens have them in amr.
func methods(logins []*login) []string {
	if len(logins) == 0 {
		return []string{methodUnauthenticated}
	}
	list := []string{methodAuthenticated}
	for _, l := range logins {
		list = append(list, l.amr...)
	}
	return list
}

// guestPolicy returns the session policy of guests.
func guestPolicy(actions []string) string {
	list, _ := json.Marshal(actions) // texts always have a JSON form
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + string(list) + `,"Resource":"*"}]}`
}

// CheckGuestActions rejects actions that a policy cannot have. None means [GuestActions].
func CheckGuestActions(actions []string) error {
	if len(actions) == 0 {
		return nil
	}
	_, err := policy.Parse(policy.Session, []byte(guestPolicy(actions)), policy.Options{})
	return err
}

// Exists reports whether an identity exists, with its pool. Credentials of another one are no
// longer valid.
func (s *Service) Exists(ctx context.Context, poolID, identityID string) (bool, error) {
	i, err := s.deps.Store.PoolIdentity(ctx, identityID)
	if err == nil {
		_, err = s.deps.Store.IdentityPool(ctx, poolID)
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil && i.PoolID == poolID, err
}
