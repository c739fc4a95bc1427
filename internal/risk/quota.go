package risk

import (
	"context"
	"time"

	"cognate/internal/store"
)

// A Quota limits how often a user may do something in an hour (Cognito: quotas on
// code attempts). It is counted in the transaction of the attempt, so it holds after
// a restart and for concurrent attempts.
type Quota struct {
	Kind  string
	Limit int
}

// QuotaWindow is the time that a Quota counts in.
const QuotaWindow = time.Hour

// Count counts one attempt of the user and reports whether it exceeds the quota.
func (q Quota) Count(ctx context.Context, tx *store.Tx, poolID, userID string, now time.Time) (exceeded bool, err error) {
	n, _, err := tx.Count(ctx, poolID, userID, q.Kind, now, QuotaWindow, 1)
	return n > q.Limit, err
}
