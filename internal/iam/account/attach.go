package account

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// refOf returns the reference to a managed policy that exists.
func (s *Service) refOf(ctx context.Context, r *store.Reader, arn string) (record.PolicyRef, error) {
	missing := iamapi.NoSuchEntityExceptionf("Policy %s does not exist or is not attachable.", arn)
	ref, ok := record.RefOfPolicy(arn, s.deps.AccountID)
	if !ok {
		if _, ok := record.ParseARN(arn); !ok {
			return "", iamapi.InvalidInputExceptionf("ARN %s is not valid.", arn)
		}
		return "", missing
	}
	e, err := s.deps.IAM.ReadPolicy(ctx, r, ref)
	if errors.Is(err, store.ErrNotFound) {
		return "", missing
	}
	if err != nil {
		return "", err
	}
	if !s.hasARN(e, ref, arn) {
		return "", missing
	}
	return ref, nil
}

// hasARN reports whether a managed policy has an ARN. Policies of AWS are in every partition.
func (s *Service) hasARN(e *record.Entity, ref record.PolicyRef, arn string) bool {
	if _, ok := ref.AWS(); !ok {
		return e.ARN(s.deps.AccountID) == arn
	}
	p, _ := record.ParseARN(arn)
	return p.Path == e.Path && slices.Contains([]string{"aws", "aws-cn", "aws-us-gov"}, p.Partition)
}

// policyARN returns the ARN of a managed policy.
func (s *Service) policyARN(ctx context.Context, e *record.Entity) string {
	if e.IsAWS() {
		return record.ARN(partition(ctx), "aws", store.IAMPolicy, e.Path, e.Name)
	}
	return e.ARN(s.deps.AccountID)
}

// attach attaches a managed policy to an entity.
func (s *Service) attach(ctx context.Context, kind, name, arn string) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := find(ctx, &tx.Reader, kind, name)
		if err != nil {
			return err
		}
		ref, err := s.refOf(ctx, &tx.Reader, arn)
		if err != nil {
			return err
		}
		list, err := tx.IAMLinks(ctx, kind, e.Key, store.IAMAttached)
		if err != nil {
			return err
		}
		link := store.IAMLink{Kind: kind, Key: e.Key, Link: store.IAMAttached, Target: string(ref)}
		if !slices.Contains(list, link) && len(list) >= maxAttached {
			return iamapi.LimitExceededExceptionf("Cannot exceed quota for PoliciesPer%s: %d", title(kind), maxAttached)
		}
		return tx.AddIAMLink(ctx, link)
	})
}

// detach detaches a managed policy from an entity.
func (s *Service) detach(ctx context.Context, kind, name, arn string) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := find(ctx, &tx.Reader, kind, name)
		if err != nil {
			return err
		}
		missing := noARN(store.IAMPolicy, arn)
		ref, ok := record.RefOfPolicy(arn, s.deps.AccountID)
		if !ok {
			return missing
		}
		p, err := s.deps.IAM.ReadPolicy(ctx, &tx.Reader, ref)
		if errors.Is(err, store.ErrNotFound) || err == nil && !s.hasARN(p, ref, arn) {
			return missing
		}
		if err != nil {
			return err
		}
		err = tx.RemoveIAMLink(ctx, store.IAMLink{Kind: kind, Key: e.Key, Link: store.IAMAttached, Target: string(ref)})
		if errors.Is(err, store.ErrNotFound) {
			return missing
		}
		return err
	})
}

// attached lists the managed policies of an entity by name.
func (s *Service) attached(ctx context.Context, kind, name string, prefix *string, p place) (out []iamapi.AttachedPolicy, next *string, err error) {
	err = s.deps.Store.View(ctx, func(r *store.Reader) error {
		e, err := find(ctx, r, kind, name)
		if err != nil {
			return err
		}
		links, err := r.IAMLinks(ctx, kind, e.Key, store.IAMAttached)
		if err != nil {
			return err
		}
		list := []iamapi.AttachedPolicy{}
		for _, l := range links {
			policy, err := s.deps.IAM.ReadPolicy(ctx, r, record.PolicyRef(l.Target))
			if err != nil {
				return err
			}
			if strings.HasPrefix(policy.Path, api.Val(prefix)) {
				list = append(list, iamapi.AttachedPolicy{PolicyName: &policy.Name, PolicyArn: new(s.policyARN(ctx, policy))})
			}
		}
		byARN := func(a iamapi.AttachedPolicy) string { return *a.PolicyArn }
		slices.SortFunc(list, func(a, b iamapi.AttachedPolicy) int { return strings.Compare(byARN(a), byARN(b)) })
		p.bind = []string{e.ID, api.Val(prefix)}
		out, next, err = page(s, p, list, byARN)
		return err
	})
	return out, next, err
}

// AttachRolePolicy attaches a managed policy.
func (s *Service) AttachRolePolicy(ctx context.Context, in *iamapi.AttachRolePolicyRequest) error {
	return s.attach(ctx, store.IAMRole, in.RoleName, in.PolicyArn)
}

// DetachRolePolicy detaches a managed policy.
func (s *Service) DetachRolePolicy(ctx context.Context, in *iamapi.DetachRolePolicyRequest) error {
	return s.detach(ctx, store.IAMRole, in.RoleName, in.PolicyArn)
}

// ListAttachedRolePolicies lists the managed policies that are attached.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, in *iamapi.ListAttachedRolePoliciesRequest) (*iamapi.ListAttachedRolePoliciesResponse, error) {
	list, next, err := s.attached(ctx, store.IAMRole, in.RoleName, in.PathPrefix, place{op: "ListAttachedRolePolicies", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListAttachedRolePoliciesResponse{AttachedPolicies: list, IsTruncated: new(next != nil), Marker: next}, err
}

// AttachUserPolicy attaches a managed policy.
func (s *Service) AttachUserPolicy(ctx context.Context, in *iamapi.AttachUserPolicyRequest) error {
	return s.attach(ctx, store.IAMUser, in.UserName, in.PolicyArn)
}

// DetachUserPolicy detaches a managed policy.
func (s *Service) DetachUserPolicy(ctx context.Context, in *iamapi.DetachUserPolicyRequest) error {
	return s.detach(ctx, store.IAMUser, in.UserName, in.PolicyArn)
}

// ListAttachedUserPolicies lists the managed policies that are attached.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, in *iamapi.ListAttachedUserPoliciesRequest) (*iamapi.ListAttachedUserPoliciesResponse, error) {
	list, next, err := s.attached(ctx, store.IAMUser, in.UserName, in.PathPrefix, place{op: "ListAttachedUserPolicies", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListAttachedUserPoliciesResponse{AttachedPolicies: list, IsTruncated: new(next != nil), Marker: next}, err
}

// AttachGroupPolicy attaches a managed policy.
func (s *Service) AttachGroupPolicy(ctx context.Context, in *iamapi.AttachGroupPolicyRequest) error {
	return s.attach(ctx, store.IAMGroup, in.GroupName, in.PolicyArn)
}

// DetachGroupPolicy detaches a managed policy.
func (s *Service) DetachGroupPolicy(ctx context.Context, in *iamapi.DetachGroupPolicyRequest) error {
	return s.detach(ctx, store.IAMGroup, in.GroupName, in.PolicyArn)
}

// ListAttachedGroupPolicies lists the managed policies that are attached.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, in *iamapi.ListAttachedGroupPoliciesRequest) (*iamapi.ListAttachedGroupPoliciesResponse, error) {
	list, next, err := s.attached(ctx, store.IAMGroup, in.GroupName, in.PathPrefix, place{op: "ListAttachedGroupPolicies", marker: in.Marker, max: in.MaxItems})
	return &iamapi.ListAttachedGroupPoliciesResponse{AttachedPolicies: list, IsTruncated: new(next != nil), Marker: next}, err
}
