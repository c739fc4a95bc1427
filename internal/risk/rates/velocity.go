package rates

import (
	"math"
	"math/bits"
	"sync"
	"time"
)

const (
	// eventMinutes is how many minutes back events are counted.
	eventMinutes = 15
	// memberTime is the time of one set of members, memberSets how many are kept.
	memberTime = 2 * time.Minute
	memberSets = 6
	// setBits is the size of a set of members. Up to some hundreds of members are
	// told apart.
	setBits = 256
	// reported is how many events, or members, a key has before other servers hear of
	// it.
	reported = 3
)

// DistinctWindow is the time in which Distinct counts members. Those of up to two
// minutes before are counted, too.
const DistinctWindow = (memberSets - 1) * memberTime

// events counts the events of one key by the minute.
type events struct {
	minutes [eventMinutes + 1]uint32
	last    int64  // the minute of the newest count
	used    uint32 // what no report has
	listed  bool
}

// at moves on to a minute.
func (e *events) at(minute int64) {
	for m := max(e.last+1, minute-eventMinutes); m <= minute; m++ {
		e.minutes[m%int64(len(e.minutes))] = 0
	}
	e.last = max(e.last, minute)
}

// count returns the number of events since a minute.
func (e *events) count(since int64) (n int) {
	for m := max(since, e.last-eventMinutes); m <= e.last; m++ {
		n += int(e.minutes[m%int64(len(e.minutes))])
	}
	return n
}

// A memberSet is a set of members, as bits of their hashes. Sets of several servers
// are joined by OR.
type memberSet [setBits / 64]uint64

// estimate returns how many members the set has (linear counting: K.-Y. Whang and
// others, 1990).
func (s *memberSet) estimate() int {
	ones := 0
	for _, w := range s {
		ones += bits.OnesCount64(w)
	}
	if ones == setBits {
		ones-- // More cannot be told.
	}
	return int(math.Round(-setBits * math.Log(1-float64(ones)/setBits)))
}

func (s *memberSet) join(other *memberSet) {
	for i, w := range other {
		s[i] |= w
	}
}

// members has the sets of one key, by their time.
type members struct {
	sets   [memberSets]memberSet
	last   int64
	listed bool
}

func (m *members) at(period int64) {
	for p := max(m.last+1, period-memberSets+1); p <= period; p++ {
		m.sets[p%memberSets] = memberSet{}
	}
	m.last = max(m.last, period)
}

// since returns the members since a period.
func (m *members) since(period int64) (all memberSet) {
	for p := max(period, m.last-memberSets+1); p <= m.last; p++ {
		all.join(&m.sets[p%memberSets])
	}
	return all
}

// Add counts an event of the key.
func (r *Rates) Add(k Key) {
	now := r.deps.Now().Unix() / 60
	r.events.with(k, now, true, func(e *events, s *shard[events]) {
		e.at(now)
		e.minutes[e.last%int64(len(e.minutes))]++
		e.used++
		if !e.listed && e.count(now-eventMinutes) >= reported && len(s.busy) < maxShard {
			e.listed = true
			s.busy = append(s.busy, k)
		}
	})
}

// Count returns the number of the key's events within a window of up to 15 minutes. It
// counts whole minutes, and the one that has begun.
func (r *Rates) Count(k Key, window time.Duration) (n int) {
	now := r.deps.Now().Unix() / 60
	minutes := min(int64(window/time.Minute), eventMinutes)
	r.events.with(k, now, false, func(e *events, _ *shard[events]) { n = e.count(now - minutes) })
	return n
}

// AddDistinct adds a member to the key's set.
func (r *Rates) AddDistinct(k Key, member string) {
	h := r.Key("member", member)
	now := r.deps.Now().Unix() / int64(memberTime/time.Second)
	r.members.with(k, now, true, func(m *members, s *shard[members]) {
		m.at(now)
		set := &m.sets[m.last%memberSets]
		bit := uint64(h) >> 1 % setBits
		if set[bit/64]&(1<<(bit%64)) != 0 {
			return
		}
		set[bit/64] |= 1 << (bit % 64)
		all := m.since(now - memberSets + 1)
		if !m.listed && all.estimate() >= reported && len(s.busy) < maxShard {
			m.listed = true
			s.busy = append(s.busy, k)
		}
	})
}

// Distinct returns how many different members the key had within DistinctWindow. The
// number is exact for a few, and within about a tenth for hundreds.
func (r *Rates) Distinct(k Key) (n int) {
	now := r.deps.Now().Unix() / int64(memberTime/time.Second)
	r.members.with(k, now, false, func(m *members, _ *shard[members]) {
		all := m.since(now - memberSets + 1)
		n = all.estimate()
	})
	return n
}

// A table has a value for each of a fixed number of keys.
type table[V any] struct{ shards [shards]shard[V] }

type shard[V any] struct {
	mu   sync.Mutex
	sets [][ways]entry[V]
	busy []Key
}

type entry[V any] struct {
	key  Key
	uses uint32
	used int64 // the time of the last use, in units of the value
	v    V
}

func newTable[V any](keys int) *table[V] {
	t := &table[V]{}
	for i := range t.shards {
		t.shards[i].sets = make([][ways]entry[V], keys/shards/ways)
	}
	return t
}

// with calls f with the key's value. A key without a value gets one if add is true. It
// takes the place of a value that was not used for long, else of the one with the
// fewest uses.
func (t *table[V]) with(k Key, now int64, add bool, f func(*V, *shard[V])) {
	s := &t.shards[k>>1&(shards-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	set := &s.sets[uint64(k)>>32&uint64(len(s.sets)-1)]
	least := &set[0]
	for i := range set {
		e := &set[i]
		if e.key == k {
			if add {
				e.used = max(e.used, now)
				e.uses++
			}
			f(&e.v, s)
			return
		}
		if e.key == 0 || stale(e.used, now) && !stale(least.used, now) || stale(e.used, now) == stale(least.used, now) && e.uses < least.uses {
			least = e
		}
	}
	if !add {
		return
	}
	*least = entry[V]{key: k, uses: 1, used: now}
	f(&least.v, s)
}

// stale reports whether a value holds nothing that still counts: its units are minutes
// or longer, and all windows are shorter than 16.
func stale(used, now int64) bool { return now-used > eventMinutes }

// drain passes the busy values to f.
func (t *table[V]) drain(f func(Key, *V)) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, k := range s.busy {
			set := &s.sets[uint64(k)>>32&uint64(len(s.sets)-1)]
			for j := range set {
				if set[j].key == k {
					f(k, &set[j].v)
				}
			}
		}
		s.busy = s.busy[:0]
		s.mu.Unlock()
	}
}
