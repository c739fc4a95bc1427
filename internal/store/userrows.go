package store

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Rows of one user that no operation lists. They are read for an export of what is held about a person, and go with the
// user.

var (
	codesOfUser     = prepare("SELECT " + codeColumns + " FROM codes WHERE pool_id = ? AND user_id = ?")
	countersOfUser  = prepare("SELECT kind, count, expires_at FROM counters WHERE pool_id = ? AND subject = ?")
	lockoutsOfUser  = prepare("SELECT pool_id, user_id, failures, last_at, locked_until FROM lockouts WHERE pool_id = ? AND user_id >= ? AND user_id < ?")
	familiesOfUser  = prepare("SELECT family, expires_at FROM families WHERE pool_id = ? AND user_id = ?")
	messagesOfUser  = prepare("SELECT " + messageColumns + " FROM messages WHERE user_id >= '' AND pool_id = ? AND user_id = ?")
	forgottenOfUser = prepare("SELECT id, expires_at FROM forgotten_devices WHERE pool_id = ? AND user_id = ?")
	hashesOfUser    = prepare("SELECT hash FROM identities WHERE pool_id = ? AND user_id = ?")
	statesOfUser    = prepare("SELECT expires_at FROM sign_in_states WHERE pool_id = ? AND user_id = ?")
	resourcesOfUser = prepare(`SELECT r.pool_id, r.directory_id, r.kind, r.id, r.target, r.place, r.name_key, r.external_id, r.email_key, r.version,
		r.created_at, r.modified_at, r.doc, 1 FROM directory_resources r WHERE r.pool_id = ? AND r.target = ? AND r.kind = ?`)

	loginsOfHash     = prepare("SELECT " + identityLoginColumns + " FROM identity_logins WHERE hash = ?")
	mergedIdentities = prepare("SELECT " + poolIdentityColumns + " FROM pool_identities WHERE parent > '' AND parent = ? ORDER BY id")

	userFamiliesDelete = prepare("DELETE FROM families WHERE pool_id = ? AND user_id = ?")
	userMessagesDelete = prepare("DELETE FROM messages WHERE user_id >= '' AND pool_id = ? AND user_id = ?")
	userCountersDelete = prepare("DELETE FROM counters WHERE pool_id = ? AND subject = ?")
)

// userRowDeletes remove the rows of a user, by the pool and the user's id. The user's own row, the lock-outs and the
// resources of directories are removed apart.
var userRowDeletes = map[string]*statement{
	"codes": userCodesDelete, "members": userMembersDelete, "known_addresses": userAddressesDelete, "passkeys": userPasskeysDelete,
	"passkey_challenges": userChallengesDelete, "sign_in_states": userStatesDelete, "devices": userDevicesDelete,
	"forgotten_devices": userForgottenDelete, "user_sessions": userSessionsDelete, "identities": userIdentitiesDelete,
	"families": userFamiliesDelete, "messages": userMessagesDelete, "counters": userCountersDelete, "auth_events": userEventsDelete,
	"sign_in_histories": userHistoryDelete, "log_records": userLogsDelete,
}

// userRowTables are the tables of userRowDeletes, in the order in which every deletion visits them.
var userRowTables = slices.Sorted(maps.Keys(userRowDeletes))

// DeleteUser removes a user with all rows of the user. A row that another transaction adds at the same time conflicts with
// the deletion if the row would stay: see HoldUser. Codes, challenges, states, messages, counters and lock-outs that are
// added at the same time expire within a day.
func (tx *Tx) DeleteUser(ctx context.Context, poolID, id string) error {
	if err := tx.TurnOfUserSessions(ctx, poolID, id); err != nil {
		return err
	}
	if err := tx.change(ctx, ErrNotFound, userDelete, poolID, id); err != nil {
		return err
	}
	for _, table := range userRowTables {
		if err := tx.run(ctx, userRowDeletes[table], poolID, id); err != nil {
			return err
		}
	}
	if err := tx.deleteResourcesOf(ctx, poolID, ResourceUser, id); err != nil {
		return err
	}
	if err := tx.forgetActive(ctx, poolID, id); err != nil {
		return err
	}
	return tx.ClearLockout(ctx, poolID, id)
}

// DeleteUserRows is DeleteUser for an erasure: it returns how many rows of each table it removed, and removes the rows of a
// user who is gone, too.
func (tx *Tx) DeleteUserRows(ctx context.Context, poolID, id string) (map[string]int, error) {
	if err := tx.TurnOfUserSessions(ctx, poolID, id); err != nil {
		return nil, err
	}
	removed := map[string]int{}
	remove := func(table string, st *statement, args ...any) error {
		n, err := tx.session.exec(ctx, st, args)
		removed[table] += int(n)
		return err
	}
	if err := remove("users", userDelete, poolID, id); err != nil {
		return nil, err
	}
	for _, table := range userRowTables {
		if err := remove(table, userRowDeletes[table], poolID, id); err != nil {
			return nil, err
		}
	}
	resources, err := tx.ResourcesOfUser(ctx, poolID, id)
	if err != nil {
		return nil, err
	}
	removed["directory_resources"] = len(resources)
	if err := tx.deleteResourcesOf(ctx, poolID, ResourceUser, id); err != nil {
		return nil, err
	}
	active, err := tx.ActiveMonthsOf(ctx, poolID, id, tx.now())
	if err != nil {
		return nil, err
	}
	removed["active_users"] = len(active)
	if removed["users"] > 0 {
		err = tx.forgetActive(ctx, poolID, id)
	} else { // The user was counted when the user was deleted.
		err = tx.dropActive(ctx, poolID, id)
	}
	if err != nil {
		return nil, err
	}
	return removed, remove("lockouts", lockoutClear, poolID, id, id+string('/'+1))
}

// CodesOfUser lists a user's codes.
func (r *Reader) CodesOfUser(ctx context.Context, poolID, userID string) ([]Code, error) {
	return all(ctx, r, codesOfUser, []any{poolID, userID}, scanCode)
}

// A UserCounter counts what a user did until its window ends.
type UserCounter struct {
	Kind      string
	Count     int
	ExpiresAt time.Time
}

// CountersOfUser lists the counters of a user.
func (r *Reader) CountersOfUser(ctx context.Context, poolID, userID string) ([]UserCounter, error) {
	return all(ctx, r, countersOfUser, []any{poolID, userID}, func(r row, c *UserCounter) error {
		return r.scan(&c.Kind, &c.Count, &c.ExpiresAt)
	})
}

// LockoutsOfUser lists the failures of a user, also from known places.
func (r *Reader) LockoutsOfUser(ctx context.Context, poolID, userID string) ([]Lockout, error) {
	return all(ctx, r, lockoutsOfUser, []any{poolID, userID, userID + string('/'+1)}, scanLockout)
}

// An ExpiringID is an id of something that ended, and when the row about that is removed.
type ExpiringID struct {
	ID        string
	ExpiresAt time.Time
}

func scanExpiringID(r row, e *ExpiringID) error { return r.scan(&e.ID, &e.ExpiresAt) }

// RevokedFamiliesOf lists the user's families of refresh tokens that were revoked.
func (r *Reader) RevokedFamiliesOf(ctx context.Context, poolID, userID string) ([]ExpiringID, error) {
	return all(ctx, r, familiesOfUser, []any{poolID, userID}, scanExpiringID)
}

// ForgottenDevicesOf lists the keys of devices that the user had.
func (r *Reader) ForgottenDevicesOf(ctx context.Context, poolID, userID string) ([]ExpiringID, error) {
	return all(ctx, r, forgottenOfUser, []any{poolID, userID}, scanExpiringID)
}

// MessagesOfUser lists the messages to a user, in no order.
func (r *Reader) MessagesOfUser(ctx context.Context, poolID, userID string) ([]Message, error) {
	return all(ctx, r, messagesOfUser, []any{poolID, userID}, scanMessage)
}

// KnownAddressesOf lists the addresses that a user signed in from, at most 100.
func (r *Reader) KnownAddressesOf(ctx context.Context, poolID, userID string) ([]KnownAddress, error) {
	return all(ctx, r, addressList, []any{poolID, userID}, scanAddress)
}

// IdentityHashesOf lists the hashes of the identities by which a user signs in.
func (r *Reader) IdentityHashesOf(ctx context.Context, poolID, userID string) ([][32]byte, error) {
	return all(ctx, r, hashesOfUser, []any{poolID, userID}, func(r row, h *[32]byte) error { return r.scan(h) })
}

// SignInStatesOf lists when the stored states of a user's sign-ins expire.
func (r *Reader) SignInStatesOf(ctx context.Context, poolID, userID string) ([]time.Time, error) {
	return all(ctx, r, statesOfUser, []any{poolID, userID}, func(r row, at *time.Time) error { return r.scan(at) })
}

// ResourcesOfUser lists the resources of directories that stand for a user, also those of directories that are gone.
func (r *Reader) ResourcesOfUser(ctx context.Context, poolID, userID string) ([]Resource, error) {
	return all(ctx, r, resourcesOfUser, []any{poolID, userID, ResourceUser}, scanResource)
}

// LoginsOfHash lists where a login leads to, in all identity pools.
func (r *Reader) LoginsOfHash(ctx context.Context, hash [32]byte) ([]IdentityLogin, error) {
	return all(ctx, r, loginsOfHash, []any{hash}, scanIdentityLogin)
}

// MergedIdentities lists the identities that were merged into an identity.
func (r *Reader) MergedIdentities(ctx context.Context, id string) ([]PoolIdentity, error) {
	return all(ctx, r, mergedIdentities, []any{id}, scanPoolIdentity)
}
