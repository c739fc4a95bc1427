package trail

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/audit/intake"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// Deps are what a Trail is built from.
type Deps struct {
	Store     *store.Store
	Ring      *keys.Ring
	Intake    *intake.Intake
	AccountID string
	// Now is the clock of the machine: records are dated by it.
	Now func() time.Time
	// Patience is the longest that an answer waits for its record.
	Patience time.Duration
	// Retention is how long records are kept.
	Retention time.Duration
	Log       *slog.Logger
}

// A Trail records requests. A nil *Trail records nothing.
type Trail struct {
	deps  Deps
	chain *chain
	kind  *intake.Kind[*store.AuditEvent]

	// failedAt is when the last transaction failed, in Unix nanoseconds. It is 0 while records
	// can be stored.
	failedAt atomic.Int64
	gap      gap
	lost     atomic.Uint64

	maintenance maintenance
}

// New makes a Trail. It writes nothing before the first record.
func New(d Deps) *Trail {
	t := &Trail{deps: d}
	t.chain = &chain{trail: t}
	t.kind = intake.Register(d.Intake, t.chain)
	return t
}

// retryInterval is how long records are counted as lost without a try, after a failed one.
const retryInterval = time.Second

// resting reports whether the store failed a moment ago. After retryInterval one caller may try.
func (t *Trail) resting() bool {
	last := t.failedAt.Load()
	if last == 0 {
		return false
	}
	now := t.deps.Now().UnixNano()
	return now-last < int64(retryInterval) || !t.failedAt.CompareAndSwap(last, now)
}

// ErrOutage means that an administrator's change is refused, because its record cannot be stored.
var ErrOutage = errors.New("trail: records cannot be stored now")

// Admit refuses an operation that must be recorded while records cannot be stored. So such an
// operation changes nothing.
func (t *Trail) Admit(op *api.Operation) error {
	if t == nil || !mustRecord(op) {
		return nil
	}
	last := t.failedAt.Load()
	if last != 0 && t.deps.Now().UnixNano()-last < int64(retryInterval) {
		return ErrOutage
	}
	return nil
}

// write stores a record and returns when it is committed. A record that is not required and
// cannot be stored is counted as lost.
func (t *Trail) write(ctx context.Context, e *store.AuditEvent, required bool) error {
	if !required && t.resting() {
		t.lose(e.At)
		return nil
	}
	// A client that goes away must not take its record along.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.deps.Patience)
	defer cancel()
	err := t.kind.Write(ctx, e)
	if err == nil {
		return nil
	}
	t.lose(e.At)
	if required {
		return err
	}
	return nil
}

// lose counts a record that was not stored.
func (t *Trail) lose(at time.Time) {
	t.lost.Add(1)
	if t.gap.add(at) {
		t.deps.Log.Error("a record of the audit trail is lost; the trail will say how many are missing")
	}
}

// Lost returns how many records were lost since the process began.
func (t *Trail) Lost() uint64 { return t.lost.Load() }

// A gap counts lost records until the chain has a record about them.
type gap struct {
	mu       sync.Mutex
	count    int64
	from, to time.Time
}

// add counts a record, and reports whether it is the first of the gap.
func (g *gap) add(at time.Time) (first bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.count == 0 || at.Before(g.from) {
		g.from = at
	}
	if at.After(g.to) {
		g.to = at
	}
	g.count++
	return g.count == 1
}

// seen returns what was lost so far.
func (g *gap) seen() (count int64, from, to time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count, g.from, g.to
}

// recorded subtracts what a record of the chain says.
func (g *gap) recorded(count int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count -= count
	if g.count == 0 {
		g.from, g.to = time.Time{}, time.Time{}
	}
}

// newSalt returns the salt of a commitment.
func newSalt() []byte {
	salt := make([]byte, saltSize, 256)
	rand.Read(salt)
	return salt
}

// Register adds the metrics of the trail.
func (t *Trail) Register(m *audit.Metrics) {
	in := t.deps.Intake
	m.Gauge("cognate_audit_waiting", "Requests that wait for their record to be stored.", func() float64 { return float64(in.Waiting()) })
	m.Counter("cognate_audit_batches_total", "Transactions that stored records.", func() float64 { return float64(in.Batches()) })
	m.Counter("cognate_audit_records_total", "Records that were stored.", func() float64 { return float64(in.Rows()) })
	m.Counter("cognate_audit_failures_total", "Transactions that could not store records.", func() float64 { return float64(in.Failures()) })
	m.Counter("cognate_audit_lost_total", "Requests that were answered, or failed, without a stored record.", func() float64 { return float64(t.Lost()) })
}
