package store

import "context"

// A longer queue is not counted further: whoever watches it has been told by then.
var queuedCount = prepare("SELECT COUNT(*) FROM (SELECT 1 FROM messages WHERE queued = 1 LIMIT 100000) AS queue")

// QueuedMessages counts the messages that wait for their delivery, up to 100,000.
func (r *Reader) QueuedMessages(ctx context.Context) (n int, err error) {
	err = r.one(ctx, queuedCount, nil, &n)
	return n, err
}
