package credentials

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/sts"
	"cognate/internal/iam"
	"cognate/internal/iam/session"
)

// textMFA is AWS's text for a code of a device that the user does not have.
const textMFA = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user."

// AssumeRole makes credentials of a role for a caller with credentials.
func (s *Service) AssumeRole(ctx context.Context, in *sts.AssumeRoleRequest) (*sts.AssumeRoleResponse, error) {
	caller := iam.PrincipalFrom(ctx)
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, accessDenied(textMFA) // Users have no MFA devices.
	}
	a := iam.Assumption{
		Caller: caller, Role: in.RoleArn, SessionName: in.RoleSessionName, Duration: seconds(in.DurationSeconds),
		Policy: api.Val(in.Policy), PolicyARNs: arns(in.PolicyArns), TransitiveKeys: in.TransitiveTagKeys,
		SourceIdentity: api.Val(in.SourceIdentity), ExternalID: api.Val(in.ExternalId), MinTokenSize: int(api.Val(in.MinimumSessionTokenSize)),
	}
	var err error
	if a.Tags, err = tagMap(in.Tags); err != nil {
		return nil, sessionError(err, nil)
	}
	made, err := s.deps.IAM.AssumeRole(ctx, a)
	if denied, ok := errors.AsType[*iam.TrustError](err); ok {
		d := iam.Denied{Encoded: denied.Encoded}
		return nil, accessDenied(d.Message(caller, denied.Action, in.RoleArn)).WithCause(err)
	}
	if err != nil {
		return nil, sessionError(err, described(&a))
	}
	out := &sts.AssumeRoleResponse{
		Credentials: shown(&made.Credentials), AssumedRoleUser: &sts.AssumedRoleUser{AssumedRoleId: made.ID, Arn: made.ARN},
		PackedPolicySize: positive(made.PackedPolicySize), SourceIdentity: optional(made.SourceIdentity),
	}
	out.SessionTokenUtilization, out.SessionTokenSize = tokenSize(&made.Credentials, in.MinimumSessionTokenSize)
	return out, nil
}

// described returns what counts of a request for the size of the session.
func described(a *iam.Assumption) *session.Description {
	return &session.Description{Policy: a.Policy, PolicyARNs: a.PolicyARNs, Tags: a.Tags}
}

// assumeByLogin makes credentials of a role for a login that was verified.
func (s *Service) assumeByLogin(ctx context.Context, a iam.Assumption) (*iam.AssumedRole, error) {
	made, err := s.deps.IAM.AssumeRole(ctx, a)
	if _, ok := errors.AsType[*iam.TrustError](err); ok {
		return nil, notAuthorized(a.Action).WithCause(err)
	}
	if errors.Is(err, iam.ErrTags) {
		return nil, sts.InvalidIdentityTokenException("The session tags in the token are not valid.").WithCause(err)
	}
	if err != nil {
		return nil, sessionError(err, described(&a))
	}
	return made, nil
}

// notAuthorized returns AWS's error for a login that the role does not trust.
func notAuthorized(action string) *api.Error {
	return accessDenied("Not authorized to perform " + action)
}
