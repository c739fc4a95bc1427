package rates

import (
	"sync"
	"time"
)

const (
	// ways is how many places a key may take.
	ways = 8
	// quietShare is the part of a limit that a key may use without being reported to
	// the other servers.
	quietShare = 8
	// maxShard is how many busy keys of one shard are reported in a second.
	maxShard = 32
	shards   = 32
)

// maxLag is how long a server's events can be unknown to another one. More than the
// events of that time, beyond the burst, is never charged for another server's events.
const maxLag = int64(10 * time.Second)

// A bucket is the state of a limit for one key, as a virtual time: the bucket is full
// again at refilled. Before that, each interval that is missing is an event.
type bucket struct {
	key      Key
	refilled int64
	// quiet is the same for an eighth of the limit. It decides whether the key is busy.
	quiet    int64
	interval int64
	burst    int64
	// used counts the events that no report has. listed: the key is in the busy list.
	used   uint32
	listed bool
}

// idle reports whether the bucket holds nothing that a new one would not.
func (b *bucket) idle(now int64) bool { return b.refilled <= now && b.quiet <= now }

// buckets is a table of buckets. Its size is fixed.
type buckets struct{ shards [shards]bucketShard }

type bucketShard struct {
	mu   sync.Mutex
	sets [][ways]bucket
	busy []Key
}

func newBuckets(keys int) *buckets {
	t := &buckets{}
	for i := range t.shards {
		t.shards[i].sets = make([][ways]bucket, keys/shards/ways)
	}
	return t
}

func (t *buckets) shard(k Key) *bucketShard { return &t.shards[k>>1&(shards-1)] }

// set returns the places of a key. The number of sets is a power of two.
func (s *bucketShard) set(k Key) *[ways]bucket {
	return &s.sets[uint64(k)>>32&uint64(len(s.sets)-1)]
}

// find returns the bucket of a key, nil if there is none.
func (s *bucketShard) find(k Key) *bucket {
	set := s.set(k)
	for i := range set {
		if set[i].key == k {
			return &set[i]
		}
	}
	return nil
}

// open returns the bucket of a key. A new one takes the place of the bucket that is
// the first to be full again.
func (s *bucketShard) open(k Key, l Limit, now int64) *bucket {
	b := s.find(k)
	if b == nil {
		set := s.set(k)
		b = &set[0]
		for i := range set[1:] {
			if b.idle(now) {
				break
			}
			if other := &set[i+1]; other.idle(now) || other.refilled < b.refilled {
				b = other
			}
		}
		*b = bucket{key: k}
	}
	b.interval, b.burst = l.interval, l.burst
	return b
}

// missing returns how much time the bucket needs to be full. The clock may have been
// set back, or the limit changed: the time has a bound.
func (b *bucket) missing(now int64) int64 {
	return min(max(b.refilled-now, 0), 2*b.burst*b.interval+maxLag)
}

// beyond returns how long an event has to wait.
func (b *bucket) beyond(now int64) int64 {
	return max(b.missing(now)-(b.burst-1)*b.interval, 0)
}

func (t *buckets) take(k Key, l Limit, now int64) (wait int64) {
	s := t.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.open(k, l, now)
	if wait := b.beyond(now); wait > 0 {
		return wait
	}
	b.refilled = now + b.missing(now) + b.interval
	if b.quiet <= now {
		b.quiet, b.used = now, 0
	}
	most := max(b.burst, quietShare) * b.interval
	b.used++
	b.quiet = min(b.quiet+quietShare*b.interval, now+2*most)
	if b.quiet-now > most && !b.listed && len(s.busy) < maxShard {
		b.listed = true
		s.busy = append(s.busy, k)
	}
	return 0
}

func (t *buckets) peek(k Key, l Limit, now int64) bool {
	s := t.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.find(k)
	return b != nil && min(b.missing(now), 2*l.burst*l.interval+maxLag) > (l.burst-1)*l.interval
}

// drain passes the use of the busy keys to f, and counts from 0 again.
func (t *buckets) drain(f func(k Key, l Limit, used uint32)) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, k := range s.busy {
			if b := s.find(k); b != nil && b.used > 0 {
				f(k, Limit{b.interval, b.burst}, b.used)
				b.used, b.listed = 0, false
			}
		}
		s.busy = s.busy[:0]
		s.mu.Unlock()
	}
}

// charge takes another server's events from a bucket. The bucket may owe events then,
// but not more than that server can have admitted unnoticed.
func (t *buckets) charge(k Key, l Limit, used uint32, now int64) {
	s := t.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.open(k, l, now)
	owed := b.missing(now) + min(int64(used), maxFill/l.interval)*l.interval
	b.refilled = now + min(owed, 2*b.burst*b.interval+maxLag)
}
