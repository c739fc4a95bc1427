package server

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// background runs the tasks beside the requests. All of them have ended when stop
// returns.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	log    *slog.Logger
}

func newBackground(log *slog.Logger) *background {
	ctx, cancel := context.WithCancel(context.Background())
	return &background{ctx: ctx, cancel: cancel, log: log}
}

// run starts a task that goes on until its context ends.
func (b *background) run(name string, task func(context.Context) error) {
	b.wg.Go(func() {
		if err := b.guarded(name, task); err != nil && b.ctx.Err() == nil {
			b.log.Error("background task ended", slog.String("task", name), slog.Any("error", err))
		}
	})
}

// every starts a task that is done at each interval. The first time is after one
// interval, so that it does not delay the first request. A failure is logged, and the
// task is tried again after the interval.
func (b *background) every(name string, interval time.Duration, task func(context.Context) error) {
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
func (b *background) guarded(name string, task func(context.Context) error) error {
	defer func() {
		if p := recover(); p != nil {
			b.log.Error("background task panicked", slog.String("task", name), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		}
	}()
	return task(b.ctx)
}

func (b *background) stop() {
	b.cancel()
	b.wg.Wait()
}
