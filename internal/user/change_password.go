package user

import (
	"bytes"
	"context"
	"errors"
	"log/slog"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/protection"
	"cognate/internal/protection/origin"
	"cognate/internal/risk"
	"cognate/internal/store"
)

// PasswordChange says how a password is replaced.
type PasswordChange struct {
	Password  string
	Temporary bool
	Prefix    PolicyPrefix
	// Check, if set, runs before the new password is checked. It runs again if another
	// change of the password came in between. It may take long: no transaction is open.
	Check func(ctx context.Context, u *User) error
	// Then, if set, runs in the transaction that stores the password. It gets the user as
	// the transaction read it, and may change the user.
	Then func(ctx context.Context, tx *store.Tx, u *User) error
}

// ReplacePassword stores a new password that satisfies the pool's policy and history, and
// returns the user as stored. It computes the verifier outside the transaction. Of two
// concurrent changes, the later one sees the earlier one.
func (s *Service) ReplacePassword(ctx context.Context, sn *pool.Snapshot, u *User, c PasswordChange) (*User, error) {
	err := store.Again(ctx, func() error {
		if c.Check != nil {
			if err := c.Check(ctx, u); err != nil {
				return err
			}
		}
		sealed, err := s.SetPassword(ctx, sn, u, c.Password, c.Temporary, c.Prefix)
		if err != nil {
			return err
		}
		current, err := s.storePassword(ctx, sn, u, sealed, c.Then)
		if current != nil {
			u = current
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return u, nil
}

// storePassword stores the credential and returns the user as read in the transaction. It
// returns ErrConflict if the stored credential is not the one that the new credential was
// built on.
func (s *Service) storePassword(ctx context.Context, sn *pool.Snapshot, u *User, sealed []byte, then func(context.Context, *store.Tx, *User) error) (*User, error) {
	var current *User
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		current = e.User
		if !bytes.Equal(e.User.Rec.Credential, u.Rec.Credential) {
			return store.ErrConflict
		}
		if then != nil {
			if err := then(ctx, tx, e.User); err != nil {
				return err
			}
		}
		e.User.Rec.Credential = sealed
		return e.Save(ctx, AliasExists)
	})
	return current, err
}

// quotaChange bounds the changes of a user's password.
var quotaChange = risk.Quota{Kind: "change-password", Limit: 5}

func incorrectPassword() error {
	return idp.NotAuthorizedException("Incorrect username or password.").WithReason(api.ReasonWrongPassword)
}

// ChangePassword replaces the password of the token's user, who must send the old one. A
// user without a password sets the first, unless the user signs in at another provider.
func (s *Service) ChangePassword(ctx context.Context, in *idp.ChangePasswordRequest) (*idp.ChangePasswordResponse, error) {
	p, u, err := s.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := CheckOwnFactors(u.Rec.Status); err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		return s.codes.CountAttempt(ctx, tx, p.Pool, u.ID(), quotaChange)
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	event, err := s.Observe(ctx, idp.EventTypePasswordChange, p.Pool, p.Client, u, "", origin.Client{})
	if err != nil {
		return nil, err
	}
	_, err = s.ReplacePassword(ctx, p.Pool, u, PasswordChange{
		Password: in.ProposedPassword, Prefix: PolicyChange,
		Check: func(ctx context.Context, u *User) error {
			if err := s.provePassword(ctx, p.Pool, u, in.PreviousPassword); err != nil {
				return err
			}
			return s.CheckNewPassword(ctx, p.Pool, p.Client, event, in.ProposedPassword)
		},
		Then: func(ctx context.Context, tx *store.Tx, _ *User) error { return WriteEnd(ctx, tx, event, nil) },
	})
	if event.Compromised() && err != nil || api.ReasonOf(err) == api.ReasonWrongPassword {
		err = s.RecordFailure(ctx, event, err)
	}
	if err != nil {
		return nil, err
	}
	return &idp.ChangePasswordResponse{}, nil
}

// CheckNewPassword is CheckChoice for a change of the password. It tells the event of the change.
func (s *Service) CheckNewPassword(ctx context.Context, sn *pool.Snapshot, client *pool.Client, event *protection.Event, password string) error {
	known, err := s.CheckChoice(ctx, sn, client.ID, idp.EventFilterTypePasswordChange, PolicyChange, password)
	if known {
		event.FoundCompromised()
	}
	return err
}

// provePassword checks the current password as a sign-in does, with the same lock-out.
func (s *Service) provePassword(ctx context.Context, sn *pool.Snapshot, u *User, password *string) error {
	c, err := s.Credential(u)
	if err != nil {
		return err
	}
	if !c.HasPassword() {
		return nil
	}
	// The bearer of an access token is not a stranger.
	guess, err := s.deps.Lockouts.Begin(ctx, sn.ID, u.ID(), func(context.Context) (string, error) { return "token", nil })
	switch {
	case errors.Is(err, risk.ErrLocked):
		return idp.NotAuthorizedException("Password attempts exceeded").WithReason(api.ReasonLocked).WithCause(err)
	case errors.Is(err, risk.ErrBusy):
		return idp.TooManyRequestsException("Rate exceeded").WithReason(api.ReasonOverloaded).WithCause(err)
	case err != nil:
		return err
	}
	defer guess.Release()
	matches := false
	if password != nil {
		if matches, err = s.PasswordMatches(ctx, sn, u, c, *password); err != nil {
			return err
		}
	}
	if !matches {
		if err := guess.Failed(ctx); err != nil {
			return err
		}
		return incorrectPassword()
	}
	return guess.Succeeded(ctx)
}

// ForgetFailures ends the user's lock-out in the memory of this process, after a password
// was set. The transaction that set the password deleted the lock-out's row.
func (s *Service) ForgetFailures(ctx context.Context, sn *pool.Snapshot, u *User) {
	if err := s.deps.Lockouts.Clear(context.WithoutCancel(ctx), sn.ID, u.ID()); err != nil {
		s.deps.Log.WarnContext(ctx, "lock-out not cleared", slog.String("user", u.ID()), slog.Any("error", err))
	}
}
