package rates

import "testing"

// FuzzReport reads damaged reports.
func FuzzReport(f *testing.F) {
	x := &exchange{
		seq:    3,
		limits: map[Key]*limitReport{7: {limit: NewLimit(10, 5), used: [historyTicks]uint32{1, 2, 3}}},
		events: map[Key]*[historyTicks]uint32{9: {4, 5}},
	}
	f.Add(appendReport(nil, x, map[memberBucket]memberSet{{11, 12}: {1, 2, 3, 4}}))
	f.Add([]byte{reportVersion, 0, 0, 0})
	f.Fuzz(func(t *testing.T, doc []byte) {
		_ = readReport(doc, historyTicks, reportTaker{
			limit: func(_ Key, l Limit, used uint32) {
				if l.interval <= 0 || l.burst <= 0 || l.burst*l.interval < 0 || used == 0 {
					t.Errorf("limit %+v, used %d", l, used)
				}
			},
			events:  func(Key, uint32) {},
			members: func(Key, int64, *memberSet) {},
		})
	})
}

// TestReport reads back what was written: the last exchanges only.
func TestReport(t *testing.T) {
	t.Parallel()
	x := &exchange{
		seq:    9, // the newest is at place 1
		limits: map[Key]*limitReport{7: {limit: NewLimit(10, 5), used: [historyTicks]uint32{20, 1, 0, 0, 0, 0, 0, 300}}},
		events: map[Key]*[historyTicks]uint32{9: {4, 5}},
	}
	doc := appendReport(nil, x, map[memberBucket]memberSet{{11, 12}: {1, 2, 3, 4}})
	for exchanges, want := range map[int][2]uint32{1: {1, 5}, 2: {21, 9}, 3: {321, 9}, 8: {321, 9}} {
		var used, events uint32
		var set memberSet
		err := readReport(doc, exchanges, reportTaker{
			limit:   func(_ Key, _ Limit, n uint32) { used = n },
			events:  func(_ Key, n uint32) { events = n },
			members: func(_ Key, _ int64, s *memberSet) { set = *s },
		})
		if err != nil || [2]uint32{used, events} != want || set != (memberSet{1, 2, 3, 4}) {
			t.Errorf("%d exchanges: used %d, events %d, want %v; set %v, error %v", exchanges, used, events, want, set, err)
		}
	}
}
