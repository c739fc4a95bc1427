package account

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

const defaultSession = 3600

// CreateRole makes a role.
func (s *Service) CreateRole(ctx context.Context, in *iamapi.CreateRoleRequest) (*iamapi.CreateRoleResponse, error) {
	e, err := record.New(store.IAMRole, in.RoleName, api.PathOf(api.Val(in.Path)), partition(ctx), s.deps.Now(), s.deps.Rand)
	if err != nil {
		return nil, err
	}
	e.Trust, e.Description, e.MaxSessionDuration = in.AssumeRolePolicyDocument, in.Description, defaultSession
	if in.MaxSessionDuration != nil {
		e.MaxSessionDuration = *in.MaxSessionDuration
	}
	if err := addTags(e, in.Tags); err != nil {
		return nil, err
	}
	err = s.create(ctx, e, func(tx *store.Tx) error {
		if err := s.parseTrust(ctx, &tx.Reader, e.Trust); err != nil {
			return err
		}
		return s.setBoundary(ctx, tx, e, in.PermissionsBoundary)
	})
	if err != nil {
		return nil, err
	}
	role, err := s.role(ctx, e)
	return &iamapi.CreateRoleResponse{Role: role}, err
}

// role returns a role as GetRole shows it.
func (s *Service) role(ctx context.Context, e *record.Entity) (*iamapi.Role, error) {
	role := s.listedRole(e)
	role.Tags = tagsOf(e)
	var err error
	role.PermissionsBoundary, err = s.boundaryOf(ctx, e)
	return &role, err
}

// listedRole returns a role as ListRoles shows it.
func (s *Service) listedRole(e *record.Entity) iamapi.Role {
	return iamapi.Role{
		Path: e.Path, RoleName: e.Name, RoleId: e.ID, Arn: e.ARN(s.deps.AccountID), CreateDate: e.CreatedAt,
		AssumeRolePolicyDocument: new(encoded(e.Trust)), Description: e.Description, MaxSessionDuration: new(e.MaxSessionDuration),
	}
}

// GetRole shows a role.
func (s *Service) GetRole(ctx context.Context, in *iamapi.GetRoleRequest) (*iamapi.GetRoleResponse, error) {
	e, err := find(ctx, &s.deps.Store.Reader, store.IAMRole, in.RoleName)
	if err != nil {
		return nil, err
	}
	role, err := s.role(ctx, e)
	if err != nil {
		return nil, err
	}
	role.RoleLastUsed = &iamapi.RoleLastUsed{}
	return &iamapi.GetRoleResponse{Role: role}, nil
}

// ListRoles lists roles by name.
func (s *Service) ListRoles(ctx context.Context, in *iamapi.ListRolesRequest) (*iamapi.ListRolesResponse, error) {
	list, next, err := s.list(ctx, &s.deps.Store.Reader, store.IAMRole, api.Val(in.PathPrefix), place{op: "ListRoles", marker: in.Marker, max: in.MaxItems})
	out := &iamapi.ListRolesResponse{Roles: []iamapi.Role{}, IsTruncated: new(next != nil), Marker: next}
	for _, e := range list {
		out.Roles = append(out.Roles, s.listedRole(e))
	}
	return out, err
}

// UpdateRole changes the description and the longest session of a role.
func (s *Service) UpdateRole(ctx context.Context, in *iamapi.UpdateRoleRequest) (*iamapi.UpdateRoleResponse, error) {
	err := s.edit(ctx, store.IAMRole, in.RoleName, func(_ *store.Tx, e *record.Entity) error {
		if in.Description != nil {
			e.Description = in.Description
		}
		if in.MaxSessionDuration != nil {
			e.MaxSessionDuration = *in.MaxSessionDuration
		}
		return nil
	})
	return &iamapi.UpdateRoleResponse{}, err
}

// UpdateRoleDescription changes the description of a role.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *iamapi.UpdateRoleDescriptionRequest) (*iamapi.UpdateRoleDescriptionResponse, error) {
	var changed *record.Entity
	err := s.edit(ctx, store.IAMRole, in.RoleName, func(_ *store.Tx, e *record.Entity) error {
		e.Description, changed = &in.Description, e
		return nil
	})
	if err != nil {
		return nil, err
	}
	role, err := s.role(ctx, changed)
	return &iamapi.UpdateRoleDescriptionResponse{Role: role}, err
}

// UpdateAssumeRolePolicy changes the trust policy of a role.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *iamapi.UpdateAssumeRolePolicyRequest) error {
	return s.edit(ctx, store.IAMRole, in.RoleName, func(tx *store.Tx, e *record.Entity) error {
		e.Trust = in.PolicyDocument
		return s.parseTrust(ctx, &tx.Reader, e.Trust)
	})
}

// DeleteRole removes a role without policies.
func (s *Service) DeleteRole(ctx context.Context, in *iamapi.DeleteRoleRequest) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := find(ctx, &tx.Reader, store.IAMRole, in.RoleName)
		if err != nil {
			return err
		}
		return remove(ctx, tx, e)
	})
}

// remove deletes a user, a group or a role that has no policies.
func remove(ctx context.Context, tx *store.Tx, e *record.Entity) error {
	attached, err := tx.IAMLinks(ctx, e.Kind, e.Key, store.IAMAttached)
	if err != nil {
		return err
	}
	if len(attached) > 0 {
		return iamapi.DeleteConflictException("Cannot delete entity, must detach all policies first.")
	}
	if len(e.Inline) > 0 {
		return iamapi.DeleteConflictException("Cannot delete entity, must delete policies first.")
	}
	if err := clearLinks(ctx, tx, e, store.IAMBoundary); err != nil {
		return err
	}
	return tx.DeleteIAMEntity(ctx, e.Kind, e.Key)
}

// clearLinks removes the references of an entity.
func clearLinks(ctx context.Context, tx *store.Tx, e *record.Entity, link string) error {
	list, err := tx.IAMLinks(ctx, e.Kind, e.Key, link)
	if err != nil {
		return err
	}
	for _, l := range list {
		if err := tx.RemoveIAMLink(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// ListInstanceProfilesForRole lists nothing: there are no instance profiles.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *iamapi.ListInstanceProfilesForRoleRequest) (*iamapi.ListInstanceProfilesForRoleResponse, error) {
	if _, err := find(ctx, &s.deps.Store.Reader, store.IAMRole, in.RoleName); err != nil {
		return nil, err
	}
	return &iamapi.ListInstanceProfilesForRoleResponse{InstanceProfiles: []iamapi.InstanceProfile{}, IsTruncated: new(false)}, nil
}

// boundaryType is what answers say, although the model has another value.
const boundaryType = iamapi.PermissionsBoundaryAttachmentTypePolicy

// setBoundary makes a managed policy the permissions boundary of an entity; nil leaves it
// as it is.
func (s *Service) setBoundary(ctx context.Context, tx *store.Tx, e *record.Entity, arn *string) error {
	if arn == nil {
		return nil
	}
	ref, err := s.refOf(ctx, &tx.Reader, *arn)
	if err != nil {
		return err
	}
	if err := clearLinks(ctx, tx, e, store.IAMBoundary); err != nil {
		return err
	}
	return tx.AddIAMLink(ctx, store.IAMLink{Kind: e.Kind, Key: e.Key, Link: store.IAMBoundary, Target: string(ref)})
}

// boundaryOf returns the permissions boundary of an entity, or nil.
func (s *Service) boundaryOf(ctx context.Context, e *record.Entity) (*iamapi.AttachedPermissionsBoundary, error) {
	list, err := s.deps.Store.IAMLinks(ctx, e.Kind, e.Key, store.IAMBoundary)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	p, err := s.deps.IAM.ReadPolicy(ctx, &s.deps.Store.Reader, record.PolicyRef(list[0].Target))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil // It was deleted in between.
	}
	if err != nil {
		return nil, err
	}
	return &iamapi.AttachedPermissionsBoundary{PermissionsBoundaryType: boundaryType, PermissionsBoundaryArn: new(s.policyARN(ctx, p))}, nil
}

func (s *Service) putBoundary(ctx context.Context, kind, name, arn string) error {
	return s.edit(ctx, kind, name, func(tx *store.Tx, e *record.Entity) error { return s.setBoundary(ctx, tx, e, &arn) })
}

func (s *Service) deleteBoundary(ctx context.Context, kind, name string) error {
	return s.edit(ctx, kind, name, func(tx *store.Tx, e *record.Entity) error { return clearLinks(ctx, tx, e, store.IAMBoundary) })
}

// PutRolePermissionsBoundary sets the permissions boundary of a role.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, in *iamapi.PutRolePermissionsBoundaryRequest) error {
	return s.putBoundary(ctx, store.IAMRole, in.RoleName, in.PermissionsBoundary)
}

// DeleteRolePermissionsBoundary removes the permissions boundary of a role.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, in *iamapi.DeleteRolePermissionsBoundaryRequest) error {
	return s.deleteBoundary(ctx, store.IAMRole, in.RoleName)
}

// PutUserPermissionsBoundary sets the permissions boundary of a user.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, in *iamapi.PutUserPermissionsBoundaryRequest) error {
	return s.putBoundary(ctx, store.IAMUser, in.UserName, in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary removes the permissions boundary of a user.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, in *iamapi.DeleteUserPermissionsBoundaryRequest) error {
	return s.deleteBoundary(ctx, store.IAMUser, in.UserName)
}
