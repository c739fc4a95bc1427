package user

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// This file calls the pool's functions for new accounts. No function is called while a
// transaction is open: a function may take seconds and may call this server.

// EventAttributes returns the user's attributes as events show them. A decoy has no attributes.
func (u *User) EventAttributes(sn *pool.Snapshot) map[string]string {
	if u.decoy {
		return map[string]string{}
	}
	return sn.EventAttributes(u.ID(), u.Rec.Status, u.Attributes)
}

// EventName returns the username as events show it. For a decoy it is the name that was
// typed.
func (u *User) EventName() string {
	if u.decoy {
		return u.decoyName
	}
	return u.Username()
}

// PreSignUp calls the pool's function PreSignUp, if there is one, which can reject the
// new user. clientID is "" for an administrator.
func (s *Service) PreSignUp(ctx context.Context, sn *pool.Snapshot, clientID string, u *User, validation []idp.AttributeType, metadata map[string]string) (trigger.PreSignUpResponse, error) {
	arn := sn.Triggers().PreSignUp
	if arn == nil {
		return trigger.PreSignUpResponse{}, nil
	}
	source := trigger.SourceSignUp
	if clientID == "" {
		source = trigger.SourceAdminCreateUser
	}
	return s.deps.Triggers.PreSignUp(ctx, *arn, sn.Event(source, u.Username(), clientID), trigger.PreSignUpRequest{
		UserAttributes: u.Attributes, ValidationData: validationData(validation), ClientMetadata: metadata,
	})
}

func validationData(list []idp.AttributeType) map[string]string {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]string, len(list))
	for _, a := range list {
		m[a.Name] = api.Val(a.Value)
	}
	return m
}

// CheckNameFree rejects a user whose name is another user's, so that no function is
// asked about a user who cannot be stored. It only looks ahead: the unique indexes
// decide later. taken is the error for the username, alias decides about the other
// sign-in names.
func (s *Service) CheckNameFree(ctx context.Context, sn *pool.Snapshot, u *User, taken error, alias ConflictRule) error {
	_, err := s.deps.Store.UserByUsername(ctx, sn.ID, u.Rec.UsernameKey)
	if err == nil {
		return taken
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return NameConflict(ctx, &s.deps.Store.Reader, sn, u.ID(), SignInNames(sn, u), alias)
}

// PostConfirmation calls the pool's function PostConfirmation, if there is one. The
// confirmation stays even if the function fails.
func (s *Service) PostConfirmation(ctx context.Context, sn *pool.Snapshot, source, clientID string, u *User, metadata map[string]string) error {
	arn := sn.Triggers().PostConfirmation
	if arn == nil {
		return nil
	}
	return s.deps.Triggers.PostConfirmation(ctx, *arn, sn.Event(source, u.Username(), clientID), trigger.PostConfirmationRequest{
		UserAttributes: u.EventAttributes(sn), ClientMetadata: metadata,
	})
}
