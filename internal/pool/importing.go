package pool

import (
	"context"
	"errors"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// checkNotImporting rejects a change of a pool while users are imported into it: the rules
// for the lines of a file must not change during the import.
func checkNotImporting(ctx context.Context, tx *store.Tx, poolID string) error {
	id, err := tx.ActiveImport(ctx, poolID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return idp.UserImportInProgressException("The user import job " + id + " is in progress.")
}
