package rates

import (
	"context"
	"time"

	"cognate/internal/store"
)

const (
	// Interval is how often Exchange is called.
	Interval = time.Second
	// historyTicks is how many exchanges back a report reaches, for servers that
	// missed the last ones.
	historyTicks = 8
	// maxReported is how many keys of one kind a report has.
	maxReported = 1024
	// reportLife is how long a report is read: longer than clocks differ.
	reportLife = store.MaxSkew + historyTicks*Interval
)

// exchange is the state of the exchange with other servers. Only Exchange uses it.
type exchange struct {
	seq     int64
	limits  map[Key]*limitReport
	events  map[Key]*[historyTicks]uint32
	members map[memberBucket]int64 // the exchange until which the set is reported
	// seen has the last report of each server.
	seen map[string]int64
}

// A limitReport has the use of a key in the last exchanges.
type limitReport struct {
	limit Limit
	used  [historyTicks]uint32
}

type memberBucket struct {
	key    Key
	period int64
}

// Exchange publishes what this server counted, and takes in what other servers
// published. It is called about once a second, by one goroutine.
func (r *Rates) Exchange(ctx context.Context) error {
	if r.deps.Store == nil {
		return nil
	}
	now := r.deps.Now()
	if doc := r.report(); doc != nil {
		err := r.deps.Store.Update(ctx, func(tx *store.Tx) error {
			return tx.PutRateReport(ctx, store.RateReport{Node: r.node, Seq: r.exchange.seq, ExpiresAt: now.Add(reportLife), Doc: doc})
		})
		if err != nil {
			return err
		}
	}
	reports, err := r.deps.Store.RateReports(ctx, now)
	if err != nil {
		return err
	}
	seen := make(map[string]int64, len(reports))
	for _, other := range reports {
		if other.Node == r.node {
			continue
		}
		last := r.exchange.seen[other.Node]
		if other.Seq > last {
			r.take(other.Doc, other.Seq-last)
		}
		seen[other.Node] = max(other.Seq, last)
	}
	r.exchange.seen = seen
	return nil
}

// report returns the next report, nil if there is nothing to report.
func (r *Rates) report() []byte {
	x := &r.exchange
	x.seq++
	at := x.seq % historyTicks
	for k, l := range x.limits {
		if l.used[at] = 0; l.used == [historyTicks]uint32{} {
			delete(x.limits, k)
		}
	}
	for k, e := range x.events {
		if e[at] = 0; *e == [historyTicks]uint32{} {
			delete(x.events, k)
		}
	}
	for b, until := range x.members {
		if until < x.seq {
			delete(x.members, b)
		}
	}
	for _, t := range []*buckets{r.fixed, r.chosen} {
		t.drain(func(k Key, l Limit, used uint32) {
			e := x.limits[k]
			if e == nil {
				if len(x.limits) >= maxReported {
					return
				}
				e = &limitReport{}
				x.limits[k] = e
			}
			e.limit, e.used[at] = l, used
		})
	}
	r.events.drain(func(k Key, v *events) {
		e := x.events[k]
		if e == nil && len(x.events) < maxReported {
			e = &[historyTicks]uint32{}
			x.events[k] = e
		}
		if e != nil {
			e[at] = v.used
		}
		v.used, v.listed = 0, false
	})
	sets := map[memberBucket]memberSet{}
	r.members.drain(func(k Key, v *members) {
		v.listed = false
		b := memberBucket{k, v.last}
		if _, known := x.members[b]; known || len(x.members) < maxReported {
			x.members[b] = x.seq + historyTicks
		}
	})
	for b := range x.members {
		r.members.with(b.key, b.period, false, func(v *members, _ *shard[members]) {
			if v.last-b.period < memberSets {
				sets[b] = v.sets[b.period%memberSets]
			}
		})
	}
	if len(x.limits)+len(x.events)+len(sets) == 0 {
		return nil
	}
	return appendReport(nil, x, sets)
}

// take takes in a report of another server, of which the last missed exchanges are
// new.
func (r *Rates) take(doc []byte, missed int64) {
	now := r.deps.Now()
	_ = readReport(doc, int(min(missed, historyTicks)), reportTaker{
		limit: func(k Key, l Limit, used uint32) { r.bucketsOf(k).charge(k, l, used, now.UnixNano()) },
		events: func(k Key, n uint32) {
			minute := now.Unix() / 60
			r.events.with(k, minute, true, func(e *events, _ *shard[events]) {
				e.at(minute)
				e.minutes[e.last%int64(len(e.minutes))] += n
			})
		},
		members: func(k Key, period int64, set *memberSet) {
			current := now.Unix() / int64(memberTime/time.Second)
			if period > current+1 || current-period >= memberSets {
				return
			}
			r.members.with(k, current, true, func(m *members, _ *shard[members]) {
				m.at(max(current, period))
				m.sets[period%memberSets].join(set)
			})
		},
	}) // A report of another version is skipped: such a server is being replaced.
}
