package ratelimit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/risk/rates"
)

// A category is operations that have one limit together (Cognito: API operation
// categories and request rate quotas).
type category struct {
	name string
	// free is the limit that Cognito has by default, in requests a second.
	free int
	// perPool is the limit for one operation and one user pool; 0 is none.
	perPool int
	// adjustable: UpdateProvisionedLimit may set the limit.
	adjustable bool
	operations []string
}

// categories has every operation of user pools. Cognito does not say where some of the
// newer operations belong; they are with their kin.
var categories = []category{
	{name: "UserAuthentication", free: 120, adjustable: true, operations: []string{
		"InitiateAuth", "AdminInitiateAuth", "RespondToAuthChallenge", "AdminRespondToAuthChallenge", "GetTokensFromRefreshToken",
	}},
	{name: "UserCreation", free: 50, adjustable: true, operations: []string{"SignUp", "ConfirmSignUp", "AdminCreateUser", "AdminConfirmSignUp"}},
	{name: "UserFederation", free: 25, adjustable: true},
	{name: "UserAccountRecovery", free: 30, operations: []string{
		"ChangePassword", "ForgotPassword", "ConfirmForgotPassword", "AdminResetUserPassword", "AdminSetUserPassword",
	}},
	{name: "UserRead", free: 120, adjustable: true, operations: []string{"AdminGetUser", "GetUser"}},
	{name: "UserUpdate", free: 25, operations: []string{
		"AdminAddUserToGroup", "AdminRemoveUserFromGroup", "DeleteUserAttributes", "AdminDeleteUserAttributes", "UpdateUserAttributes",
		"AdminUpdateUserAttributes", "DeleteUser", "AdminDeleteUser", "AdminEnableUser", "AdminDisableUser", "AdminLinkProviderForUser",
		"AdminDisableProviderForUser", "VerifyUserAttribute", "GlobalSignOut", "AdminUserGlobalSignOut", "RevokeUserSession", "AdminRevokeUserSession",
	}},
	{name: "UserToken", free: 120, adjustable: true, operations: []string{"RevokeToken"}},
	{name: "UserResourceRead", free: 50, adjustable: true, operations: []string{
		"GetDevice", "AdminGetDevice", "ListDevices", "AdminListDevices", "AdminListGroupsForUser", "GetUserAttributeVerificationCode",
		"ResendConfirmationCode", "AdminListUserAuthEvents", "ListWebAuthnCredentials", "GetUserAuthFactors", "AdminGetUserAuthFactors",
		"ListUserSessions", "AdminListUserSessions",
	}},
	{name: "UserResourceUpdate", free: 25, operations: []string{
		"ForgetDevice", "AdminForgetDevice", "ConfirmDevice", "UpdateDeviceStatus", "AdminUpdateDeviceStatus", "UpdateAuthEventFeedback",
		"AdminUpdateAuthEventFeedback", "SetUserMFAPreference", "AdminSetUserMFAPreference", "SetUserSettings", "AdminSetUserSettings",
		"AssociateSoftwareToken", "VerifySoftwareToken", "AdminDeleteSoftwareToken", "StartWebAuthnRegistration", "CompleteWebAuthnRegistration",
		"DeleteWebAuthnCredential",
	}},
	{name: "UserList", free: 30, operations: []string{"ListUsers", "ListUsersInGroup"}},
	{name: "UserPoolRead", free: 15, operations: []string{"DescribeUserPool", "ListUserPools", "ListUserPoolReplicas"}},
	{name: "UserPoolUpdate", free: 15, operations: []string{
		"CreateUserPool", "UpdateUserPool", "DeleteUserPool", "CreateUserPoolReplica", "UpdateUserPoolReplica", "DeleteUserPoolReplica",
	}},
	{name: "UserPoolResourceRead", free: 20, perPool: 5, operations: []string{
		"DescribeIdentityProvider", "DescribeResourceServer", "GetGroup", "ListGroups", "ListResourceServers", "ListIdentityProviders",
		"DescribeUserImportJob", "DescribeUserPoolDomain", "GetCSVHeader", "GetSigningCertificate", "GetIdentityProviderByIdentifier",
		"GetUserPoolMfaConfig", "GetUICustomization", "ListUserImportJobs", "DescribeRiskConfiguration", "DescribeManagedLoginBranding",
		"DescribeManagedLoginBrandingByClient", "DescribeTerms", "DescribeTermsByClient", "ListTerms", "GetLogDeliveryConfiguration",
		"GetUserPoolSessionConfiguration",
	}},
	{name: "UserPoolResourceUpdate", free: 15, perPool: 5, operations: []string{
		"CreateGroup", "UpdateGroup", "DeleteGroup", "CreateIdentityProvider", "UpdateIdentityProvider", "DeleteIdentityProvider",
		"CreateResourceServer", "UpdateResourceServer", "DeleteResourceServer", "CreateUserPoolDomain", "UpdateUserPoolDomain",
		"DeleteUserPoolDomain", "CreateUserImportJob", "StartUserImportJob", "StopUserImportJob", "AddCustomAttributes", "SetUserPoolMfaConfig",
		"SetUICustomization", "SetRiskConfiguration", "CreateManagedLoginBranding", "UpdateManagedLoginBranding", "DeleteManagedLoginBranding",
		"CreateTerms", "UpdateTerms", "DeleteTerms", "SetLogDeliveryConfiguration", "SetUserPoolSessionConfiguration",
	}},
	{name: "UserPoolClientRead", free: 15, perPool: 5, operations: []string{
		"DescribeUserPoolClient", "ListUserPoolClients", "ListUserPoolClientSecrets", "GetUserPoolClientSessionConfiguration",
	}},
	{name: "UserPoolClientUpdate", free: 15, perPool: 5, operations: []string{
		"CreateUserPoolClient", "UpdateUserPoolClient", "DeleteUserPoolClient", "AddUserPoolClientSecret", "DeleteUserPoolClientSecret",
		"SetUserPoolClientSessionConfiguration",
	}},
	{name: "ClientAuthentication", free: 150, adjustable: true, operations: []string{"GetClientToken"}},
	{name: "Tags", free: 5, operations: []string{"TagResource", "UntagResource", "ListTagsForResource"}},
	{name: "LimitManagement", free: 1, operations: []string{"GetProvisionedLimit", "UpdateProvisionedLimit"}},
}

const (
	// answerFactor is how many answers of challenges a sign-in may have (Cognito:
	// RespondToAuthChallenge has three times the rate).
	answerFactor = 3
	// The limits of one user, and of one domain and app client of the login pages.
	perUser, perDomain, perClient = 10, 500, 300
)

// categoryLimit is the limit of a category as it is now.
type categoryLimit struct {
	*category
	key     rates.Key
	answers rates.Key
	current atomic.Pointer[currentLimit]
}

type currentLimit struct {
	value          int // 0: none
	limit, answers rates.Limit
}

func (c *categoryLimit) set(value int) {
	c.current.Store(&currentLimit{value: value, limit: everySecond(value), answers: everySecond(value * answerFactor)})
}

// everySecond returns the limit of n requests a second.
func everySecond(n int) rates.Limit { return rates.NewLimit(float64(n), n) }

// ParseCategories reads the operator's numbers: "UserCreation=20", or "UserCreation=off".
func ParseCategories(list []string) (map[string]int, error) {
	own := map[string]int{}
	for _, text := range list {
		name, value, _ := strings.Cut(text, "=")
		known := false
		var names []string
		for _, c := range categories {
			known = known || c.name == name
			names = append(names, c.name)
		}
		n, err := strconv.Atoi(value)
		switch {
		case !known:
			return nil, fmt.Errorf("%q does not begin with one of the categories %s", text, strings.Join(names, ", "))
		case value == Off:
			own[name] = 0
		case err != nil || n < 1 || n > maxProvisioned:
			return nil, fmt.Errorf("%q must be like %s=50, in requests a second up to %d, or %s=off", text, name, maxProvisioned, name)
		default:
			own[name] = n
		}
	}
	return own, nil
}

// base returns the limit of a category that no provisioned limit raises: the operator's
// number, or Cognito's. 0 is no limit.
func (s *Service) base(c *category) int {
	if n, own := s.deps.Settings.Own[c.name]; own {
		return n
	}
	return c.free
}

// effective returns the limit of a category, given its provisioned limit. 0 is no
// limit.
func (s *Service) effective(c *category, provisioned int) int {
	base := s.base(c)
	_, own := s.deps.Settings.Own[c.name]
	switch {
	case base == 0:
		return 0
	case provisioned > 0:
		return max(provisioned, base)
	case own || s.deps.Settings.Categories:
		return base
	}
	return 0
}

// Called counts a request that may run, by its category, and its operation and pool.
func (s *Service) Called(ctx context.Context, op *api.Operation, in any, resource api.Resource) error {
	if op.Service != idp.Info {
		return nil
	}
	if op.Auth == api.AuthNone && s.deps.Settings.Addresses && sendsCode(in) {
		if err := asError(s.byAddress(ctx, Codes)); err != nil {
			return err
		}
	}
	c := s.operations[op.Name]
	if c == nil {
		return nil
	}
	answers := false
	switch in := in.(type) {
	case *idp.RespondToAuthChallengeRequest:
		answers = true
		c = s.categoryOfAnswer(c, in.ChallengeName)
	case *idp.AdminRespondToAuthChallengeRequest:
		answers = true
		c = s.categoryOfAnswer(c, in.ChallengeName)
	}
	s.deps.Metrics.Called(c.name)
	now := c.current.Load()
	if now.value == 0 {
		return nil
	}
	if c.perPool > 0 && s.deps.Settings.Categories && resource.ID != "" {
		if wait := s.deps.Rates.Allow(s.deps.Rates.Key("pool", op.Name, resource.ID), everySecond(c.perPool)); wait > 0 {
			return asError(s.refuse(ctx, c.name, wait))
		}
	}
	if answers && c.name == "UserAuthentication" {
		return asError(s.refuse(ctx, c.name, s.deps.Rates.Allow(c.answers, now.answers)))
	}
	return asError(s.use(ctx, c))
}

// categoryOfAnswer returns the category of the answer to a challenge.
func (s *Service) categoryOfAnswer(c *categoryLimit, challenge idp.ChallengeNameType) *categoryLimit {
	if challenge == idp.ChallengeNameTypeNewPasswordRequired {
		return s.categories["UserAccountRecovery"]
	}
	return c
}

func (s *Service) use(ctx context.Context, c *categoryLimit) (wait time.Duration) {
	return s.refuse(ctx, c.name, s.deps.Rates.Allow(c.key, c.current.Load().limit))
}

// AdmitUser counts an operation on a user's profile, with Cognito's limits (Cognito: 10
// reads and 10 writes a second for each user). The operation is proven to be the user's
// or an administrator's, so no stranger uses up the user's limit.
func (s *Service) AdmitUser(ctx context.Context, userID string) error {
	if !s.deps.Settings.Categories {
		return nil
	}
	kind := "user writes"
	if c := s.operations[api.RequestFrom(ctx).Operation]; c != nil && (c.name == "UserRead" || c.name == "UserResourceRead") {
		kind = "user reads"
	}
	return asError(s.refuse(ctx, "one user", s.deps.Rates.Allow(s.deps.Rates.Key(kind, userID), everySecond(perUser))))
}
