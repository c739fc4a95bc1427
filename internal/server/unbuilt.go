// Code generated from docs/compatibility.yaml by internal/server/compat; DO NOT EDIT.

package server

import (
	"context"

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
	return nil, notBuilt("AdminDisableProviderForUser")
}

func (unbuilt) AdminLinkProviderForUser(context.Context, *idp.AdminLinkProviderForUserRequest) (*idp.AdminLinkProviderForUserResponse, error) {
	return nil, notBuilt("AdminLinkProviderForUser")
}

func (unbuilt) AdminListUserAuthEvents(context.Context, *idp.AdminListUserAuthEventsRequest) (*idp.AdminListUserAuthEventsResponse, error) {
	return nil, notBuilt("AdminListUserAuthEvents")
}

func (unbuilt) AdminUpdateAuthEventFeedback(context.Context, *idp.AdminUpdateAuthEventFeedbackRequest) (*idp.AdminUpdateAuthEventFeedbackResponse, error) {
	return nil, notBuilt("AdminUpdateAuthEventFeedback")
}

func (unbuilt) CreateIdentityProvider(context.Context, *idp.CreateIdentityProviderRequest) (*idp.CreateIdentityProviderResponse, error) {
	return nil, notBuilt("CreateIdentityProvider")
}

func (unbuilt) CreateManagedLoginBranding(context.Context, *idp.CreateManagedLoginBrandingRequest) (*idp.CreateManagedLoginBrandingResponse, error) {
	return nil, notBuilt("CreateManagedLoginBranding")
}

func (unbuilt) CreateTerms(context.Context, *idp.CreateTermsRequest) (*idp.CreateTermsResponse, error) {
	return nil, notBuilt("CreateTerms")
}

func (unbuilt) CreateUserPoolReplica(context.Context, *idp.CreateUserPoolReplicaRequest) (*idp.CreateUserPoolReplicaResponse, error) {
	return nil, notBuilt("CreateUserPoolReplica")
}

func (unbuilt) DeleteIdentityProvider(context.Context, *idp.DeleteIdentityProviderRequest) error {
	return notBuilt("DeleteIdentityProvider")
}

func (unbuilt) DeleteManagedLoginBranding(context.Context, *idp.DeleteManagedLoginBrandingRequest) error {
	return notBuilt("DeleteManagedLoginBranding")
}

func (unbuilt) DeleteTerms(context.Context, *idp.DeleteTermsRequest) error {
	return notBuilt("DeleteTerms")
}

func (unbuilt) DeleteUserPoolReplica(context.Context, *idp.DeleteUserPoolReplicaRequest) (*idp.DeleteUserPoolReplicaResponse, error) {
	return nil, notBuilt("DeleteUserPoolReplica")
}

func (unbuilt) DescribeIdentityProvider(context.Context, *idp.DescribeIdentityProviderRequest) (*idp.DescribeIdentityProviderResponse, error) {
	return nil, notBuilt("DescribeIdentityProvider")
}

func (unbuilt) DescribeManagedLoginBranding(context.Context, *idp.DescribeManagedLoginBrandingRequest) (*idp.DescribeManagedLoginBrandingResponse, error) {
	return nil, notBuilt("DescribeManagedLoginBranding")
}

func (unbuilt) DescribeManagedLoginBrandingByClient(context.Context, *idp.DescribeManagedLoginBrandingByClientRequest) (*idp.DescribeManagedLoginBrandingByClientResponse, error) {
	return nil, notBuilt("DescribeManagedLoginBrandingByClient")
}

func (unbuilt) DescribeRiskConfiguration(context.Context, *idp.DescribeRiskConfigurationRequest) (*idp.DescribeRiskConfigurationResponse, error) {
	return nil, notBuilt("DescribeRiskConfiguration")
}

func (unbuilt) DescribeTerms(context.Context, *idp.DescribeTermsRequest) (*idp.DescribeTermsResponse, error) {
	return nil, notBuilt("DescribeTerms")
}

func (unbuilt) DescribeTermsByClient(context.Context, *idp.DescribeTermsByClientRequest) (*idp.DescribeTermsByClientResponse, error) {
	return nil, notBuilt("DescribeTermsByClient")
}

func (unbuilt) GetIdentityProviderByIdentifier(context.Context, *idp.GetIdentityProviderByIdentifierRequest) (*idp.GetIdentityProviderByIdentifierResponse, error) {
	return nil, notBuilt("GetIdentityProviderByIdentifier")
}

func (unbuilt) GetLogDeliveryConfiguration(context.Context, *idp.GetLogDeliveryConfigurationRequest) (*idp.GetLogDeliveryConfigurationResponse, error) {
	return nil, notBuilt("GetLogDeliveryConfiguration")
}

func (unbuilt) GetProvisionedLimit(context.Context, *idp.GetProvisionedLimitRequest) (*idp.GetProvisionedLimitResponse, error) {
	return nil, notBuilt("GetProvisionedLimit")
}

func (unbuilt) GetSigningCertificate(context.Context, *idp.GetSigningCertificateRequest) (*idp.GetSigningCertificateResponse, error) {
	return nil, notBuilt("GetSigningCertificate")
}

func (unbuilt) GetUICustomization(context.Context, *idp.GetUICustomizationRequest) (*idp.GetUICustomizationResponse, error) {
	return nil, notBuilt("GetUICustomization")
}

func (unbuilt) ListIdentityProviders(context.Context, *idp.ListIdentityProvidersRequest) (*idp.ListIdentityProvidersResponse, error) {
	return nil, notBuilt("ListIdentityProviders")
}

func (unbuilt) ListTerms(context.Context, *idp.ListTermsRequest) (*idp.ListTermsResponse, error) {
	return nil, notBuilt("ListTerms")
}

func (unbuilt) ListUserPoolReplicas(context.Context, *idp.ListUserPoolReplicasRequest) (*idp.ListUserPoolReplicasResponse, error) {
	return nil, notBuilt("ListUserPoolReplicas")
}

func (unbuilt) SetLogDeliveryConfiguration(context.Context, *idp.SetLogDeliveryConfigurationRequest) (*idp.SetLogDeliveryConfigurationResponse, error) {
	return nil, notBuilt("SetLogDeliveryConfiguration")
}

func (unbuilt) SetRiskConfiguration(context.Context, *idp.SetRiskConfigurationRequest) (*idp.SetRiskConfigurationResponse, error) {
	return nil, notBuilt("SetRiskConfiguration")
}

func (unbuilt) SetUICustomization(context.Context, *idp.SetUICustomizationRequest) (*idp.SetUICustomizationResponse, error) {
	return nil, notBuilt("SetUICustomization")
}

func (unbuilt) UpdateAuthEventFeedback(context.Context, *idp.UpdateAuthEventFeedbackRequest) (*idp.UpdateAuthEventFeedbackResponse, error) {
	return nil, notBuilt("UpdateAuthEventFeedback")
}

func (unbuilt) UpdateIdentityProvider(context.Context, *idp.UpdateIdentityProviderRequest) (*idp.UpdateIdentityProviderResponse, error) {
	return nil, notBuilt("UpdateIdentityProvider")
}

func (unbuilt) UpdateManagedLoginBranding(context.Context, *idp.UpdateManagedLoginBrandingRequest) (*idp.UpdateManagedLoginBrandingResponse, error) {
	return nil, notBuilt("UpdateManagedLoginBranding")
}

func (unbuilt) UpdateProvisionedLimit(context.Context, *idp.UpdateProvisionedLimitRequest) (*idp.UpdateProvisionedLimitResponse, error) {
	return nil, notBuilt("UpdateProvisionedLimit")
}

func (unbuilt) UpdateTerms(context.Context, *idp.UpdateTermsRequest) (*idp.UpdateTermsResponse, error) {
	return nil, notBuilt("UpdateTerms")
}

func (unbuilt) UpdateUserPoolReplica(context.Context, *idp.UpdateUserPoolReplicaRequest) (*idp.UpdateUserPoolReplicaResponse, error) {
	return nil, notBuilt("UpdateUserPoolReplica")
}

func (unbuiltIdentity) CreateIdentityPool(context.Context, *identity.CreateIdentityPoolInput) (*identity.IdentityPool, error) {
	return nil, notBuilt("CreateIdentityPool")
}

func (unbuiltIdentity) DeleteIdentities(context.Context, *identity.DeleteIdentitiesInput) (*identity.DeleteIdentitiesResponse, error) {
	return nil, notBuilt("DeleteIdentities")
}

func (unbuiltIdentity) DeleteIdentityPool(context.Context, *identity.DeleteIdentityPoolInput) error {
	return notBuilt("DeleteIdentityPool")
}

func (unbuiltIdentity) DescribeIdentity(context.Context, *identity.DescribeIdentityInput) (*identity.IdentityDescription, error) {
	return nil, notBuilt("DescribeIdentity")
}

func (unbuiltIdentity) DescribeIdentityPool(context.Context, *identity.DescribeIdentityPoolInput) (*identity.IdentityPool, error) {
	return nil, notBuilt("DescribeIdentityPool")
}

func (unbuiltIdentity) GetCredentialsForIdentity(context.Context, *identity.GetCredentialsForIdentityInput) (*identity.GetCredentialsForIdentityResponse, error) {
	return nil, notBuilt("GetCredentialsForIdentity")
}

func (unbuiltIdentity) GetId(context.Context, *identity.GetIdInput) (*identity.GetIdResponse, error) {
	return nil, notBuilt("GetId")
}

func (unbuiltIdentity) GetIdentityPoolRoles(context.Context, *identity.GetIdentityPoolRolesInput) (*identity.GetIdentityPoolRolesResponse, error) {
	return nil, notBuilt("GetIdentityPoolRoles")
}

func (unbuiltIdentity) GetOpenIdToken(context.Context, *identity.GetOpenIdTokenInput) (*identity.GetOpenIdTokenResponse, error) {
	return nil, notBuilt("GetOpenIdToken")
}

func (unbuiltIdentity) GetOpenIdTokenForDeveloperIdentity(context.Context, *identity.GetOpenIdTokenForDeveloperIdentityInput) (*identity.GetOpenIdTokenForDeveloperIdentityResponse, error) {
	return nil, notBuilt("GetOpenIdTokenForDeveloperIdentity")
}

func (unbuiltIdentity) GetPrincipalTagAttributeMap(context.Context, *identity.GetPrincipalTagAttributeMapInput) (*identity.GetPrincipalTagAttributeMapResponse, error) {
	return nil, notBuilt("GetPrincipalTagAttributeMap")
}

func (unbuiltIdentity) ListIdentities(context.Context, *identity.ListIdentitiesInput) (*identity.ListIdentitiesResponse, error) {
	return nil, notBuilt("ListIdentities")
}

func (unbuiltIdentity) ListIdentityPools(context.Context, *identity.ListIdentityPoolsInput) (*identity.ListIdentityPoolsResponse, error) {
	return nil, notBuilt("ListIdentityPools")
}

func (unbuiltIdentity) ListTagsForResource(context.Context, *identity.ListTagsForResourceInput) (*identity.ListTagsForResourceResponse, error) {
	return nil, notBuilt("ListTagsForResource")
}

func (unbuiltIdentity) LookupDeveloperIdentity(context.Context, *identity.LookupDeveloperIdentityInput) (*identity.LookupDeveloperIdentityResponse, error) {
	return nil, notBuilt("LookupDeveloperIdentity")
}

func (unbuiltIdentity) MergeDeveloperIdentities(context.Context, *identity.MergeDeveloperIdentitiesInput) (*identity.MergeDeveloperIdentitiesResponse, error) {
	return nil, notBuilt("MergeDeveloperIdentities")
}

func (unbuiltIdentity) SetIdentityPoolRoles(context.Context, *identity.SetIdentityPoolRolesInput) error {
	return notBuilt("SetIdentityPoolRoles")
}

func (unbuiltIdentity) SetPrincipalTagAttributeMap(context.Context, *identity.SetPrincipalTagAttributeMapInput) (*identity.SetPrincipalTagAttributeMapResponse, error) {
	return nil, notBuilt("SetPrincipalTagAttributeMap")
}

func (unbuiltIdentity) TagResource(context.Context, *identity.TagResourceInput) (*identity.TagResourceResponse, error) {
	return nil, notBuilt("TagResource")
}

func (unbuiltIdentity) UnlinkDeveloperIdentity(context.Context, *identity.UnlinkDeveloperIdentityInput) error {
	return notBuilt("UnlinkDeveloperIdentity")
}

func (unbuiltIdentity) UnlinkIdentity(context.Context, *identity.UnlinkIdentityInput) error {
	return notBuilt("UnlinkIdentity")
}

func (unbuiltIdentity) UntagResource(context.Context, *identity.UntagResourceInput) (*identity.UntagResourceResponse, error) {
	return nil, notBuilt("UntagResource")
}

func (unbuiltIdentity) UpdateIdentityPool(context.Context, *identity.IdentityPool) (*identity.IdentityPool, error) {
	return nil, notBuilt("UpdateIdentityPool")
}
