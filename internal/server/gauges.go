package server

import (
	"time"

	"cognate/internal/audit"
	"cognate/internal/store"
)

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
