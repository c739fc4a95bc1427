package audit

import (
	"sync"
	"time"
)

// The namespaces of the metrics that Cognito has in CloudWatch.
const (
	NamespaceCognito = "AWS/Cognito"
	NamespaceUsage   = "AWS/Usage"
)

// A Dimension is a name and a value. A dimension without a value is absent.
type Dimension struct{ Name, Value string }

// Dimensions are those of one metric.
type Dimensions [4]Dimension

// A Series is a metric of CloudWatch with its dimensions.
type Series struct {
	Namespace, Metric string
	Dimensions        Dimensions
}

// Statistics are what a series had in one minute.
type Statistics struct {
	Series
	Minute             time.Time
	Count              float64
	Sum, Lowest, Upper float64
}

// maxMinuteEntries bounds what Minutes keeps while nobody takes it: the newest statistics,
// about 30 MB.
const maxMinuteEntries = 100_000

// Minutes gathers statistics by series and minute, until a publisher takes them. Its memory
// is bounded: it drops the oldest minute first. A nil *Minutes gathers nothing.
type Minutes struct {
	now   func() time.Time
	limit int

	mu      sync.Mutex
	minutes map[int64]map[Series]*Statistics // by Unix time
	entries int
	dropped int64
}

// NewMinutes returns an empty Minutes. The clock must be right: CloudWatch refuses times
// that are far off.
func NewMinutes(now func() time.Time) *Minutes {
	return &Minutes{now: now, limit: maxMinuteEntries, minutes: map[int64]map[Series]*Statistics{}}
}

func (m *Minutes) add(namespace, metric string, value float64, d Dimensions) {
	if m == nil {
		return
	}
	minute := m.now().Truncate(time.Minute).UTC()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(&Statistics{
		Series: Series{namespace, metric, d}, Minute: minute, Count: 1, Sum: value, Lowest: value, Upper: value,
	})
}

// put adds statistics to those of the same series and minute. The caller holds the lock.
func (m *Minutes) put(add *Statistics) {
	at := add.Minute.Unix()
	of := m.minutes[at]
	if of == nil {
		of = map[Series]*Statistics{}
		m.minutes[at] = of
	}
	s := of[add.Series]
	if s == nil {
		of[add.Series] = add
		m.entries++
		m.trim()
		return
	}
	s.Count += add.Count
	s.Sum += add.Sum
	s.Lowest, s.Upper = min(s.Lowest, add.Lowest), max(s.Upper, add.Upper)
}

// trim drops the oldest minutes beyond the limit. The newest minute stays.
func (m *Minutes) trim() {
	for m.entries > m.limit && len(m.minutes) > 1 {
		oldest := m.oldest()
		m.dropped += int64(len(m.minutes[oldest]))
		m.entries -= len(m.minutes[oldest])
		delete(m.minutes, oldest)
	}
}

func (m *Minutes) oldest() int64 {
	first := true
	var oldest int64
	for at := range m.minutes {
		if first || at < oldest {
			oldest, first = at, false
		}
	}
	return oldest
}

// Take removes and returns the statistics of the oldest minute that has ended; with unended
// also of one that is not over. It returns nil if there is none.
func (m *Minutes) Take(unended bool) []*Statistics {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.minutes) == 0 {
		return nil
	}
	at := m.oldest()
	if end := time.Unix(at, 0).Add(time.Minute); !unended && m.now().Before(end) {
		return nil
	}
	list := make([]*Statistics, 0, len(m.minutes[at]))
	for _, s := range m.minutes[at] {
		list = append(list, s)
	}
	m.entries -= len(list)
	delete(m.minutes, at)
	return list
}

// Return puts back what could not be published.
func (m *Minutes) Return(list []*Statistics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range list {
		m.put(s)
	}
}

// Waiting returns how many statistics wait to be published, and how many were dropped.
func (m *Minutes) Waiting() (waiting int, dropped int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries, m.dropped
}
