package store

import (
	"context"
	"time"
)

// A queue is counted up to 100,000 messages: by then an operator must act anyway.
var laneDepth = prepare("SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM (SELECT created_at FROM messages WHERE queued = 1 AND created_at >= 0 AND lane = ? ORDER BY due_at LIMIT 100000) AS queue")

// QueuedMessages counts the messages that wait for their delivery, up to 100,000 in each lane.
func (r *Reader) QueuedMessages(ctx context.Context) (n int, err error) {
	for _, lane := range Lanes() {
		waiting, _, err := r.LaneDepth(ctx, lane)
		if err != nil {
			return 0, err
		}
		n += waiting
	}
	return n, nil
}

// LaneDepth counts the messages that wait in a lane and returns since when the oldest waits. Beyond 100,000 it counts only
// those that are due first.
func (r *Reader) LaneDepth(ctx context.Context, lane string) (n int, oldest time.Time, err error) {
	err = r.one(ctx, laneDepth, []any{lane}, &n, &oldest)
	if n == 0 {
		oldest = time.Time{}
	}
	return n, oldest, err
}
