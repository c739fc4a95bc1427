package srp

import (
	"errors"
	"time"
)

// timestampLayout is "EEE MMM d HH:mm:ss 'UTC' yyyy": English names, the day of
// the month without a leading zero.
const timestampLayout = "Mon Jan 2 15:04:05 UTC 2006"

// ErrTimestamp says that a TIMESTAMP does not have its exact form.
var ErrTimestamp = errors.New("srp: malformed timestamp")

// FormatTimestamp writes a time in the form that [ParseTimestamp] reads.
func FormatTimestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }

// ParseTimestamp reads a client's TIMESTAMP. Cognito refuses a padded day of the
// month and a weekday that does not fit the date; so do we.
func ParseTimestamp(s string) (time.Time, error) {
	if len(s) > len("Wed Sep 30 23:59:59 UTC 2026") {
		return time.Time{}, ErrTimestamp
	}
	t, err := time.Parse(timestampLayout, s)
	if err != nil || FormatTimestamp(t) != s {
		return time.Time{}, ErrTimestamp
	}
	return t, nil
}
