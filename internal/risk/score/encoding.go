package score

import (
	"encoding/binary"
	"errors"
)

// MaxEncoded is the length of the longest encoded history.
const MaxEncoded = 3 << 10

const encodingVersion = 1

// ErrEncoding means that bytes are not an encoded history that this version can read.
var ErrEncoding = errors.New("risk: not an encoded history")

// Append appends the encoded history to b: a version, the counts, and each list with its length.
// Numbers are varints, keys have eight bytes.
func (h *History) Append(b []byte) []byte {
	b = append(b, encodingVersion)
	b = appendNumber(b, h.Successes)
	b = appendNumber(b, int(h.lastDay))
	for _, l := range h.lists() {
		b = appendNumber(b, len(*l.m))
		for _, e := range *l.m {
			b = binary.BigEndian.AppendUint64(b, e.key)
			b = appendNumber(b, int(e.first))
			b = appendNumber(b, int(e.last-e.first))
			b = appendNumber(b, e.count)
			b = appendNumber(b, e.extra)
		}
	}
	for _, n := range h.hours {
		b = appendNumber(b, int(n))
	}
	return b
}

func appendNumber(b []byte, n int) []byte {
	return binary.AppendUvarint(b, uint64(max(n, 0)))
}

// Decode reads an encoded history. No bytes are the history of a new user.
func Decode(b []byte) (*History, error) {
	h := &History{}
	if len(b) == 0 {
		return h, nil
	}
	if len(b) > MaxEncoded || b[0] != encodingVersion {
		return nil, ErrEncoding
	}
	d := decoder{rest: b[1:]}
	h.Successes = d.number(maxCount)
	h.lastDay = d.day()
	for _, l := range h.lists() {
		n := d.number(l.limit)
		if d.bad || n == 0 {
			continue
		}
		*l.m = make(memory, 0, n)
		for range n {
			*l.m = append(*l.m, d.entry())
		}
	}
	for i := range h.hours {
		h.hours[i] = uint16(d.number(maxHourTotal))
	}
	if d.bad || len(d.rest) != 0 {
		return nil, ErrEncoding
	}
	return h, nil
}

// decoder reads the encoding. After the first fault it returns zeros.
type decoder struct {
	rest []byte
	bad  bool
}

// number reads a number up to a limit.
func (d *decoder) number(limit int) int {
	n, size := binary.Uvarint(d.rest)
	if d.bad || size <= 0 || n > uint64(limit) {
		d.bad = true
		return 0
	}
	d.rest = d.rest[size:]
	return int(n)
}

func (d *decoder) day() day { return day(d.number(maxDay)) }

func (d *decoder) entry() entry {
	if d.bad || len(d.rest) < 8 {
		d.bad = true
		return entry{}
	}
	e := entry{key: binary.BigEndian.Uint64(d.rest)}
	d.rest = d.rest[8:]
	e.first = d.day()
	e.last = e.first + d.day()
	e.count = d.number(maxCount)
	e.extra = d.number(maxCount)
	d.bad = d.bad || e.key == 0 || e.last > maxDay || e.count == 0 || e.extra > e.count
	return e
}
