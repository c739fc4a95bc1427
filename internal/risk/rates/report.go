package rates

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// A report is the version, then three lists, each with its length:
//
//	limits:  key, interval, burst, uses in the last exchanges from the newest on
//	events:  key, events in the last exchanges
//	members: key, period, set
//
// Numbers are varints, but keys and the words of sets have 8 bytes.

const reportVersion = 1

var errReport = errors.New("rates: a report of another version, or a damaged one")

func appendReport(b []byte, x *exchange, sets map[memberBucket]memberSet) []byte {
	b = append(b, reportVersion)
	b = binary.AppendUvarint(b, uint64(len(x.limits)))
	for _, k := range slices.Sorted(maps.Keys(x.limits)) {
		l := x.limits[k]
		b = binary.LittleEndian.AppendUint64(b, uint64(k))
		b = binary.AppendUvarint(b, uint64(l.limit.interval))
		b = binary.AppendUvarint(b, uint64(l.limit.burst))
		b = appendHistory(b, x.seq, &l.used)
	}
	b = binary.AppendUvarint(b, uint64(len(x.events)))
	for _, k := range slices.Sorted(maps.Keys(x.events)) {
		b = appendHistory(binary.LittleEndian.AppendUint64(b, uint64(k)), x.seq, x.events[k])
	}
	b = binary.AppendUvarint(b, uint64(len(sets)))
	for s, set := range sets {
		b = binary.LittleEndian.AppendUint64(b, uint64(s.key))
		b = binary.AppendUvarint(b, uint64(s.period))
		for _, w := range set {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	return b
}

func appendHistory(b []byte, seq int64, h *[historyTicks]uint32) []byte {
	for i := range int64(historyTicks) {
		b = binary.AppendUvarint(b, uint64(h[(seq-i+historyTicks)%historyTicks]))
	}
	return b
}

// A reportTaker has a function for each list of a report.
type reportTaker struct {
	limit   func(Key, Limit, uint32)
	events  func(Key, uint32)
	members func(Key, int64, *memberSet)
}

// readReport reads the last exchanges of a report.
func readReport(doc []byte, exchanges int, t reportTaker) error {
	d := reportDecoder{b: doc}
	if d.byte() != reportVersion {
		return errReport
	}
	for range d.length() {
		k := Key(d.word())
		l := Limit{interval: int64(d.number(uint64(maxFill))), burst: int64(d.number(uint64(maxFill)))}
		used := d.history(exchanges)
		if d.failed || l.interval == 0 || l.burst == 0 || l.burst > maxFill/l.interval+1 {
			return errReport
		}
		if used > 0 {
			t.limit(k, l, used)
		}
	}
	for range d.length() {
		k := Key(d.word())
		n := d.history(exchanges)
		if d.failed {
			return errReport
		}
		if n > 0 {
			t.events(k, n)
		}
	}
	for range d.length() {
		k := Key(d.word())
		period := int64(d.number(1 << 40))
		var set memberSet
		for i := range set {
			set[i] = d.word()
		}
		if d.failed {
			return errReport
		}
		t.members(k, period, &set)
	}
	if d.failed || len(d.b) > 0 {
		return errReport
	}
	return nil
}

// A reportDecoder reads a report. After a failure it returns zeros.
type reportDecoder struct {
	b      []byte
	failed bool
}

func (d *reportDecoder) fail() uint64 {
	d.b, d.failed = nil, true
	return 0
}

func (d *reportDecoder) byte() byte {
	if len(d.b) == 0 {
		return byte(d.fail())
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *reportDecoder) word() uint64 {
	if len(d.b) < 8 {
		return d.fail()
	}
	w := binary.LittleEndian.Uint64(d.b)
	d.b = d.b[8:]
	return w
}

func (d *reportDecoder) number(most uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > most {
		return d.fail()
	}
	d.b = d.b[n:]
	return v
}

func (d *reportDecoder) length() int { return int(d.number(maxReported)) }

// history returns the sum of the last exchanges.
func (d *reportDecoder) history(exchanges int) (sum uint32) {
	for i := range historyTicks {
		n := d.number(1 << 28)
		if i < exchanges {
			sum += uint32(n)
		}
	}
	return sum
}
