package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// defaultStatementTimeout is the default of Options.StatementTimeout.
const defaultStatementTimeout = 5 * time.Second

// errNoAnswer is the cause of ErrUnavailable when the database takes connections but does not answer: a frozen process,
// a network that drops packets, a stalled disk.
var errNoAnswer = errors.New("it did not answer in time")

// noAnswer returns an ErrUnavailable of a database that does not answer.
func noAnswer() error { return fmt.Errorf("%w: %w", ErrUnavailable, errNoAnswer) }

type statementTimeoutKey struct{}

// WithStatementTimeout returns a context in which each statement of an Update may take as long as limit instead of
// Options.StatementTimeout. It is for statements that are long on purpose, as those of an import's batch are.
func WithStatementTimeout(ctx context.Context, limit time.Duration) context.Context {
	return context.WithValue(ctx, statementTimeoutKey{}, limit)
}

// statementTimeout returns the limit that the context asks for, or 0.
func statementTimeout(ctx context.Context) time.Duration {
	limit, _ := ctx.Value(statementTimeoutKey{}).(time.Duration)
	return limit
}

// A breaker refuses work at once while the database does not answer. So requests do not queue for connections that hang.
// After a statement ran into its deadline, the breaker probes the database. A failed probe opens the breaker, and the
// first successful probe closes it. So one lost connection or one slow statement does not open it.
type breaker struct {
	probe    func(context.Context) error
	interval time.Duration // between two probes while the breaker is open
	opened   func()        // is called each time the breaker has opened
	log      *slog.Logger

	ctx     context.Context // ends with stop
	end     context.CancelFunc
	running sync.WaitGroup

	mu       sync.Mutex
	current  *probeRun       // nil while no probe runs
	watching bool            // a goroutine probes until the database answers
	tripped  context.Context // ends when the breaker opens
	trip     context.CancelFunc
}

// A probeRun is one probe. All callers that check while it runs share its result.
type probeRun struct {
	done chan struct{}
	err  error // once done is closed
}

func newBreaker(probe func(context.Context) error, interval time.Duration, opened func(), log *slog.Logger) *breaker {
	b := &breaker{probe: probe, interval: interval, opened: opened, log: log}
	b.ctx, b.end = context.WithCancel(context.Background())
	b.tripped, b.trip = context.WithCancel(context.Background())
	return b
}

// stop ends the probes and waits for them.
func (b *breaker) stop() {
	b.mu.Lock()
	b.end()
	b.trip()
	b.mu.Unlock()
	b.running.Wait()
}

// refusal returns an error while the breaker is open.
func (b *breaker) refusal() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tripped.Err() != nil {
		return noAnswer()
	}
	return nil
}

// bound returns a context that ends after limit, and at once when the breaker opens. It is for waiting, not for a
// statement under way.
func (b *breaker) bound(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	b.mu.Lock()
	tripped := b.tripped
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, limit)
	stop := context.AfterFunc(tripped, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// check probes the database, or shares a probe that runs. It returns when ctx ends, whatever the database does.
func (b *breaker) check(ctx context.Context) error {
	if err := b.refusal(); err != nil {
		return err
	}
	run := b.start()
	if run == nil {
		return fmt.Errorf("%w: closed", ErrUnavailable)
	}
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", noAnswer(), ctx.Err())
	}
}

// start returns the probe that runs, or a new one; nil after stop.
func (b *breaker) start() *probeRun {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != nil || b.ctx.Err() != nil {
		return b.current
	}
	run := &probeRun{done: make(chan struct{})}
	b.current = run
	b.running.Go(func() {
		run.err = b.probe(b.ctx)
		b.mu.Lock()
		b.current = nil
		b.mu.Unlock()
		close(run.done)
	})
	return run
}

// suspect is called when a statement ran into its deadline.
func (b *breaker) suspect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watching || b.ctx.Err() != nil {
		return
	}
	b.watching = true
	b.running.Go(b.watch)
}

// watch probes until the database answers.
func (b *breaker) watch() {
	t := time.NewTimer(b.interval)
	defer t.Stop()
	for {
		run := b.start()
		if run == nil {
			return
		}
		<-run.done
		if run.err == nil {
			b.close()
			return
		}
		b.open(run.err)
		t.Reset(b.interval)
		select {
		case <-b.ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (b *breaker) open(err error) {
	b.mu.Lock()
	first := b.tripped.Err() == nil
	b.trip()
	b.mu.Unlock()
	if first {
		b.log.Error("the database does not answer; requests that need it are refused until it does", slog.Any("error", err))
		b.opened()
	}
}

func (b *breaker) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watching = false
	if b.tripped.Err() == nil || b.ctx.Err() != nil {
		return
	}
	b.tripped, b.trip = context.WithCancel(context.Background())
	b.log.Info("the database answers again")
}
