package policy

import (
	"cmp"
	"strings"
	"time"
)

// decimal is a plain decimal number in its shortest form: no zeros before the whole
// part, none after the fraction. Comparing it is exact and allocates nothing.
type decimal struct {
	negative        bool
	whole, fraction string
}

// maxDecimal bounds the length of a number.
const maxDecimal = 40

// parseDecimal reads a number without an exponent.
func parseDecimal(s string) (decimal, bool) {
	var d decimal
	if s == "" || len(s) > maxDecimal {
		return d, false
	}
	if s[0] == '-' || s[0] == '+' {
		d.negative = s[0] == '-'
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	if whole == "" && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return d, false
	}
	d.whole, d.fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	d.negative = d.negative && (d.whole != "" || d.fraction != "")
	return d, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func (d decimal) compare(o decimal) int {
	if d.negative != o.negative {
		if d.negative {
			return -1
		}
		return 1
	}
	c := cmp.Or(cmp.Compare(len(d.whole), len(o.whole)), strings.Compare(d.whole, o.whole), strings.Compare(d.fraction, o.fraction))
	if d.negative {
		return -c
	}
	return c
}

// instant is a point in time.
type instant struct{ seconds, nanoseconds int64 }

func (t instant) compare(o instant) int {
	return cmp.Or(cmp.Compare(t.seconds, o.seconds), cmp.Compare(t.nanoseconds, o.nanoseconds))
}

// parseInstant reads a date in one of the W3C forms of ISO 8601, or epoch seconds. A
// date without a zone is UTC. Four digits are a year; epoch seconds have more.
func parseInstant(s string) (instant, bool) {
	if len(s) > 4 && len(s) <= 18 && allDigits(strings.TrimPrefix(s, "-")) {
		n, _ := number(strings.TrimPrefix(s, "-"))
		if s[0] == '-' {
			n = -n
		}
		return instant{seconds: n}, true
	}
	p := dateParser{rest: s, ok: true}
	year := p.digits(4)
	month, day := int64(1), int64(1)
	if p.next('-') {
		month = p.digits(2)
		if p.next('-') {
			day = p.digits(2)
		}
	}
	var hour, minute, second, fraction, offset int64
	if len(s) > len("2006-01-02") && p.next('T') {
		hour = p.digits(2)
		p.want(':')
		minute = p.digits(2)
		if p.next(':') {
			second = p.digits(2)
			if p.next('.') {
				fraction = p.fraction()
			}
		}
		offset = p.zone()
	}
	if !p.ok || p.rest != "" || hour > 23 || minute > 59 || second > 59 || month < 1 || month > 12 || day < 1 {
		return instant{}, false
	}
	t := time.Date(int(year), time.Month(month), int(day), int(hour), int(minute), int(second), 0, time.UTC)
	if t.Day() != int(day) {
		return instant{}, false
	}
	return instant{t.Unix() - offset, fraction}, true
}

// dateParser reads a date from left to right. ok is false after the first fault.
type dateParser struct {
	rest string
	ok   bool
}

func (p *dateParser) next(c byte) bool {
	if p.rest != "" && p.rest[0] == c {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

func (p *dateParser) want(c byte) { p.ok = p.next(c) && p.ok }

func (p *dateParser) digits(n int) int64 {
	if len(p.rest) < n {
		p.ok = false
		return 0
	}
	v, ok := number(p.rest[:n])
	p.ok = p.ok && ok
	p.rest = p.rest[n:]
	return v
}

// number reads up to 18 digits.
func number(s string) (n int64, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, s != ""
}

// fraction reads the digits after the point as nanoseconds.
func (p *dateParser) fraction() int64 {
	n, count := int64(0), 0
	for p.rest != "" && p.rest[0] >= '0' && p.rest[0] <= '9' {
		if count < 9 {
			n = n*10 + int64(p.rest[0]-'0')
			count++
		}
		p.rest = p.rest[1:]
	}
	p.ok = p.ok && count > 0
	for ; count < 9; count++ {
		n *= 10
	}
	return n
}

// zone reads the offset from UTC in seconds.
func (p *dateParser) zone() int64 {
	if p.rest == "" || p.next('Z') {
		return 0
	}
	sign := int64(1)
	if !p.next('+') {
		p.want('-')
		sign = -1
	}
	hours := p.digits(2)
	p.next(':')
	minutes := p.digits(2)
	p.ok = p.ok && hours <= 23 && minutes <= 59
	return sign * (hours*3600 + minutes*60)
}
