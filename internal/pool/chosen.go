package pool

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool/chosenid"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

// regionOf returns the Region of an operation that names no pool.
func regionOf(ctx context.Context) string {
	if region := api.RequestFrom(ctx).Region; region != "" {
		return region
	}
	return defaultRegion
}

// firstVersion returns the first version of a record. An id that was chosen may have belonged to a
// deleted record, which caches may still have.
func firstVersion(chosen string) int64 {
	if chosen == "" {
		return 1
	}
	return keys.NewVersion()
}

// insertChosen runs the insertion of a pool whose id was chosen. Before, it removes all rows of a
// deleted pool with the id.
func (s *Service) insertChosen(ctx context.Context, id string, insert func(tx *store.Tx) error) error {
	err := store.Again(ctx, func() error {
		if err := s.deps.Store.ClearDeleted(ctx, id); err != nil {
			return err
		}
		return s.update(ctx, id, func(tx *store.Tx) error {
			if err := tx.ReuseID(ctx, id); err != nil {
				return err
			}
			return insert(tx)
		})
	})
	if errors.Is(err, store.ErrExists) {
		return invalid("A user pool with the id " + id + " exists already.")
	}
	s.pools.Invalidate(id)
	for _, f := range s.deps.OnReuse {
		f(id)
	}
	return err
}

// OnReuse adds a function that forgets what it knows of a pool's id: another pool has it now. It
// must be called before the first request is served.
func (s *Service) OnReuse(f func(poolID string)) { s.deps.OnReuse = append(s.deps.OnReuse, f) }

// Preview returns the pool that CreateUserPoolAs and SetUserPoolMfaConfig would make, and stores
// nothing. mfa may be nil. added are attributes that AddCustomAttributes would add.
func (s *Service) Preview(in *idp.CreateUserPoolRequest, mfa *idp.SetUserPoolMfaConfigRequest, id string, added ...idp.SchemaAttributeType) (*Snapshot, error) {
	region := chosenid.RegionOf(id)
	p, doc, err := s.newPool(in, id, region)
	if err != nil {
		return nil, err
	}
	if doc.Config.SchemaAttributes, err = schema.AppendAll(doc.Config.SchemaAttributes, added); err != nil {
		return nil, err
	}
	if mfa != nil {
		if err := doc.setMFA(mfa, region); err != nil {
			return nil, err
		}
	}
	return s.snapshotOf(p, doc), nil
}
