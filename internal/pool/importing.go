package pool

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// notImporting refuses a change of a pool that people are being imported into:
// what their lines are held to must not change under way.
func notImporting(ctx context.Context, tx *store.Tx, poolID string) error {
	id, err := tx.ActiveImport(ctx, poolID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return idp.UserImportInProgressException("The user import job " + id + " is in progress.")
}
