package account

import (
	"context"
	"slices"
	"strings"

	"cognate/internal/api/iamapi"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// putInline adds or replaces an inline policy.
func (s *Service) putInline(ctx context.Context, kind, name, policyName, text string) error {
	d, err := parse(policy.Identity, text, policy.Options{})
	if err != nil {
		return err
	}
	return s.edit(ctx, kind, name, func(_ *store.Tx, e *record.Entity) error {
		size := d.Size()
		for _, in := range e.Inline {
			if in.Name != policyName {
				size += policy.Size(in.Document)
			}
		}
		if most := maxInline[kind]; size > most {
			return iamapi.LimitExceededExceptionf("Maximum policy size of %d bytes exceeded for %s %s", most, kind, e.Name)
		}
		if i := e.InlinePolicy(policyName); i >= 0 {
			e.Inline[i].Document = text
			return nil
		}
		e.Inline = append(e.Inline, record.Inline{Name: policyName, Document: text})
		slices.SortFunc(e.Inline, func(a, b record.Inline) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
}

func noInline(kind, name string) error {
	return iamapi.NoSuchEntityExceptionf("The %s policy with name %s cannot be found.", kind, name)
}

// inline returns the name of an entity as it is stored, and the text of an inline policy.
func (s *Service) inline(ctx context.Context, kind, name, policyName string) (stored, text string, err error) {
	e, err := find(ctx, &s.deps.Store.Reader, kind, name)
	if err != nil {
		return "", "", err
	}
	i := e.InlinePolicy(policyName)
	if i < 0 {
		return "", "", noInline(kind, policyName)
	}
	return e.Name, e.Inline[i].Document, nil
}

func (s *Service) deleteInline(ctx context.Context, kind, name, policyName string) error {
	return s.edit(ctx, kind, name, func(_ *store.Tx, e *record.Entity) error {
		i := e.InlinePolicy(policyName)
		if i < 0 {
			return noInline(kind, policyName)
		}
		e.Inline = slices.Delete(e.Inline, i, i+1)
		return nil
	})
}

func (s *Service) inlineNames(ctx context.Context, kind, name string, p place) ([]string, *string, error) {
	e, err := find(ctx, &s.deps.Store.Reader, kind, name)
	if err != nil {
		return nil, nil, err
	}
	names := []string{}
	for _, in := range e.Inline {
		names = append(names, in.Name)
	}
	slices.Sort(names)
	p.bind = []string{e.ID}
	return page(s, p, names, func(name string) string { return name })
}

// PutRolePolicy sets an inline policy.
func (s *Service) PutRolePolicy(ctx context.Context, in *iamapi.PutRolePolicyRequest) error {
	return s.putInline(ctx, store.IAMRole, in.RoleName, in.PolicyName, in.PolicyDocument)
}

// GetRolePolicy shows an inline policy.
func (s *Service) GetRolePolicy(ctx context.Context, in *iamapi.GetRolePolicyRequest) (*iamapi.GetRolePolicyResponse, error) {
	name, text, err := s.inline(ctx, store.IAMRole, in.RoleName, in.PolicyName)
	return &iamapi.GetRolePolicyResponse{RoleName: name, PolicyName: in.PolicyName, PolicyDocument: encoded(text)}, err
}

// DeleteRolePolicy removes an inline policy.
func (s *Service) DeleteRolePolicy(ctx context.Context, in *iamapi.DeleteRolePolicyRequest) error {
	return s.deleteInline(ctx, store.IAMRole, in.RoleName, in.PolicyName)
}

// ListRolePolicies lists the names of inline policies.
func (s *Service) ListRolePolicies(ctx context.Context, in *iamapi.ListRolePoliciesRequest) (*iamapi.ListRolePoliciesResponse, error) {
	names, next, err := s.inlineNames(ctx, store.IAMRole, in.RoleName, place{op: "ListRolePolicies", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListRolePoliciesResponse{PolicyNames: names, IsTruncated: new(next != nil), Marker: next}, err
}

// PutUserPolicy sets an inline policy.
func (s *Service) PutUserPolicy(ctx context.Context, in *iamapi.PutUserPolicyRequest) error {
	return s.putInline(ctx, store.IAMUser, in.UserName, in.PolicyName, in.PolicyDocument)
}

// GetUserPolicy shows an inline policy.
func (s *Service) GetUserPolicy(ctx context.Context, in *iamapi.GetUserPolicyRequest) (*iamapi.GetUserPolicyResponse, error) {
	name, text, err := s.inline(ctx, store.IAMUser, in.UserName, in.PolicyName)
	return &iamapi.GetUserPolicyResponse{UserName: name, PolicyName: in.PolicyName, PolicyDocument: encoded(text)}, err
}

// DeleteUserPolicy removes an inline policy.
func (s *Service) DeleteUserPolicy(ctx context.Context, in *iamapi.DeleteUserPolicyRequest) error {
	return s.deleteInline(ctx, store.IAMUser, in.UserName, in.PolicyName)
}

// ListUserPolicies lists the names of inline policies.
func (s *Service) ListUserPolicies(ctx context.Context, in *iamapi.ListUserPoliciesRequest) (*iamapi.ListUserPoliciesResponse, error) {
	names, next, err := s.inlineNames(ctx, store.IAMUser, in.UserName, place{op: "ListUserPolicies", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListUserPoliciesResponse{PolicyNames: names, IsTruncated: new(next != nil), Marker: next}, err
}

// PutGroupPolicy sets an inline policy.
func (s *Service) PutGroupPolicy(ctx context.Context, in *iamapi.PutGroupPolicyRequest) error {
	return s.putInline(ctx, store.IAMGroup, in.GroupName, in.PolicyName, in.PolicyDocument)
}

// GetGroupPolicy shows an inline policy.
func (s *Service) GetGroupPolicy(ctx context.Context, in *iamapi.GetGroupPolicyRequest) (*iamapi.GetGroupPolicyResponse, error) {
	name, text, err := s.inline(ctx, store.IAMGroup, in.GroupName, in.PolicyName)
	return &iamapi.GetGroupPolicyResponse{GroupName: name, PolicyName: in.PolicyName, PolicyDocument: encoded(text)}, err
}

// DeleteGroupPolicy removes an inline policy.
func (s *Service) DeleteGroupPolicy(ctx context.Context, in *iamapi.DeleteGroupPolicyRequest) error {
	return s.deleteInline(ctx, store.IAMGroup, in.GroupName, in.PolicyName)
}

// ListGroupPolicies lists the names of inline policies.
func (s *Service) ListGroupPolicies(ctx context.Context, in *iamapi.ListGroupPoliciesRequest) (*iamapi.ListGroupPoliciesResponse, error) {
	names, next, err := s.inlineNames(ctx, store.IAMGroup, in.GroupName, place{op: "ListGroupPolicies", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListGroupPoliciesResponse{PolicyNames: names, IsTruncated: new(next != nil), Marker: next}, err
}
