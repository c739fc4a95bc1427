package store

import (
	"context"
	"time"
)

// MaxSkew is how far apart the clocks of two nodes may be: each is within five seconds of the real time. A stored time
// further in the future was written by a node with a wrong clock.
const MaxSkew = 10 * time.Second

var clockStatement = prepare("SELECT {clock}")

// Clock returns the time on the database's machine. It is only for comparison with the clock of this machine.
func (r *Reader) Clock(ctx context.Context) (t time.Time, err error) {
	err = r.one(ctx, clockStatement, nil, &t)
	return t, err
}
