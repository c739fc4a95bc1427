package passwords

import (
	"cmp"
	"context"
	"time"

	"cognate/internal/risk/datafile"
)

// Source is where a password was found.
type Source uint8

// The sources.
const (
	// NotFound means that no source has the password.
	NotFound Source = iota
	// BuiltIn is the rule for the commonest passwords.
	BuiltIn
	// Filter is a filter with 8 bits: one of 256 good passwords is found there, too.
	Filter
	// WideFilter is a filter with 16 bits: one of 65,536 good passwords is found there, too.
	WideFilter
	// RangeAPI is the range API, which makes no mistakes of that kind.
	RangeAPI
)

// String returns the source's name for logs and metrics.
func (s Source) String() string {
	switch s {
	case BuiltIn:
		return "builtIn"
	case Filter, WideFilter:
		return "filter"
	case RangeAPI:
		return "rangeAPI"
	}
	return "none"
}

// Certain reports whether the finding is good enough for a password that is in use already. One
// who chooses a password can choose another one. But a sign-in that is refused by mistake costs
// a person a reset, and one of 256 people is too many.
func (s Source) Certain() bool { return s == BuiltIn || s == WideFilter || s == RangeAPI }

// Settings are those of a [Checker]. The zero value has only the built-in rule.
type Settings struct {
	// FilterPath is the filter file, or "".
	FilterPath string
	// RangeURL is the base of the range API, as in https://api.pwnedpasswords.com, or "".
	RangeURL string
	// MinCount is the count from which a password of the range API is compromised; 0 means 1.
	MinCount uint64
	Now      func() time.Time
	// Observe hears the outcome of each check by the range API; nil means that nothing does.
	Observe func(outcome string)
	// timeout is the longest that a call of the range API may take; 0 means rangeTimeout. Only tests set it.
	timeout time.Duration
}

// Checker finds compromised passwords. It is safe for concurrent use. A nil Checker has only the
// built-in rule.
type Checker struct {
	file *filterFile
	api  *rangeClient
}

// New returns a checker, which must be closed. The filter file may be missing or broken: then the
// checker does without it until [Checker.Refresh] finds a good version.
func New(s Settings) *Checker {
	c := &Checker{}
	if s.FilterPath != "" {
		c.file = &filterFile{path: s.FilterPath}
		c.file.update()
	}
	if s.RangeURL != "" {
		if s.Observe == nil {
			s.Observe = func(string) {}
		}
		c.api = newRangeClient(s.RangeURL, s.MinCount, cmp.Or(s.timeout, rangeTimeout), s.Now, s.Observe)
	}
	return c
}

// Compromised reports whether a password is known, and where it was found. If there are a filter
// and a range API, the API is asked only about passwords that the filter has: it confirms them.
// An API that fails says nothing: then the other sources decide.
func (c *Checker) Compromised(ctx context.Context, password string) (bool, Source) {
	if Common(password) {
		return true, BuiltIn
	}
	if c == nil || c.file == nil && c.api == nil {
		return false, NotFound
	}
	sum := digest(password)
	source := NotFound
	if c.file != nil {
		switch found, width := c.file.contains(keyOf(sum)); {
		case width == 0: // The file cannot be used. The API may know.
		case !found:
			return false, NotFound
		case width == 8:
			source = Filter
		default:
			source = WideFilter
		}
	}
	if c.api != nil {
		if found, err := c.api.contains(ctx, sum); err == nil {
			if found {
				return true, RangeAPI
			}
			return false, NotFound
		}
	}
	return source != NotFound, source
}

// Refresh opens the filter file again if it changed. It reports whether the status is different.
func (c *Checker) Refresh() bool { return c.file != nil && c.file.update() }

// Status describes the filter file; false means that there is no such setting.
func (c *Checker) Status() (datafile.Status, bool) {
	if c.file == nil {
		return datafile.Status{}, false
	}
	return c.file.status(), true
}

// Close closes the file and the connections. Checks after it use the built-in rule only.
func (c *Checker) Close() {
	if c.file != nil {
		c.file.replace(nil)
	}
	if c.api != nil {
		c.api.close()
	}
}
