package awsjson

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// String reads a string.
func (d *Decoder) String() string {
	if c := d.peek(); c != '"' {
		d.mismatch0(c, "a String")
		return ""
	}
	return string(d.text())
}

// mismatch0 is mismatch that also knows the end of the input.
func (d *Decoder) mismatch0(c byte, want string) {
	if c == 0 && d.err == nil {
		d.unexpected()
		return
	}
	d.mismatch(c, want)
}

// Bool reads true or false.
func (d *Decoder) Bool() bool {
	c := d.peek()
	switch {
	case c == 't' && d.literal("true"):
		return true
	case c == 'f' && d.literal("false"):
		return false
	case c == '"' && d.loose:
		switch string(d.text()) {
		case "true":
			return true
		case "false":
			return false
		}
		d.fail("STRING_VALUE can not be converted to a Boolean")
		return false
	}
	d.mismatch0(c, "a Boolean")
	return false
}

// Int32 reads an integer.
func (d *Decoder) Int32() int32 {
	return int32(d.integer(math.MinInt32, math.MaxInt32, "an Integer"))
}

// Int64 reads a long.
func (d *Decoder) Int64() int64 { return d.integer(math.MinInt64, math.MaxInt64, "a Long") }

// integer also takes 1.0 and 1e2, which Java's parser takes for integers.
func (d *Decoder) integer(lo, hi int64, want string) int64 {
	c := d.peek()
	var lit []byte
	switch {
	case c == '-' || c >= '0' && c <= '9':
		lit = d.number()
	case c == '"' && d.loose:
		lit = d.text()
	default:
		d.mismatch0(c, want)
	}
	if d.err != nil {
		return 0
	}
	n, err := strconv.ParseInt(string(lit), 10, 64)
	if err != nil && !d.loose {
		var f float64
		// 2^53: above it a double is no exact integer.
		if f, err = strconv.ParseFloat(string(lit), 64); err == nil && (f != math.Trunc(f) || math.Abs(f) > 1<<53) {
			err = strconv.ErrRange
		}
		n = int64(f)
	}
	if err != nil || n < lo || n > hi {
		d.fail("NUMBER_VALUE can not be converted to %s", want)
		return 0
	}
	return n
}

// Time reads epoch seconds with a fraction of milliseconds.
func (d *Decoder) Time() time.Time {
	c := d.peek()
	if c == '"' && d.loose {
		t, err := time.Parse(time.RFC3339, string(d.text()))
		if d.err == nil && err != nil {
			d.fail("STRING_VALUE can not be converted to a timestamp")
		}
		return t.UTC()
	}
	if c != '-' && (c < '0' || c > '9') {
		d.mismatch0(c, "milliseconds since epoch")
		return time.Time{}
	}
	f, err := strconv.ParseFloat(string(d.number()), 64)
	// Years 0 to 9999: what time.Time can print again.
	if d.err == nil && (err != nil || f < -62167219200 || f > 253402300799) {
		d.fail("NUMBER_VALUE can not be converted to milliseconds since epoch")
	}
	if d.err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC()
}

// Blob reads base64 text.
func (d *Decoder) Blob() []byte {
	if c := d.peek(); c != '"' {
		d.mismatch0(c, "a ByteBuffer")
		return nil
	}
	s := d.text()
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	n, err := base64.StdEncoding.Strict().Decode(b, s)
	if err != nil {
		d.fail("STRING_VALUE can not be converted to a ByteBuffer")
		return nil
	}
	return b[:n]
}

// Document reads free JSON and keeps its text.
func (d *Decoder) Document() json.RawMessage {
	d.space()
	start := d.pos
	d.skip(maxDocumentDepth, true)
	if d.err != nil {
		return nil
	}
	return append(json.RawMessage(nil), d.data[start:d.pos]...)
}

// Strings reads the list of strings (enum values, say) of member name.
func Strings[T ~string](d *Decoder, index int, name string) []T {
	if !d.beginList() {
		return nil
	}
	list := []T{}
	nulls := false
	for d.nextElement() && !d.tooMany(len(list)) {
		if d.null() {
			nulls = true
			continue
		}
		list = append(list, T(d.String()))
	}
	if nulls {
		d.violate(index, name, "'["+joinStrings(list)+"]'", "Member must satisfy constraint: [Member must not be null]")
	}
	return list
}

// StringMap reads a map of strings; an entry that is null is as good as absent.
func StringMap[T ~string](d *Decoder) map[string]T {
	m := map[string]T{}
	var nulls map[string]bool
	for d.BeginObject(); d.Next() && !d.tooMany(len(m)+len(nulls)); {
		key := string(d.key)
		if _, again := m[key]; again || nulls[key] {
			d.fail("Duplicate field %s", quoted(d.key))
			break
		}
		if d.null() {
			if nulls == nil {
				nulls = map[string]bool{}
			}
			nulls[key] = true
			continue
		}
		m[key] = T(d.String())
	}
	return m
}

// Struct reads the structure of member name.
func Struct[T any](d *Decoder, index int, name string, sensitive bool, read func(*Decoder, *T)) *T {
	v := new(T)
	d.frames = append(d.frames, frame{index: index, name: name, sensitive: sensitive})
	read(d, v)
	d.frames = d.frames[:len(d.frames)-1]
	return v
}

// Structs reads the list of structures of member name.
func Structs[T any](d *Decoder, index int, name string, sensitive bool, read func(*Decoder, *T)) []T {
	if !d.beginList() {
		return nil
	}
	list := []T{}
	d.frames = append(d.frames, frame{index: index, name: name, sensitive: sensitive})
	top := len(d.frames) - 1
	for d.nextElement() && !d.tooMany(d.frames[top].element) {
		d.frames[top].element++
		if d.null() {
			d.violate(0, "member", "null", "Member must not be null")
			continue
		}
		list = append(list, *new(T))
		read(d, &list[len(list)-1])
	}
	d.frames = d.frames[:top]
	return list
}

// StructMap reads the map of structures of member name.
func StructMap[T any](d *Decoder, index int, name string, sensitive bool, read func(*Decoder, *T)) map[string]T {
	m := map[string]T{}
	d.frames = append(d.frames, frame{index: index, name: name, sensitive: sensitive})
	top := len(d.frames) - 1
	for d.BeginObject(); d.Next() && !d.tooMany(len(m)); {
		key := string(d.key)
		if _, again := m[key]; again {
			d.fail("Duplicate field %s", quoted(d.key))
			break
		}
		if d.null() {
			continue
		}
		d.frames[top].element++
		d.frames[top].key = key
		var v T
		read(d, &v)
		m[key] = v
	}
	d.frames = d.frames[:top]
	return m
}
