package credentials

import (
	"context"

	"cognate/internal/api/sts"
	"cognate/internal/iam"
)

// AssumeRoot is always denied: there is no organization whose member accounts could be entered.
func (s *Service) AssumeRoot(ctx context.Context, in *sts.AssumeRootRequest) (*sts.AssumeRootResponse, error) {
	return nil, accessDenied("User: " + iam.PrincipalFrom(ctx).ARN + " is not authorized to perform: sts:AssumeRoot on resource: " + in.TargetPrincipal)
}

// GetDelegatedAccessToken is always denied: no partner has delegated access.
func (s *Service) GetDelegatedAccessToken(ctx context.Context, _ *sts.GetDelegatedAccessTokenRequest) (*sts.GetDelegatedAccessTokenResponse, error) {
	return nil, accessDenied("User: " + iam.PrincipalFrom(ctx).ARN + " is not authorized to perform: sts:GetDelegatedAccessToken")
}
