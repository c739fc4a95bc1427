package lists

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Limits of a list. Larger files are refused.
const (
	MaxEntries = 2_000_000
	MaxBytes   = 64 << 20
	maxLine    = 1024
)

// Set is an immutable set of networks and autonomous systems. A nil Set is empty.
type Set struct {
	v4      [33][]uint32 // the networks of each length, sorted
	v6      [129][]wide
	systems []uint32 // sorted
	entries int
}

// wide is an IPv6 address.
type wide struct{ high, low uint64 }

func (a wide) compare(b wide) int {
	return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low))
}

// Len returns the number of different entries.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return s.entries
}

// Contains reports whether a network of the set has the address.
func (s *Set) Contains(a netip.Addr) bool {
	_, found := s.Match(a)
	return found
}

// Match returns the longest network of the set that has the address.
func (s *Set) Match(a netip.Addr) (netip.Prefix, bool) {
	if s == nil || !a.IsValid() {
		return netip.Prefix{}, false
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		b := a.As4()
		number := binary.BigEndian.Uint32(b[:])
		for bits := 32; bits >= 0; bits-- {
			if len(s.v4[bits]) == 0 {
				continue
			}
			if _, found := slices.BinarySearch(s.v4[bits], number&^uint32(1<<(32-bits)-1)); found {
				return netip.PrefixFrom(a, bits).Masked(), true
			}
		}
		return netip.Prefix{}, false
	}
	number := wideOf(a)
	for bits := 128; bits >= 0; bits-- {
		if len(s.v6[bits]) == 0 {
			continue
		}
		if _, found := slices.BinarySearchFunc(s.v6[bits], number.mask(bits), wide.compare); found {
			return netip.PrefixFrom(a, bits).Masked(), true
		}
	}
	return netip.Prefix{}, false
}

// ContainsSystem reports whether the set names the autonomous system.
func (s *Set) ContainsSystem(number uint32) bool {
	if s == nil || number == 0 {
		return false
	}
	_, found := slices.BinarySearch(s.systems, number)
	return found
}

func wideOf(a netip.Addr) wide {
	b := a.As16()
	return wide{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// mask returns the first bits of the address.
func (a wide) mask(bits int) wide {
	if bits <= 64 {
		return wide{high: a.high &^ (1<<(64-bits) - 1)}
	}
	return wide{a.high, a.low &^ (1<<(128-bits) - 1)}
}

func (s *Set) add(p netip.Prefix) {
	p = p.Masked()
	if p.Addr().Is4() {
		b := p.Addr().As4()
		s.v4[p.Bits()] = append(s.v4[p.Bits()], binary.BigEndian.Uint32(b[:]))
	} else {
		s.v6[p.Bits()] = append(s.v6[p.Bits()], wideOf(p.Addr()))
	}
}

// finish sorts the set and removes duplicates.
func (s *Set) finish() {
	s.entries = 0
	for i := range s.v4 {
		slices.Sort(s.v4[i])
		s.v4[i] = slices.Clip(slices.Compact(s.v4[i]))
		s.entries += len(s.v4[i])
	}
	for i := range s.v6 {
		slices.SortFunc(s.v6[i], wide.compare)
		s.v6[i] = slices.Clip(slices.Compact(s.v6[i]))
		s.entries += len(s.v6[i])
	}
	slices.Sort(s.systems)
	s.systems = slices.Clip(slices.Compact(s.systems))
	s.entries += len(s.systems)
}

// ParsePrefix reads a network in CIDR notation or an address. It accepts bits behind the network's
// length and ignores them.
func ParsePrefix(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%.60q is not an address or a network", text)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%.60q is not an address or a network", text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, fmt.Errorf("%.60q mixes IPv4 and IPv6", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// New returns the set of some networks and addresses, such as those of a risk configuration.
func New(texts []string) (*Set, error) {
	s := &Set{}
	for _, text := range texts {
		p, err := ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		s.add(p)
	}
	s.finish()
	return s, nil
}

// Parse reads a list file.
func Parse(r io.Reader) (*Set, error) {
	s := &Set{}
	limited := &io.LimitedReader{R: r, N: MaxBytes + 1}
	scanner := bufio.NewScanner(limited)
	scanner.Buffer(make([]byte, 0, maxLine), maxLine)
	number, entries := 0, 0
	for scanner.Scan() {
		number++
		line, _, _ := bytes.Cut(scanner.Bytes(), []byte{'#'})
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		text := string(bytes.TrimSpace(line))
		if text == "" {
			continue
		}
		if entries++; entries > MaxEntries {
			return nil, fmt.Errorf("line %d: more than %d entries", number, MaxEntries)
		}
		if err := s.parseEntry(text); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	switch err := scanner.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: longer than %d bytes", number+1, maxLine)
	case err != nil:
		return nil, err
	case limited.N == 0:
		return nil, fmt.Errorf("the file is larger than %d bytes", MaxBytes)
	}
	s.finish()
	return s, nil
}

func (s *Set) parseEntry(text string) error {
	if len(text) > 2 && strings.EqualFold(text[:2], "AS") {
		number, err := strconv.ParseUint(text[2:], 10, 32)
		if err != nil || number == 0 {
			return fmt.Errorf("%.60q is not an autonomous system", text)
		}
		s.systems = append(s.systems, uint32(number))
		return nil
	}
	p, err := ParsePrefix(text)
	if err != nil {
		return err
	}
	s.add(p)
	return nil
}
