package user

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// newUser makes a user who is not stored yet from the name and attributes of a
// sign-up or, with a nil client, of an administrator.
func (s *Service) newUser(sn *pool.Snapshot, client *pool.Client, name string, list []idp.AttributeType, status idp.UserStatusType) (*User, error) {
	id := keys.NewUUID()
	username, implied, err := storedUsername(sn, name, id)
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

// storedUsername returns the username to store and the attribute that the name
// given implies. In a pool whose usernames are addresses the stored one is the
// sub; in others a name must not look like an alias (Cognito: sign-in with
// aliases). Case-insensitive pools store lower case.
func storedUsername(sn *pool.Snapshot, name, sub string) (username string, implied map[string]string, err error) {
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

// insert stores a new user with the sign-in names that he has from the start.
// taken is the answer where the username, or a name in a pool whose usernames
// are addresses, is another's. The unique indexes decide.
func (s *Service) insert(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, names []store.Name, taken func(what string) error) error {
	rec, err := u.Record()
	if err != nil {
		return err
	}
	if rec.UsernameKey != rec.ID {
		if sub, err := isSub(ctx, tx, sn, rec.UsernameKey); err != nil || sub {
			if err == nil {
				err = taken("username")
			}
			return err
		}
	}
	if sn.AliasAttributes.Has(schema.PreferredUsername) {
		if err := tx.TurnOfName(ctx, sn.ID, rec.UsernameKey); err != nil {
			return err
		}
	}
	err = tx.InsertUser(ctx, rec, names)
	if exists, ok := errors.AsType[*store.ExistsError](err); ok {
		return taken(exists.What)
	}
	if err == nil && sn.AliasAttributes.Has(schema.PreferredUsername) {
		// The username comes first when names are resolved: it must not take over
		// what somebody else signs in by.
		same := []store.Name{{Kind: schema.PreferredUsername, Value: rec.UsernameKey}}
		return clashOf(ctx, &tx.Reader, sn, u.ID(), same, func(string) error { return taken("username") })
	}
	return err
}

// isSub reports whether the name is the sub of a user of the pool. Nobody else may
// go by it: administrators name users by sub as well as by name (ResolveAdmin),
// and what they do to one must not be done to the other. Only names that look
// like a sub cost the look-up.
func isSub(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, name string) (bool, error) {
	if !isUUID(name) {
		return false, nil
	}
	_, err := tx.User(ctx, sn.ID, name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
