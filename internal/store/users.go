package store

import (
	"context"
	"strings"
	"unicode/utf8"
)

const userColumns = "pool_id, id, username, username_key, status, enabled, version, created_at, modified_at, valid_after, " +
	"email, phone_number, name, given_name, family_name, preferred_username, profile, credential"

func userColumnsOf(table string) string {
	return table + "." + strings.ReplaceAll(userColumns, ", ", ", "+table+".")
}

var (
	userByID       = prepare("SELECT " + userColumns + " FROM users WHERE pool_id = ? AND id = ?")
	userByUsername = prepare("SELECT " + userColumns + " FROM users WHERE pool_id = ? AND username_key = ?")
	userByAnyName  = prepare("SELECT 0, " + userColumns + " FROM users WHERE pool_id = ? AND username_key = ? " +
		"UNION ALL SELECT 1, " + userColumns + " FROM users WHERE pool_id = ? AND alias_email = ? " +
		"UNION ALL SELECT 2, " + userColumns + " FROM users WHERE pool_id = ? AND alias_phone = ? " +
		"UNION ALL SELECT 3, " + userColumns + " FROM users WHERE pool_id = ? AND alias_preferred = ?")
	userForToken = prepare("SELECT " + userColumns + ", (SELECT COUNT(*) FROM families WHERE pool_id = ? AND family = ?) " +
		"FROM users WHERE pool_id = ? AND id = ?")
	userExists = prepare("SELECT COUNT(*) FROM users WHERE pool_id = ? AND (id = ? OR username_key = ?)")

	userInsert = prepare("INSERT INTO users (" + userColumns + ", alias_email, alias_phone, alias_preferred) " +
		"VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	userUpdate = prepare("UPDATE users SET username = ?, username_key = ?, status = ?, enabled = ?, modified_at = ?, valid_after = ?, " +
		"email = ?, phone_number = ?, name = ?, given_name = ?, family_name = ?, preferred_username = ?, profile = ?, credential = ?, " +
		"version = version + 1 WHERE pool_id = ? AND id = ? AND version = ?")
	userDelete = prepare("DELETE FROM users WHERE pool_id = ? AND id = ?")

	userCodesDelete    = prepare("DELETE FROM codes WHERE pool_id = ? AND user_id = ?")
	userMembersDelete  = prepare("DELETE FROM members WHERE pool_id = ? AND user_id = ?")
	userLockoutsDelete = prepare("DELETE FROM lockouts WHERE pool_id = ? AND user_id = ?")
)

func (u *User) places() []any {
	return []any{&u.PoolID, &u.ID, &u.Username, &u.UsernameKey, &u.Status, &u.Enabled, &u.Version, &u.CreatedAt, &u.ModifiedAt,
		&u.TokensValidAfter, &u.Email, &u.PhoneNumber, &u.Name, &u.GivenName, &u.FamilyName, &u.PreferredUsername, &u.Profile, &u.Credential}
}

func scanUser(r row, u *User) error { return r.scan(u.places()...) }

// searchable cuts a copy of an attribute to what an index entry can hold on both engines.
func searchable(s *string) *string {
	const most = 2048
	if s == nil || len(*s) <= most {
		return s
	}
	n := most
	for !utf8.RuneStart((*s)[n]) {
		n--
	}
	return new((*s)[:n])
}

// User reads a user by id.
func (r *Reader) User(ctx context.Context, poolID, id string) (User, error) {
	return first(ctx, r, userByID, []any{poolID, id}, scanUser)
}

// UserByUsername reads a user by the folded username.
func (r *Reader) UserByUsername(ctx context.Context, poolID, usernameKey string) (User, error) {
	return first(ctx, r, userByUsername, []any{poolID, usernameKey}, scanUser)
}

// LookupUser finds whom a sign-in name means, in one query: the username has precedence, then e-mail, phone number and
// preferred username. matched is the kind of the name that was found (NameUsername for the username). An empty aliasKey
// leaves the other names out.
func (r *Reader) LookupUser(ctx context.Context, poolID, usernameKey, aliasKey string) (u User, matched string, err error) {
	if aliasKey == "" {
		u, err = r.UserByUsername(ctx, poolID, usernameKey)
		return u, NameUsername, err
	}
	best := int64(len(lookupKinds))
	args := []any{poolID, usernameKey, poolID, aliasKey, poolID, aliasKey, poolID, aliasKey}
	err = r.session.query(ctx, userByAnyName, args, func(row row) error {
		rank, ok := row[0].(int64)
		if !ok || rank >= best {
			return nil
		}
		best = rank
		u = User{}
		return scanUser(row[1:], &u)
	})
	if err == nil && best == int64(len(lookupKinds)) {
		err = ErrNotFound
	}
	if err != nil {
		return User{}, "", err
	}
	return u, lookupKinds[best], nil
}

var lookupKinds = []string{NameUsername, NameEmail, NamePhoneNumber, NamePreferredUsername}

// UserForToken reads, in one query, a user and whether a family of refresh tokens was revoked.
func (r *Reader) UserForToken(ctx context.Context, poolID, id, family string) (u User, revoked bool, err error) {
	err = r.one(ctx, userForToken, []any{poolID, family, poolID, id}, append(u.places(), &revoked)...)
	return u, revoked, err
}

// InsertUser adds a user with sign-in names. ExistsError says "username" (or the id) or "name".
func (tx *Tx) InsertUser(ctx context.Context, u User, names []Name) error {
	var alias [3]*string
	for _, n := range names {
		kind, err := nameKind(n)
		if err != nil {
			return err
		}
		alias[kind] = &n.Value
	}
	n, err := tx.session.exec(ctx, userInsert, []any{u.PoolID, u.ID, u.Username, u.UsernameKey, u.Status, u.Enabled, u.CreatedAt,
		u.ModifiedAt, u.TokensValidAfter, searchable(u.Email), searchable(u.PhoneNumber), searchable(u.Name), searchable(u.GivenName),
		searchable(u.FamilyName), searchable(u.PreferredUsername), u.Profile, u.Credential, alias[0], alias[1], alias[2]})
	if err != nil || n == 1 {
		return err
	}
	var taken int
	if err := tx.one(ctx, userExists, []any{u.PoolID, u.ID, u.UsernameKey}, &taken); err != nil {
		return err
	}
	if taken > 0 {
		return &ExistsError{What: "username"}
	}
	return &ExistsError{What: "name"}
}

// UpdateUser changes a user's record, but not the sign-in names.
func (tx *Tx) UpdateUser(ctx context.Context, u User) error {
	return tx.change(ctx, ErrConflict, userUpdate, u.Username, u.UsernameKey, u.Status, u.Enabled, u.ModifiedAt, u.TokensValidAfter,
		searchable(u.Email), searchable(u.PhoneNumber), searchable(u.Name), searchable(u.GivenName), searchable(u.FamilyName),
		searchable(u.PreferredUsername), u.Profile, u.Credential, u.PoolID, u.ID, u.Version)
}

// DeleteUser removes a user with names, codes, memberships and lock-out.
func (tx *Tx) DeleteUser(ctx context.Context, poolID, id string) error {
	if err := tx.change(ctx, ErrNotFound, userDelete, poolID, id); err != nil {
		return err
	}
	for _, st := range []*statement{userCodesDelete, userMembersDelete, userLockoutsDelete} {
		if err := tx.run(ctx, st, poolID, id); err != nil {
			return err
		}
	}
	return nil
}
