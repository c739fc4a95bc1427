package iam

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/session"
)

// IdentityPools returns the principal of a Region's identity pools in trust policies. Their
// condition keys begin with it (GovCloud User Guide: "Amazon Cognito"; Amazon Web Services in China:
// "Amazon Cognito").
func IdentityPools(region string) string {
	switch api.Partition(region) {
	case "aws-cn":
		return "cognito-identity." + region + ".amazonaws.com.cn"
	case "aws-us-gov":
		return "cognito-identity-us-gov.amazonaws.com"
	}
	return "cognito-identity.amazonaws.com"
}

// isShared reports whether the logins of a provider come from applications of everybody: the account
// has no object for it, which would list applications. Nothing but the role's trust policy says
// whose logins it means. So it must name the audience (IAM User Guide: "Role trust policies for
// Amazon Cognito"; the confused deputy problem).
func isShared(provider string) bool { return !strings.HasPrefix(provider, "arn:") }

// IdentityLogin returns the login of an identity of an identity pool. amr are its
// authentication methods: "unauthenticated", or "authenticated" and the providers.
func IdentityLogin(poolID, identityID string, amr ...string) *session.Login {
	region, _, _ := strings.Cut(poolID, ":")
	name := IdentityPools(region)
	return WebLogin(name, name, poolID, identityID, amr...)
}

// WebLogin returns a login at an OpenID Connect provider. The provider is the principal in trust
// policies, name is the issuer without its scheme, which the condition keys begin with.
func WebLogin(provider, name, audience, subject string, amr ...string) *session.Login {
	l := &session.Login{Provider: provider, Keys: map[string][]string{name + ":aud": {audience}, name + ":sub": {subject}}}
	if len(amr) > 0 {
		l.Keys[name+":amr"] = amr
	}
	return l
}

// personKeys are the condition keys that name the person of a provider whose logins are access
// tokens (IAM User Guide: "Available keys for AWS OIDC federation").
var personKeys = map[string]string{"www.amazon.com": "user_id", "graph.facebook.com": "id"}

// AccessTokenLogin returns a login by an access token that a provider issued for an application:
// www.amazon.com or graph.facebook.com.
func AccessTokenLogin(provider, app, person string) *session.Login {
	return &session.Login{Provider: provider, Keys: map[string][]string{
		provider + ":" + audienceKeys[provider]: {app}, provider + ":" + personKeys[provider]: {person},
	}}
}

// Trusts reports whether the trust policy of a role names a provider. A role that does not exist
// trusts no provider.
func (s *Service) Trusts(ctx context.Context, role, provider string) (bool, error) {
	r, err := s.Role(ctx, role)
	if errors.Is(err, ErrNoEntity) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.Contains(r.Trust.Principals(), policy.PrincipalRef{Type: "Federated", Value: provider}), nil
}

// EvaluateTrust returns the role that a request may assume, or a *TrustError. With a Login only the
// role's trust policy decides. With a Caller its own policies count, too.
func (s *Service) EvaluateTrust(ctx context.Context, a Assumption) (*Role, error) {
	action := a.action()
	if a.Caller != nil && !a.Caller.mayCall(action) {
		return nil, &TrustError{Action: action, Reason: policy.Result{Layer: policy.SessionLayer}.Reason(action)}
	}
	role, err := s.Role(ctx, a.Role)
	if errors.Is(err, ErrNoEntity) {
		return nil, s.missingRole(ctx, &a)
	}
	if err != nil {
		return nil, err
	}
	if a.Identity != "" && !a.IdentityRead {
		if exists, err := s.identityExists(ctx, a.IdentityPool, a.Identity); err != nil {
			return nil, err
		} else if !exists {
			return nil, &TrustError{Action: action, Reason: "because the identity was deleted"}
		}
	}
	if a.HTTP == nil {
		a.HTTP = api.RequestFrom(ctx)
	}
	conditions := s.requestContext(a.Caller, Request{Resource: role.ARN, Conditions: a.conditions(), HTTP: a.HTTP})
	addEntityTags(&conditions, role.Tags)
	layers, subject := policy.Layers{}, policy.Principal{}
	if a.Caller != nil {
		layers, subject = a.Caller.layers, a.Caller.subject
	} else {
		subject.Federated = a.Login.Provider
		setLogin(a.Login, conditions.Set)
	}
	needed := []string{action}
	if len(a.Tags) > 0 {
		needed = append(needed, actionTagSession)
	}
	if a.SourceIdentity != "" {
		needed = append(needed, actionSetSourceIdentity)
	}
	for i, action := range needed {
		layers.Trust = []*policy.Document{role.Trust}
		if i == 0 && a.Login != nil && isShared(a.Login.Provider) {
			layers.Trust[0] = requireAudience(role.Trust, a.Login.Provider)
		}
		request := policy.Request{Action: action, Resource: role.ARN, Principal: subject, Context: conditions}
		if result := policy.Evaluate(layers, &request); result.Decision != policy.Allow {
			denied := &TrustError{Action: action, Reason: result.Reason(action)}
			if a.Caller != nil {
				denied.Encoded = s.encodeDenial(a.Caller, layers, &request)
			}
			return nil, denied
		}
	}
	return role, nil
}

// missingRole returns the error for a role that does not exist. To the client it looks like a role
// whose trust policy allows nothing.
func (s *Service) missingRole(ctx context.Context, a *Assumption) error {
	action := a.action()
	missing := &TrustError{Action: action, Missing: true, Reason: policy.Result{Layer: policy.TrustLayer}.Reason(action)}
	if a.Caller == nil {
		return missing
	}
	r := Request{Resource: a.Role, Conditions: a.conditions(), HTTP: a.HTTP}
	if r.HTTP == nil {
		r.HTTP = api.RequestFrom(ctx)
	}
	conditions, err := s.context(ctx, a.Caller, r)
	if err != nil {
		return err
	}
	layers := a.Caller.layers
	layers.Trust = []*policy.Document{policy.Empty("no role")}
	missing.Encoded = s.encodeDenial(a.Caller, layers, &policy.Request{Action: action, Resource: a.Role, Principal: a.Caller.subject, Context: conditions})
	return missing
}

// audienceKeys are the condition keys that name the application of a shared provider.
var audienceKeys = map[string]string{"www.amazon.com": "app_id", "graph.facebook.com": "app_id"}

func requireAudience(trust *policy.Document, provider string) *policy.Document {
	key, ok := audienceKeys[provider]
	if !ok {
		key = "aud"
	}
	return trust.Requiring(provider + ":" + key)
}

func (a *Assumption) action() string {
	switch {
	case a.Action != "":
		return a.Action
	case a.Login != nil:
		return ActionAssumeWithWebIdentity
	}
	return ActionAssumeRole
}

// conditions returns the condition keys of the request itself.
func (a *Assumption) conditions() map[string][]string {
	c := map[string][]string{keySessionName: {a.SessionName}}
	for key, value := range a.Tags {
		c[prefixRequestTag+key] = []string{value}
	}
	if len(a.Tags) > 0 {
		c[keyTagKeys] = slices.Sorted(maps.Keys(a.Tags))
	}
	if len(a.TransitiveKeys) > 0 {
		c[keyTransitiveTags] = a.TransitiveKeys
	}
	if a.SourceIdentity != "" {
		c[keySetIdentity] = []string{a.SourceIdentity}
	}
	if a.ExternalID != "" {
		c[keyExternalID] = []string{a.ExternalID}
	}
	return c
}
