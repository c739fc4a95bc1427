package deploy

import (
	"context"
	"reflect"

	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
)

// A state is a resource as it is or should be.
type state struct {
	// Ref is what Ref returns.
	Ref string
	// Members are the properties, under the names of the API's members.
	Members properties
	// Made are the attributes that the server chose when it created the resource.
	Made properties
}

// A kind is a type of resources that this package creates.
type kind struct {
	shape
	// required are properties that a resource must have.
	required []string
	// replaced are the properties whose change replaces the resource (CloudFormation: Update requires
	// replacement). refused are the properties whose change CloudFormation rejects.
	replaced, refused []string
	// title is the property that names the resource. If a template leaves it out, the resource gets a
	// name, as in CloudFormation. titleLength is the greatest length of the name.
	title       string
	titleLength int
	// id is the member that has the Ref of the resource. It is empty if a property has the Ref.
	id string
	// parent is the member that names the resource to which this one belongs, such as UserPoolId.
	parent string

	// op is the operation that creates the resource from its members. made are the members of its response
	// that become attributes. later is the attribute in the Ref that the server chooses, if there is one.
	op    string
	made  []string
	later string
	// withdrawn is set if the old resource must be removed before a new one can replace it.
	withdrawn bool

	// ref returns the Ref of a resource by its members, or "" if prepare chooses the Ref.
	ref func(p *plan, members properties) string
	// complete converts the members to the form of the API, where the forms differ.
	complete func(p *plan, it *item, members properties)
	// prepare checks the wanted members, and chooses missing ids. If it is nil, the request of op checks them.
	prepare func(p *plan, it *item)
	// attributes returns the attributes for Fn::GetAtt.
	attributes func(s *Service, st *state) properties

	// create creates the resource. If it is nil, op does.
	create func(ctx context.Context, s *Service, st *state) error
	update func(ctx context.Context, s *Service, st, old *state) error
	remove func(ctx context.Context, s *Service, st *state) error
	// exists reports whether the resource still exists: somebody may have deleted it. It is nil for
	// resources that are part of another resource.
	exists func(ctx context.Context, s *Service, st *state) (bool, error)
}

// removeIfThere removes a resource that may be gone already.
func (k *kind) removeIfThere(ctx context.Context, s *Service, st *state) error {
	if k.exists != nil {
		if there, err := k.exists(ctx, s, st); err != nil || !there {
			return err
		}
	}
	return k.remove(ctx, s, st)
}

// newKinds returns the types that this package creates, with their properties, the changes that replace a
// resource, and the values of Ref and Fn::GetAtt (CloudFormation: template reference). functionTypes has the
// types of functions.
func newKinds() map[string]*kind {
	pool := []string{"UserPoolId"}
	return map[string]*kind{
		"AWS::Cognito::UserPool": {
			shape: shape{
				request: reflect.TypeFor[idp.CreateUserPoolRequest](), named: map[string]string{"UserPoolName": "PoolName"},
				more: map[string]reflect.Type{
					"EnabledMfas": reflect.TypeFor[[]string](), "WebAuthnRelyingPartyID": reflect.TypeFor[string](),
					"WebAuthnUserVerification": reflect.TypeFor[string](), "WebAuthnFactorConfiguration": reflect.TypeFor[string](),
					"EmailAuthenticationMessage": reflect.TypeFor[string](), "EmailAuthenticationSubject": reflect.TypeFor[string](),
				},
			},
			refused: []string{"AliasAttributes", "UsernameAttributes", "UsernameConfiguration"},
			title:   "UserPoolName", titleLength: 128,
			ref: chosenPool, prepare: preparePool, attributes: poolAttributes, op: "CreateUserPool", create: createPool, update: updatePool, remove: removePool, exists: poolExists,
		},
		"AWS::Cognito::UserPoolClient": {
			shape:    shape{request: reflect.TypeFor[idp.CreateUserPoolClientRequest](), without: []string{"ClientSecret"}},
			required: pool, replaced: []string{"UserPoolId", "GenerateSecret"},
			title: "ClientName", titleLength: 128, id: "ClientId", parent: "UserPoolId",
			complete: completeClient, ref: chosenClient, prepare: prepareClient, attributes: clientAttributes, op: "CreateUserPoolClient", create: createClient,
			update: calls[idp.UpdateUserPoolClientRequest]("UpdateUserPoolClient"), remove: removal[idp.DeleteUserPoolClientRequest]("DeleteUserPoolClient"),
			exists: found[idp.DescribeUserPoolClientRequest]("DescribeUserPoolClient"),
		},
		"AWS::Cognito::UserPoolDomain": {
			shape:    shape{request: reflect.TypeFor[idp.CreateUserPoolDomainRequest]()},
			required: []string{"UserPoolId", "Domain"}, replaced: []string{"UserPoolId", "Domain"},
			parent: "UserPoolId", withdrawn: true, ref: refIs("Domain"), attributes: domainAttributes,
			op: "CreateUserPoolDomain", made: []string{"CloudFrontDomain"},
			update: calls[idp.UpdateUserPoolDomainRequest]("UpdateUserPoolDomain"), remove: removal[idp.DeleteUserPoolDomainRequest]("DeleteUserPoolDomain"),
			exists: domainExists,
		},
		"AWS::Cognito::UserPoolGroup": {
			shape:    shape{request: reflect.TypeFor[idp.CreateGroupRequest]()},
			required: pool, replaced: []string{"UserPoolId", "GroupName"},
			title: "GroupName", titleLength: 128, parent: "UserPoolId", ref: refIs("GroupName"),
			op: "CreateGroup", update: calls[idp.UpdateGroupRequest]("UpdateGroup"),
			remove: removal[idp.DeleteGroupRequest]("DeleteGroup"), exists: found[idp.GetGroupRequest]("GetGroup"),
		},
		"AWS::Cognito::UserPoolResourceServer": {
			shape:    shape{request: reflect.TypeFor[idp.CreateResourceServerRequest]()},
			required: []string{"UserPoolId", "Identifier", "Name"}, replaced: []string{"UserPoolId", "Identifier"},
			parent: "UserPoolId", ref: refIs("Identifier"),
			op: "CreateResourceServer", update: calls[idp.UpdateResourceServerRequest]("UpdateResourceServer"),
			remove: removal[idp.DeleteResourceServerRequest]("DeleteResourceServer"), exists: found[idp.DescribeResourceServerRequest]("DescribeResourceServer"),
		},
		"AWS::Cognito::UserPoolIdentityProvider": {
			shape:    shape{request: reflect.TypeFor[idp.CreateIdentityProviderRequest]()},
			required: []string{"UserPoolId", "ProviderName", "ProviderType", "ProviderDetails"},
			replaced: []string{"UserPoolId", "ProviderName", "ProviderType"},
			parent:   "UserPoolId", ref: refIs("ProviderName"),
			op: "CreateIdentityProvider", update: calls[idp.UpdateIdentityProviderRequest]("UpdateIdentityProvider"),
			remove: removal[idp.DeleteIdentityProviderRequest]("DeleteIdentityProvider"), exists: found[idp.DescribeIdentityProviderRequest]("DescribeIdentityProvider"),
		},
		"AWS::Cognito::UserPoolUser": {
			// Unlike CloudFormation, a change does not replace the user, who would lose the password.
			shape:    shape{request: reflect.TypeFor[idp.AdminCreateUserRequest](), without: []string{"TemporaryPassword"}},
			required: pool, replaced: []string{"UserPoolId", "Username"},
			title: "Username", titleLength: 128, parent: "UserPoolId", ref: refIs("Username"),
			op: "AdminCreateUser", update: updateUser,
			remove: removal[idp.AdminDeleteUserRequest]("AdminDeleteUser"), exists: found[idp.AdminGetUserRequest]("AdminGetUser"),
		},
		"AWS::Cognito::UserPoolUserToGroupAttachment": {
			shape:    shape{request: reflect.TypeFor[idp.AdminAddUserToGroupRequest]()},
			required: []string{"UserPoolId", "Username", "GroupName"}, replaced: []string{"UserPoolId", "Username", "GroupName"},
			parent: "UserPoolId", ref: refOf("UserPoolId", "GroupName", "Username"),
			op: "AdminAddUserToGroup", remove: removal[idp.AdminRemoveUserFromGroupRequest]("AdminRemoveUserFromGroup"),
		},
		"AWS::Cognito::UserPoolUICustomizationAttachment": {
			shape:    shape{request: reflect.TypeFor[idp.SetUICustomizationRequest](), without: []string{"ImageFile"}},
			required: []string{"UserPoolId", "ClientId"}, replaced: []string{"UserPoolId", "ClientId"},
			parent: "UserPoolId", ref: refOf("UserPoolId", "ClientId"),
			op: "SetUICustomization", update: calls[idp.SetUICustomizationRequest]("SetUICustomization"),
			remove: reset[idp.SetUICustomizationRequest]("SetUICustomization", nil, "UserPoolId", "ClientId"),
		},
		"AWS::Cognito::UserPoolRiskConfigurationAttachment": {
			shape:    shape{request: reflect.TypeFor[idp.SetRiskConfigurationRequest]()},
			required: []string{"UserPoolId", "ClientId"}, replaced: []string{"UserPoolId", "ClientId"},
			parent: "UserPoolId", ref: refOf("UserPoolId", "ClientId"),
			op: "SetRiskConfiguration", update: calls[idp.SetRiskConfigurationRequest]("SetRiskConfiguration"),
			remove: reset[idp.SetRiskConfigurationRequest]("SetRiskConfiguration", nil, "UserPoolId", "ClientId"),
		},
		"AWS::Cognito::LogDeliveryConfiguration": {
			shape:    shape{request: reflect.TypeFor[idp.SetLogDeliveryConfigurationRequest]()},
			required: pool, replaced: pool, parent: "UserPoolId", ref: refOf("UserPoolId"), attributes: idIsRef,
			op:     "SetLogDeliveryConfiguration",
			update: calls[idp.SetLogDeliveryConfigurationRequest]("SetLogDeliveryConfiguration"),
			remove: reset[idp.SetLogDeliveryConfigurationRequest]("SetLogDeliveryConfiguration", properties{"LogConfigurations": []any{}}, "UserPoolId"),
		},
		"AWS::Cognito::ManagedLoginBranding": {
			shape:    shape{request: reflect.TypeFor[idp.CreateManagedLoginBrandingRequest](), idle: []string{"ReturnMergedResources"}},
			required: pool, replaced: []string{"UserPoolId", "ClientId"}, parent: "UserPoolId", later: "ManagedLoginBrandingId",
			op: "CreateManagedLoginBranding", made: []string{"ManagedLoginBrandingId"},
			update: calls[idp.UpdateManagedLoginBrandingRequest]("UpdateManagedLoginBranding"),
			remove: removal[idp.DeleteManagedLoginBrandingRequest]("DeleteManagedLoginBranding"),
			exists: found[idp.DescribeManagedLoginBrandingRequest]("DescribeManagedLoginBranding"),
		},
		"AWS::Cognito::Terms": {
			shape:    shape{request: reflect.TypeFor[idp.CreateTermsRequest]()},
			required: []string{"UserPoolId", "TermsName", "TermsSource", "Enforcement", "Links"},
			replaced: []string{"UserPoolId", "ClientId"}, parent: "UserPoolId", later: "TermsId",
			op: "CreateTerms", made: []string{"TermsId"}, update: calls[idp.UpdateTermsRequest]("UpdateTerms"),
			remove: removal[idp.DeleteTermsRequest]("DeleteTerms"), exists: found[idp.DescribeTermsRequest]("DescribeTerms"),
		},
		"AWS::Cognito::IdentityPool": {
			shape: shape{
				request: reflect.TypeFor[identity.CreateIdentityPoolInput](), more: map[string]reflect.Type{"IdentityPoolTags": reflect.TypeFor[[]tag]()},
				idle: []string{"CognitoEvents", "CognitoStreams", "PushSync"},
			},
			required: []string{"AllowUnauthenticatedIdentities"}, title: "IdentityPoolName", titleLength: 128, id: "IdentityPoolId",
			ref: chosenIdentityPool, complete: completeIdentityPool, prepare: prepareIdentityPool, attributes: identityPoolAttributes, op: "CreateIdentityPool", create: createIdentityPool,
			update: calls[identity.IdentityPool]("UpdateIdentityPool"), remove: removal[identity.DeleteIdentityPoolInput]("DeleteIdentityPool"),
			exists: found[identity.DescribeIdentityPoolInput]("DescribeIdentityPool"),
		},
		"AWS::Cognito::IdentityPoolRoleAttachment": {
			shape: shape{
				request: reflect.TypeFor[identity.SetIdentityPoolRolesInput](),
				more:    map[string]reflect.Type{"RoleMappings": reflect.TypeFor[map[string]roleMapping]()},
			},
			required: []string{"IdentityPoolId"}, replaced: []string{"IdentityPoolId"}, parent: "IdentityPoolId",
			ref: refOf("IdentityPoolId"), complete: completeRoles, attributes: idIsRef,
			op: "SetIdentityPoolRoles", update: calls[identity.SetIdentityPoolRolesInput]("SetIdentityPoolRoles"),
			remove: reset[identity.SetIdentityPoolRolesInput]("SetIdentityPoolRoles", properties{"Roles": properties{}}, "IdentityPoolId"),
		},
		"AWS::Cognito::IdentityPoolPrincipalTag": {
			shape:    shape{request: reflect.TypeFor[identity.SetPrincipalTagAttributeMapInput]()},
			required: []string{"IdentityPoolId", "IdentityProviderName"}, replaced: []string{"IdentityPoolId", "IdentityProviderName"},
			parent: "IdentityPoolId", ref: refOf("IdentityPoolId", "IdentityProviderName"),
			op:     "SetPrincipalTagAttributeMap",
			update: calls[identity.SetPrincipalTagAttributeMapInput]("SetPrincipalTagAttributeMap"),
			remove: reset[identity.SetPrincipalTagAttributeMapInput]("SetPrincipalTagAttributeMap", properties{"UseDefaults": false, "PrincipalTags": properties{}}, "IdentityPoolId", "IdentityProviderName"),
		},
		"AWS::IAM::Role":          roleKind(),
		"AWS::IAM::Policy":        policyKind(),
		"AWS::IAM::RolePolicy":    rolePolicyKind(),
		"AWS::IAM::ManagedPolicy": managedPolicyKind(),
		"AWS::IAM::OIDCProvider":  oidcProviderKind(),
	}
}

// A tag is a tag as most types of CloudFormation have it.
type tag struct{ Key, Value string }

// A roleMapping is an entry of RoleMappings. Its key may be any name if the entry has an IdentityProvider.
type roleMapping struct {
	IdentityProvider        *string
	Type                    string
	AmbiguousRoleResolution *string
	RulesConfiguration      *identity.RulesConfigurationType
}

// accepted are types without effect here, which the server does not report as left out.
var accepted = map[string]bool{
	"AWS::Lambda::Permission": true, "AWS::CDK::Metadata": true, "AWS::Logs::LogGroup": true, "AWS::CloudFormation::WaitConditionHandle": true,
}
