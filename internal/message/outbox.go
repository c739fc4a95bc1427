package message

import (
	"context"
	"errors"
	"html"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/store"
)

const (
	// sendTimeout is the limit of one attempt. lease is how long a claimed row belongs
	// to its worker; after that another worker may take it.
	sendTimeout = 30 * time.Second
	lease       = 2 * time.Minute

	// slots is how many messages of one lane are sent at once. One pool may hold all
	// slots except reserve. So the next message of another pool finds a free slot,
	// although the first pool's messages are slow.
	slots   = 8
	reserve = 2
	// A pool's own function may be slow. So its lanes have more slots, and one pool
	// may hold only a few of them.
	functionSlots  = 32
	functionsOfOne = 4

	// Backoff doubles from first to last.
	firstRetry = 5 * time.Second
	lastRetry  = 15 * time.Minute

	// idle is the longest pause between two queries of the outbox. It is how late
	// the messages of a dead node, and due retries, are found.
	idle = 5 * time.Second
)

// errLate is the error of a message whose code expired before it was sent.
var errLate = errors.New("not sent before its code expired")

// worker sends the messages of one lane. A slow message delays no other lane, and
// one pool's messages take no more than the pool's share of the lane.
type worker struct {
	s      *Service
	lane   string
	sender Sender
	slots  int
	share  int // of the slots, for one pool

	// lastPool is the pool that had the last turn.
	lastPool string

	mu     sync.Mutex
	busy   int
	ofPool map[string]int
	done   chan struct{} // has a value when a slot was given back
	rest   time.Duration // Deps.Rest, but 0 in Flush
}

// workers returns a worker for each lane that has a sender.
func (s *Service) workers() []*worker {
	var list []*worker
	add := func(lane string, sender Sender, slots, share int) {
		if sender != nil {
			list = append(list, &worker{
				s: s, lane: lane, sender: sender, slots: slots, share: share, ofPool: map[string]int{}, done: make(chan struct{}, 1),
			})
		}
	}
	add(store.LaneEmail, s.deps.Mail, slots, slots-reserve)
	add(store.LaneSMS, s.deps.SMS, slots, slots-reserve)
	add(store.LaneEmailFunction, s.deps.Functions, functionSlots, functionsOfOne)
	add(store.LaneSMSFunction, s.deps.Functions, functionSlots, functionsOfOne)
	return list
}

// Run hands due messages to their senders until ctx ends. Several nodes may
// run it on one database: a row is claimed before it is sent. A crash between
// sending and recording sends a message twice; it is never lost.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, w := range s.workers() {
		w.rest = s.deps.Rest
		wg.Go(func() { w.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Flush delivers the due messages and waits for them: for a graceful stop.
func (s *Service) Flush(ctx context.Context) error {
	list := s.workers()
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, w := range list {
		wg.Go(func() { errs[i] = w.flush(ctx) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// run sends messages until ctx ends. It returns when all attempts have ended.
func (w *worker) run(ctx context.Context) {
	var sends sync.WaitGroup
	defer sends.Wait()
	t := time.NewTimer(idle)
	defer t.Stop()
	for ctx.Err() == nil {
		news := w.s.changed()
		more, err := w.claimDue(ctx, &sends)
		if err != nil && ctx.Err() == nil {
			w.s.deps.Log.ErrorContext(ctx, "outbox", slog.String("lane", w.lane), slog.Any("error", err))
		}
		if more && err == nil {
			continue
		}
		t.Reset(idle)
		select {
		case <-ctx.Done():
		case <-w.done:
		case <-news:
		case <-t.C:
		}
	}
}

// flush sends messages until none is due.
func (w *worker) flush(ctx context.Context) error {
	var sends sync.WaitGroup
	defer sends.Wait()
	for {
		more, err := w.claimDue(ctx, &sends)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if w.freeSlots() == w.slots {
			// A slot may have become free after the query.
			if more, err = w.claimDue(ctx, &sends); err != nil || !more && w.freeSlots() == w.slots {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.done:
		}
	}
}

// claimDue fills the free slots with due messages, and reports whether it found any.
func (w *worker) claimDue(ctx context.Context, sends *sync.WaitGroup) (found bool, err error) {
	free := w.freeSlots()
	if free == 0 || !w.s.deps.Ring.Usable() { // another node can read what this one cannot
		return false, nil
	}
	// The query writes nothing: on SQLite a write would delay other writers.
	now := w.s.deps.Now().Add(-w.rest)
	due, err := w.s.deps.Store.MessagesDue(ctx, w.lane, now)
	if err != nil || !due {
		return false, err
	}
	var rows []store.Message
	var last string
	err = w.s.deps.Store.Update(ctx, func(tx *store.Tx) (err error) {
		rows, last, err = tx.ClaimMessages(ctx, store.MessageClaim{
			Lane: w.lane, Now: now, Lease: lease + w.rest, Limit: free, AfterPool: w.lastPool, RoomOfPool: w.freeSlotsOf,
		})
		return err
	})
	if err != nil {
		return false, err
	}
	w.lastPool = last
	for _, r := range rows {
		w.countSlots(r.PoolID, 1)
		sends.Go(func() {
			defer w.release(r.PoolID)
			w.attempt(ctx, r)
		})
	}
	return len(rows) > 0, nil
}

func (w *worker) freeSlots() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slots - w.busy
}

func (w *worker) freeSlotsOf(pool string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.share - w.ofPool[pool]
}

func (w *worker) countSlots(pool string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy += n
	if w.ofPool[pool] += n; w.ofPool[pool] == 0 {
		delete(w.ofPool, pool)
	}
}

func (w *worker) release(pool string) {
	w.countSlots(pool, -1)
	select {
	case w.done <- struct{}{}:
	default: // The worker was woken before, and has yet to look.
	}
}

// attempt sends one claimed row and records the outcome.
func (w *worker) attempt(ctx context.Context, r store.Message) {
	s := w.s
	err := w.send(ctx, r)
	// The outcome is recorded even when the server is stopping. Otherwise the message
	// would be sent twice.
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	var permanent PermanentError
	next := s.deps.Now().Add(backoff(r.Attempts - 1)) // the claim has counted this attempt
	log := s.deps.Log.With(slog.String("message", r.ID), slog.String("pool", r.PoolID), slog.String("lane", r.Lane))
	result := audit.MessageRetried
	switch {
	case err == nil:
		result = audit.MessageSent
	case errors.As(err, &permanent) || next.After(r.ExpiresAt):
		result = audit.MessageFailed
	}
	s.deps.Metrics.Message(r.Lane, result)
	var also func(ctx context.Context, tx *store.Tx) error
	if result == audit.MessageFailed {
		also = s.failed(done, r, err)
	}
	record := s.deps.Store.Update(done, func(tx *store.Tx) error {
		switch result {
		case audit.MessageSent:
			return tx.FinishMessage(done, r.PoolID, r.ID, store.MessageSent, "", s.keepUntil(r))
		case audit.MessageFailed:
			if err := tx.FinishMessage(done, r.PoolID, r.ID, store.MessageFailed, rowText(err), s.keepUntil(r)); err != nil || also == nil {
				return err
			}
			return also(done, tx)
		default:
			return tx.RetryMessage(done, r.PoolID, r.ID, next, rowText(err))
		}
	})
	if err != nil {
		log.WarnContext(ctx, "message not delivered", slog.Int("attempt", r.Attempts), slog.Any("error", err))
	}
	// A user who is deleted takes the message along.
	if record != nil && !errors.Is(record, store.ErrNotFound) {
		log.ErrorContext(ctx, "message's fate not recorded", slog.Any("error", record))
	}
}

// failed returns what is written with the end of a message that could not be sent; nil if nothing is.
func (s *Service) failed(ctx context.Context, r store.Message, failure error) func(ctx context.Context, tx *store.Tx) error {
	if s.deps.Failed == nil {
		return nil
	}
	text := rowText(failure)
	if errors.Is(failure, errLate) && r.LastError != "" {
		text += "; the last attempt failed: " + r.LastError
	}
	also, err := s.deps.Failed(ctx, s.deps.Now(), r.PoolID, r.UserID, r.Medium+" message "+r.ID+" was not delivered: "+text)
	if err != nil { // The message has ended all the same.
		s.deps.Log.ErrorContext(ctx, "the failure of a message is missing in the log of its user pool", slog.String("message", r.ID), slog.String("pool", r.PoolID), slog.Any("error", err))
		return nil
	}
	return also
}

// keepUntil returns until when a message is kept that was sent or given up.
func (s *Service) keepUntil(r store.Message) time.Time {
	until := s.deps.Now().Add(s.deps.Keep)
	if s.deps.Keep == 0 || until.After(r.ExpiresAt) {
		return r.ExpiresAt
	}
	return until
}

func (w *worker) send(ctx context.Context, r store.Message) error {
	if !w.s.deps.Now().Before(r.ExpiresAt) {
		return PermanentError{errLate}
	}
	m, err := w.s.open(r)
	if errors.Is(err, keys.ErrUnknownKey) {
		return err // the key will be loaded, or another node has it
	}
	if err != nil {
		return PermanentError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return m.hideCode(outbound.Clean(w.sender.Send(ctx, m)))
}

// maxRowText is how much of an error a row keeps.
const maxRowText = 1000

// rowText returns an error's text in a form that a row can keep. An error of another
// server may not be valid text. The store would reject it, the attempt would not be
// recorded, and the message would be sent again and again.
func rowText(err error) string {
	text := err.Error()
	text = text[:min(len(text), maxRowText)]
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// hideCode takes the code out of an error. The error of a gateway or a function may
// quote the message, and goes to the log and the row in plain text.
func (m Message) hideCode(err error) error {
	if err == nil || m.Code == "" {
		return err
	}
	text := err.Error()
	hidden := strings.NewReplacer(m.Code, "******", html.EscapeString(m.Code), "******").Replace(text)
	if hidden == text {
		return err
	}
	if _, ok := errors.AsType[PermanentError](err); ok {
		return PermanentError{errors.New(hidden)}
	}
	return errors.New(hidden)
}

// backoff returns the pause after the given number of earlier attempts. Up to a
// quarter of it is random, so that the messages of an outage do not return as one
// wave.
func backoff(attempts int) time.Duration {
	d := lastRetry
	if attempts < 8 {
		d = min(firstRetry<<attempts, lastRetry)
	}
	return d - rand.N(d/4) //nolint:gosec // a wait is no secret
}
