// Code generated from docs/compatibility.yaml by internal/server/compat; DO NOT EDIT.

package server

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
)

// unbuilt has a method for each operation of cognito-idp that no service has yet.
// Where one does get it, composing both does not compile until
// docs/compatibility.yaml says so.
type unbuilt struct{}

// unbuiltIdentity is the same for cognito-identity.
type unbuiltIdentity struct{}

func (unbuilt) AdminDisableProviderForUser(context.Context, *idp.AdminDisableProviderForUserRequest) (*idp.AdminDisableProviderForUserResponse, error) {
	return nil, api.NotBuilt("AdminDisableProviderForUser")
}

func (unbuilt) AdminLinkProviderForUser(context.Context, *idp.AdminLinkProviderForUserRequest) (*idp.AdminLinkProviderForUserResponse, error) {
	return nil, api.NotBuilt("AdminLinkProviderForUser")
}

func (unbuilt) AdminListUserAuthEvents(context.Context, *idp.AdminListUserAuthEventsRequest) (*idp.AdminListUserAuthEventsResponse, error) {
	return nil, api.NotBuilt("AdminListUserAuthEvents")
}

func (unbuilt) AdminUpdateAuthEventFeedback(context.Context, *idp.AdminUpdateAuthEventFeedbackRequest) (*idp.AdminUpdateAuthEventFeedbackResponse, error) {
	return nil, api.NotBuilt("AdminUpdateAuthEventFeedback")
}

func (unbuilt) CreateIdentityProvider(context.Context, *idp.CreateIdentityProviderRequest) (*idp.CreateIdentityProviderResponse, error) {
	return nil, api.NotBuilt("CreateIdentityProvider")
}

func (unbuilt) CreateManagedLoginBranding(context.Context, *idp.CreateManagedLoginBrandingRequest) (*idp.CreateManagedLoginBrandingResponse, error) {
	return nil, api.NotBuilt("CreateManagedLoginBranding")
}

func (unbuilt) CreateTerms(context.Context, *idp.CreateTermsRequest) (*idp.CreateTermsResponse, error) {
	return nil, api.NotBuilt("CreateTerms")
}

func (unbuilt) CreateUserPoolReplica(context.Context, *idp.CreateUserPoolReplicaRequest) (*idp.CreateUserPoolReplicaResponse, error) {
	return nil, api.NotBuilt("CreateUserPoolReplica")
}

func (unbuilt) DeleteIdentityProvider(context.Context, *idp.DeleteIdentityProviderRequest) error {
	return api.NotBuilt("DeleteIdentityProvider")
}

func (unbuilt) DeleteManagedLoginBranding(context.Context, *idp.DeleteManagedLoginBrandingRequest) error {
	return api.NotBuilt("DeleteManagedLoginBranding")
}

func (unbuilt) DeleteTerms(context.Context, *idp.DeleteTermsRequest) error {
	return api.NotBuilt("DeleteTerms")
}

func (unbuilt) DeleteUserPoolReplica(context.Context, *idp.DeleteUserPoolReplicaRequest) (*idp.DeleteUserPoolReplicaResponse, error) {
	return nil, api.NotBuilt("DeleteUserPoolReplica")
}

func (unbuilt) DescribeIdentityProvider(context.Context, *idp.DescribeIdentityProviderRequest) (*idp.DescribeIdentityProviderResponse, error) {
	return nil, api.NotBuilt("DescribeIdentityProvider")
}

func (unbuilt) DescribeManagedLoginBranding(context.Context, *idp.DescribeManagedLoginBrandingRequest) (*idp.DescribeManagedLoginBrandingResponse, error) {
	return nil, api.NotBuilt("DescribeManagedLoginBranding")
}

func (unbuilt) DescribeManagedLoginBrandingByClient(context.Context, *idp.DescribeManagedLoginBrandingByClientRequest) (*idp.DescribeManagedLoginBrandingByClientResponse, error) {
	return nil, api.NotBuilt("DescribeManagedLoginBrandingByClient")
}

func (unbuilt) DescribeRiskConfiguration(context.Context, *idp.DescribeRiskConfigurationRequest) (*idp.DescribeRiskConfigurationResponse, error) {
	return nil, api.NotBuilt("DescribeRiskConfiguration")
}

func (unbuilt) DescribeTerms(context.Context, *idp.DescribeTermsRequest) (*idp.DescribeTermsResponse, error) {
	return nil, api.NotBuilt("DescribeTerms")
}

func (unbuilt) DescribeTermsByClient(context.Context, *idp.DescribeTermsByClientRequest) (*idp.DescribeTermsByClientResponse, error) {
	return nil, api.NotBuilt("DescribeTermsByClient")
}

func (unbuilt) GetIdentityProviderByIdentifier(context.Context, *idp.GetIdentityProviderByIdentifierRequest) (*idp.GetIdentityProviderByIdentifierResponse, error) {
	return nil, api.NotBuilt("GetIdentityProviderByIdentifier")
}

func (unbuilt) GetLogDeliveryConfiguration(context.Context, *idp.GetLogDeliveryConfigurationRequest) (*idp.GetLogDeliveryConfigurationResponse, error) {
	return nil, api.NotBuilt("GetLogDeliveryConfiguration")
}

func (unbuilt) GetProvisionedLimit(context.Context, *idp.GetProvisionedLimitRequest) (*idp.GetProvisionedLimitResponse, error) {
	return nil, api.NotBuilt("GetProvisionedLimit")
}

func (unbuilt) GetSigningCertificate(context.Context, *idp.GetSigningCertificateRequest) (*idp.GetSigningCertificateResponse, error) {
	return nil, api.NotBuilt("GetSigningCertificate")
}

func (unbuilt) GetUICustomization(context.Context, *idp.GetUICustomizationRequest) (*idp.GetUICustomizationResponse, error) {
	return nil, api.NotBuilt("GetUICustomization")
}

func (unbuilt) ListIdentityProviders(context.Context, *idp.ListIdentityProvidersRequest) (*idp.ListIdentityProvidersResponse, error) {
	return nil, api.NotBuilt("ListIdentityProviders")
}

func (unbuilt) ListTerms(context.Context, *idp.ListTermsRequest) (*idp.ListTermsResponse, error) {
	return nil, api.NotBuilt("ListTerms")
}

func (unbuilt) ListUserPoolReplicas(context.Context, *idp.ListUserPoolReplicasRequest) (*idp.ListUserPoolReplicasResponse, error) {
	return nil, api.NotBuilt("ListUserPoolReplicas")
}

func (unbuilt) SetLogDeliveryConfiguration(context.Context, *idp.SetLogDeliveryConfigurationRequest) (*idp.SetLogDeliveryConfigurationResponse, error) {
	return nil, api.NotBuilt("SetLogDeliveryConfiguration")
}

func (unbuilt) SetRiskConfiguration(context.Context, *idp.SetRiskConfigurationRequest) (*idp.SetRiskConfigurationResponse, error) {
	return nil, api.NotBuilt("SetRiskConfiguration")
}

func (unbuilt) SetUICustomization(context.Context, *idp.SetUICustomizationRequest) (*idp.SetUICustomizationResponse, error) {
	return nil, api.NotBuilt("SetUICustomization")
}

func (unbuilt) UpdateAuthEventFeedback(context.Context, *idp.UpdateAuthEventFeedbackRequest) (*idp.UpdateAuthEventFeedbackResponse, error) {
	return nil, api.NotBuilt("UpdateAuthEventFeedback")
}

func (unbuilt) UpdateIdentityProvider(context.Context, *idp.UpdateIdentityProviderRequest) (*idp.UpdateIdentityProviderResponse, error) {
	return nil, api.NotBuilt("UpdateIdentityProvider")
}

func (unbuilt) UpdateManagedLoginBranding(context.Context, *idp.UpdateManagedLoginBrandingRequest) (*idp.UpdateManagedLoginBrandingResponse, error) {
	return nil, api.NotBuilt("UpdateManagedLoginBranding")
}

func (unbuilt) UpdateProvisionedLimit(context.Context, *idp.UpdateProvisionedLimitRequest) (*idp.UpdateProvisionedLimitResponse, error) {
	return nil, api.NotBuilt("UpdateProvisionedLimit")
}

func (unbuilt) UpdateTerms(context.Context, *idp.UpdateTermsRequest) (*idp.UpdateTermsResponse, error) {
	return nil, api.NotBuilt("UpdateTerms")
}

func (unbuilt) UpdateUserPoolReplica(context.Context, *idp.UpdateUserPoolReplicaRequest) (*idp.UpdateUserPoolReplicaResponse, error) {
	return nil, api.NotBuilt("UpdateUserPoolReplica")
}

func (unbuiltIdentity) CreateIdentityPool(context.Context, *identity.CreateIdentityPoolInput) (*identity.IdentityPool, error) {
	return nil, api.NotBuilt("CreateIdentityPool")
}

func (unbuiltIdentity) DeleteIdentities(context.Context, *identity.DeleteIdentitiesInput) (*identity.DeleteIdentitiesResponse, error) {
	return nil, api.NotBuilt("DeleteIdentities")
}

func (unbuiltIdentity) DeleteIdentityPool(context.Context, *identity.DeleteIdentityPoolInput) error {
	return api.NotBuilt("DeleteIdentityPool")
}

func (unbuiltIdentity) DescribeIdentity(context.Context, *identity.DescribeIdentityInput) (*identity.IdentityDescription, error) {
	return nil, api.NotBuilt("DescribeIdentity")
}

func (unbuiltIdentity) DescribeIdentityPool(context.Context, *identity.DescribeIdentityPoolInput) (*identity.IdentityPool, error) {
	return nil, api.NotBuilt("DescribeIdentityPool")
}

func (unbuiltIdentity) GetCredentialsForIdentity(context.Context, *identity.GetCredentialsForIdentityInput) (*identity.GetCredentialsForIdentityResponse, error) {
	return nil, api.NotBuilt("GetCredentialsForIdentity")
}

func (unbuiltIdentity) GetId(context.Context, *identity.GetIdInput) (*identity.GetIdResponse, error) {
	return nil, api.NotBuilt("GetId")
}

func (unbuiltIdentity) GetIdentityPoolRoles(context.Context, *identity.GetIdentityPoolRolesInput) (*identity.GetIdentityPoolRolesResponse, error) {
	return nil, api.NotBuilt("GetIdentityPoolRoles")
}

func (unbuiltIdentity) GetOpenIdToken(context.Context, *identity.GetOpenIdTokenInput) (*identity.GetOpenIdTokenResponse, error) {
	return nil, api.NotBuilt("GetOpenIdToken")
}

func (unbuiltIdentity) GetOpenIdTokenForDeveloperIdentity(context.Context, *identity.GetOpenIdTokenForDeveloperIdentityInput) (*identity.GetOpenIdTokenForDeveloperIdentityResponse, error) {
	return nil, api.NotBuilt("GetOpenIdTokenForDeveloperIdentity")
}

func (unbuiltIdentity) GetPrincipalTagAttributeMap(context.Context, *identity.GetPrincipalTagAttributeMapInput) (*identity.GetPrincipalTagAttributeMapResponse, error) {
	return nil, api.NotBuilt("GetPrincipalTagAttributeMap")
}

func (unbuiltIdentity) ListIdentities(context.Context, *identity.ListIdentitiesInput) (*identity.ListIdentitiesResponse, error) {
	return nil, api.NotBuilt("ListIdentities")
}

func (unbuiltIdentity) ListIdentityPools(context.Context, *identity.ListIdentityPoolsInput) (*identity.ListIdentityPoolsResponse, error) {
	return nil, api.NotBuilt("ListIdentityPools")
}

func (unbuiltIdentity) ListTagsForResource(context.Context, *identity.ListTagsForResourceInput) (*identity.ListTagsForResourceResponse, error) {
	return nil, api.NotBuilt("ListTagsForResource")
}

func (unbuiltIdentity) LookupDeveloperIdentity(context.Context, *identity.LookupDeveloperIdentityInput) (*identity.LookupDeveloperIdentityResponse, error) {
	return nil, api.NotBuilt("LookupDeveloperIdentity")
}

func (unbuiltIdentity) MergeDeveloperIdentities(context.Context, *identity.MergeDeveloperIdentitiesInput) (*identity.MergeDeveloperIdentitiesResponse, error) {
	return nil, api.NotBuilt("MergeDeveloperIdentities")
}

func (unbuiltIdentity) SetIdentityPoolRoles(context.Context, *identity.SetIdentityPoolRolesInput) error {
	return api.NotBuilt("SetIdentityPoolRoles")
}

func (unbuiltIdentity) SetPrincipalTagAttributeMap(context.Context, *identity.SetPrincipalTagAttributeMapInput) (*identity.SetPrincipalTagAttributeMapResponse, error) {
	return nil, api.NotBuilt("SetPrincipalTagAttributeMap")
}

func (unbuiltIdentity) TagResource(context.Context, *identity.TagResourceInput) (*identity.TagResourceResponse, error) {
	return nil, api.NotBuilt("TagResource")
}

func (unbuiltIdentity) UnlinkDeveloperIdentity(context.Context, *identity.UnlinkDeveloperIdentityInput) error {
	return api.NotBuilt("UnlinkDeveloperIdentity")
}

func (unbuiltIdentity) UnlinkIdentity(context.Context, *identity.UnlinkIdentityInput) error {
	return api.NotBuilt("UnlinkIdentity")
}

func (unbuiltIdentity) UntagResource(context.Context, *identity.UntagResourceInput) (*identity.UntagResourceResponse, error) {
	return nil, api.NotBuilt("UntagResource")
}

func (unbuiltIdentity) UpdateIdentityPool(context.Context, *identity.IdentityPool) (*identity.IdentityPool, error) {
	return nil, api.NotBuilt("UpdateIdentityPool")
}
