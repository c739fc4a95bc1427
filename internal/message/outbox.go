package message

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"cognate/internal/store"
)

const (
	// sendTimeout bounds one attempt; lease is how long a claimed row is left
	// to the worker that claimed it, before another may think it dead.
	sendTimeout = 30 * time.Second
	lease       = 2 * time.Minute

	// batch rows are claimed at once, and as many sent side by side.
	batch = 8

	// Backoff doubles from first to last.
	firstRetry = 5 * time.Second
	lastRetry  = 15 * time.Minute

	// idle bounds the sleep between looks at the outbox: a message of another
	// node that died, or whose retry is due, is found after that at the latest.
	idle = 5 * time.Second
)

// Run hands due messages to their senders until ctx ends. Several nodes may
// run it on one database: a row is claimed before it is sent. A crash between
// sending and recording sends a message twice; it is never lost.
func (s *Service) Run(ctx context.Context) error {
	for {
		news := s.changed()
		n, err := s.deliver(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "outbox", slog.Any("error", err))
		}
		if n == batch && err == nil {
			continue // there may be more
		}
		t := time.NewTimer(idle)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-news:
		case <-t.C:
		}
		t.Stop()
	}
}

// Flush delivers what is due and waits for it: for a graceful stop.
func (s *Service) Flush(ctx context.Context) error {
	for {
		n, err := s.deliver(ctx)
		if n < batch || err != nil {
			return err
		}
	}
}

// deliver claims one batch, sends it and says how many rows it was.
func (s *Service) deliver(ctx context.Context) (int, error) {
	if s.Mail == nil && s.SMS == nil {
		return 0, nil
	}
	var rows []store.Message
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.ClaimMessages(ctx, s.Now(), lease, batch)
		return err
	})
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	for _, r := range rows {
		wg.Go(func() { s.attempt(ctx, r) })
	}
	wg.Wait()
	return len(rows), nil
}

// attempt sends one claimed row and records what became of it.
func (s *Service) attempt(ctx context.Context, r store.Message) {
	err := s.send(ctx, r)
	// Recorded even when the server is stopping: else the message goes twice.
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	var permanent PermanentError
	next := s.Now().Add(backoff(r.Attempts - 1)) // the claim has counted this attempt
	log := s.Log.With(slog.String("message", r.ID), slog.String("pool", r.PoolID), slog.String("medium", r.Medium))
	record := s.Store.Update(done, func(tx *store.Tx) error {
		switch {
		case err == nil:
			return tx.FinishMessage(done, r.PoolID, r.ID, store.MessageSent, "")
		case errors.As(err, &permanent) || next.After(r.ExpiresAt):
			return tx.FinishMessage(done, r.PoolID, r.ID, store.MessageFailed, err.Error())
		default:
			return tx.RetryMessage(done, r.PoolID, r.ID, next, err.Error())
		}
	})
	if err != nil {
		log.WarnContext(ctx, "message not delivered", slog.Int("attempt", r.Attempts), slog.Any("error", err))
	}
	if record != nil {
		log.ErrorContext(ctx, "message's fate not recorded", slog.Any("error", record))
	}
}

func (s *Service) send(ctx context.Context, r store.Message) error {
	sender := s.sender(r.Medium)
	if sender == nil {
		return ErrNoSender // configured away since; the next start may have it again
	}
	m, err := s.open(r)
	if err != nil {
		return PermanentError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return sender.Send(ctx, m)
}

// backoff is the pause after the given number of earlier attempts, with a
// quarter of jitter so that an outage's messages do not come back as one wave.
func backoff(attempts int) time.Duration {
	d := lastRetry
	if attempts < 8 {
		d = min(firstRetry<<attempts, lastRetry)
	}
	return d - rand.N(d/4)
}
