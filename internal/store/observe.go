package store

import (
	"context"
	"errors"
	"time"
)

// An Observer watches the use of the database. Begin is called before a read, a snapshot or a transaction, and returns the
// context for it and a function that is called at its end. Both must be fast.
type Observer func(ctx context.Context, use Use) (context.Context, func(result Result))

// A Use is a way to use the database.
type Use string

// The uses of the database.
const (
	UseRead     Use = "read"     // one statement that reads
	UseSnapshot Use = "snapshot" // several reads
	UseUpdate   Use = "update"   // a transaction, with its repetitions
)

// A Result is how a use of the database ended.
type Result string

// The results of uses of the database.
const (
	ResultOK          Result = "ok"
	ResultRefused     Result = "refused"     // by the closure: the row exists already, a value was used before
	ResultConflict    Result = "conflict"    // another change came between, at every try
	ResultUnavailable Result = "unavailable" // the database did not answer
	ResultCanceled    Result = "canceled"    // the request ended first
)

func resultOf(err error) Result {
	switch {
	case err == nil:
		return ResultOK
	case errors.Is(err, ErrUnavailable):
		return ResultUnavailable
	case errors.Is(err, ErrConflict):
		return ResultConflict
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ResultCanceled
	}
	return ResultRefused
}

// observed is an engine whose uses an observer sees.
type observed struct {
	engine
	observe Observer
}

func (o *observed) query(ctx context.Context, st *statement, args []any, each func(row) error) error {
	ctx, end := o.observe(ctx, UseRead)
	err := o.engine.query(ctx, st, args, each)
	end(resultOf(err))
	return err
}

func (o *observed) view(ctx context.Context, fn func(session) error) error {
	ctx, end := o.observe(ctx, UseSnapshot)
	err := o.engine.view(ctx, fn)
	end(resultOf(err))
	return err
}

func (o *observed) update(ctx context.Context, fn func(session) error) error {
	ctx, end := o.observe(ctx, UseUpdate)
	err := o.engine.update(ctx, fn)
	end(resultOf(err))
	return err
}

// ObserveDuration returns an Observer that reports how long each use took.
func ObserveDuration(now func() time.Time, report func(use Use, result Result, took time.Duration)) Observer {
	return func(ctx context.Context, use Use) (context.Context, func(Result)) {
		began := now()
		return ctx, func(r Result) { report(use, r, now().Sub(began)) }
	}
}
