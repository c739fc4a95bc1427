package store

import (
	"context"
	"time"
)

// MaxSkew is how far apart the clocks of two nodes may be: each is within five seconds of the time. A stored time that is
// further in the future than this was not written by a node in order.
const MaxSkew = 10 * time.Second

var clockStatement = prepare("SELECT {clock}")

// Clock is the time on the database's machine. Nothing is dated by it: it is there to be compared with ours.
func (r *Reader) Clock(ctx context.Context) (t time.Time, err error) {
	err = r.one(ctx, clockStatement, nil, &t)
	return t, err
}
