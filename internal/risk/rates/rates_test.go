package rates_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"cognate/internal/risk/rates"
	"cognate/internal/store"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// A clock is set by the test.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func alone(c *clock) *rates.Rates { return rates.New(rates.Deps{Now: c.now}) }

// admitted returns how many of n events at one moment are within the limit.
func admitted(r *rates.Rates, k rates.Key, l rates.Limit, n int) (count int) {
	for range n {
		if r.Allow(k, l) == 0 {
			count++
		}
	}
	return count
}

// TestAllow uses up a burst. Then the limit's rate holds, and refused events do not
// count.
func TestAllow(t *testing.T) {
	t.Parallel()
	c := newClock()
	r, l := alone(c), rates.NewLimit(10, 5)
	k := r.Key("x", "192.0.2.1")
	if n := admitted(r, k, l, 100); n != 5 {
		t.Errorf("%d of 100 events at once, want 5", n)
	}
	if wait := r.Allow(k, l); wait != 100*time.Millisecond || !r.Full(k, l) {
		t.Errorf("the next event has to wait %v", wait)
	}
	for range 3 {
		c.add(100 * time.Millisecond)
		if n := admitted(r, k, l, 10); n != 1 {
			t.Errorf("%d events after a tenth of a second, want 1", n)
		}
	}
	if n := admitted(r, r.Key("x", "192.0.2.2"), l, 100); n != 5 {
		t.Errorf("another key: %d events, want 5", n)
	}
	c.add(time.Hour)
	if r.Full(k, l) {
		t.Error("an idle key is beyond its limit")
	}
	if n := admitted(r, k, l, 100); n != 5 {
		t.Errorf("%d events after an hour, want 5", n)
	}
	if n := admitted(r, k, rates.NewLimit(0, 5), 100); n != 100 {
		t.Errorf("%d of 100 events without a limit", n)
	}
}

// TestClock sets the clock back: nobody waits longer than for two bursts.
func TestClock(t *testing.T) {
	t.Parallel()
	c := newClock()
	r, l := alone(c), rates.NewLimit(1, 5)
	k := r.Key("x")
	admitted(r, k, l, 100)
	c.add(-24 * time.Hour)
	c.add(21 * time.Second)
	if wait := r.Allow(k, l); wait > 20*time.Second {
		t.Errorf("after the clock was set back: wait for %v", wait)
	}
}

// TestFlood counts a million addresses. The address beyond its limit stays beyond it,
// and so do the limits that have no address.
func TestFlood(t *testing.T) {
	t.Parallel()
	c := newClock()
	r, l := alone(c), rates.NewLimit(1, 20)
	heavy, server := r.AddressKey("x", netip.MustParseAddr("192.0.2.1")), r.Key("y")
	admitted(r, heavy, l, 20)
	admitted(r, server, rates.NewLimit(100, 10), 10)
	a := netip.MustParseAddr("2001:db8::").As16()
	for i := range 1_000_000 {
		a[4], a[5], a[6] = byte(i>>16), byte(i>>8), byte(i)
		r.Allow(r.AddressKey("x", netip.AddrFrom16(a)), l)
		r.AddDistinct(r.AddressKey("z", netip.AddrFrom16(a)), "user")
		r.Add(r.AddressKey("z", netip.AddrFrom16(a)))
	}
	if !r.Full(heavy, l) || !r.Full(server, rates.NewLimit(100, 10)) {
		t.Error("a flood of addresses made the server forget a key beyond its limit")
	}
}

// TestKeys makes keys of parts. Each text has its own.
func TestKeys(t *testing.T) {
	t.Parallel()
	r := alone(newClock())
	long := fmt.Sprintf("%300d", 1)
	keys := map[rates.Key][]string{}
	for _, parts := range [][]string{{"a"}, {"a", ""}, {"a", "b"}, {"ab"}, {"a", "b", "c"}, {"a", "bc"}, {"a", long}, {"a", long, long}, {"a", long, long, long, long, long, long, long}} {
		k := r.Key(parts[0], parts[1:]...)
		if other := keys[k]; other != nil {
			t.Errorf("%q and %q have one key", parts, other)
		}
		keys[k] = parts
	}
	if rates.New(rates.Deps{Secret: [16]byte{1}, Now: time.Now}).Key("a", "b") == r.Key("a", "b") {
		t.Error("the key does not depend on the secret")
	}
}

// two returns two servers on one database.
func two(t *testing.T, c *clock) [2]*rates.Rates {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: pgtest.Database(t), Migrate: true, Now: c.now, StatementTimeout: patience.Limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	d := rates.Deps{Store: s, Now: c.now}
	return [2]*rates.Rates{rates.New(d), rates.New(d)}
}

func exchange(t *testing.T, servers [2]*rates.Rates) {
	t.Helper()
	for _, r := range servers {
		if err := r.Exchange(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTwoServers sends more than the limit to each of two servers, for a minute. Both
// together admit the limit's rate, and a burst each.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rate         float64
		burst, steps int
		share        [2]int // events a step to each server
	}{
		{100, 100, 4, [2]int{50, 50}},
		{100, 100, 4, [2]int{22, 22}}, // each server alone would admit all
		{1, 30, 4, [2]int{5, 5}},
		{100, 100, 4, [2]int{200, 1}},
	} {
		c := newClock()
		servers, l := two(t, c), rates.NewLimit(tt.rate, tt.burst)
		total := 0
		for range 60 * tt.steps {
			for i, r := range servers {
				total += admitted(r, r.Key("x", "192.0.2.1"), l, tt.share[i])
			}
			c.add(time.Second / time.Duration(tt.steps))
			if c.now().Nanosecond() == 0 {
				exchange(t, servers)
			}
		}
		// n bursts, and the time in which the servers do not know of each other.
		most := 60*tt.rate + 2*float64(tt.burst) + 2*2*tt.rate
		least := 60 * tt.rate * 0.8
		if float64(total) > most || float64(total) < least {
			t.Errorf("%+v: both servers admitted %d in a minute, want %v to %v", tt, total, least, most)
		}
	}
}

// TestOverload ends a flood at two servers. The address is served again when a burst
// has filled, and 10 seconds later at most.
func TestOverload(t *testing.T) {
	t.Parallel()
	c := newClock()
	servers, l := two(t, c), rates.NewLimit(1, 10)
	k := servers[0].Key("x", "192.0.2.1")
	for range 30 {
		for _, r := range servers {
			admitted(r, k, l, 1000)
		}
		exchange(t, servers)
		c.add(time.Second)
	}
	exchange(t, servers)
	for _, r := range servers {
		if wait := r.Allow(k, l); wait > 21*time.Second {
			t.Errorf("wait for %v after the flood", wait)
		}
	}
}

// TestQuiet: a server whose keys are far from their limits writes nothing.
func TestQuiet(t *testing.T) {
	t.Parallel()
	c := newClock()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "x.db"), Migrate: true, Now: c.now, StatementTimeout: patience.Limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r := rates.New(rates.Deps{Store: s, Now: c.now})
	reports := func() int {
		list, err := s.RateReports(t.Context(), c.now())
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for range 20 {
		for i := range 50 {
			admitted(r, r.Key("x", fmt.Sprint(i)), rates.NewLimit(100, 100), 5)
		}
		if err := r.Exchange(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.add(time.Second)
	}
	if n := reports(); n != 0 {
		t.Errorf("%d reports of a quiet server", n)
	}
	admitted(r, r.Key("x", "busy"), rates.NewLimit(100, 100), 50)
	if err := r.Exchange(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := reports(); n != 1 {
		t.Errorf("%d reports of a server with a busy key", n)
	}
}

// TestVelocity counts failed sign-ins at two servers, by the user and the address.
func TestVelocity(t *testing.T) {
	t.Parallel()
	c := newClock()
	servers := two(t, c)
	users := servers[0].Key(rates.FailedUsers, "pool", "192.0.2.1")
	failures := servers[0].Key(rates.Failures, "pool")
	for i := range 40 {
		for range 3 {
			servers[i%2].AddDistinct(users, fmt.Sprint("user-", i))
			servers[i%2].Add(failures)
		}
	}
	for range 3 { // Reports are taken once, however often they are read.
		exchange(t, servers)
	}
	for i, r := range servers {
		if n := r.Distinct(users); n < 36 || n > 44 {
			t.Errorf("server %d: %d of 40 users", i, n)
		}
		if n := r.Count(failures, 10*time.Minute); n != 120 {
			t.Errorf("server %d: %d of 120 failures", i, n)
		}
	}
	c.add(9 * time.Minute)
	if n := servers[0].Count(failures, 5*time.Minute); n != 0 {
		t.Errorf("%d failures in the last 5 minutes", n)
	}
	if n := servers[0].Distinct(users); n < 36 {
		t.Errorf("%d users after 9 minutes", n)
	}
	c.add(7 * time.Minute)
	if n, m := servers[0].Count(failures, 15*time.Minute), servers[0].Distinct(users); n != 0 || m != 0 {
		t.Errorf("%d failures and %d users after 16 minutes", n, m)
	}
}

// TestFewMembers: small sets are exact.
func TestFewMembers(t *testing.T) {
	t.Parallel()
	r := alone(newClock())
	for i := range 200 {
		k := r.Key(rates.FailedUsers, "pool", fmt.Sprint(i))
		for n := range 6 {
			r.AddDistinct(k, fmt.Sprint(i, n))
		}
		if n := r.Distinct(k); n < 5 || n > 6 {
			t.Errorf("%d of 6 members", n)
		}
	}
}

// TestNoAllocations: an event within its limit costs no memory.
func TestNoAllocations(t *testing.T) {
	r, l := alone(newClock()), rates.NewLimit(1e9, 1_000_000)
	network := netip.MustParseAddr("192.0.2.1")
	if n := testing.AllocsPerRun(1000, func() {
		r.Allow(r.AddressKey("requests", network), l)
		r.Allow(r.Key("category"), l)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	r, l := rates.New(rates.Deps{Now: time.Now}), rates.NewLimit(1e9, 1_000_000)
	network := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		r.Allow(r.AddressKey("requests", network), l)
	}
}
