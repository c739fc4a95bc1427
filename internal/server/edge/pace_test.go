package edge

import (
	"testing"
	"time"
)

// TestDeadlines allows a client one wait, and more time for the bytes that it sends.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	const wait = time.Minute
	for _, tt := range []struct {
		name string
		d    direction
		want time.Duration
	}{
		{"at first", direction{}, wait},
		{"after a wait", direction{waited: 50 * time.Second}, 10 * time.Second},
		{"one byte at a time", direction{waited: wait, bytes: 2}, 2 * time.Second / leastRate},
		{"at the least rate", direction{waited: time.Hour, bytes: 3600 * leastRate}, wait},
		{"below the least rate", direction{waited: time.Hour, bytes: 1800 * leastRate}, wait - 30*time.Minute},
		{"a large body", direction{waited: time.Hour, bytes: 1 << 40}, wait},
	} {
		if got := tt.d.deadline(now, wait).Sub(now); (got - tt.want).Abs() > time.Millisecond {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
