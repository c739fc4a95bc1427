package score

import (
	"slices"
	"time"
)

// day counts days since 1970 in UTC.
type day int32

const maxDay = 1 << 20 // the year 4840

func dayOf(t time.Time) day {
	return day(max(0, min(t.Unix()/86400, maxDay)))
}

func hourOf(t time.Time) int { return t.UTC().Hour() }

// entry is one thing that was seen.
type entry struct {
	key         uint64
	first, last day
	count       int // days on which it was seen
	extra       int // at most count; what it counts depends on the list
}

// memory is a short list of things, in no order.
type memory []entry

// find returns the entry of a key, or nil.
func (m memory) find(key uint64) *entry {
	if key == 0 {
		return nil
	}
	for i := range m {
		if m[i].key == key {
			return &m[i]
		}
	}
	return nil
}

// within reports whether the key was seen in the last days.
func (m memory) within(key uint64, today, days day) bool {
	e := m.find(key)
	return e != nil && today-e.last <= days
}

// has reports whether the key is known and not too old.
func (m memory) has(key uint64, today day) bool { return m.within(key, today, decayDays) }

// days returns on how many days a known key was seen.
func (m memory) days(key uint64, today day) int {
	if e := m.find(key); e != nil && today-e.last <= decayDays {
		return e.count
	}
	return 0
}

// see records that the key was seen. A full list loses the entry that was not seen for the longest
// time. It reports whether the list is different now.
func (m *memory) see(key uint64, today day, limit int) bool {
	if key == 0 {
		return false
	}
	if e := m.find(key); e != nil {
		if e.last >= today {
			return false
		}
		e.last, e.count = today, min(e.count+1, maxCount)
		return true
	}
	fresh := entry{key: key, first: today, last: today, count: 1}
	if len(*m) < limit {
		*m = append(*m, fresh)
		return true
	}
	oldest := 0
	for i, e := range *m {
		o := (*m)[oldest]
		if e.last < o.last || e.last == o.last && e.count < o.count {
			oldest = i
		}
	}
	(*m)[oldest] = fresh
	return true
}

// forget removes a key that was seen on at most so many days. It reports whether it did.
func (m *memory) forget(key uint64, days int) bool {
	e := m.find(key)
	if e == nil || e.count > days {
		return false
	}
	*m = slices.DeleteFunc(*m, func(e entry) bool { return e.key == key })
	return true
}

// expire removes what is too old to count.
func (m *memory) expire(today day) {
	*m = slices.DeleteFunc(*m, func(e entry) bool { return today-e.last > decayDays })
}
