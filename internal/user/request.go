package user

import (
	"context"
	"errors"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/token"
)

// LoadClient loads the app client of a public operation and checks its secret.
func (s *Service) LoadClient(ctx context.Context, id, username string, secretHash *string) (*pool.Snapshot, *pool.Client, error) {
	sn, c, err := s.deps.Pools.LoadClient(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	audit.From(ctx).SetClient(sn.ID, c.ID)
	if err := c.CheckSecretHash(username, secretHash); err != nil {
		return nil, nil, err
	}
	return sn, c, nil
}

// TokenUser returns the principal of an access token and its user.
func (s *Service) TokenUser(ctx context.Context, accessToken string) (*token.Principal, *User, error) {
	p, err := s.deps.Tokens.Authenticate(ctx, accessToken)
	if err != nil {
		return nil, nil, err
	}
	if err := s.deps.Admit(ctx, p.User.ID); err != nil {
		return nil, nil, err
	}
	u, err := FromRecord(p.Pool, p.User)
	if err != nil {
		return nil, nil, err
	}
	return p, u, nil
}

// PoolUser returns the pool and the user that an administrator names.
func (s *Service) PoolUser(ctx context.Context, poolID, username string) (*pool.Snapshot, *User, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, nil, err
	}
	u, err := s.ResolveAdmin(ctx, sn, username)
	if err == nil {
		err = s.deps.Admit(ctx, u.ID())
	}
	return sn, u, err
}

// tracked returns the pool and the user that an administrator names. It rejects a pool that
// does not track sessions.
func (s *Service) tracked(ctx context.Context, poolID, username string) (*pool.Snapshot, *User, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return nil, nil, err
	}
	if err := sn.RequireTracking(); err != nil {
		return nil, nil, err
	}
	u, err := s.ResolveAdmin(ctx, sn, username)
	return sn, u, err
}

// Find resolves the user that a public operation names. If there is no such user,
// it returns a decoy where the client hides that, else UserNotFoundException.
func (s *Service) Find(ctx context.Context, sn *pool.Snapshot, client *pool.Client, name string) (*User, error) {
	u, err := s.ResolveHidden(ctx, sn, name)
	if err != nil {
		return nil, err
	}
	Note(ctx, u)
	if !u.decoy || client.PreventExistence {
		return u, nil
	}
	return nil, idp.UserNotFoundException("Username/client id combination not found.")
}

// AsUserNotFound turns store.ErrNotFound into UserNotFoundException.
func AsUserNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return userNotFound()
	}
	return err
}

// pageLife is how long a page token is valid (Cognito: ListUsers).
const pageLife = time.Hour

// defaultPage is the size of a page if the request names no size, or 0.
const defaultPage = 60

// PageSize returns how many entries of a list a request asks for.
func PageSize(limit *int32) int {
	if limit == nil || *limit == 0 {
		return defaultPage
	}
	return int(*limit)
}

// OpenPage returns the cursor of a page token, nil without a token.
func (s *Service) OpenPage(op string, bind []string, token *string) ([]byte, error) {
	if token == nil {
		return nil, nil
	}
	cursor, err := s.deps.Pages.Decode(op, bind, *token, s.deps.Now())
	if err != nil {
		return nil, InvalidPage(err)
	}
	return cursor, nil
}

// InvalidPage returns the error for a page token that does not belong to the list.
func InvalidPage(cause error) error {
	return idp.InvalidParameterException("Invalid pagination token provided").WithCause(cause)
}

// NextPage returns the page token for the rest of a list, after the cursor.
func (s *Service) NextPage(op string, bind []string, cursor []byte) *string {
	return new(s.deps.Pages.Encode(op, bind, cursor, s.deps.Now().Add(pageLife)))
}
