package user

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/user/codes"
)

// AdminGetUser shows a user with all attributes.
func (s *Service) AdminGetUser(ctx context.Context, in *idp.AdminGetUserRequest) (*idp.AdminGetUserResponse, error) {
	_, u, err := s.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	out := &idp.AdminGetUserResponse{
		Username: u.Username(), UserAttributes: u.AttributeList(nil), Enabled: new(u.Rec.Enabled),
		UserStatus: u.Status(), UserCreateDate: u.Rec.CreatedAt, UserLastModifiedDate: u.Rec.ModifiedAt,
	}
	out.MFAOptions, out.PreferredMfaSetting, out.UserMFASettingList = u.MFASettings()
	return out, nil
}

// AdminDeleteUser removes a user with all that belongs to it.
func (s *Service) AdminDeleteUser(ctx context.Context, in *idp.AdminDeleteUserRequest) error {
	sn, u, err := s.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return err
	}
	return s.remove(ctx, sn, u)
}

// AdminEnableUser lets a user sign in again. Tokens that were revoked stay revoked.
func (s *Service) AdminEnableUser(ctx context.Context, in *idp.AdminEnableUserRequest) (*idp.AdminEnableUserResponse, error) {
	if err := s.setEnabled(ctx, in.UserPoolId, in.Username, true); err != nil {
		return nil, err
	}
	return &idp.AdminEnableUserResponse{}, nil
}

// AdminDisableUser keeps a user from signing in and revokes all tokens.
func (s *Service) AdminDisableUser(ctx context.Context, in *idp.AdminDisableUserRequest) (*idp.AdminDisableUserResponse, error) {
	if err := s.setEnabled(ctx, in.UserPoolId, in.Username, false); err != nil {
		return nil, err
	}
	return &idp.AdminDisableUserResponse{}, nil
}

func (s *Service) setEnabled(ctx context.Context, poolID, username string, enabled bool) error {
	sn, u, err := s.PoolUser(ctx, poolID, username)
	if err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if !enabled {
			if err := s.deps.Tokens.RevokeUser(ctx, tx, sn.ID, u.ID()); err != nil {
				return AsUserNotFound(err)
			}
		}
		e, err := s.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		if e.User.Rec.Enabled == enabled {
			return nil
		}
		e.User.Rec.Enabled = enabled
		return e.Save(ctx, AliasExists)
	}, store.Retry)
}

// AdminUserGlobalSignOut revokes all tokens of a user.
func (s *Service) AdminUserGlobalSignOut(ctx context.Context, in *idp.AdminUserGlobalSignOutRequest) (*idp.AdminUserGlobalSignOutResponse, error) {
	sn, u, err := s.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return AsUserNotFound(s.deps.Tokens.RevokeUser(ctx, tx, sn.ID, u.ID()))
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	return &idp.AdminUserGlobalSignOutResponse{}, nil
}

// AdminSetUserPassword sets a permanent password, or a temporary one that the user must
// change at the next sign-in. It also ends the user's password-reset code and lock-out.
func (s *Service) AdminSetUserPassword(ctx context.Context, in *idp.AdminSetUserPasswordRequest) (*idp.AdminSetUserPasswordResponse, error) {
	sn, u, err := s.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	permanent := api.Val(in.Permanent)
	u, err = s.ReplacePassword(ctx, sn, u, PasswordChange{
		Password: in.Password, Temporary: !permanent, Prefix: PolicyChange,
		Then: func(ctx context.Context, tx *store.Tx, u *User) error {
			u.Rec.Status = string(idp.UserStatusTypeForceChangePassword)
			if permanent {
				u.Rec.Status = string(idp.UserStatusTypeConfirmed)
			}
			if err := tx.DropCode(ctx, sn.ID, u.ID(), codes.PurposeResetPassword); err != nil {
				return err
			}
			return tx.ClearLockout(ctx, sn.ID, u.ID())
		},
	})
	if err != nil {
		return nil, err
	}
	s.ForgetFailures(ctx, sn, u)
	return &idp.AdminSetUserPasswordResponse{}, nil
}

// AdminUpdateUserAttributes changes attributes of a user. An administrator can also set
// the verified flag of an address.
func (s *Service) AdminUpdateUserAttributes(ctx context.Context, in *idp.AdminUpdateUserAttributesRequest) (*idp.AdminUpdateUserAttributesResponse, error) {
	sn, u, err := s.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if _, err := s.UpdateAttributes(ctx, sn, nil, u.ID(), in.UserAttributes, in.ClientMetadata); err != nil {
		return nil, err
	}
	return &idp.AdminUpdateUserAttributesResponse{}, nil
}

// AdminDeleteUserAttributes removes attributes of a user.
func (s *Service) AdminDeleteUserAttributes(ctx context.Context, in *idp.AdminDeleteUserAttributesRequest) (*idp.AdminDeleteUserAttributesResponse, error) {
	sn, u, err := s.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	if err := s.DeleteAttributes(ctx, sn, nil, u.ID(), slices.Clone(in.UserAttributeNames)); err != nil {
		return nil, err
	}
	return &idp.AdminDeleteUserAttributesResponse{}, nil
}
