package store

import (
	"context"
	"slices"
)

const (
	accessKeyColumns  = "id, principal_arn, name, user_key, version, secret, doc, created_at"
	dataKeyColumns    = "purpose, id, wrapped, created_at, retired_at"
	signingKeyColumns = "pool_id, kid, use_for, state, sealed, public, created_at, activates_at, retires_at, drops_at, version"
)

var (
	accessKeyByID   = prepare("SELECT " + accessKeyColumns + " FROM access_keys WHERE id = ?")
	accessKeyList   = prepare("SELECT " + accessKeyColumns + " FROM access_keys ORDER BY id")
	accessKeyInsert = prepare("INSERT INTO access_keys (" + accessKeyColumns + ") VALUES (?, ?, ?, ?, 1, ?, ?, ?) ON CONFLICT DO NOTHING")
	accessKeyUpdate = prepare("UPDATE access_keys SET principal_arn = ?, name = ?, secret = ?, doc = ?, version = version + 1 WHERE id = ? AND version = ?")
	accessKeyDelete = prepare("DELETE FROM access_keys WHERE id = ?")

	dataKeyList   = prepare("SELECT " + dataKeyColumns + " FROM data_keys ORDER BY purpose, created_at, id")
	dataKeyInsert = prepare("INSERT INTO data_keys (" + dataKeyColumns + ") VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	dataKeyClear  = prepare("DELETE FROM data_keys")

	signingKeyList   = prepare("SELECT " + signingKeyColumns + " FROM signing_keys WHERE pool_id = ?")
	signingKeyByKID  = prepare("SELECT " + signingKeyColumns + " FROM signing_keys WHERE pool_id = ? AND kid = ?")
	signingKeyInsert = prepare("INSERT INTO signing_keys (" + signingKeyColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING")
	signingKeyUpdate = prepare("UPDATE signing_keys SET use_for = ?, state = ?, sealed = ?, public = ?, activates_at = ?, retires_at = ?, drops_at = ?, " +
		"version = version + 1 WHERE pool_id = ? AND kid = ? AND version = ?")
	signingKeyDelete = prepare("DELETE FROM signing_keys WHERE pool_id = ? AND kid = ?")

	metaGet = prepare("SELECT value FROM meta WHERE name = ?")
	metaSet = prepare("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
)

func scanAccessKey(r row, k *AccessKey) error {
	return r.scan(&k.ID, &k.PrincipalARN, &k.Name, &k.UserKey, &k.Version, &k.Secret, &k.Doc, &k.CreatedAt)
}

func scanDataKey(r row, k *DataKey) error {
	return r.scan(&k.Purpose, &k.ID, &k.Wrapped, &k.CreatedAt, &k.RetiredAt)
}

func scanSigningKey(r row, k *SigningKey) error {
	return r.scan(&k.PoolID, &k.KID, &k.Use, &k.State, &k.Sealed, &k.Public, &k.CreatedAt, &k.ActivatesAt, &k.RetiresAt, &k.DropsAt, &k.Version)
}

// AccessKey reads an access key.
func (r *Reader) AccessKey(ctx context.Context, id string) (AccessKey, error) {
	return first(ctx, r, accessKeyByID, []any{id}, scanAccessKey)
}

// AccessKeys lists every access key.
func (r *Reader) AccessKeys(ctx context.Context) ([]AccessKey, error) {
	return all(ctx, r, accessKeyList, nil, scanAccessKey)
}

// InsertAccessKey adds an access key.
func (tx *Tx) InsertAccessKey(ctx context.Context, k AccessKey) error {
	return tx.insert(ctx, "access-key", accessKeyInsert, k.ID, k.PrincipalARN, k.Name, k.UserKey, k.Secret, k.Doc, k.CreatedAt)
}

// UpdateAccessKey changes an access key.
func (tx *Tx) UpdateAccessKey(ctx context.Context, k AccessKey) error {
	return tx.change(ctx, ErrConflict, accessKeyUpdate, k.PrincipalARN, k.Name, k.Secret, k.Doc, k.ID, k.Version)
}

// DeleteAccessKey removes an access key.
func (tx *Tx) DeleteAccessKey(ctx context.Context, id string) error {
	return tx.change(ctx, ErrNotFound, accessKeyDelete, id)
}

// DataKeys lists the ring's wrapped keys by purpose, the oldest first.
func (r *Reader) DataKeys(ctx context.Context) ([]DataKey, error) {
	return all(ctx, r, dataKeyList, nil, scanDataKey)
}

// turnOfDataKeys takes the turn of changes of the data keys. A process that wraps all of them again must not miss a key
// that another node adds.
func (tx *Tx) turnOfDataKeys(ctx context.Context) error { return tx.Turn(ctx, "", "data keys") }

// HeldDataKeys is DataKeys for a transaction that depends on them: no change of the data keys commits beside it.
func (tx *Tx) HeldDataKeys(ctx context.Context) ([]DataKey, error) {
	if err := tx.turnOfDataKeys(ctx); err != nil {
		return nil, err
	}
	return tx.DataKeys(ctx)
}

// InsertDataKey adds a wrapped key.
func (tx *Tx) InsertDataKey(ctx context.Context, k DataKey) error {
	if err := tx.turnOfDataKeys(ctx); err != nil {
		return err
	}
	return tx.insert(ctx, "data-key", dataKeyInsert, k.Purpose, k.ID, k.Wrapped, k.CreatedAt, k.RetiredAt)
}

// ReplaceDataKeys replaces all keys by these, for a change of the key that wraps them.
func (tx *Tx) ReplaceDataKeys(ctx context.Context, list []DataKey) error {
	if err := tx.turnOfDataKeys(ctx); err != nil {
		return err
	}
	if err := tx.run(ctx, dataKeyClear); err != nil {
		return err
	}
	for _, k := range list {
		if err := tx.InsertDataKey(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// SigningKeys lists a pool's signing keys, the oldest first.
func (r *Reader) SigningKeys(ctx context.Context, poolID string) ([]SigningKey, error) {
	list, err := all(ctx, r, signingKeyList, []any{poolID}, scanSigningKey)
	slices.SortStableFunc(list, func(a, b SigningKey) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return list, err
}

// SigningKeyByKID reads a signing key of a pool.
func (r *Reader) SigningKeyByKID(ctx context.Context, poolID, kid string) (SigningKey, error) {
	return first(ctx, r, signingKeyByKID, []any{poolID, kid}, scanSigningKey)
}

// InsertSigningKey adds a signing key.
func (tx *Tx) InsertSigningKey(ctx context.Context, k SigningKey) error {
	return tx.insert(ctx, "signing-key", signingKeyInsert, k.PoolID, k.KID, k.Use, k.State, k.Sealed, k.Public, k.CreatedAt, k.ActivatesAt, k.RetiresAt, k.DropsAt)
}

// UpdateSigningKey changes a signing key.
func (tx *Tx) UpdateSigningKey(ctx context.Context, k SigningKey) error {
	return tx.change(ctx, ErrConflict, signingKeyUpdate, k.Use, k.State, k.Sealed, k.Public, k.ActivatesAt, k.RetiresAt, k.DropsAt, k.PoolID, k.KID, k.Version)
}

// DeleteSigningKey removes a signing key.
func (tx *Tx) DeleteSigningKey(ctx context.Context, poolID, kid string) error {
	return tx.change(ctx, ErrNotFound, signingKeyDelete, poolID, kid)
}

// Meta reads a value of the installation.
func (r *Reader) Meta(ctx context.Context, name string) (value []byte, err error) {
	err = r.one(ctx, metaGet, []any{name}, &value)
	return value, err
}

// SetMeta writes a value of the installation.
func (tx *Tx) SetMeta(ctx context.Context, name string, value []byte) error {
	return tx.run(ctx, metaSet, name, value)
}
