package user

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// This file calls the pool's functions on the way of an account. None is called
// with a transaction open: a function may take seconds, and may call back.

// EventAttributes are the user's attributes as events tell them; nobody has none.
func (u *User) EventAttributes(sn *pool.Snapshot) map[string]string {
	if u.decoy {
		return map[string]string{}
	}
	return sn.EventAttributes(u.ID(), u.Rec.Status, u.Attributes)
}

// EventName is the username as events tell it: of nobody, the name that was typed.
func (u *User) EventName() string {
	if u.decoy {
		return u.decoyName
	}
	return u.Username()
}

// preSignUp asks the pool's function, if there is one, whether the new user may
// come in. clientID "" is an administrator.
func (s *Service) preSignUp(ctx context.Context, sn *pool.Snapshot, clientID string, u *User, validation []idp.AttributeType, metadata map[string]string) (trigger.PreSignUpResponse, error) {
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

// free refuses a name that is taken already, so that no function is asked about
// somebody who cannot come in. What decides is the index, later. alias is the
// answer where another sign-in name is somebody's; nil where that name would
// move.
func (s *Service) free(ctx context.Context, sn *pool.Snapshot, u *User, taken error, alias NameConflict) error {
	_, err := s.deps.Store.UserByUsername(ctx, sn.ID, u.Rec.UsernameKey)
	if err == nil {
		return taken
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return clashOf(ctx, &s.deps.Store.Reader, sn, u.ID(), signInNames(sn, u.Attributes), alias)
}

// postConfirmation tells the pool's function, if there is one. What it is told
// stays done if it fails.
func (s *Service) postConfirmation(ctx context.Context, sn *pool.Snapshot, source, clientID string, u *User, metadata map[string]string) error {
	arn := sn.Triggers().PostConfirmation
	if arn == nil {
		return nil
	}
	return s.deps.Triggers.PostConfirmation(ctx, *arn, sn.Event(source, u.Username(), clientID), trigger.PostConfirmationRequest{
		UserAttributes: u.EventAttributes(sn), ClientMetadata: metadata,
	})
}

// admitted asks the pool's function about a sign-up and does what it says: the
// user is confirmed, and addresses are verified, before anything is stored.
func (s *Service) admitted(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, in *idp.SignUpRequest) error {
	if sn.Triggers().PreSignUp == nil {
		return nil
	}
	if err := s.free(ctx, sn, u, usernameExists(), func(string) error { return usernameExists() }); err != nil {
		return err
	}
	answer, err := s.preSignUp(ctx, sn, client.ID, u, in.ValidationData, in.ClientMetadata)
	if err != nil {
		return err
	}
	if answer.AutoConfirmUser {
		u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	}
	if answer.AutoVerifyEmail {
		u.Attributes[schema.VerifiedFlag(schema.Email)] = "true"
	}
	if answer.AutoVerifyPhone {
		u.Attributes[schema.VerifiedFlag(schema.PhoneNumber)] = "true"
	}
	return nil
}
