package store

import (
	"context"
	"time"
)

var clockStatement = prepare("SELECT {clock}")

// Clock is the time on the database's machine. Nothing is dated by it: it is there to be compared with ours.
func (r *Reader) Clock(ctx context.Context) (t time.Time, err error) {
	err = r.one(ctx, clockStatement, nil, &t)
	return t, err
}
