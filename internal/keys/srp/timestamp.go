package srp

import (
	"errors"
	"time"
)

// timestampLayout is "EEE MMM d HH:mm:ss 'UTC' yyyy": English names, the day of
// the month without a leading zero.
const timestampLayout = "Mon Jan 2 15:04:05 UTC 2006"

// readableLayout is the same with any zone and padding.
const readableLayout = "Mon Jan 2 15:04:05 MST 2006"

// maxTimestamp is longer than any timestamp that a client sends.
const maxTimestamp = 64

var (
	// ErrTimestamp says that a TIMESTAMP cannot be parsed.
	ErrTimestamp = errors.New("srp: malformed timestamp")
	// ErrTimestampForm says that a TIMESTAMP can be parsed but does not have its
	// exact form: no signature is over it.
	ErrTimestampForm = errors.New("srp: timestamp in another form")
)

// FormatTimestamp writes a time in the form that [ParseTimestamp] reads.
func FormatTimestamp(t time.Time) string { return t.UTC().Format(timestampLayout) }

// ParseTimestamp reads a client's TIMESTAMP. Cognito parses other zones, a padded
// day of the month and a weekday that does not fit the date, and writes the time
// again before it checks the signature: such a TIMESTAMP fits no signature.
func ParseTimestamp(s string) (time.Time, error) {
	if len(s) > maxTimestamp {
		return time.Time{}, ErrTimestamp
	}
	t, err := time.Parse(timestampLayout, s)
	if err == nil && FormatTimestamp(t) == s {
		return t, nil
	}
	if _, err := time.Parse(readableLayout, s); err != nil {
		return time.Time{}, ErrTimestamp
	}
	return time.Time{}, ErrTimestampForm
}
