package signin

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/registration"
)

// resolveOrMigrate finds who signs in by a plain password. The pool's function
// UserMigration is asked about a name that nobody has.
func (s *Service) resolveOrMigrate(ctx context.Context, c *call, name, password string) (*user.User, error) {
	if registration.Migrates(c.pool) {
		_, err := s.users.Resolve(ctx, c.pool, name)
		if errors.Is(err, store.ErrNotFound) {
			return s.migrate(ctx, c, name, password)
		}
		if err != nil {
			return nil, err
		}
	}
	return s.resolve(ctx, c, name)
}

// migrate asks the pool's function for the user. A call of it is an attempt at
// a password like another: it is held back by the failures at this name, and
// counts as one where the function refuses. A client that hides who exists goes
// on with a decoy, whose check of the password counts the failure.
func (s *Service) migrate(ctx context.Context, c *call, name, password string) (*user.User, error) {
	nobody := s.users.Decoy(c.pool, name)
	c.noteUser(ctx, nobody)
	attempt, err := s.attempt(ctx, c, nobody)
	if err != nil {
		return nil, err
	}
	u, err := s.registrations.Migrate(ctx, c.pool, c.client, registration.Migration{
		Name: name, Password: password, Validation: c.validation, Metadata: c.metadata,
	})
	switch {
	case err == nil:
		c.noteUser(ctx, u)
		return u, attempt.Succeeded(ctx)
	case errors.Is(err, store.ErrNotFound):
		err = userNotFound()
	case api.CodeOf(err) != idp.CodeUserNotFoundException:
		attempt.Release()
		return nil, asFunctionError(err)
	}
	if c.client.PreventExistence {
		c.pendingAttempt = attempt
		return nobody, nil
	}
	if err := attempt.Failed(ctx); err != nil {
		return nil, err
	}
	return nil, err
}

// migrateInTurn is migrate for a password that answers a challenge, where the
// state is of a name that the pool did not have. A user whose existence the client
// must not learn stays masked.
func (s *Service) migrateInTurn(ctx context.Context, c *call, u *user.User, st *state, password string) (*user.User, *state, error) {
	if c.response == nil || !u.IsDecoy() || !registration.Migrates(c.pool) {
		return u, st, nil
	}
	if _, err := s.users.Resolve(ctx, c.pool, st.Name); !errors.Is(err, store.ErrNotFound) {
		return u, st, err
	}
	m, err := s.migrate(ctx, c, st.Name, password)
	if err != nil || m.IsDecoy() {
		return u, st, err
	}
	next := *st
	next.UserID, next.Name, next.Decoy = m.ID(), m.Username(), false
	return m, &next, nil
}
