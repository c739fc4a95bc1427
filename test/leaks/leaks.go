// Package leaks runs the tests of a package, and then looks for goroutines that they have left
// running. Unlike goleak.VerifyTestMain it has time for the goroutines of a busy machine to end.
package leaks

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// limit is how long goroutines may take to end after the last test.
const limit = time.Minute

// Run runs the tests and returns the code for os.Exit. It is 1 if the tests pass, but leave goroutines.
func Run(m *testing.M, options ...goleak.Option) int {
	code := m.Run()
	if code != 0 {
		return code
	}
	if err := wait(limit, func() error { return goleak.Find(options...) }); err != nil {
		fmt.Fprintf(os.Stderr, "%v after the tests, there are goroutines left: %v\n", limit, err)
		return 1
	}
	return 0
}

// IdleConnections ignores the idle connections of the default transport, which SDK clients share.
func IdleConnections() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	}
}

// wait looks until there is nothing to find. After the limit it returns what it found.
func wait(limit time.Duration, look func() error) error {
	late := time.After(limit)
	for {
		err := look() // goleak.Find itself looks for half a second
		if err == nil {
			return nil
		}
		select {
		case <-late:
			return err
		default:
		}
	}
}
