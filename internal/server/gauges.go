package server

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

// databaseGauges are the metrics that need a query. They are read in the background, so
// that a scrape never waits for a database that does not answer. Then the last values
// stay, and their age grows.
type databaseGauges struct {
	store   *store.Store
	now     func() time.Time // of the directory: messages are dated by it
	machine func() time.Time

	mu     sync.Mutex
	up     bool
	queued float64
	oldest map[string]float64 // seconds, by lane
	readAt time.Time
}

func newDatabaseGauges(st *store.Store, c *Config) *databaseGauges {
	return &databaseGauges{store: st, now: c.Now, machine: c.machineNow(), up: true, oldest: map[string]float64{}, readAt: c.machineNow()()}
}

func (g *databaseGauges) register(m *audit.Metrics) {
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

// registerGauges adds the metrics that need no query.
func (v *services) registerGauges(c *Config, st *store.Store) {
	m := v.metrics
	m.Gauge("cognate_database_connections_max", "How many connections of the database this server uses at most.", func() float64 {
		return float64(st.Connections().Max)
	})
	m.LabelledGauge("cognate_database_connections", "Connections of the database.", "state", "in_use", func() float64 {
		return float64(st.Connections().InUse)
	})
	m.LabelledGauge("cognate_database_connections", "Connections of the database.", "state", "idle", func() float64 {
		return float64(st.Connections().Idle)
	})
	m.Counter("cognate_database_connection_waits_total", "How often a caller had to wait for a connection of the database.", func() float64 {
		return float64(st.Connections().Waits)
	})
	m.Counter("cognate_database_connection_wait_seconds_total", "How long callers waited for connections of the database in total.", func() float64 {
		return st.Connections().Waited.Seconds()
	})
	m.Counter("cognate_crypto_total", "How often a caller asked for a place to do heavy cryptography.", func() float64 { return float64(v.gate.Entered()) })
	m.Counter("cognate_crypto_refused_total", "How often a caller was refused because too many waited for heavy cryptography.", func() float64 { return float64(v.gate.Refused()) })
	m.Gauge("cognate_active_users_waiting", "Active users of the month that are not counted in the database yet.", func() float64 {
		waiting, _ := v.activity.Waiting()
		return float64(waiting)
	})
	m.Counter("cognate_active_users_dropped_total", "Active users of the month that could not be kept until the database counted them. Their next activity counts.", func() float64 {
		_, dropped := v.activity.Waiting()
		return float64(dropped)
	})
	for _, c := range v.caches() {
		m.LabelledCounter("cognate_cache_hits_total", "Reads that a cache answered.", "cache", c.name, func() float64 { hits, _, _ := c.stats(); return float64(hits) })
		m.LabelledCounter("cognate_cache_misses_total", "Reads that a cache could not answer from memory.", "cache", c.name, func() float64 { _, misses, _ := c.stats(); return float64(misses) })
		m.LabelledGauge("cognate_cache_entries", "Entries of a cache.", "cache", c.name, func() float64 { _, _, n := c.stats(); return float64(n) })
	}
	m.Counter("cognate_lockouts_total", "How often wrong passwords locked a user.", func() float64 { return float64(v.lockouts.Locks()) })
	if c.Database != "" {
		return
	}
	if _, known := FreeBytes(c.Data); known {
		m.Gauge("cognate_data_free_bytes", "Free space of the data folder's file system.", func() float64 {
			free, _ := FreeBytes(c.Data)
			return float64(free)
		})
	}
}

// databaseObserver measures the uses of the database.
func databaseObserver(m *audit.Metrics) store.Observer {
	return store.ObserveDuration(time.Now, func(use store.Use, result store.Result, took time.Duration) {
		m.Database(string(use), string(result), took)
	})
}

// A namedCache is a cache of this server, with what it did.
type namedCache struct {
	name  string
	stats func() (hits, misses uint64, entries int)
}

func (v *services) caches() []namedCache {
	var list []namedCache
	for name, stats := range v.pools.CacheStats() {
		list = append(list, namedCache{name, stats})
	}
	return append(list, namedCache{"access_tokens", v.tokens.CacheStats})
}

// run reads the gauges until ctx ends.
func (g *databaseGauges) run(ctx context.Context) error {
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
func (g *databaseGauges) read(ctx context.Context) {
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
