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

// CreatePolicy makes a managed policy.
func (s *Service) CreatePolicy(ctx context.Context, in *iamapi.CreatePolicyRequest) (*iamapi.CreatePolicyResponse, error) {
	if err := parseManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	e, err := record.New(store.IAMPolicy, in.PolicyName, api.PathOf(api.Val(in.Path)), partition(ctx), s.deps.Now(), s.deps.Rand)
	if err != nil {
		return nil, err
	}
	e.Description, e.Default, e.Latest, e.UpdatedAt = in.Description, 1, 1, e.CreatedAt
	e.Versions = []record.Version{{Number: 1, Document: in.PolicyDocument, CreatedAt: e.CreatedAt}}
	if err := addTags(e, in.Tags); err != nil {
		return nil, err
	}
	if err := s.create(ctx, e, nil); err != nil {
		return nil, err
	}
	p, err := s.policy(ctx, &s.deps.Store.Reader, e)
	p.Tags = tagsOf(e)
	return &iamapi.CreatePolicyResponse{Policy: &p}, err
}

// policy returns a managed policy as ListPolicies shows it.
func (s *Service) policy(ctx context.Context, r *store.Reader, e *record.Entity) (iamapi.Policy, error) {
	attached, err := r.CountIAMLinksTo(ctx, store.IAMAttached, string(e.Ref()))
	if err != nil {
		return iamapi.Policy{}, err
	}
	bounds, err := r.CountIAMLinksTo(ctx, store.IAMBoundary, string(e.Ref()))
	return iamapi.Policy{
		PolicyName: &e.Name, PolicyId: &e.ID, Arn: new(s.policyARN(ctx, e)), Path: &e.Path, DefaultVersionId: new(e.DefaultVersion().ID()),
		AttachmentCount: new(int32(attached)), PermissionsBoundaryUsageCount: new(int32(bounds)), IsAttachable: new(true),
		CreateDate: e.CreatedAt, UpdateDate: e.UpdatedAt,
	}, err
}

// readPolicy reads a managed policy of the account or of AWS by its ARN.
func (s *Service) readPolicy(ctx context.Context, r *store.Reader, arn string) (*record.Entity, error) {
	ref, ok := record.RefOfPolicy(arn, s.deps.AccountID)
	if !ok {
		return nil, noARN(store.IAMPolicy, arn)
	}
	e, err := s.deps.IAM.ReadPolicy(ctx, r, ref)
	if errors.Is(err, store.ErrNotFound) || err == nil && !s.hasARN(e, ref, arn) {
		return nil, noARN(store.IAMPolicy, arn)
	}
	return e, err
}

// GetPolicy shows a managed policy.
func (s *Service) GetPolicy(ctx context.Context, in *iamapi.GetPolicyRequest) (*iamapi.GetPolicyResponse, error) {
	e, err := s.readPolicy(ctx, &s.deps.Store.Reader, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	p, err := s.policy(ctx, &s.deps.Store.Reader, e)
	p.Description, p.Tags = e.Description, tagsOf(e)
	return &iamapi.GetPolicyResponse{Policy: &p}, err
}

// ListPolicies lists the managed policies of AWS, then those of the account.
func (s *Service) ListPolicies(ctx context.Context, in *iamapi.ListPoliciesRequest) (*iamapi.ListPoliciesResponse, error) {
	out := &iamapi.ListPoliciesResponse{Policies: []iamapi.Policy{}}
	bind := []string{string(in.Scope), string(in.PolicyUsageFilter), api.Val(in.PathPrefix)}
	if api.Val(in.OnlyAttached) {
		bind = append(bind, "attached")
	}
	err := s.deps.Store.View(ctx, func(r *store.Reader) error {
		list, err := s.policiesOf(ctx, r, in)
		if err != nil {
			return err
		}
		list, out.Marker, err = page(s, place{op: "ListPolicies", bind: bind, marker: in.Marker, max: in.MaxItems}, list, func(p policyRow) string { return p.order })
		for _, p := range list {
			out.Policies = append(out.Policies, p.Policy)
		}
		return err
	})
	out.IsTruncated = new(out.Marker != nil)
	return out, err
}

// policyRow is a policy with its place in lists.
type policyRow struct {
	iamapi.Policy
	order string
}

func (s *Service) policiesOf(ctx context.Context, r *store.Reader, in *iamapi.ListPoliciesRequest) (out []policyRow, err error) {
	var list []*record.Entity
	if in.Scope != iamapi.PolicyScopeTypeLocal {
		list = record.AWSManaged()
	}
	if in.Scope != iamapi.PolicyScopeTypeAws {
		rows, err := r.IAMEntities(ctx, store.IAMPolicy, "", perAccount[store.IAMPolicy].max)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			e, err := record.Read(row)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
	}
	for _, e := range list {
		if !strings.HasPrefix(e.Path, api.Val(in.PathPrefix)) {
			continue
		}
		p, err := s.policy(ctx, r, e)
		if err != nil {
			return nil, err
		}
		used := *p.AttachmentCount
		switch {
		case in.PolicyUsageFilter == iamapi.PolicyUsageTypePermissionsBoundary:
			used = *p.PermissionsBoundaryUsageCount
			if used == 0 {
				continue
			}
		case api.Val(in.OnlyAttached) && used == 0:
			continue
		}
		out = append(out, policyRow{p, string(e.Ref())})
	}
	slices.SortFunc(out, func(a, b policyRow) int { return strings.Compare(a.order, b.order) })
	return out, nil
}

// DeletePolicy removes a managed policy that has one version and is not in use.
func (s *Service) DeletePolicy(ctx context.Context, in *iamapi.DeletePolicyRequest) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := s.findByARN(ctx, &tx.Reader, store.IAMPolicy, in.PolicyArn)
		if err != nil {
			return err
		}
		p, err := s.policy(ctx, &tx.Reader, e)
		if err != nil {
			return err
		}
		if *p.AttachmentCount+*p.PermissionsBoundaryUsageCount > 0 {
			return iamapi.DeleteConflictException("Cannot delete a policy attached to entities.")
		}
		if len(e.Versions) > 1 {
			return iamapi.DeleteConflictException("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		return tx.DeleteIAMEntity(ctx, e.Kind, e.Key)
	})
}

// CreatePolicyVersion adds a version to a managed policy.
func (s *Service) CreatePolicyVersion(ctx context.Context, in *iamapi.CreatePolicyVersionRequest) (*iamapi.CreatePolicyVersionResponse, error) {
	if err := parseManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	var out iamapi.PolicyVersion
	err := s.editByARN(ctx, store.IAMPolicy, in.PolicyArn, func(_ *store.Tx, e *record.Entity) error {
		if len(e.Versions) >= maxVersions {
			return iamapi.LimitExceededExceptionf("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		e.Latest++
		e.UpdatedAt = s.deps.Now()
		e.Versions = append(e.Versions, record.Version{Number: e.Latest, Document: in.PolicyDocument, CreatedAt: e.UpdatedAt})
		if api.Val(in.SetAsDefault) {
			e.Default = e.Latest
		}
		out = version(e, e.Versions[len(e.Versions)-1])
		return nil
	})
	return &iamapi.CreatePolicyVersionResponse{PolicyVersion: &out}, err
}

// version returns a version without its document.
func version(e *record.Entity, v record.Version) iamapi.PolicyVersion {
	return iamapi.PolicyVersion{VersionId: new(v.ID()), IsDefaultVersion: new(v.Number == e.Default), CreateDate: v.CreatedAt}
}

func noVersion(arn, id string) error {
	return iamapi.NoSuchEntityExceptionf("Policy %s version %s does not exist or is not attachable.", arn, id)
}

// GetPolicyVersion shows a version with its document.
func (s *Service) GetPolicyVersion(ctx context.Context, in *iamapi.GetPolicyVersionRequest) (*iamapi.GetPolicyVersionResponse, error) {
	e, err := s.readPolicy(ctx, &s.deps.Store.Reader, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	v := e.Version(in.VersionId)
	if v == nil {
		return nil, noVersion(in.PolicyArn, in.VersionId)
	}
	out := version(e, *v)
	out.Document = new(encoded(v.Document))
	return &iamapi.GetPolicyVersionResponse{PolicyVersion: &out}, nil
}

// ListPolicyVersions lists versions, the newest first.
func (s *Service) ListPolicyVersions(ctx context.Context, in *iamapi.ListPolicyVersionsRequest) (*iamapi.ListPolicyVersionsResponse, error) {
	e, err := s.readPolicy(ctx, &s.deps.Store.Reader, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	list := slices.Clone(e.Versions)
	slices.Reverse(list)
	// The place of a version counts down, so that pages follow the order of the list.
	list, next, err := page(s, place{op: "ListPolicyVersions", bind: []string{e.ID}, marker: in.Marker, max: in.MaxItems}, list, func(v record.Version) string {
		return string(rune(0x10FFFF - v.Number))
	})
	out := &iamapi.ListPolicyVersionsResponse{IsTruncated: new(next != nil), Marker: next}
	for _, v := range list {
		out.Versions = append(out.Versions, version(e, v))
	}
	return out, err
}

// DeletePolicyVersion removes a version that is not the default.
func (s *Service) DeletePolicyVersion(ctx context.Context, in *iamapi.DeletePolicyVersionRequest) error {
	return s.editByARN(ctx, store.IAMPolicy, in.PolicyArn, func(_ *store.Tx, e *record.Entity) error {
		v := e.Version(in.VersionId)
		if v == nil {
			return noVersion(in.PolicyArn, in.VersionId)
		}
		if v.Number == e.Default {
			return iamapi.DeleteConflictException("Cannot delete the default version of a policy.")
		}
		e.Versions = slices.DeleteFunc(e.Versions, func(o record.Version) bool { return o.ID() == in.VersionId })
		e.UpdatedAt = s.deps.Now()
		return nil
	})
}

// SetDefaultPolicyVersion makes a version the one that applies.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *iamapi.SetDefaultPolicyVersionRequest) error {
	return s.editByARN(ctx, store.IAMPolicy, in.PolicyArn, func(_ *store.Tx, e *record.Entity) error {
		v := e.Version(in.VersionId)
		if v == nil {
			return noVersion(in.PolicyArn, in.VersionId)
		}
		e.Default, e.UpdatedAt = v.Number, s.deps.Now()
		return nil
	})
}

// ListEntitiesForPolicy lists the users, groups and roles that a managed policy is attached to.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *iamapi.ListEntitiesForPolicyRequest) (*iamapi.ListEntitiesForPolicyResponse, error) {
	out := &iamapi.ListEntitiesForPolicyResponse{PolicyGroups: []iamapi.PolicyGroup{}, PolicyUsers: []iamapi.PolicyUser{}, PolicyRoles: []iamapi.PolicyRole{}}
	p := place{op: "ListEntitiesForPolicy", bind: []string{in.PolicyArn, string(in.EntityFilter), string(in.PolicyUsageFilter), api.Val(in.PathPrefix)}, marker: in.Marker, max: in.MaxItems}
	err := s.deps.Store.View(ctx, func(r *store.Reader) error {
		e, err := s.readPolicy(ctx, r, in.PolicyArn)
		if err != nil {
			return err
		}
		list, err := s.usersOf(ctx, r, e, in)
		if err != nil {
			return err
		}
		list, out.Marker, err = page(s, p, list, func(e *record.Entity) string { return e.Kind + "/" + e.Key })
		for _, e := range list {
			switch e.Kind {
			case store.IAMGroup:
				out.PolicyGroups = append(out.PolicyGroups, iamapi.PolicyGroup{GroupName: &e.Name, GroupId: &e.ID})
			case store.IAMUser:
				out.PolicyUsers = append(out.PolicyUsers, iamapi.PolicyUser{UserName: &e.Name, UserId: &e.ID})
			case store.IAMRole:
				out.PolicyRoles = append(out.PolicyRoles, iamapi.PolicyRole{RoleName: &e.Name, RoleId: &e.ID})
			}
		}
		return err
	})
	out.IsTruncated = new(out.Marker != nil)
	return out, err
}

// usersOf returns the entities that use a managed policy, each once.
func (s *Service) usersOf(ctx context.Context, r *store.Reader, e *record.Entity, in *iamapi.ListEntitiesForPolicyRequest) (list []*record.Entity, err error) {
	kinds := []string{store.IAMAttached, store.IAMBoundary}
	switch in.PolicyUsageFilter {
	case iamapi.PolicyUsageTypePermissionsPolicy:
		kinds = kinds[:1]
	case iamapi.PolicyUsageTypePermissionsBoundary:
		kinds = kinds[1:]
	}
	seen := map[string]bool{}
	for _, kind := range kinds {
		links, err := r.IAMLinksTo(ctx, kind, string(e.Ref()))
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if seen[l.Kind+"/"+l.Key] || in.EntityFilter != "" && title(l.Kind) != string(in.EntityFilter) {
				continue
			}
			seen[l.Kind+"/"+l.Key] = true
			user, err := find(ctx, r, l.Kind, l.Key)
			if err != nil {
				return nil, err
			}
			if strings.HasPrefix(user.Path, api.Val(in.PathPrefix)) {
				list = append(list, user)
			}
		}
	}
	slices.SortFunc(list, func(a, b *record.Entity) int { return strings.Compare(a.Kind+"/"+a.Key, b.Kind+"/"+b.Key) })
	return list, nil
}
