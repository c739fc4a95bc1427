// Code generated from docs/compatibility.yaml by test/compat; DO NOT EDIT.

package server

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/api/sts"
)

// unimplemented has a method for each operation of cognito-idp that no service has yet.
// Where one does get it, composing both does not compile until
// docs/compatibility.yaml says so.
type unimplemented struct{}

// unimplementedSTS is the same for sts.
type unimplementedSTS struct{}

func (unimplemented) AdminListUserAuthEvents(context.Context, *idp.AdminListUserAuthEventsRequest) (*idp.AdminListUserAuthEventsResponse, error) {
	return nil, api.Unimplemented("AdminListUserAuthEvents")
}

func (unimplemented) AdminUpdateAuthEventFeedback(context.Context, *idp.AdminUpdateAuthEventFeedbackRequest) (*idp.AdminUpdateAuthEventFeedbackResponse, error) {
	return nil, api.Unimplemented("AdminUpdateAuthEventFeedback")
}

func (unimplemented) CreateUserPoolReplica(context.Context, *idp.CreateUserPoolReplicaRequest) (*idp.CreateUserPoolReplicaResponse, error) {
	return nil, api.Unimplemented("CreateUserPoolReplica")
}

func (unimplemented) DeleteUserPoolReplica(context.Context, *idp.DeleteUserPoolReplicaRequest) (*idp.DeleteUserPoolReplicaResponse, error) {
	return nil, api.Unimplemented("DeleteUserPoolReplica")
}

func (unimplemented) DescribeRiskConfiguration(context.Context, *idp.DescribeRiskConfigurationRequest) (*idp.DescribeRiskConfigurationResponse, error) {
	return nil, api.Unimplemented("DescribeRiskConfiguration")
}

func (unimplemented) GetLogDeliveryConfiguration(context.Context, *idp.GetLogDeliveryConfigurationRequest) (*idp.GetLogDeliveryConfigurationResponse, error) {
	return nil, api.Unimplemented("GetLogDeliveryConfiguration")
}

func (unimplemented) GetProvisionedLimit(context.Context, *idp.GetProvisionedLimitRequest) (*idp.GetProvisionedLimitResponse, error) {
	return nil, api.Unimplemented("GetProvisionedLimit")
}

func (unimplemented) ListUserPoolReplicas(context.Context, *idp.ListUserPoolReplicasRequest) (*idp.ListUserPoolReplicasResponse, error) {
	return nil, api.Unimplemented("ListUserPoolReplicas")
}

func (unimplemented) SetLogDeliveryConfiguration(context.Context, *idp.SetLogDeliveryConfigurationRequest) (*idp.SetLogDeliveryConfigurationResponse, error) {
	return nil, api.Unimplemented("SetLogDeliveryConfiguration")
}

func (unimplemented) SetRiskConfiguration(context.Context, *idp.SetRiskConfigurationRequest) (*idp.SetRiskConfigurationResponse, error) {
	return nil, api.Unimplemented("SetRiskConfiguration")
}

func (unimplemented) UpdateAuthEventFeedback(context.Context, *idp.UpdateAuthEventFeedbackRequest) (*idp.UpdateAuthEventFeedbackResponse, error) {
	return nil, api.Unimplemented("UpdateAuthEventFeedback")
}

func (unimplemented) UpdateProvisionedLimit(context.Context, *idp.UpdateProvisionedLimitRequest) (*idp.UpdateProvisionedLimitResponse, error) {
	return nil, api.Unimplemented("UpdateProvisionedLimit")
}

func (unimplemented) UpdateUserPoolReplica(context.Context, *idp.UpdateUserPoolReplicaRequest) (*idp.UpdateUserPoolReplicaResponse, error) {
	return nil, api.Unimplemented("UpdateUserPoolReplica")
}

func (unimplementedSTS) AssumeRole(context.Context, *sts.AssumeRoleRequest) (*sts.AssumeRoleResponse, error) {
	return nil, api.Unimplemented("AssumeRole")
}

func (unimplementedSTS) AssumeRoleWithSAML(context.Context, *sts.AssumeRoleWithSAMLRequest) (*sts.AssumeRoleWithSAMLResponse, error) {
	return nil, api.Unimplemented("AssumeRoleWithSAML")
}

func (unimplementedSTS) AssumeRoleWithWebIdentity(context.Context, *sts.AssumeRoleWithWebIdentityRequest) (*sts.AssumeRoleWithWebIdentityResponse, error) {
	return nil, api.Unimplemented("AssumeRoleWithWebIdentity")
}

func (unimplementedSTS) AssumeRoot(context.Context, *sts.AssumeRootRequest) (*sts.AssumeRootResponse, error) {
	return nil, api.Unimplemented("AssumeRoot")
}

func (unimplementedSTS) DecodeAuthorizationMessage(context.Context, *sts.DecodeAuthorizationMessageRequest) (*sts.DecodeAuthorizationMessageResponse, error) {
	return nil, api.Unimplemented("DecodeAuthorizationMessage")
}

func (unimplementedSTS) GetAccessKeyInfo(context.Context, *sts.GetAccessKeyInfoRequest) (*sts.GetAccessKeyInfoResponse, error) {
	return nil, api.Unimplemented("GetAccessKeyInfo")
}

func (unimplementedSTS) GetCallerIdentity(context.Context, *sts.GetCallerIdentityRequest) (*sts.GetCallerIdentityResponse, error) {
	return nil, api.Unimplemented("GetCallerIdentity")
}

func (unimplementedSTS) GetDelegatedAccessToken(context.Context, *sts.GetDelegatedAccessTokenRequest) (*sts.GetDelegatedAccessTokenResponse, error) {
	return nil, api.Unimplemented("GetDelegatedAccessToken")
}

func (unimplementedSTS) GetFederationToken(context.Context, *sts.GetFederationTokenRequest) (*sts.GetFederationTokenResponse, error) {
	return nil, api.Unimplemented("GetFederationToken")
}

func (unimplementedSTS) GetSessionToken(context.Context, *sts.GetSessionTokenRequest) (*sts.GetSessionTokenResponse, error) {
	return nil, api.Unimplemented("GetSessionToken")
}

func (unimplementedSTS) GetWebIdentityToken(context.Context, *sts.GetWebIdentityTokenRequest) (*sts.GetWebIdentityTokenResponse, error) {
	return nil, api.Unimplemented("GetWebIdentityToken")
}
