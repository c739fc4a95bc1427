package store

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// Pools with fewer users than this are counted exactly.
const estimateSample = 2048

var (
	estimateAt    = prepare("SELECT id FROM users WHERE pool_id = ? ORDER BY id LIMIT 1 OFFSET {limit}")
	estimateCount = prepare("SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE pool_id = ? LIMIT {limit}) AS sample")
)

// EstimateUsers returns how many users a pool has: exactly up to 2,047, else within a few percent. User ids are random
// (version 4 UUIDs, RFC 9562 §5.4, begin with 48 random bits). So the 2,048th id shows how dense the ids are. There is no
// counter that a sign-up would have to write, or that a crash could make wrong.
func (r *Reader) EstimateUsers(ctx context.Context, poolID string) (int64, error) {
	var id string
	err := r.one(ctx, estimateAt, []any{poolID, estimateSample - 1}, &id)
	if errors.Is(err, ErrNotFound) {
		var n int64
		err = r.one(ctx, estimateCount, []any{poolID, estimateSample}, &n)
		return n, err
	}
	if err != nil {
		return 0, err
	}
	digits := strings.ReplaceAll(id, "-", "")
	place, err := strconv.ParseUint(digits[:min(12, len(digits))], 16, 64)
	if err != nil || place == 0 {
		return estimateSample, nil //nolint:nilerr // not random ids: a lower bound
	}
	// The k-th smallest of n uniform numbers lies at k/(n+1); (k-1)/place is the unbiased estimate.
	return int64(float64(estimateSample-1) / (float64(place) / float64(uint64(1)<<48))), nil
}
