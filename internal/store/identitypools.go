package store

import (
	"context"
	"time"
)

// An IdentityPool is the settings of an identity pool.
type IdentityPool struct {
	ID, Region, Name      string
	Version               int64
	CreatedAt, ModifiedAt time.Time
	Doc                   []byte
}

// A PoolIdentity is an identity of an identity pool. Parent is the identity into which this one was merged, or "".
type PoolIdentity struct {
	ID, PoolID, Parent    string
	CreatedAt, ModifiedAt time.Time
}

// An IdentityLogin leads from a person at a provider to an identity. Subject is the person's name there, for providers of
// developers alone.
type IdentityLogin struct {
	PoolID            string
	Hash              [32]byte
	IdentityID        string
	Provider, Subject string
	CreatedAt         time.Time
}

const (
	identityPoolColumns  = "id, region, name, version, created_at, modified_at, doc"
	poolIdentityColumns  = "id, pool_id, parent, created_at, modified_at"
	identityLoginColumns = "pool_id, hash, identity_id, provider, subject, created_at"
)

var (
	identityPoolByID   = prepare("SELECT " + identityPoolColumns + " FROM identity_pools WHERE id = ?")
	identityPoolList   = prepare("SELECT " + identityPoolColumns + " FROM identity_pools WHERE region = ? AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT {limit}")
	identityPoolInsert = prepare("INSERT INTO identity_pools (" + identityPoolColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	identityPoolUpdate = prepare("UPDATE identity_pools SET name = ?, modified_at = ?, doc = ?, version = version + 1 WHERE id = ? AND version = ?")
	identityPoolHold   = prepare("UPDATE identity_pools SET version = version WHERE id = ?")
	identityPoolDelete = prepare("DELETE FROM identity_pools WHERE id = ?")

	// An update says parent <= '' for parent = '', which would let PostgreSQL walk the index of the active identities.
	poolIdentityByID    = prepare("SELECT " + poolIdentityColumns + " FROM pool_identities WHERE id = ?")
	poolIdentityList    = prepare("SELECT " + poolIdentityColumns + " FROM pool_identities WHERE pool_id = ? AND id > ? ORDER BY id LIMIT {limit}")
	poolIdentityActive  = prepare("SELECT " + poolIdentityColumns + " FROM pool_identities WHERE parent = '' AND pool_id = ? AND id > ? ORDER BY id LIMIT {limit}")
	poolIdentityInsert  = prepare("INSERT INTO pool_identities (" + poolIdentityColumns + ") VALUES (?, ?, '', ?, ?) ON CONFLICT DO NOTHING")
	poolIdentityMerge   = prepare("UPDATE pool_identities SET parent = ?, modified_at = ? WHERE id = ? AND parent <= ''")
	poolIdentityRemerge = prepare("UPDATE pool_identities SET parent = ? WHERE parent > '' AND parent = ?")
	poolIdentityTouch   = prepare("UPDATE pool_identities SET modified_at = ? WHERE id = ? AND parent <= ''")
	poolIdentityDelete  = prepare("DELETE FROM pool_identities WHERE id = ?")
	poolIdentityMerged  = prepare("DELETE FROM pool_identities WHERE parent > '' AND parent = ?")

	identityLoginOwner  = prepare("SELECT identity_id FROM identity_logins WHERE pool_id = ? AND hash = ?")
	identityLoginList   = prepare("SELECT " + identityLoginColumns + " FROM identity_logins WHERE identity_id = ? ORDER BY provider, subject")
	identityLoginInsert = prepare("INSERT INTO identity_logins (" + identityLoginColumns + ") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	identityLoginMove   = prepare("UPDATE identity_logins SET identity_id = ? WHERE identity_id = ?")
	identityLoginDelete = prepare("DELETE FROM identity_logins WHERE pool_id = ? AND hash = ?")
	identityLoginsEnd   = prepare("DELETE FROM identity_logins WHERE identity_id = ?")
)

func scanIdentityPool(r row, p *IdentityPool) error {
	return r.scan(&p.ID, &p.Region, &p.Name, &p.Version, &p.CreatedAt, &p.ModifiedAt, &p.Doc)
}

func scanPoolIdentity(r row, i *PoolIdentity) error {
	return r.scan(&i.ID, &i.PoolID, &i.Parent, &i.CreatedAt, &i.ModifiedAt)
}

func scanIdentityLogin(r row, l *IdentityLogin) error {
	return r.scan(&l.PoolID, &l.Hash, &l.IdentityID, &l.Provider, &l.Subject, &l.CreatedAt)
}

// IdentityPool reads an identity pool.
func (r *Reader) IdentityPool(ctx context.Context, id string) (IdentityPool, error) {
	return first(ctx, r, identityPoolByID, []any{id}, scanIdentityPool)
}

// IdentityPools lists a Region's identity pools after a place, oldest first.
func (r *Reader) IdentityPools(ctx context.Context, region string, after PoolCursor, limit int) ([]IdentityPool, error) {
	return all(ctx, r, identityPoolList, []any{region, after.CreatedAt, after.ID, limit}, scanIdentityPool)
}

// InsertIdentityPool adds an identity pool. Its version is 1 unless the record has a later version.
func (tx *Tx) InsertIdentityPool(ctx context.Context, p IdentityPool) error {
	return tx.insert(ctx, "identity-pool", identityPoolInsert, p.ID, p.Region, p.Name, max(p.Version, 1), p.CreatedAt, p.ModifiedAt, p.Doc)
}

// UpdateIdentityPool changes name and settings.
func (tx *Tx) UpdateIdentityPool(ctx context.Context, p IdentityPool) error {
	return tx.change(ctx, ErrConflict, identityPoolUpdate, p.Name, p.ModifiedAt, p.Doc, p.ID, p.Version)
}

// HoldIdentityPool keeps an identity pool from being deleted until the transaction ends: see HoldUser.
func (tx *Tx) HoldIdentityPool(ctx context.Context, id string) error {
	return tx.change(ctx, ErrNotFound, identityPoolHold, id)
}

// DeleteIdentityPool removes an identity pool. Its identities can no longer be reached, and Sweep removes them.
func (tx *Tx) DeleteIdentityPool(ctx context.Context, id string) error {
	if err := tx.change(ctx, ErrNotFound, identityPoolDelete, id); err != nil {
		return err
	}
	return tx.run(ctx, markDeleted, id, "", tx.now())
}

// PoolIdentity reads an identity.
func (r *Reader) PoolIdentity(ctx context.Context, id string) (PoolIdentity, error) {
	return first(ctx, r, poolIdentityByID, []any{id}, scanPoolIdentity)
}

// PoolIdentities lists the identities of a pool by id; active leaves out those that were merged into others.
func (r *Reader) PoolIdentities(ctx context.Context, poolID, after string, active bool, limit int) ([]PoolIdentity, error) {
	st := poolIdentityList
	if active {
		st = poolIdentityActive
	}
	return all(ctx, r, st, []any{poolID, after, limit}, scanPoolIdentity)
}

// InsertPoolIdentity adds an identity without logins.
func (tx *Tx) InsertPoolIdentity(ctx context.Context, i PoolIdentity) error {
	return tx.insert(ctx, "pool-identity", poolIdentityInsert, i.ID, i.PoolID, i.CreatedAt, i.ModifiedAt)
}

// TouchPoolIdentity dates an identity, and holds it. ErrConflict if it was merged or deleted.
func (tx *Tx) TouchPoolIdentity(ctx context.Context, id string, at time.Time) error {
	return tx.change(ctx, ErrConflict, poolIdentityTouch, at, id)
}

// MergePoolIdentity moves the logins of an identity to another one and disables it. Identities that were merged into it
// before lead to the other one, too. ErrConflict if one of the two was merged or deleted.
func (tx *Tx) MergePoolIdentity(ctx context.Context, id, into string, at time.Time) error {
	if err := tx.TouchPoolIdentity(ctx, into, at); err != nil {
		return err
	}
	if err := tx.change(ctx, ErrConflict, poolIdentityMerge, into, at, id); err != nil {
		return err
	}
	if err := tx.run(ctx, poolIdentityRemerge, into, id); err != nil {
		return err
	}
	return tx.run(ctx, identityLoginMove, into, id)
}

// DeletePoolIdentity removes an identity with its logins, and the identities that were merged into it.
func (tx *Tx) DeletePoolIdentity(ctx context.Context, id string) error {
	if err := tx.change(ctx, ErrNotFound, poolIdentityDelete, id); err != nil {
		return err
	}
	if err := tx.run(ctx, poolIdentityMerged, id); err != nil {
		return err
	}
	return tx.run(ctx, identityLoginsEnd, id)
}

// IdentityOfLogin returns the identity of a login.
func (r *Reader) IdentityOfLogin(ctx context.Context, poolID string, hash [32]byte) (id string, err error) {
	err = r.one(ctx, identityLoginOwner, []any{poolID, hash}, &id)
	return id, err
}

// IdentityLogins lists the logins of an identity, by provider and subject.
func (r *Reader) IdentityLogins(ctx context.Context, identityID string) ([]IdentityLogin, error) {
	return all(ctx, r, identityLoginList, []any{identityID}, scanIdentityLogin)
}

// InsertIdentityLogin adds a login, and holds its identity. ErrConflict if the identity was merged or deleted; ExistsError
// says "identity-login" if the login leads to an identity.
func (tx *Tx) InsertIdentityLogin(ctx context.Context, l IdentityLogin) error {
	if err := tx.TouchPoolIdentity(ctx, l.IdentityID, l.CreatedAt); err != nil {
		return err
	}
	return tx.insert(ctx, "identity-login", identityLoginInsert, l.PoolID, l.Hash, l.IdentityID, l.Provider, l.Subject, l.CreatedAt)
}

// DeleteIdentityLogin removes a login from its identity; ErrNotFound if the identity does not have it.
func (tx *Tx) DeleteIdentityLogin(ctx context.Context, poolID string, hash [32]byte, identityID string) error {
	owner, err := tx.IdentityOfLogin(ctx, poolID, hash)
	if err == nil && owner != identityID {
		err = ErrNotFound
	}
	if err != nil {
		return err
	}
	return tx.change(ctx, ErrNotFound, identityLoginDelete, poolID, hash)
}
