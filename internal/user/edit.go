package user

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
)

// An Edit is a user who was read in a transaction, to be changed and stored in the same
// transaction.
type Edit struct {
	s      *Service
	tx     *store.Tx
	sn     *pool.Snapshot
	User   *User
	before []store.Name
}

// Edit reads a user in the transaction. It returns UserNotFoundException if the user was
// deleted.
func (s *Service) Edit(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string) (*Edit, error) {
	rec, err := tx.User(ctx, sn.ID, userID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, userNotFound()
	}
	if err != nil {
		return nil, err
	}
	u, err := FromRecord(sn, rec)
	if err != nil {
		return nil, err
	}
	return &Edit{s: s, tx: tx, sn: sn, User: u, before: SignInNames(sn, u)}, nil
}

// Save stores the user and the sign-in names that follow from the attributes. It drops old
// names first, so that a user can swap two of them.
func (e *Edit) Save(ctx context.Context, decide ConflictRule) error {
	after := SignInNames(e.sn, e.User)
	for _, old := range e.before {
		if !slices.Contains(after, old) {
			if err := e.tx.DropName(ctx, e.sn.ID, e.User.ID(), old.Kind); err != nil {
				return err
			}
		}
	}
	for _, name := range after {
		if !slices.Contains(e.before, name) {
			if err := e.claim(ctx, name, decide); err != nil {
				return err
			}
		}
	}
	e.User.touch(e.s.deps.Now())
	return e.Put(ctx)
}

// SignOut ends the user's tokens and sessions with the next Save or Put.
func (e *Edit) SignOut(ctx context.Context) error {
	token.SignOut(&e.User.Rec, e.s.deps.Now())
	return e.tx.DeleteUserSessions(ctx, e.sn.ID, e.User.ID())
}

// RequireReset makes the user set a new password, because attackers know the present one. It stops working.
func (s *Service) RequireReset(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, userID string) error {
	e, err := s.Edit(ctx, tx, sn, userID)
	if err != nil {
		return err
	}
	e.User.Rec.Status = string(idp.UserStatusTypeResetRequired)
	return e.Save(ctx, AliasExists)
}

// Put stores the user's row alone, without a new date of modification.
func (e *Edit) Put(ctx context.Context) error {
	rec, err := e.User.Record()
	if err != nil {
		return err
	}
	return e.tx.UpdateUser(ctx, rec)
}
