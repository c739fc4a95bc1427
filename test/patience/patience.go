// Package patience holds the time that tests wait for what must come. No machine
// needs it, however busy it is: it only ends a test that would wait for ever. A
// test in which a limit matters sets that limit itself, or a clock.
package patience

import (
	"testing"
	"time"
)

// Limit is longer than anything takes.
const Limit = 10 * time.Minute

// Extend sets those of the limits to Limit that a test has left open.
func Extend(limits ...*time.Duration) {
	for _, l := range limits {
		if *l == 0 {
			*l = Limit
		}
	}
}

// Flags returns the flags that set the limits of a server which runs as a program of its own.
func Flags() []string {
	limit := Limit.String()
	return []string{"--request-timeout", (2 * Limit).String(), "--database-timeout", limit, "--trigger-timeout", limit, "--shutdown-timeout", limit}
}

// Until asks again and again until done reports true. If that does not come, it ends the test and says what was awaited.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(Limit)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after %v still not: %s", Limit, what)
		}
	}
}
