package factors

import (
	"context"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/keys/passkey"
	"cognate/internal/pool"
	"cognate/internal/user"
)

// GetUserAuthFactors returns the factors with which the token's user can sign in.
func (s *Service) GetUserAuthFactors(ctx context.Context, in *idp.GetUserAuthFactorsRequest) (*idp.GetUserAuthFactorsResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	out := &idp.GetUserAuthFactorsResponse{Username: u.Username()}
	if out.ConfiguredUserAuthFactors, err = s.configuredFactors(ctx, p.Pool, u); err != nil {
		return nil, err
	}
	_, out.PreferredMfaSetting, out.UserMFASettingList = u.MFASettings()
	return out, nil
}

// AdminGetUserAuthFactors returns the factors with which a user can sign in.
func (s *Service) AdminGetUserAuthFactors(ctx context.Context, in *idp.AdminGetUserAuthFactorsRequest) (*idp.AdminGetUserAuthFactorsResponse, error) {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	out := &idp.AdminGetUserAuthFactorsResponse{Username: u.Username()}
	if out.ConfiguredUserAuthFactors, err = s.configuredFactors(ctx, sn, u); err != nil {
		return nil, err
	}
	_, out.PreferredMfaSetting, out.UserMFASettingList = u.MFASettings()
	return out, nil
}

// configuredFactors returns the factors that the user has and the pool allows: a password
// as a first factor, an authenticator app as a second factor, codes and passkeys as
// either.
func (s *Service) configuredFactors(ctx context.Context, sn *pool.Snapshot, u *user.User) ([]idp.AuthFactorType, error) {
	cred, err := s.deps.Users.Credential(u)
	if err != nil {
		return nil, err
	}
	first := sn.Config.Policies.SignInPolicy.AllowedFirstAuthFactors
	var passkeys []*passkey.Key
	if sn.AllowsFirstFactor(idp.AuthFactorTypeWebAuthn) {
		if passkeys, err = s.deps.Passkeys.Usable(ctx, &s.deps.Store.Reader, sn, u); err != nil {
			return nil, err
		}
	}
	code := func(factor idp.AuthFactorType, attr, second string) bool {
		return slices.Contains(first, factor) && u.Verified(attr) || slices.Contains(u.MFA.Enabled, second) && u.Attributes[attr] != ""
	}
	factors := []idp.AuthFactorType{}
	for _, f := range [...]struct {
		name idp.AuthFactorType
		has  bool
	}{
		{idp.AuthFactorTypePassword, cred.HasPassword()},
		{idp.AuthFactorTypeEmailOtp, code(idp.AuthFactorTypeEmailOtp, attrEmail, user.FactorEmail)},
		{idp.AuthFactorTypeSmsOtp, code(idp.AuthFactorTypeSmsOtp, attrPhone, user.FactorSMS)},
		{idp.AuthFactorTypeWebAuthn, len(passkeys) > 0},
		{idp.AuthFactorTypeSoftwareToken, u.HasSoftwareToken()},
	} {
		if f.has {
			factors = append(factors, f.name)
		}
	}
	return factors, nil
}
