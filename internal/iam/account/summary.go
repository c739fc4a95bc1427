package account

import (
	"context"

	"cognate/internal/api/iamapi"
	"cognate/internal/store"
)

// GetAccountSummary counts the entities of the account, and lists its quotas.
func (s *Service) GetAccountSummary(ctx context.Context, _ *iamapi.GetAccountSummaryRequest) (*iamapi.GetAccountSummaryResponse, error) {
	m := map[string]int32{
		"UsersQuota": int32(perAccount[store.IAMUser].max), "GroupsQuota": int32(perAccount[store.IAMGroup].max), "PoliciesQuota": int32(perAccount[store.IAMPolicy].max),
		"UserPolicySizeQuota": int32(maxInline[store.IAMUser]), "GroupPolicySizeQuota": int32(maxInline[store.IAMGroup]), "PolicySizeQuota": maxManagedSize,
		"GroupsPerUserQuota": maxGroupsPerUser, "AccessKeysPerUserQuota": maxKeysPerUser, "VersionsPerPolicyQuota": maxVersions,
		"AttachedPoliciesPerUserQuota": maxAttached, "AttachedPoliciesPerGroupQuota": maxAttached, "AttachedPoliciesPerRoleQuota": maxAttached,
		"RolesQuota": int32(perAccount[store.IAMRole].max), "AssumeRolePolicySizeQuota": maxTrustSize, "RolePolicySizeQuota": int32(maxInline[store.IAMRole]),
		"AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0,
	}
	for name, kinds := range map[string][]string{
		"Users": {store.IAMUser}, "Groups": {store.IAMGroup}, "Roles": {store.IAMRole}, "Policies": {store.IAMPolicy}, "Providers": {store.IAMOIDCProvider, store.IAMSAMLProvider},
	} {
		for _, kind := range kinds {
			n, err := s.deps.Store.CountIAMEntities(ctx, kind)
			if err != nil {
				return nil, err
			}
			m[name] += int32(n)
		}
	}
	return &iamapi.GetAccountSummaryResponse{SummaryMap: m}, nil
}

// ListAccountAliases lists nothing: the account has no alias.
func (s *Service) ListAccountAliases(context.Context, *iamapi.ListAccountAliasesRequest) (*iamapi.ListAccountAliasesResponse, error) {
	return &iamapi.ListAccountAliasesResponse{AccountAliases: []string{}, IsTruncated: new(false)}, nil
}
