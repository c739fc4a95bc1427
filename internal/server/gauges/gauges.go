// Package gauges reads the metrics that need a query of the database, in the background.
//
// It changes nothing, and it may import audit and store.
package gauges

import (
	"context"
	"errors"
	"sync"
	"time"

	"cognate/internal/audit"
	"cognate/internal/store"
)

// gaugeInterval is how often the database is asked for the gauges, and the limit of
// each query.
const gaugeInterval = 10 * time.Second

// A Database has the metrics that need a query. They are read in the background, so
// that a scrape never waits for a database that does not answer. Then the last values
// stay, and their age grows.
type Database struct {
	store   *store.Store
	now     func() time.Time // of the directory: messages are dated by it
	machine func() time.Time

	mu     sync.Mutex
	up     bool
	queued float64
	oldest map[string]float64 // seconds, by lane
	readAt time.Time
}

// New makes the gauges. now is the clock of the directory, which dates messages, and machine that
// of the machine.
func New(st *store.Store, now, machine func() time.Time) *Database {
	return &Database{store: st, now: now, machine: machine, up: true, oldest: map[string]float64{}, readAt: machine()}
}

// Register adds the gauges to the metrics.
func (g *Database) Register(m *audit.Metrics) {
	gauge := func(read func() float64) func() float64 {
		return func() float64 {
			g.mu.Lock()
			defer g.mu.Unlock()
			return read()
		}
	}
	m.Gauge("cognate_database_up", "1 while the database answers.", gauge(func() float64 {
		if g.up {
			return 1
		}
		return 0
	}))
	m.Gauge("cognate_database_gauges_age_seconds", "Time since the gauges of the outbox were read from the database.", gauge(func() float64 {
		return max(g.machine().Sub(g.readAt).Seconds(), 0)
	}))
	m.Gauge("cognate_outbox_messages", "Mail and SMS that wait to be sent.", gauge(func() float64 { return g.queued }))
	for _, lane := range store.Lanes() {
		m.LabelledGauge("cognate_outbox_oldest_seconds", "How long the oldest message of a lane of the outbox has waited.",
			"lane", audit.LaneLabel(lane), gauge(func() float64 { return g.oldest[lane] }))
	}
}

// Run reads the gauges until ctx ends.
func (g *Database) Run(ctx context.Context) error {
	t := time.NewTicker(gaugeInterval)
	defer t.Stop()
	for {
		g.read(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// read asks the database. A failure is not logged: the gauges show it.
func (g *Database) read(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, gaugeInterval)
	defer cancel()
	up := g.store.Ping(ctx) == nil
	g.mu.Lock()
	g.up = up
	g.mu.Unlock()
	if !up {
		return
	}
	queued, err := g.store.QueuedMessages(ctx)
	oldest := map[string]float64{}
	for _, lane := range store.Lanes() {
		n, since, laneErr := g.store.LaneDepth(ctx, lane)
		if n > 0 {
			oldest[lane] = max(g.now().Sub(since).Seconds(), 0)
		}
		err = errors.Join(err, laneErr)
	}
	if err != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.queued, g.oldest, g.readAt = float64(queued), oldest, g.machine()
}

// activeInterval is how often the numbers of active users are read for the metrics.
const activeInterval = time.Minute

// ActiveUsers returns a task that keeps the metric of active users current until ctx ends. Without an answer
// of the database the last numbers stay.
func ActiveUsers(m *audit.Metrics, st *store.Store, now func() time.Time) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		t := time.NewTicker(activeInterval)
		defer t.Stop()
		for {
			var list []audit.ActiveUsers
			err := st.EachActiveCount(ctx, store.MonthOf(now()), func(c store.ActiveCount) {
				if c.ClientID == "" {
					list = append(list, audit.ActiveUsers{Pool: c.PoolID, All: c.Users, Federated: c.Federated})
				}
			})
			if err == nil {
				m.SetActiveUsers(list)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-t.C:
			}
		}
	}
}
