// Package patience holds the time that tests wait for what must come. No machine
// needs it, however busy it is: it only ends a test that would wait for ever. A
// test in which a limit matters sets that limit itself, or a clock.
package patience

import (
	"runtime"
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

// Until returns when done reports true. It ends the test with what was awaited if that does not come.
func Until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(Limit); !done(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain until %s", Limit, what)
		}
	}
}
