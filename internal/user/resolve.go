package user

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// Resolve returns the user of a sign-in name: the exact username, else a name that the pool
// accepts in its place (Cognito: alias attributes, username attributes). A sub that is not
// the username is not a sign-in name. It returns store.ErrNotFound if there is no user.
func (s *Service) Resolve(ctx context.Context, sn *pool.Snapshot, name string) (*User, error) {
	rec, err := s.lookup(ctx, sn, name)
	if err != nil {
		return nil, err
	}
	return FromRecord(sn, rec)
}

// ResolveHidden is Resolve for clients that hide who exists (Cognito:
// PreventUserExistenceErrors): where there is no user it returns a decoy. Both
// outcomes take the same steps.
func (s *Service) ResolveHidden(ctx context.Context, sn *pool.Snapshot, name string) (*User, error) {
	decoy := s.Decoy(sn, name)
	aliasKey := ""
	if hasAliases(sn) {
		aliasKey = foldName(sn, name)
	}
	rec, err := s.deps.Store.LookupUserOrNext(ctx, sn.ID, sn.FoldUsername(name), aliasKey, decoy.ID())
	if errors.Is(err, store.ErrNotFound) {
		return decoy, s.dropNext(sn, rec)
	}
	if err != nil {
		return nil, err
	}
	return FromRecord(sn, rec)
}

// ResolveAdmin returns the user that an administrator names, by any sign-in name or by the
// sub. It returns UserNotFoundException if there is no user.
func (s *Service) ResolveAdmin(ctx context.Context, sn *pool.Snapshot, name string) (*User, error) {
	rec, err := s.lookup(ctx, sn, name)
	if errors.Is(err, store.ErrNotFound) && keys.IsUUID(name) {
		rec, err = s.deps.Store.User(ctx, sn.ID, name)
	}
	if errors.Is(err, store.ErrNotFound) {
		audit.From(ctx).SetTarget(audit.NoUser)
		return nil, userNotFound()
	}
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetTarget(rec.ID)
	return FromRecord(sn, rec)
}

func (s *Service) lookup(ctx context.Context, sn *pool.Snapshot, name string) (store.User, error) {
	if !hasAliases(sn) {
		return s.deps.Store.UserByUsername(ctx, sn.ID, sn.FoldUsername(name))
	}
	rec, _, err := s.deps.Store.LookupUser(ctx, sn.ID, sn.FoldUsername(name), foldName(sn, name))
	return rec, err
}

// hasAliases reports whether the pool has sign-in names besides the username.
func hasAliases(sn *pool.Snapshot) bool {
	return len(sn.AliasAttributes) > 0 || len(sn.UsernameAttributes) > 0
}

// foldName folds a name of unknown kind for the look-up. Folding is the same for email and
// preferred_username, and it changes no phone number.
func foldName(sn *pool.Snapshot, name string) string { return sn.FoldAlias(schema.Email, name) }

func userNotFound() error { return idp.UserNotFoundException("User does not exist.") }
