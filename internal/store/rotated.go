package store

import (
	"context"
	"time"
)

// RotatedAt tells when a refresh token was exchanged; ErrNotFound if it was not.
func (r *Reader) RotatedAt(ctx context.Context, poolID, family, tokenID string) (at time.Time, err error) {
	err = r.one(ctx, rotatedGet, []any{poolID, family, tokenID}, &at)
	return at, err
}
