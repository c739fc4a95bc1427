// Package activity counts monthly active users, by user pool and app client (Cognito:
// quotas, monthly active users). It finds them in finished requests, gathers in memory those
// that it has not seen in this month, and writes them in batches. So no request writes for
// it, and the store counts each user once, whichever servers saw the user.
//
// A process that is killed loses what it has gathered since the last flush, a few seconds.
// Such a user is counted at the next activity in the month.
package activity

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/store"
)

const (
	// maxGathered bounds the users that wait to be written: about 20 MB.
	maxGathered = 100_000
	// maxSeen bounds each half of the filter: 32 MB in all.
	maxSeen = 500_000
	// batch is how many rows one transaction writes.
	batch = 256
)

// Deps are what a Service is built from.
type Deps struct {
	Store *store.Store
	Now   func() time.Time // the directory's clock: it decides the month
}

// Service finds and counts active users.
type Service struct {
	deps Deps
	seed maphash.Seed

	mu       sync.Mutex
	seen     filter
	gathered map[entry]bool // the value: federated
	writing  int            // of a batch that is being written
	limit    int
	dropped  int64
}

// An entry is a user who is to be counted, by an app client or, with "", by the pool.
type entry struct {
	pool, user, client string
	month              store.Month
}

// New returns a Service that has seen nobody.
func New(d Deps) *Service {
	return &Service{deps: d, seed: maphash.MakeSeed(), seen: filter{limit: maxSeen}, gathered: map[entry]bool{}, limit: maxGathered}
}

// Observe looks for the active user of a finished request.
func (s *Service) Observe(r *api.Request, f *audit.Facts) {
	pool, client, user, ok := f.ActiveUser(r.Service, r.Operation)
	if !ok {
		return
	}
	month := store.MonthOf(s.deps.Now())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.begin(month)
	s.note(entry{pool: pool, user: user, month: month}, f.Federated)
	if client != "" {
		s.note(entry{pool: pool, user: user, client: client, month: month}, f.Federated)
	}
}

// note gathers an entry unless it was seen in this month. The caller holds the lock.
func (s *Service) note(e entry, federated bool) {
	h := s.hash(e, federated)
	if s.seen.has(h) {
		return
	}
	known, waits := s.gathered[e]
	if !waits && len(s.gathered) >= s.limit {
		s.dropped++ // The filter does not learn it, so that the next activity counts it.
		return
	}
	s.seen.add(h)
	s.gathered[e] = known || federated
}

// hash returns the entry's key in the filter. Two entries of a month with one hash would be
// counted as one. With ten million entries that happens once in some hundred thousand months.
func (s *Service) hash(e entry, federated bool) uint64 {
	return maphash.Comparable(s.seed, struct {
		entry
		federated bool
	}{e, federated})
}

// Flush writes what was gathered.
func (s *Service) Flush(ctx context.Context) error {
	for {
		list := s.take()
		if len(list) == 0 {
			return nil
		}
		err := s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.CountActive(ctx, list) }, store.Retry)
		s.written(list, err)
		if err != nil {
			return err
		}
		if len(list) < batch {
			return nil
		}
	}
}

// take removes a batch from what was gathered. It drops entries of months whose rows the
// store may have removed: they could be counted twice.
func (s *Service) take() []store.ActiveUser {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := store.MonthOf(s.deps.Now().Add(-store.MonthKept))
	var list []store.ActiveUser
	for e, federated := range s.gathered {
		delete(s.gathered, e)
		if e.month < oldest {
			s.dropped++
			continue
		}
		list = append(list, store.ActiveUser{PoolID: e.pool, Month: e.month, UserID: e.user, ClientID: e.client, Federated: federated})
		if len(list) == batch {
			break
		}
	}
	s.writing += len(list)
	return list
}

// written ends a batch. After an error its entries wait again.
func (s *Service) written(list []store.ActiveUser, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing -= len(list)
	if err == nil {
		return
	}
	for _, a := range list {
		e := entry{pool: a.PoolID, user: a.UserID, client: a.ClientID, month: a.Month}
		s.gathered[e] = s.gathered[e] || a.Federated
	}
}

// Waiting returns how many entries wait to be written, and how many could not be kept.
func (s *Service) Waiting() (waiting int, dropped int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.gathered) + s.writing, s.dropped
}

// A filter remembers the hashes of a month, the newest ones if they are too many. It has two
// halves: when one is full, the older one is dropped. What it has forgotten is only asked of
// the store again.
type filter struct {
	month         store.Month
	limit         int
	newer, before map[uint64]struct{}
}

// begin forgets other months.
func (f *filter) begin(month store.Month) {
	if f.month != month {
		f.month, f.newer, f.before = month, map[uint64]struct{}{}, nil
	}
}

func (f *filter) has(h uint64) bool {
	if _, ok := f.newer[h]; ok {
		return true
	}
	_, ok := f.before[h]
	if ok { // Frequent users stay.
		f.add(h)
	}
	return ok
}

func (f *filter) add(h uint64) {
	if len(f.newer) >= f.limit {
		f.newer, f.before = map[uint64]struct{}{}, f.newer
	}
	f.newer[h] = struct{}{}
}
