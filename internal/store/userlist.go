package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// UserQuery is a filter of ListUsers. Attr is "" (all users), "sub", "username" (compared with the folded key),
// "email", "phone_number", "name", "given_name", "family_name", "preferred_username", "cognito:user_status" or "status"
// ("Enabled", "Disabled"). Op is "=" or "^=". FoldCase is for usernames and cognito:user_status alone.
type UserQuery struct {
	Attr, Op, Value string
	FoldCase        bool
	After           *UserCursor
	Limit           int
}

// UserCursor is a place in the answer to a UserQuery: the last user that was read. Only Cursor knows the meaning of Value.
type UserCursor struct{ Value, ID string }

// Bytes returns the cursor for a page token.
func (c *UserCursor) Bytes() []byte { return []byte(c.ID + "\x00" + c.Value) }

// ParseUserCursor reads what Bytes wrote.
func ParseUserCursor(b []byte) (*UserCursor, error) {
	id, value, ok := bytes.Cut(b, []byte{0})
	if !ok {
		return nil, fmt.Errorf("%w: damaged cursor", ErrFilter)
	}
	return &UserCursor{ID: string(id), Value: string(value)}, nil
}

// Cursor returns the place after u in the answer to q.
func (q UserQuery) Cursor(u User) *UserCursor {
	c := &UserCursor{ID: u.ID}
	copied := func(s *string) {
		if s != nil {
			c.Value = *s
		}
	}
	switch q.Attr {
	case "username":
		c.Value = u.UsernameKey
	case "email":
		copied(u.Email)
	case "phone_number":
		copied(u.PhoneNumber)
	case "name":
		copied(u.Name)
	case "given_name":
		copied(u.GivenName)
	case "family_name":
		copied(u.FamilyName)
	case "preferred_username":
		copied(u.PreferredUsername)
	case "cognito:user_status":
		c.Value = statePlace(u)
	case "status":
		c.Value = enabledWord(u.Enabled) + "/" + statePlace(u)
	}
	return c
}

// statePlace returns a user's place among the enabled or the disabled users: by status, then creation. So new users come
// last in the index, which makes their sign-up cheaper than a random place would.
func statePlace(u User) string {
	return u.Status + "/" + strconv.FormatInt(millis(u.CreatedAt), 10)
}

func parseStatePlace(place string) (status string, created time.Time) {
	status, digits, _ := strings.Cut(place, "/")
	n, _ := strconv.ParseInt(digits, 10, 64) // 0, the beginning, without a cursor
	return status, fromMillis(n)
}

func compareState(a, b User) int {
	return cmp.Or(strings.Compare(a.Status, b.Status), a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
}

func enabledWord(enabled bool) string {
	if enabled {
		return "Enabled"
	}
	return "Disabled"
}

// An attrColumn holds the statements that list users by one column: equal to a value, within a range, from a value on.
// Each walks an index in its order, so that neither the pool's size nor the page's number matters.
type attrColumn struct{ equal, within, from *statement }

// The condition that the partial index has comes first in the text: SQLite stops there. Were it to infer it from a
// comparison with a parameter, it would compile the statement again for each value.
func newAttrColumn(column, order string) attrColumn {
	condition := column + " IS NOT NULL AND "
	if column == "username_key" {
		condition = byUsername
	}
	list := "SELECT record FROM users WHERE " + condition + "pool_id = ? AND "
	order = " ORDER BY " + order + " LIMIT {limit}"
	return attrColumn{
		equal:  prepare(list + column + " = ? AND id > ?" + order),
		within: prepare(list + "(" + column + ", id) > (?, ?) AND " + column + " < ?" + order),
		from:   prepare(list + "(" + column + ", id) > (?, ?)" + order),
	}
}

const usersByState = "SELECT record FROM users WHERE created_at >= 0 AND pool_id = ? AND enabled = ? AND "

var (
	attrColumns = map[string]attrColumn{
		"username":           newAttrColumn("username_key", "username_key"),
		"email":              newAttrColumn("email", "email, id"),
		"phone_number":       newAttrColumn("phone_number", "phone_number, id"),
		"name":               newAttrColumn("name", "name, id"),
		"given_name":         newAttrColumn("given_name", "given_name, id"),
		"family_name":        newAttrColumn("family_name", "family_name, id"),
		"preferred_username": newAttrColumn("preferred_username", "preferred_username, id"),
	}
	usersFrom    = prepare("SELECT record FROM users WHERE pool_id = ? AND id > ? ORDER BY id LIMIT {limit}")
	usersOnward  = prepare("SELECT record FROM users WHERE pool_id = ? AND id >= ? AND id > ? ORDER BY id LIMIT {limit}")
	usersWithin  = prepare("SELECT record FROM users WHERE pool_id = ? AND id >= ? AND id > ? AND id < ? ORDER BY id LIMIT {limit}")
	statusFrom   = prepare(usersByState + "(status, created_at, id) > (?, ?, ?) ORDER BY status, created_at, id LIMIT {limit}")
	statusWithin = prepare(usersByState + "(status, created_at, id) > (?, ?, ?) AND status < ? ORDER BY status, created_at, id LIMIT {limit}")
	statusEqual  = prepare(usersByState + "status = ? AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT {limit}")
)

// ListUsers lists users sorted by the attribute, then id (by the attribute, creation, then id for the two that have few
// values).
func (r *Reader) ListUsers(ctx context.Context, poolID string, q UserQuery) ([]User, error) {
	if q.Attr != "" && q.Op != "=" && q.Op != "^=" {
		return nil, fmt.Errorf("%w: operator %q", ErrFilter, q.Op)
	}
	if q.FoldCase {
		switch q.Attr {
		case "cognito:user_status":
			q.Value = strings.ToUpper(q.Value)
		case "username":
			q.Value = strings.ToLower(q.Value)
		case "":
		default:
			return nil, fmt.Errorf("%w: case-insensitive %s", ErrFilter, q.Attr)
		}
	}
	at := UserCursor{}
	if q.After != nil {
		at = *q.After
	}
	switch q.Attr {
	case "":
		return all(ctx, r, usersFrom, []any{poolID, at.ID, q.Limit}, scanUsers(poolID))
	case "sub":
		return r.usersBySub(ctx, poolID, q, at)
	case "status":
		return r.usersByEnabled(ctx, poolID, q, at)
	case "cognito:user_status":
		return r.usersByStatus(ctx, poolID, q, at)
	}
	column, ok := attrColumns[q.Attr]
	if !ok {
		return nil, fmt.Errorf("%w: attribute %q", ErrFilter, q.Attr)
	}
	if q.Op == "=" {
		return all(ctx, r, column.equal, []any{poolID, q.Value, at.ID, q.Limit}, scanUsers(poolID))
	}
	if q.After == nil {
		at.Value = q.Value // (v, "") is below every user with v
	}
	if end, bounded := prefixEnd(q.Value); bounded {
		return all(ctx, r, column.within, []any{poolID, at.Value, at.ID, end, q.Limit}, scanUsers(poolID))
	}
	return all(ctx, r, column.from, []any{poolID, at.Value, at.ID, q.Limit}, scanUsers(poolID))
}

func (r *Reader) usersBySub(ctx context.Context, poolID string, q UserQuery, at UserCursor) ([]User, error) {
	if q.Op == "=" {
		if q.After != nil {
			return nil, nil
		}
		return all(ctx, r, userByID, []any{poolID, q.Value}, scanUsers(poolID))
	}
	if end, bounded := prefixEnd(q.Value); bounded {
		return all(ctx, r, usersWithin, []any{poolID, q.Value, at.ID, end, q.Limit}, scanUsers(poolID))
	}
	return all(ctx, r, usersOnward, []any{poolID, q.Value, at.ID, q.Limit}, scanUsers(poolID))
}

// usersByEnabled walks the disabled users, then the enabled, each by (status, creation, id).
func (r *Reader) usersByEnabled(ctx context.Context, poolID string, q UserQuery, at UserCursor) ([]User, error) {
	word, place, _ := strings.Cut(at.Value, "/")
	var users []User
	for _, enabled := range []bool{false, true} {
		name := enabledWord(enabled)
		if name < word || q.Op == "=" && name != q.Value || !strings.HasPrefix(name, q.Value) {
			continue
		}
		status, created, id := "", time.Time{}, ""
		if name == word {
			status, created = parseStatePlace(place)
			id = at.ID
		}
		page, err := all(ctx, r, statusFrom, []any{poolID, enabled, status, created, id, q.Limit - len(users)}, scanUsers(poolID))
		if err != nil {
			return nil, err
		}
		if users = append(users, page...); len(users) >= q.Limit {
			break
		}
	}
	return users, nil
}

// usersByStatus reads a page of the disabled and one of the enabled and merges them by (status, creation, id).
func (r *Reader) usersByStatus(ctx context.Context, poolID string, q UserQuery, at UserCursor) ([]User, error) {
	status, created := q.Value, time.Time{}
	if q.After != nil {
		status, created = parseStatePlace(at.Value)
	}
	end, bounded := prefixEnd(q.Value)
	var users []User
	for _, enabled := range []bool{false, true} {
		st, args := statusFrom, []any{poolID, enabled, status, created, at.ID, q.Limit}
		switch {
		case q.Op == "=":
			st, args = statusEqual, []any{poolID, enabled, q.Value, created, at.ID, q.Limit}
		case bounded:
			st, args = statusWithin, []any{poolID, enabled, status, created, at.ID, end, q.Limit}
		}
		page, err := all(ctx, r, st, args, scanUsers(poolID))
		if err != nil {
			return nil, err
		}
		users = append(users, page...)
	}
	slices.SortFunc(users, compareState)
	return users[:min(len(users), q.Limit)], nil
}

// prefixEnd returns the least text above every text with the prefix, if there is one. UTF-8 sorts bytewise as its code
// points do, so it is the prefix with its last code point incremented (surrogates, which UTF-8 lacks, skipped).
func prefixEnd(prefix string) (end string, bounded bool) {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case last == utf8.RuneError && size <= 1: // not UTF-8: matches nothing, as the query will find
			return "", true
		case last == utf8.MaxRune:
			continue
		case last == 0xD7FF:
			last = 0xE000
		default:
			last++
		}
		return prefix + string(last), true
	}
	return "", false
}
