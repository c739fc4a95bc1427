package store

import (
	"context"
	"errors"
	"fmt"
)

// A nameColumn is the column of one kind of sign-in name, and its statements.
type nameColumn struct {
	kind                   string
	owner, user, set, drop *statement
}

var nameKinds = []nameColumn{
	newNameColumn(NameEmail, "alias_email"),
	newNameColumn(NamePhoneNumber, "alias_phone"),
	newNameColumn(NamePreferredUsername, "alias_preferred"),
}

var namesOf = prepare("SELECT alias_email, alias_phone, alias_preferred FROM users WHERE pool_id = ? AND id = ?")

func newNameColumn(kind, column string) nameColumn {
	return nameColumn{
		kind:  kind,
		owner: prepare("SELECT id FROM users WHERE " + column + " IS NOT NULL AND pool_id = ? AND " + column + " = ?"),
		user:  prepare("SELECT record FROM users WHERE " + column + " IS NOT NULL AND pool_id = ? AND " + column + " = ?"),
		set:   prepare("UPDATE users SET " + column + " = ? WHERE pool_id = ? AND id = ?"),
		drop:  prepare("UPDATE users SET " + column + " = NULL WHERE pool_id = ? AND id = ?"),
	}
}

// nameKind returns a name's place, and refuses one that no index entry can hold.
func nameKind(n Name) (int, error) {
	if n.Value == "" || len(n.Value) > 2048 {
		return 0, fmt.Errorf("%w: a sign-in name has 1 to 2048 bytes", ErrText)
	}
	return kindIndex(n.Kind)
}

func kindIndex(kind string) (int, error) {
	for i := range nameKinds {
		if nameKinds[i].kind == kind {
			return i, nil
		}
	}
	return 0, fmt.Errorf("store: no kind of name is called %q", kind)
}

// UserByName reads the user who has a name of one of the kinds, the earlier kind first.
func (r *Reader) UserByName(ctx context.Context, poolID string, kinds []string, value string) (User, error) {
	for _, kind := range kinds {
		i, err := kindIndex(kind)
		if err != nil {
			return User{}, err
		}
		u, err := first(ctx, r, nameKinds[i].user, []any{poolID, value}, scanUsers(poolID))
		if !errors.Is(err, ErrNotFound) {
			return u, err
		}
	}
	return User{}, ErrNotFound
}

// NameOwner returns the id of the user who has a name.
func (r *Reader) NameOwner(ctx context.Context, poolID, kind, value string) (userID string, err error) {
	i, err := kindIndex(kind)
	if err != nil {
		return "", err
	}
	err = r.one(ctx, nameKinds[i].owner, []any{poolID, value}, &userID)
	return userID, err
}

// NamesOf lists a user's sign-in names, the username left out.
func (r *Reader) NamesOf(ctx context.Context, poolID, userID string) ([]Name, error) {
	values := make([]*string, len(nameKinds))
	if err := r.one(ctx, namesOf, []any{poolID, userID}, &values[0], &values[1], &values[2]); err != nil {
		return nil, err
	}
	var names []Name
	for i, v := range values {
		if v != nil {
			names = append(names, Name{Kind: nameKinds[i].kind, Value: *v})
		}
	}
	return names, nil
}

// PutName sets a name of a user, in place of the user's former name of that kind. It returns ExistsError "name" if the
// name is another user's.
func (tx *Tx) PutName(ctx context.Context, poolID, userID string, n Name) error {
	i, err := nameKind(n)
	if err != nil {
		return err
	}
	owner, err := tx.NameOwner(ctx, poolID, n.Kind, n.Value)
	switch {
	case err == nil && owner == userID:
		return nil
	case err == nil:
		return &ExistsError{What: "name"}
	case !errors.Is(err, ErrNotFound):
		return err
	}
	// Another transaction that takes the name at the same time makes PostgreSQL answer a unique violation, after which
	// the transaction is run again and finds the owner.
	return tx.change(ctx, ErrNotFound, nameKinds[i].set, n.Value, poolID, userID)
}

// TakeName sets a name of a user, even if it is another user's. It returns the id of the user who lost the name, or "".
func (tx *Tx) TakeName(ctx context.Context, poolID, userID string, n Name) (from string, err error) {
	i, err := nameKind(n)
	if err != nil {
		return "", err
	}
	from, err = tx.NameOwner(ctx, poolID, n.Kind, n.Value)
	switch {
	case err == nil && from == userID:
		return "", nil
	case err == nil:
		if err := tx.run(ctx, nameKinds[i].drop, poolID, from); err != nil {
			return "", err
		}
	case !errors.Is(err, ErrNotFound):
		return "", err
	}
	return from, tx.change(ctx, ErrNotFound, nameKinds[i].set, n.Value, poolID, userID)
}

// DropName takes a user's name of a kind away; it is no error if there is none.
func (tx *Tx) DropName(ctx context.Context, poolID, userID, kind string) error {
	i, err := kindIndex(kind)
	if err != nil {
		return err
	}
	return tx.run(ctx, nameKinds[i].drop, poolID, userID)
}
