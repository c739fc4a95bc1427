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

	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/internal/store"
)

const (
	// sendTimeout bounds one attempt; lease is how long a claimed row is left
	// to the worker that claimed it, before another may think it dead.
	sendTimeout = 30 * time.Second
	lease       = 2 * time.Minute

	// slots are how many messages of one lane are on their way at once. Of those a
	// pool may hold all but reserve, so that the next message of another pool finds
	// one free although the first pool's are slow.
	slots   = 8
	reserve = 2
	// A pool's own function is as slow as the pool makes it: more slots, of which
	// one pool has few.
	functionSlots  = 32
	functionsOfOne = 4

	// Backoff doubles from first to last.
	firstRetry = 5 * time.Second
	lastRetry  = 15 * time.Minute

	// idle bounds the sleep between looks at the outbox: a message of another
	// node that died, or whose retry is due, is found after that at the latest.
	idle = 5 * time.Second
)

// errLate is what becomes of a message that would be of no more use.
var errLate = errors.New("not sent before its code expired")

// worker sends the messages of one lane. What hangs in one lane delays no other,
// and what a pool queues takes no more than its share of the lane.
type worker struct {
	s      *Service
	lane   string
	sender Sender
	slots  int
	share  int // of the slots, for one pool

	// lastPool is whose turn it was last.
	lastPool string

	mu     sync.Mutex
	busy   int
	ofPool map[string]int
	done   chan struct{} // has a value when a slot was given back
	rest   time.Duration // Deps.Rest, but 0 in Flush
}

// workers returns one for each lane that there is a way out for.
func (s *Service) workers() []*worker {
	var list []*worker
	add := func(lane string, sender Sender, slots, share int) {
		if sender != nil {
			list = append(list, &worker{
				s: s, lane: lane, sender: sender, slots: slots, share: share, ofPool: map[string]int{}, done: make(chan struct{}, 1),
			})
		}
	}
	add(store.LaneEmail, s.Mail, slots, slots-reserve)
	add(store.LaneSMS, s.SMS, slots, slots-reserve)
	add(store.LaneEmailFunction, s.Functions, functionSlots, functionsOfOne)
	add(store.LaneSMSFunction, s.Functions, functionSlots, functionsOfOne)
	return list
}

// Run hands due messages to their senders until ctx ends. Several nodes may
// run it on one database: a row is claimed before it is sent. A crash between
// sending and recording sends a message twice; it is never lost.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, w := range s.workers() {
		w.rest = s.Rest
		wg.Go(func() { w.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Flush delivers what is due and waits for it: for a graceful stop.
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

// run works until ctx ends, and returns when nothing is on its way any more.
func (w *worker) run(ctx context.Context) {
	var sends sync.WaitGroup
	defer sends.Wait()
	t := time.NewTimer(idle)
	defer t.Stop()
	for ctx.Err() == nil {
		news := w.s.changed()
		more, err := w.take(ctx, &sends)
		if err != nil && ctx.Err() == nil {
			w.s.Log.ErrorContext(ctx, "outbox", slog.String("lane", w.lane), slog.Any("error", err))
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

// flush works until nothing is due.
func (w *worker) flush(ctx context.Context) error {
	var sends sync.WaitGroup
	defer sends.Wait()
	for {
		more, err := w.take(ctx, &sends)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if w.free() == w.slots {
			// A slot may have come free after the look.
			if more, err = w.take(ctx, &sends); err != nil || !more && w.free() == w.slots {
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

// take fills the free slots with what is due, and reports whether it found any.
func (w *worker) take(ctx context.Context, sends *sync.WaitGroup) (found bool, err error) {
	free := w.free()
	if free == 0 || !w.s.Ring.Usable() { // another node can read what this one cannot
		return false, nil
	}
	// Looking costs no write: on SQLite that is somebody else's turn.
	now := w.s.Now().Add(-w.rest)
	due, err := w.s.Store.MessagesDue(ctx, w.lane, now)
	if err != nil || !due {
		return false, err
	}
	var rows []store.Message
	var last string
	err = w.s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		rows, last, err = tx.ClaimMessages(ctx, store.MessageClaim{
			Lane: w.lane, Now: now, Lease: lease + w.rest, Limit: free, AfterPool: w.lastPool, RoomOfPool: w.room,
		})
		return err
	})
	if err != nil {
		return false, err
	}
	w.lastPool = last
	for _, r := range rows {
		w.hold(r.PoolID, 1)
		sends.Go(func() {
			defer w.release(r.PoolID)
			w.attempt(ctx, r)
		})
	}
	return len(rows) > 0, nil
}

func (w *worker) free() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slots - w.busy
}

func (w *worker) room(pool string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.share - w.ofPool[pool]
}

func (w *worker) hold(pool string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy += n
	if w.ofPool[pool] += n; w.ofPool[pool] == 0 {
		delete(w.ofPool, pool)
	}
}

func (w *worker) release(pool string) {
	w.hold(pool, -1)
	select {
	case w.done <- struct{}{}:
	default: // The worker has been told and has not looked yet.
	}
}

// attempt sends one claimed row and records what became of it.
func (w *worker) attempt(ctx context.Context, r store.Message) {
	s := w.s
	err := w.send(ctx, r)
	// Recorded even when the server is stopping: else the message goes twice.
	done, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	var permanent PermanentError
	next := s.Now().Add(backoff(r.Attempts - 1)) // the claim has counted this attempt
	log := s.Log.With(slog.String("message", r.ID), slog.String("pool", r.PoolID), slog.String("lane", r.Lane))
	record := s.Store.Update(done, func(tx *store.Tx) error {
		switch {
		case err == nil:
			return tx.FinishMessage(done, r.PoolID, r.ID, store.MessageSent, "")
		case errors.As(err, &permanent) || next.After(r.ExpiresAt):
			return tx.FinishMessage(done, r.PoolID, r.ID, store.MessageFailed, rowText(err))
		default:
			return tx.RetryMessage(done, r.PoolID, r.ID, next, rowText(err))
		}
	})
	if err != nil {
		log.WarnContext(ctx, "message not delivered", slog.Int("attempt", r.Attempts), slog.Any("error", err))
	}
	if record != nil {
		log.ErrorContext(ctx, "message's fate not recorded", slog.Any("error", record))
	}
}

func (w *worker) send(ctx context.Context, r store.Message) error {
	if !w.s.Now().Before(r.ExpiresAt) {
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

// rowText is an error as a row can keep it. What others say may be no text at
// all; refused by the store, it would keep the attempt from being recorded, and
// the message would go again and again.
func rowText(err error) string {
	text := err.Error()
	text = text[:min(len(text), maxRowText)]
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// hideCode takes the code out of an error: what a gateway or a function says of a
// message may quote it, and goes to the log and the row in the clear.
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

// backoff is the pause after the given number of earlier attempts, with a
// quarter of jitter so that an outage's messages do not come back as one wave.
func backoff(attempts int) time.Duration {
	d := lastRetry
	if attempts < 8 {
		d = min(firstRetry<<attempts, lastRetry)
	}
	return d - rand.N(d/4) //nolint:gosec // a wait is no secret
}
