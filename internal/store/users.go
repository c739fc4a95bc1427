package store

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// byUsername is the condition of the index users_by_username. It is true of every user.
const byUsername = "username_key >= '' AND "

// ofUsername and ofAnyName select a column of the users that have a name. In the column, {rank} is the rank of the name's
// kind.
func ofUsername(column string) string { return ofName(column, 0, "username_key", byUsername) }

func ofAnyName(column string) string {
	arms := []string{ofUsername(column)}
	for i, alias := range []string{"alias_email", "alias_phone", "alias_preferred"} {
		arms = append(arms, ofName(column, i+1, alias, alias+" IS NOT NULL AND "))
	}
	return strings.Join(arms, " UNION ALL ")
}

// ofName looks for a name in one column, by the condition of the index.
func ofName(column string, rank int, name, indexed string) string {
	return "SELECT " + strings.ReplaceAll(column, "{rank}", strconv.Itoa(rank)) + " FROM users WHERE " + indexed + "pool_id = ? AND " + name + " = ?"
}

// orNext returns the statement that reads the user of the lowest rank, else the first user whose id is not below an id.
// Both outcomes compare all names, go down the index of ids once, and read one row there. A step less for one of them, or a
// page more, would show in the time who exists.
func orNext(names func(column string) string) *statement {
	return prepare("WITH found (named) AS MATERIALIZED (SELECT (SELECT SUBSTR(MIN(ranked), 2) FROM (" + names("'{rank}' || id AS ranked") + ") AS names)) " +
		"SELECT (SELECT CASE WHEN named IS NULL THEN 0 ELSE 1 END FROM found), record FROM users " +
		"WHERE pool_id = ? AND id >= (SELECT COALESCE(named, ?) FROM found) ORDER BY id LIMIT 1")
}

// A user is read from one column: record holds the whole of it, the other columns are what is searched. Each column of a
// row costs about half a microsecond to read, and a user has eighteen fields.
var (
	userInsertColumns = []string{"pool_id", "id", "username_key", "status", "enabled", "version", "created_at", "email", "phone_number",
		"name", "given_name", "family_name", "preferred_username", "alias_email", "alias_phone", "alias_preferred", "record"}

	userByID             = prepare("SELECT record FROM users WHERE pool_id = ? AND id = ?")
	userNextTo           = prepare("SELECT record FROM users WHERE pool_id = ? AND id >= ? ORDER BY id LIMIT 1")
	userByUsername       = prepare(ofUsername("record"))
	userByAnyName        = prepare(ofAnyName("{rank}, record"))
	userByUsernameOrNext = orNext(ofUsername)
	userByAnyNameOrNext  = orNext(ofAnyName)
	userForToken         = prepare("SELECT record, (SELECT COUNT(*) FROM families WHERE pool_id = ? AND family = ?) " +
		"FROM users WHERE pool_id = ? AND id = ?")
	// Two point reads: PostgreSQL answers an OR of two columns by reading the pool.
	userExists = prepare("SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE pool_id = ? AND id = ? " +
		"UNION ALL " + ofUsername("1") + ") AS taken")
	userForRefresh = prepare("SELECT record, (SELECT COUNT(*) FROM families WHERE pool_id = ? AND family = ?), " +
		"COALESCE((SELECT rotated_at FROM rotated WHERE pool_id = ? AND family = ? AND token_id = ?), 0) " +
		"FROM users WHERE pool_id = ? AND id = ?")

	userInsert = prepare("INSERT INTO users (" + strings.Join(userInsertColumns, ", ") + ") " +
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	userUpdate = prepare("UPDATE users SET username_key = ?, status = ?, enabled = ?, email = ?, phone_number = ?, name = ?, given_name = ?, " +
		"family_name = ?, preferred_username = ?, record = ?, version = version + 1 WHERE pool_id = ? AND id = ? AND version = ?")
	userDelete = prepare("DELETE FROM users WHERE pool_id = ? AND id = ?")

	userCodesDelete   = prepare("DELETE FROM codes WHERE pool_id = ? AND user_id = ?")
	userMembersDelete = prepare("DELETE FROM members WHERE pool_id = ? AND user_id = ?")
)

// scanUsers reads rows that are a record each.
func scanUsers(poolID string) func(row, *User) error {
	return func(r row, u *User) error { return scanUser(r, poolID, u) }
}

func scanUser(r row, poolID string, u *User) error {
	var record []byte
	if err := r.scan(&record); err != nil {
		return err
	}
	u.PoolID = poolID
	return decodeUser(record, u)
}

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
	return first(ctx, r, userByID, []any{poolID, id}, scanUsers(poolID))
}

// UserNextTo reads the first user of the pool whose id is not below this one. It returns ErrNotFound if there is no such
// user. It costs what a successful User costs. It is for callers whose time must not reveal whether a user exists.
func (r *Reader) UserNextTo(ctx context.Context, poolID, id string) (User, error) {
	return first(ctx, r, userNextTo, []any{poolID, id}, scanUsers(poolID))
}

// UserByUsername reads a user by the folded username.
func (r *Reader) UserByUsername(ctx context.Context, poolID, usernameKey string) (User, error) {
	return first(ctx, r, userByUsername, []any{poolID, usernameKey}, scanUsers(poolID))
}

// LookupUser finds the user that a sign-in name means, in one query: the username has precedence, then e-mail, phone number and
// preferred username. matched is the kind of the name that was found (NameUsername for the username). An empty aliasKey
// leaves the other names out.
func (r *Reader) LookupUser(ctx context.Context, poolID, usernameKey, aliasKey string) (u User, matched string, err error) {
	if aliasKey == "" {
		u, err = r.UserByUsername(ctx, poolID, usernameKey)
		return u, NameUsername, err
	}
	u, best, err := r.bestUser(ctx, userByAnyName, poolID, []any{poolID, usernameKey, poolID, aliasKey, poolID, aliasKey, poolID, aliasKey})
	if err == nil && best == len(lookupKinds) {
		err = ErrNotFound
	}
	if err != nil {
		return User{}, "", err
	}
	return u, lookupKinds[best], nil
}

// LookupUserOrNext is LookupUser for callers whose time must not reveal who exists. If no user has the name, it returns
// ErrNotFound and, as UserNextTo does, the user next to an id. So both outcomes read a row, in one query. The pool may have
// no user there; then u.ID is empty.
func (r *Reader) LookupUserOrNext(ctx context.Context, poolID, usernameKey, aliasKey, nextTo string) (u User, err error) {
	st, args := userByUsernameOrNext, []any{poolID, usernameKey}
	if aliasKey != "" {
		st, args = userByAnyNameOrNext, []any{poolID, usernameKey, poolID, aliasKey, poolID, aliasKey, poolID, aliasKey}
	}
	named := false
	err = r.session.query(ctx, st, append(args, poolID, nextTo), func(row row) error {
		named = row[0] == int64(1)
		return scanUser(row[1:], poolID, &u)
	})
	if err == nil && !named {
		err = ErrNotFound
	}
	return u, err
}

// bestUser returns the user of the lowest rank that a query of ranks and records selects, and the rank. The rank is
// len(lookupKinds) if no user has a lower rank.
func (r *Reader) bestUser(ctx context.Context, st *statement, poolID string, args []any) (u User, best int, err error) {
	best = len(lookupKinds)
	err = r.session.query(ctx, st, args, func(row row) error {
		rank, ok := row[0].(int64)
		if !ok || u.ID != "" && int(rank) >= best {
			return nil
		}
		best, u = int(rank), User{}
		return scanUser(row[1:], poolID, &u)
	})
	return u, best, err
}

var lookupKinds = []string{NameUsername, NameEmail, NamePhoneNumber, NamePreferredUsername}

// UserForToken reads, in one query, a user and whether a family of refresh tokens was revoked.
func (r *Reader) UserForToken(ctx context.Context, poolID, id, family string) (u User, revoked bool, err error) {
	var record []byte
	if err := r.one(ctx, userForToken, []any{poolID, family, poolID, id}, &record, &revoked); err != nil {
		return User{}, false, err
	}
	u.PoolID = poolID
	err = decodeUser(record, &u)
	return u, revoked, err
}

// UserForRefresh reads, in one query, a user, whether a family of refresh tokens was revoked, and when the token was
// exchanged (zero: it was not).
func (r *Reader) UserForRefresh(ctx context.Context, poolID, id, family, tokenID string) (u User, revoked bool, rotatedAt time.Time, err error) {
	var record []byte
	args := []any{poolID, family, poolID, family, tokenID, poolID, id}
	if err := r.one(ctx, userForRefresh, args, &record, &revoked, &rotatedAt); err != nil {
		return User{}, false, time.Time{}, err
	}
	u.PoolID = poolID
	err = decodeUser(record, &u)
	return u, revoked, rotatedAt, err
}

// InsertUser adds a user with sign-in names. ExistsError says "username" (or the id) or "name".
func (tx *Tx) InsertUser(ctx context.Context, u User, names []Name) error {
	values, err := userValues(u, names)
	if err != nil {
		return err
	}
	n, err := tx.session.exec(ctx, userInsert, values)
	if err != nil || n == 1 {
		return err
	}
	var taken int
	if err := tx.one(ctx, userExists, []any{u.PoolID, u.ID, u.PoolID, u.UsernameKey}, &taken); err != nil {
		return err
	}
	if taken > 0 {
		return &ExistsError{What: "username"}
	}
	return &ExistsError{What: "name"}
}

// userValues are a new user's values for userInsertColumns.
func userValues(u User, names []Name) ([]any, error) {
	var alias [3]*string
	for _, n := range names {
		kind, err := nameKind(n)
		if err != nil {
			return nil, err
		}
		alias[kind] = &n.Value
	}
	u.Version = 1
	record, err := encodeUser(u)
	if err != nil {
		return nil, err
	}
	return []any{u.PoolID, u.ID, u.UsernameKey, u.Status, u.Enabled, u.Version, u.CreatedAt, searchable(u.Email),
		searchable(u.PhoneNumber), searchable(u.Name), searchable(u.GivenName), searchable(u.FamilyName), searchable(u.PreferredUsername),
		alias[0], alias[1], alias[2], record}, nil
}

// UpdateUser changes a user's record, but not the sign-in names; CreatedAt must stay as it was read.
func (tx *Tx) UpdateUser(ctx context.Context, u User) error {
	written := u
	written.Version++
	record, err := encodeUser(written)
	if err != nil {
		return err
	}
	return tx.change(ctx, ErrConflict, userUpdate, u.UsernameKey, u.Status, u.Enabled, searchable(u.Email), searchable(u.PhoneNumber),
		searchable(u.Name), searchable(u.GivenName), searchable(u.FamilyName), searchable(u.PreferredUsername), record, u.PoolID, u.ID, u.Version)
}
