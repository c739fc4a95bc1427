package pool

import (
	"context"

	"cognate/internal/store"
)

// This file is for services that keep something of a pool beside the pool's own record.

// Read returns a pool's settings from the database itself, for an administrator: a change that another node has just
// made is seen.
func (s *Service) Read(ctx context.Context, poolID string) (*Snapshot, error) {
	p, doc, err := poolRecord(ctx, &s.deps.Store.Reader, poolID)
	if err != nil {
		return nil, err
	}
	return s.snapshotOf(p, doc), nil
}

// Change runs fn, which changes what is kept beside the pool's own record, in one transaction. The transaction also moves
// the pool's version: the quota of a kind holds, and a cache that goes by the version sees the change. fn may run more
// than once.
func (s *Service) Change(ctx context.Context, poolID string, fn func(tx *store.Tx, sn *Snapshot) error) error {
	return s.changePool(ctx, poolID, func(tx *store.Tx, p *store.Pool, doc *settings) error {
		return fn(tx, s.snapshotOf(p, doc))
	})
}

// CheckClient returns the error of an unknown app client unless the pool has this one.
func CheckClient(ctx context.Context, r *store.Reader, poolID, clientID string) error {
	_, _, err := clientRecord(ctx, r, poolID, clientID)
	return err
}
