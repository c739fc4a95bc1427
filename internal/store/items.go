package store

import (
	"context"
	"crypto/rand"
	"errors"
)

const itemColumns = "pool_id, kind, item_key, version, created_at, modified_at, doc"

var (
	itemByKey  = prepare("SELECT " + itemColumns + " FROM items WHERE pool_id = ? AND kind = ? AND item_key = ?")
	itemLocked = prepare("SELECT " + itemColumns + " FROM items WHERE pool_id = ? AND kind = ? AND item_key = ?{for_update}")
	itemList   = prepare("SELECT " + itemColumns + " FROM items WHERE pool_id = ? AND kind = ? AND item_key > ? ORDER BY item_key LIMIT {limit}")
	itemCount  = prepare("SELECT COUNT(*) FROM items WHERE pool_id = ? AND kind = ?")
	itemUID    = prepare("SELECT uid FROM items WHERE pool_id = ? AND kind = ? AND item_key = ?")
	itemInsert = prepare("INSERT INTO items (" + itemColumns + ", uid) VALUES (?, ?, ?, 1, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	itemUpdate = prepare("UPDATE items SET modified_at = ?, doc = ?, version = version + 1 WHERE pool_id = ? AND kind = ? AND item_key = ? AND version = ?")
	itemRenew  = prepare("UPDATE items SET uid = ? WHERE pool_id = ? AND kind = ? AND item_key = ?")
	itemRename = prepare("UPDATE items SET item_key = ?, modified_at = ?, doc = ?, version = version + 1 WHERE pool_id = ? AND kind = ? AND item_key = ? AND version = ?")
	itemDelete = prepare("DELETE FROM items WHERE pool_id = ? AND kind = ? AND item_key = ?")

	memberInsert = prepare("INSERT INTO members (pool_id, group_uid, user_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
	memberDelete = prepare("DELETE FROM members WHERE pool_id = ? AND group_uid = ? AND user_id = ?")
	memberGroups = prepare(`SELECT i.pool_id, i.kind, i.item_key, i.version, i.created_at, i.modified_at, i.doc
		FROM members m JOIN items i ON i.pool_id = m.pool_id AND i.uid = m.group_uid
		WHERE m.pool_id = ? AND m.user_id = ? ORDER BY i.item_key`)
	memberUsers = prepare(`SELECT u.record FROM members m JOIN users u ON u.pool_id = m.pool_id AND u.id = m.user_id
		WHERE m.pool_id = ? AND m.group_uid = ? AND m.user_id > ? ORDER BY m.user_id LIMIT {limit}`)
)

func scanItem(r row, i *Item) error {
	return r.scan(&i.PoolID, &i.Kind, &i.Key, &i.Version, &i.CreatedAt, &i.ModifiedAt, &i.Doc)
}

// Item reads a setting.
func (r *Reader) Item(ctx context.Context, poolID, kind, key string) (Item, error) {
	return first(ctx, r, itemByKey, []any{poolID, kind, key}, scanItem)
}

// Items lists a kind's settings by key.
func (r *Reader) Items(ctx context.Context, poolID, kind, afterKey string, limit int) ([]Item, error) {
	return all(ctx, r, itemList, []any{poolID, kind, afterKey, limit}, scanItem)
}

// CountItems counts a kind's settings, which the quotas keep few.
func (r *Reader) CountItems(ctx context.Context, poolID, kind string) (n int, err error) {
	err = r.one(ctx, itemCount, []any{poolID, kind}, &n)
	return n, err
}

// LockItem reads a setting and keeps others from changing it until the transaction ends.
func (tx *Tx) LockItem(ctx context.Context, poolID, kind, key string) (Item, error) {
	return first(ctx, &tx.Reader, itemLocked, []any{poolID, kind, key}, scanItem)
}

// InsertItem adds a setting.
func (tx *Tx) InsertItem(ctx context.Context, i Item) error {
	return tx.insert(ctx, "item", itemInsert, i.PoolID, i.Kind, i.Key, i.CreatedAt, i.ModifiedAt, i.Doc, rand.Text())
}

// UpdateItem changes a setting.
func (tx *Tx) UpdateItem(ctx context.Context, i Item) error {
	return tx.change(ctx, ErrConflict, itemUpdate, i.ModifiedAt, i.Doc, i.PoolID, i.Kind, i.Key, i.Version)
}

// RenameItem changes a setting and its key. The caller holds the pool, and has seen that the new key is free.
func (tx *Tx) RenameItem(ctx context.Context, i Item, newKey string) error {
	return tx.change(ctx, ErrConflict, itemRename, newKey, i.ModifiedAt, i.Doc, i.PoolID, i.Kind, i.Key, i.Version)
}

// DeleteItem removes a setting. A group's memberships end with it, and a directory ends with its identity provider.
func (tx *Tx) DeleteItem(ctx context.Context, poolID, kind, key string) error {
	switch kind {
	case KindGroup:
		if err := tx.RemoveMembers(ctx, poolID, key); err != nil {
			return err
		}
		if err := tx.deleteResourcesOf(ctx, poolID, ResourceGroup, key); err != nil {
			return err
		}
	case KindIdentityProvider:
		d, err := tx.DirectoryOf(ctx, poolID, key)
		if err == nil {
			err = tx.DeleteDirectory(ctx, poolID, d.ID)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return tx.change(ctx, ErrNotFound, itemDelete, poolID, kind, key)
}

func (r *Reader) groupUID(ctx context.Context, poolID, groupKey string) (uid string, err error) {
	err = r.one(ctx, itemUID, []any{poolID, KindGroup, groupKey}, &uid)
	return uid, err
}

// AddMember puts a user into a group, and holds the user; it is no error if the user is in it. ErrNotFound if there is
// no such group or user.
func (tx *Tx) AddMember(ctx context.Context, poolID, groupKey, userID string) error {
	if err := tx.HoldUser(ctx, poolID, userID); err != nil {
		return err
	}
	uid, err := tx.groupUID(ctx, poolID, groupKey)
	if err != nil {
		return err
	}
	return tx.run(ctx, memberInsert, poolID, uid, userID)
}

// RemoveMember takes a user out of a group; it is no error if the user is not in it.
func (tx *Tx) RemoveMember(ctx context.Context, poolID, groupKey, userID string) error {
	uid, err := tx.groupUID(ctx, poolID, groupKey)
	if err != nil {
		return err
	}
	return tx.run(ctx, memberDelete, poolID, uid, userID)
}

// RemoveMembers empties a group, however many are in it: the group gets a new uid, and Sweep removes the memberships
// under the old one.
func (tx *Tx) RemoveMembers(ctx context.Context, poolID, groupKey string) error {
	uid, err := tx.groupUID(ctx, poolID, groupKey)
	if err != nil {
		return err
	}
	if err := tx.run(ctx, markDeleted, poolID, uid, tx.now()); err != nil {
		return err
	}
	return tx.run(ctx, itemRenew, rand.Text(), poolID, KindGroup, groupKey)
}

// GroupsOf lists the groups a user is in, by key.
func (r *Reader) GroupsOf(ctx context.Context, poolID, userID string) ([]Item, error) {
	return all(ctx, r, memberGroups, []any{poolID, userID}, scanItem)
}

// MembersOf lists a group's users by id. ErrNotFound if there is no such group.
func (r *Reader) MembersOf(ctx context.Context, poolID, groupKey, afterUserID string, limit int) ([]User, error) {
	uid, err := r.groupUID(ctx, poolID, groupKey)
	if err != nil {
		return nil, err
	}
	return all(ctx, r, memberUsers, []any{poolID, uid, afterUserID, limit}, scanUsers(poolID))
}
