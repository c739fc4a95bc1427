package user

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// NewUser makes a user, who is not stored yet, from the name and attributes of a
// sign-up. client is nil for an administrator.
func (s *Service) NewUser(sn *pool.Snapshot, client *pool.Client, name string, list []idp.AttributeType, status idp.UserStatusType) (*User, error) {
	id := keys.NewUUID()
	username, implied, err := StoredUsername(sn, name, id)
	if err != nil {
		return nil, err
	}
	attrs, err := NewAttributes(sn, client, list, implied)
	if err != nil {
		return nil, err
	}
	if status == idp.UserStatusTypeUnconfirmed && attrs[schema.PreferredUsername] != "" && isNameKind(sn, schema.PreferredUsername) {
		return nil, unconfirmedPreferredUsername()
	}
	now := s.deps.Now()
	return &User{
		Rec: store.User{
			PoolID: sn.ID, ID: id, Username: username, UsernameKey: sn.FoldUsername(username),
			Status: string(status), Enabled: true, CreatedAt: now, ModifiedAt: now,
		},
		Attributes: attrs,
	}, nil
}

// StoredUsername returns the username to store for a name, and the attribute that the
// name implies. In a pool whose usernames are addresses, the stored username is the
// sub. In other pools a name must not look like an alias (Cognito: sign-in with
// aliases). A case-insensitive pool stores lower case.
func StoredUsername(sn *pool.Snapshot, name, sub string) (username string, implied map[string]string, err error) {
	byEmail, byPhone := sn.UsernameAttributes.Has(schema.Email), sn.UsernameAttributes.Has(schema.PhoneNumber)
	switch {
	case byEmail && schema.IsEmail(name):
		return sub, map[string]string{schema.Email: name}, nil
	case byPhone && schema.IsPhone(name):
		return sub, map[string]string{schema.PhoneNumber: name}, nil
	case byEmail && byPhone:
		return "", nil, idp.InvalidParameterException("Username should be either an email or a phone number.")
	case byEmail:
		return "", nil, idp.InvalidParameterException("Username should be an email.")
	case byPhone:
		return "", nil, idp.InvalidParameterException("Username should be a phone number.")
	case sn.AliasAttributes.Has(schema.Email) && schema.IsEmail(name):
		return "", nil, idp.InvalidParameterException("Username cannot be of email format, since user pool is configured for email alias.")
	case sn.AliasAttributes.Has(schema.PhoneNumber) && schema.IsPhone(name):
		return "", nil, idp.InvalidParameterException("Username cannot be of phone number format, since user pool is configured for phone number alias.")
	}
	return sn.FoldUsername(name), nil, nil
}

// PasswordOptional reports whether a user can be without a password: codes to one of the
// usable addresses are a way to sign in.
func PasswordOptional(sn *pool.Snapshot, usable func(attr string) bool) bool {
	return sn.AllowsFirstFactor(idp.AuthFactorTypeEmailOtp) && usable(schema.Email) ||
		sn.AllowsFirstFactor(idp.AuthFactorTypeSmsOtp) && usable(schema.PhoneNumber)
}

// An Insertion says which sign-in names a new user has, and what happens to names that
// another user has.
type Insertion struct {
	// Names are stored with the user's row. If another user has one, nothing is written.
	Names []store.Name
	// Taken returns the error for a username, or one of Names, that is another user's.
	// what is "username" or "name".
	Taken func(what string) error
	// Conflict decides about the sign-in names that follow from the user's attributes
	// and are not in Names. They are claimed one by one after the row.
	Conflict ConflictRule
}

// Insert stores a new user and claims the sign-in names. The unique indexes decide
// between concurrent transactions.
func (s *Service) Insert(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, in Insertion) error {
	rec, err := u.Record()
	if err != nil {
		return err
	}
	e := &Edit{s: s, tx: tx, sn: sn, User: u}
	if err := e.checkShadows(ctx, in); err != nil {
		return err
	}
	err = tx.InsertUser(ctx, rec, in.Names)
	if exists, ok := errors.AsType[*store.ExistsError](err); ok {
		return in.Taken(exists.What)
	}
	if err != nil {
		return err
	}
	for _, name := range SignInNames(sn, u) {
		if slices.Contains(in.Names, name) {
			continue
		}
		if err := e.claim(ctx, name, in.Conflict); err != nil {
			return err
		}
	}
	return nil
}

// checkShadows rejects a new username that is the sub or the preferred_username of
// another user, and a preferred_username that is another user's username or sub. One of
// the two would never be found by it: see isSub, and Resolve for the order of names.
func (e *Edit) checkShadows(ctx context.Context, in Insertion) error {
	rec := &e.User.Rec
	if rec.UsernameKey != rec.ID {
		if sub, err := isSub(ctx, e.tx, e.sn, rec.UsernameKey); err != nil || sub {
			if err == nil {
				err = in.Taken("username")
			}
			return err
		}
	}
	if !e.sn.AliasAttributes.Has(schema.PreferredUsername) {
		return nil
	}
	if err := e.tx.TurnOfName(ctx, e.sn.ID, rec.UsernameKey); err != nil {
		return err
	}
	same := []store.Name{{Kind: schema.PreferredUsername, Value: rec.UsernameKey}}
	if err := NameConflict(ctx, &e.tx.Reader, e.sn, rec.ID, same, func(string) error { return in.Taken("username") }); err != nil {
		return err
	}
	for _, name := range in.Names {
		if err := e.notUsername(ctx, name, in.Conflict); err != nil {
			return err
		}
	}
	return nil
}

// isSub reports whether the name is the sub of a user of the pool. No other user may
// have this name: administrators name users by sub as well as by name (ResolveAdmin),
// and must not change the wrong user. Only names that look like a sub cost a look-up.
func isSub(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, name string) (bool, error) {
	if !keys.IsUUID(name) {
		return false, nil
	}
	_, err := tx.User(ctx, sn.ID, name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
