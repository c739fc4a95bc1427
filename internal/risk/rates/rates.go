// Package rates counts events by key, in memory, and shares the counts of busy keys
// between the servers of one database. It has two kinds of counters.
//
// A limit of a request rate is a bucket: [Rates.Allow] takes an event from the bucket
// of a key, or says how long to wait.
//
//	limit := rates.NewLimit(300, 600) // 300 a second, 600 at once
//	wait := r.Allow(r.AddressKey("requests", network), limit)
//
// Velocity, for the risk engine, is a count within a window. [Rates.Add] and
// [Rates.Count] count events within up to 15 minutes. [Rates.AddDistinct] and
// [Rates.Distinct] count the different members of the last ten minutes. For a failed
// sign-in, the caller does:
//
//	r.AddDistinct(r.Key(rates.FailedUsers, poolID, network), userID) // network: api.NetworkOf
//	r.AddDistinct(r.Key(rates.FailedUsers, poolID, block), userID)   // block: api.BlockOf
//	r.Add(r.Key(rates.Failures, poolID, userID))
//
// Before it checks a password it reads r.Distinct of the first two keys and r.Count of
// the third. The user's name serves as the member if there is no such user. Names of keys
// and members are stored as keyed hashes only.
//
// [Rates.AddOutcome] and [Rates.FailureRatio] compare the failures of now with the usual
// ones. [Rates.AddStep] and [Rates.EvenSteps] notice events in steps that are too even for
// a person. Both know only what this server has seen since it started.
//
// # Memory
//
// All tables have a fixed size. A key that has no place takes that of the least used
// key of a few. So a client with a million addresses makes the server forget other
// light users, which are far from their limits, but not the heavy ones.
//
// # Several servers
//
// Each server publishes about once a second how much its busy keys used, in one row,
// and takes what the others published from its own buckets. A key is busy if it uses
// more than an eighth of its limit. A server without busy keys writes nothing. So n
// servers together admit up to n bursts at once, because each learns of the others
// only about two seconds later. After that they admit the rate of the limit, and at
// most an eighth of it more for each server where the key is not busy.
//
// The package sees no request and refuses nothing itself.
package rates

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"

	"cognate/internal/store"
)

// Names of keys of the risk engine.
const (
	// FailedUsers counts the different users of failed sign-ins, by pool and network.
	FailedUsers = "failed users"
	// Failures counts failed sign-ins by pool and user, and notes their times by pool and
	// network.
	Failures = "failures"
	// Outcomes counts sign-ins and their failures by pool, and by pool and autonomous system.
	Outcomes = "outcomes"
)

// Deps are what Rates is built from.
type Deps struct {
	// Store is where servers exchange their counts. It is nil for a server that has
	// its database alone.
	Store *store.Store
	// Secret is the same on all servers of a database. Without it nobody can choose
	// keys that share a counter.
	Secret [16]byte
	// Now is the clock of the machine.
	Now func() time.Time
}

// Rates has the counters of one server.
type Rates struct {
	deps Deps
	node string
	// fixed has the buckets of names that the program chose, chosen those that clients
	// choose: a flood of keys must not make the server forget the first.
	fixed, chosen *buckets
	events        *table[events]
	members       *table[members]
	trends        *table[trend]
	steps         *table[steps]
	exchange      exchange
}

// Sizes of the tables, in keys. Together they take about 9 MB.
const (
	fixedKeys  = 1 << 10
	chosenKeys = 1 << 16
	eventKeys  = 1 << 13
	memberKeys = 1 << 13
	trendKeys  = 1 << 13
	stepKeys   = 1 << 13
)

// New makes empty counters.
func New(d Deps) *Rates {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return &Rates{
		deps: d, node: hex.EncodeToString(id[:]),
		fixed: newBuckets(fixedKeys), chosen: newBuckets(chosenKeys),
		events: newTable[events](eventKeys), members: newTable[members](memberKeys),
		trends: newTable[trend](trendKeys), steps: newTable[steps](stepKeys),
		exchange: exchange{limits: map[Key]*limitReport{}, events: map[Key]*[historyTicks]uint32{}, members: map[memberBucket]int64{}, seen: map[string]int64{}},
	}
}

// A Key names a counter. Its lowest bit is 1 if a client chose a part of the name.
type Key uint64

// Key returns the key of a name and of values, which clients may choose.
func (r *Rates) Key(name string, values ...string) Key {
	var buf [256]byte
	b := append(buf[:0], r.deps.Secret[:]...)
	b = appendPart(b, name)
	for _, v := range values {
		if len(b)+len(v)+2 > len(buf) { // Then the hash so far stands for the parts so far.
			sum := sha256.Sum256(b)
			b = append(append(buf[:0], r.deps.Secret[:]...), sum[:]...)
		}
		b = appendPart(b, v)
	}
	return sum(b, len(values) > 0)
}

// AddressKey returns the key of a name and a network of [api.Network].
func (r *Rates) AddressKey(name string, network netip.Addr) Key {
	var buf [128]byte
	b := append(buf[:0], r.deps.Secret[:]...)
	b = appendPart(b, name)
	address := network.As16()
	return sum(append(b, address[:]...), true)
}

// maxPart is the length from which on a part's hash stands for it.
const maxPart = 64

func appendPart(b []byte, part string) []byte {
	if len(part) > maxPart {
		sum := sha256.Sum256([]byte(part))
		return append(append(b, 0xff), sum[:]...)
	}
	return append(append(b, byte(len(part))), part...)
}

func sum(b []byte, chosen bool) Key {
	h := sha256.Sum256(b)
	k := Key(binary.LittleEndian.Uint64(h[:])) &^ 1
	if chosen {
		k |= 1
	}
	return k
}

// A Limit is a request rate: a number of events a second, and how many may come at
// once after a pause. The zero Limit has no limit.
type Limit struct {
	interval int64 // nanoseconds for each event
	burst    int64
}

// NewLimit returns a limit. The burst is at least 1. A rate of 0 or less is no limit.
func NewLimit(perSecond float64, burst int) Limit {
	if perSecond <= 0 {
		return Limit{}
	}
	interval := max(int64(float64(time.Second)/perSecond), 1)
	return Limit{interval: interval, burst: min(max(int64(burst), 1), maxFill/interval+1)}
}

// maxFill is the longest time in which a bucket fills, in nanoseconds.
const maxFill = int64(24 * time.Hour)

// None reports whether there is no limit.
func (l Limit) None() bool { return l.interval == 0 }

// String returns the limit for a log.
func (l Limit) String() string {
	if l.None() {
		return "none"
	}
	return fmt.Sprintf("%.3g a second, %d at once", float64(time.Second)/float64(l.interval), l.burst)
}

// Allow counts an event of the key and returns 0. Beyond the limit it counts nothing,
// and returns the time after which the next event is within the limit.
func (r *Rates) Allow(k Key, l Limit) (wait time.Duration) {
	if l.None() {
		return 0
	}
	return time.Duration(r.bucketsOf(k).take(k, l, r.deps.Now().UnixNano()))
}

// Full reports whether the next event of the key is beyond the limit. It counts nothing.
func (r *Rates) Full(k Key, l Limit) bool {
	return !l.None() && r.bucketsOf(k).peek(k, l, r.deps.Now().UnixNano())
}

func (r *Rates) bucketsOf(k Key) *buckets {
	if k&1 == 0 {
		return r.fixed
	}
	return r.chosen
}
