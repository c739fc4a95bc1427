package credentials

import (
	"context"
	"errors"
	"maps"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/sts"
	"cognate/internal/iam"
	"cognate/internal/iam/session"
)

// The lengths of sessions that users make (STS: GetSessionToken, GetFederationToken).
const (
	defaultUserSession = 12 * time.Hour
	maxRootSession     = time.Hour
)

// GetCallerIdentity says who signed the request. It needs no permission.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityRequest) (*sts.GetCallerIdentityResponse, error) {
	p := iam.PrincipalFrom(ctx)
	return &sts.GetCallerIdentityResponse{Arn: &p.ARN, UserId: &p.ID, Account: &s.deps.AccountID}, nil
}

// GetAccessKeyInfo returns the account of an access key.
func (s *Service) GetAccessKeyInfo(ctx context.Context, in *sts.GetAccessKeyInfoRequest) (*sts.GetAccessKeyInfoResponse, error) {
	known, err := s.deps.IAM.IsKey(ctx, in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, invalid("The access key ID does not belong to an account of this server.")
	}
	return &sts.GetAccessKeyInfoResponse{Account: &s.deps.AccountID}, nil
}

// GetSessionToken makes temporary credentials for the user that calls. It needs no permission.
func (s *Service) GetSessionToken(ctx context.Context, in *sts.GetSessionTokenRequest) (*sts.GetSessionTokenResponse, error) {
	p := iam.PrincipalFrom(ctx)
	if p.Session != nil {
		return nil, accessDenied("Cannot call GetSessionToken with session credentials")
	}
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, accessDenied(textMFA) // Users have no MFA devices.
	}
	d := session.Description{Kind: session.User, ParentKey: parentKey(p), UserID: userID(p)}
	made, err := s.deps.IAM.Issue(d, userSession(p, in.DurationSeconds), int(api.Val(in.MinimumSessionTokenSize)))
	if err != nil {
		return nil, sessionError(err, &d)
	}
	out := &sts.GetSessionTokenResponse{Credentials: shown(made)}
	out.SessionTokenUtilization, out.SessionTokenSize = tokenSize(made, in.MinimumSessionTokenSize)
	return out, nil
}

// parentKey returns the key that a session depends on. The keys of the root user of a development
// server are not known.
func parentKey(p *iam.Principal) string {
	if p.IsRoot() {
		return ""
	}
	return p.AccessKeyID
}

func userID(p *iam.Principal) string {
	if p.IsRoot() {
		return ""
	}
	return p.ID
}

// userSession returns the length of a session that a user makes.
func userSession(p *iam.Principal, asked *int32) time.Duration {
	life := defaultUserSession
	if asked != nil {
		life = seconds(asked)
	}
	if p.IsRoot() {
		return min(life, maxRootSession)
	}
	return life
}

// GetFederationToken makes temporary credentials that a user passes on.
func (s *Service) GetFederationToken(ctx context.Context, in *sts.GetFederationTokenRequest) (*sts.GetFederationTokenResponse, error) {
	p := iam.PrincipalFrom(ctx)
	if p.Session != nil {
		return nil, accessDenied("Cannot call GetFederationToken with session credentials")
	}
	d := session.Description{
		Kind: session.FederatedUser, Name: in.Name, ParentKey: parentKey(p), UserID: userID(p), Policy: api.Val(in.Policy), PolicyARNs: arns(in.PolicyArns),
	}
	var err error
	if d.Tags, err = tagMap(in.Tags); err == nil {
		err = iam.CheckTags(d.Tags, nil)
	}
	if err == nil {
		err = s.deps.IAM.CheckSessionPolicies(ctx, d.Policy, d.PolicyARNs)
	}
	if err != nil {
		return nil, sessionError(err, &d)
	}
	arn := iam.FederatedARN(p, s.deps.AccountID, in.Name)
	if err := s.authorizeFederation(ctx, p, arn, in.Tags); err != nil {
		return nil, err
	}
	made, err := s.deps.IAM.Issue(d, userSession(p, in.DurationSeconds), int(api.Val(in.MinimumSessionTokenSize)))
	if err != nil {
		return nil, sessionError(err, &d)
	}
	out := &sts.GetFederationTokenResponse{
		Credentials: shown(made), FederatedUser: &sts.FederatedUser{FederatedUserId: s.deps.AccountID + ":" + in.Name, Arn: arn},
		PackedPolicySize: positive(iam.PackedSize(&d)),
	}
	out.SessionTokenUtilization, out.SessionTokenSize = tokenSize(made, in.MinimumSessionTokenSize)
	return out, nil
}

// authorizeFederation checks that the caller may make a federated user, with its tags.
func (s *Service) authorizeFederation(ctx context.Context, p *iam.Principal, arn string, tags []sts.Tag) error {
	err := s.authorize(ctx, p, "sts:GetFederationToken", arn, tags, nil)
	if err == nil && len(tags) > 0 {
		err = s.authorize(ctx, p, "sts:TagSession", arn, tags, nil)
	}
	return err
}

// authorize checks that the caller's policies allow an action, with tags and other condition keys.
func (s *Service) authorize(ctx context.Context, p *iam.Principal, action, resource string, tags []sts.Tag, more map[string][]string) error {
	if p.IsRoot() {
		return nil
	}
	c := api.Conditions{}
	for _, t := range tags {
		c.AddTag(t.Key, t.Value)
	}
	maps.Copy(c, more)
	err := s.deps.IAM.Authorize(ctx, p, iam.Request{Action: action, Resource: resource, Conditions: c, HTTP: api.RequestFrom(ctx)})
	if denied, ok := errors.AsType[*iam.Denied](err); ok {
		return accessDenied(denied.Message(p, action, resource)).WithCause(err)
	}
	return err
}
