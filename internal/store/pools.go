package store

import (
	"context"
	"fmt"
)

const poolColumns = "id, region, name, version, created_at, modified_at, doc"

var (
	poolByID      = prepare("SELECT " + poolColumns + " FROM pools WHERE id = ?")
	poolVersion   = prepare("SELECT version FROM pools WHERE id = ?")
	poolsAll      = prepare("SELECT " + poolColumns + " FROM pools WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT {limit}")
	poolsOfRegion = prepare("SELECT " + poolColumns + " FROM pools WHERE region = ? AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT {limit}")
	poolInsert    = prepare("INSERT INTO pools (" + poolColumns + ") VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	poolUpdate    = prepare("UPDATE pools SET name = ?, modified_at = ?, doc = ?, version = version + 1 WHERE id = ? AND version = ?")
	poolDelete    = prepare("DELETE FROM pools WHERE id = ?")
	markDeleted   = prepare("INSERT INTO doomed (pool_id, group_uid, doomed_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
	clientsDelete = prepare("DELETE FROM clients WHERE pool_id = ?")
	domainsDelete = prepare("DELETE FROM domains WHERE pool_id = ?")
)

func scanPool(r row, p *Pool) error {
	return r.scan(&p.ID, &p.Region, &p.Name, &p.Version, &p.CreatedAt, &p.ModifiedAt, &p.Doc)
}

// Pool reads a pool.
func (r *Reader) Pool(ctx context.Context, id string) (Pool, error) {
	return first(ctx, r, poolByID, []any{id}, scanPool)
}

// PoolVersion reads a pool's version alone.
func (r *Reader) PoolVersion(ctx context.Context, id string) (version int64, err error) {
	err = r.one(ctx, poolVersion, []any{id}, &version)
	return version, err
}

// Pools lists a region's pools (all regions' if it is empty) after a place, oldest first.
func (r *Reader) Pools(ctx context.Context, region string, after PoolCursor, limit int) ([]Pool, error) {
	if region == "" {
		return all(ctx, r, poolsAll, []any{after.CreatedAt, after.ID, limit}, scanPool)
	}
	return all(ctx, r, poolsOfRegion, []any{region, after.CreatedAt, after.ID, limit}, scanPool)
}

// poolPage is how many pools EachPool reads at once.
const poolPage = 100

// EachPool calls f for every pool. If f fails for a pool, EachPool goes on with the others. It stops only if the database
// is unavailable or ctx has ended.
func (r *Reader) EachPool(ctx context.Context, f func(poolID string) error) error {
	var after PoolCursor
	var failed failures
	for {
		page, err := r.Pools(ctx, "", after, poolPage)
		failed.try(func() error { return err })
		for _, p := range page {
			failed.try(func() error {
				if err := f(p.ID); err != nil {
					return fmt.Errorf("pool %s: %w", p.ID, err)
				}
				return nil
			})
			after = PoolCursor{CreatedAt: p.CreatedAt, ID: p.ID}
		}
		if len(page) < poolPage || failed.ended {
			return failed.err()
		}
	}
}

// InsertPool adds a pool. Its version is 1 unless the record has a later version.
func (tx *Tx) InsertPool(ctx context.Context, p Pool) error {
	return tx.insert(ctx, "pool", poolInsert, p.ID, p.Region, p.Name, max(p.Version, 1), p.CreatedAt, p.ModifiedAt, p.Doc)
}

// UpdatePool changes name and settings.
func (tx *Tx) UpdatePool(ctx context.Context, p Pool) error {
	return tx.change(ctx, ErrConflict, poolUpdate, p.Name, p.ModifiedAt, p.Doc, p.ID, p.Version)
}

// DeletePool removes a pool, its clients and its domains at once. Its other rows, above all its users, can no longer be
// reached. Sweep removes them later, so that a deletion takes the same time for a large pool.
func (tx *Tx) DeletePool(ctx context.Context, id string) error {
	if err := tx.change(ctx, ErrNotFound, poolDelete, id); err != nil {
		return err
	}
	if err := tx.run(ctx, clientsDelete, id); err != nil {
		return err
	}
	if err := tx.run(ctx, domainsDelete, id); err != nil {
		return err
	}
	return tx.run(ctx, markDeleted, id, "", tx.now())
}
