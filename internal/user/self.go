package user

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// GetUser returns the token's user with the attributes that the app client may read.
func (s *Service) GetUser(ctx context.Context, in *idp.GetUserRequest) (*idp.GetUserResponse, error) {
	p, u, err := s.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	out := &idp.GetUserResponse{
		Username:       u.Username(),
		UserAttributes: u.AttributeList(func(name string) bool { return MayRead(p.Pool, p.Client, name) }),
	}
	out.MFAOptions, out.PreferredMfaSetting, out.UserMFASettingList = u.MFASettings()
	return out, nil
}

// MFASettings returns the user's factors as GetUser and AdminGetUser show them.
func (u *User) MFASettings() (legacy []idp.MFAOptionType, preferred *string, enabled []string) {
	if u.MFA.LegacySMS {
		legacy = []idp.MFAOptionType{{DeliveryMedium: idp.DeliveryMediumTypeSms, AttributeName: new(schema.PhoneNumber)}}
	}
	if u.MFA.Preferred != "" {
		preferred = new(u.MFA.Preferred)
	}
	return legacy, preferred, u.MFA.Enabled
}

// UpdateUserAttributes changes attributes of the token's user.
func (s *Service) UpdateUserAttributes(ctx context.Context, in *idp.UpdateUserAttributesRequest) (*idp.UpdateUserAttributesResponse, error) {
	p, u, err := s.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	details, err := s.UpdateAttributes(ctx, p.Pool, p.Client, u.ID(), in.UserAttributes, in.ClientMetadata)
	if err != nil {
		return nil, err
	}
	return &idp.UpdateUserAttributesResponse{CodeDeliveryDetailsList: details}, nil
}

// DeleteUserAttributes removes attributes of the token's user.
func (s *Service) DeleteUserAttributes(ctx context.Context, in *idp.DeleteUserAttributesRequest) (*idp.DeleteUserAttributesResponse, error) {
	p, u, err := s.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := s.DeleteAttributes(ctx, p.Pool, p.Client, u.ID(), in.UserAttributeNames); err != nil {
		return nil, err
	}
	return &idp.DeleteUserAttributesResponse{}, nil
}

// DeleteUser removes the token's user with all that belongs to it.
func (s *Service) DeleteUser(ctx context.Context, in *idp.DeleteUserRequest) error {
	p, u, err := s.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return err
	}
	return s.remove(ctx, p.Pool, u)
}

// remove deletes a user. The user's tokens stop working.
func (s *Service) remove(ctx context.Context, sn *pool.Snapshot, u *User) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return s.Delete(ctx, tx, sn, u.ID()) }, store.Retry)
	if errors.Is(err, store.ErrNotFound) {
		return userNotFound()
	}
	if err != nil {
		return err
	}
	s.ForgetFailures(ctx, sn, u)
	return nil
}

// Delete deletes a user with all rows of the user, also those that another service keeps. It
// returns store.ErrNotFound if there is no such user.
func (s *Service) Delete(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string) error {
	if err := tx.DeleteUser(ctx, sn.ID, userID); err != nil || s.deps.Deleted == nil {
		return err
	}
	return s.deps.Deleted(ctx, tx, sn, userID)
}
