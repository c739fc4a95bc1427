// Package background runs the tasks of a server beside its requests.
package background

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Tasks run beside the requests. All of them have ended when Stop returns.
type Tasks struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	log    *slog.Logger
}

// New returns Tasks without a task.
func New(log *slog.Logger) *Tasks {
	ctx, cancel := context.WithCancel(context.Background())
	return &Tasks{ctx: ctx, cancel: cancel, log: log}
}

// Run starts a task that goes on until its context ends.
func (b *Tasks) Run(name string, task func(context.Context) error) {
	b.wg.Go(func() {
		if err := b.guarded(name, task); err != nil && b.ctx.Err() == nil {
			b.log.Error("background task ended", slog.String("task", name), slog.Any("error", err))
		}
	})
}

// Every starts a task that is done at each interval. The first time is after one
// interval, so that it does not delay the first request. A failure is logged, and the
// task is tried again after the interval.
func (b *Tasks) Every(name string, interval time.Duration, task func(context.Context) error) {
	b.wg.Go(func() {
		t := time.NewTicker(interval)
		defer t.Stop()
		for {
			select {
			case <-b.ctx.Done():
				return
			case <-t.C:
			}
			if err := b.guarded(name, task); err != nil && b.ctx.Err() == nil {
				b.log.Error("background task failed", slog.String("task", name), slog.Any("error", err))
			}
		}
	})
}

// guarded keeps a task's panic from ending the process.
func (b *Tasks) guarded(name string, task func(context.Context) error) error {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("background task panicked", slog.String("task", name), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	return task(b.ctx)
}

// Stop ends the tasks.
func (b *Tasks) Stop() {
	b.cancel()
	b.wg.Wait()
}
