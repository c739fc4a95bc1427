package lists

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const sample = "\ufeff# addresses\r\n192.0.2.0/24\r\n192.0.2.128/25 # a part\n\n  198.51.100.7\n2001:db8::/32\n2001:db8:1::/48\n::ffff:203.0.113.0/120\nAS64500\nas64501\n198.51.100.7\n"

func TestMatch(t *testing.T) {
	t.Parallel()
	s, err := Parse(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 8 {
		t.Errorf("%d entries, want 8", s.Len())
	}
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.0/24", "192.0.2.129": "192.0.2.128/25", "::ffff:192.0.2.200": "192.0.2.128/25",
		"198.51.100.7": "198.51.100.7/32", "198.51.100.8": "", "203.0.113.255": "203.0.113.0/24",
		"2001:db8:1::5": "2001:db8:1::/48", "2001:db8:2::5": "2001:db8::/32", "2001:db9::": "", "192.0.3.0": "",
	} {
		got, found := s.Match(netip.MustParseAddr(address))
		if found != (want != "") || found && got.String() != want {
			t.Errorf("%s: %v, %v, want %q", address, got, found, want)
		}
	}
	if !s.ContainsSystem(64500) || !s.ContainsSystem(64501) || s.ContainsSystem(64502) || s.ContainsSystem(0) {
		t.Error("autonomous systems")
	}
	var none *Set
	if none.Contains(netip.MustParseAddr("192.0.2.1")) || none.ContainsSystem(64500) || none.Len() != 0 {
		t.Error("no set has entries")
	}
	if s.Contains(netip.Addr{}) {
		t.Error("no address is in the set")
	}
	all, err := New([]string{"0.0.0.0/0", "::/0"})
	if err != nil || !all.Contains(netip.MustParseAddr("8.8.8.8")) || !all.Contains(netip.MustParseAddr("ff::1")) {
		t.Errorf("everything: %v", err)
	}
}

// TestMatchAgreesWithNetip compares with the plain way to find the longest network.
func TestMatchAgreesWithNetip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.Custom(func(t *rapid.T) netip.Addr {
			if rapid.Bool().Draw(t, "v6") {
				// Few different bits, so that networks meet.
				b := [16]byte{0x20, 1, 15: rapid.ByteMax(3).Draw(t, "low")}
				b[7] = rapid.ByteMax(3).Draw(t, "middle")
				return netip.AddrFrom16(b)
			}
			return netip.AddrFrom4([4]byte{10, 0, rapid.ByteMax(3).Draw(t, "high"), rapid.Byte().Draw(t, "low")})
		})
		var texts []string
		var prefixes []netip.Prefix
		for range rapid.IntRange(0, 30).Draw(t, "n") {
			a := address.Draw(t, "network")
			p := netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits")).Masked()
			texts, prefixes = append(texts, p.String()), append(prefixes, p)
		}
		s, err := New(texts)
		if err != nil {
			t.Fatal(err)
		}
		a := address.Draw(t, "address")
		var want netip.Prefix
		for _, p := range prefixes {
			if p.Contains(a) && (!want.IsValid() || p.Bits() > want.Bits()) {
				want = p
			}
		}
		if got, found := s.Match(a); got != want || found != want.IsValid() {
			t.Errorf("%v in %v: %v, %v, want %v", a, texts, got, found, want)
		}
	})
}

func TestFaultsHaveLineNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"192.0.2.1\nexample.com\n":          `line 2: "example.com" is not an address or a network`,
		"\n\n192.0.2.0/33":                  `line 3: "192.0.2.0/33" is not an address or a network`,
		"fe80::1%eth0":                      `line 1: "fe80::1%eth0" is not an address or a network`,
		"::ffff:0:0/80":                     `line 1: "::ffff:0:0/80" mixes IPv4 and IPv6`,
		"AS0":                               `line 1: "AS0" is not an autonomous system`,
		"AS4294967296":                      `line 1: "AS4294967296" is not an autonomous system`,
		"# x\n" + strings.Repeat("1", 2000): "line 2: longer than 1024 bytes",
	} {
		if _, err := Parse(strings.NewReader(text)); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}

func TestLargeFilesAreRefused(t *testing.T) {
	t.Parallel()
	line := "#" + strings.Repeat("x", 1000) + "\n"
	if _, err := Parse(strings.NewReader(strings.Repeat(line, MaxBytes/len(line)+1))); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a large file: %v", err)
	}
	if _, err := Parse(strings.NewReader(strings.Repeat("::1\n", MaxEntries+1))); err == nil || !strings.Contains(err.Error(), "entries") {
		t.Errorf("many entries: %v", err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list")
	a := netip.MustParseAddr("192.0.2.1")
	f := Open("test", path)
	if s := f.Status(); s.Loaded || s.Err == nil || f.Set().Contains(a) {
		t.Errorf("a missing file: %+v", s)
	}
	if f.Refresh() {
		t.Error("the file is still missing, and that is news")
	}
	replace := func(text string) {
		t.Helper()
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		if !f.Refresh() {
			t.Error("a new file is not read")
		}
	}
	replace("192.0.2.0/24")
	if s := f.Status(); !s.Loaded || s.Err != nil || s.Entries != 1 || !f.Set().Contains(a) {
		t.Errorf("a good file: %+v", s)
	}
	if f.Refresh() {
		t.Error("an old file is read again")
	}
	replace("192.0.2.0/24\nbroken, and of another size")
	if s := f.Status(); !s.Loaded || s.Err == nil || !strings.Contains(s.Err.Error(), path+": line 2: ") || !f.Set().Contains(a) {
		t.Errorf("a broken file: %+v", s)
	}
	replace("198.51.100.0/24 # again")
	if s := f.Status(); s.Err != nil || f.Set().Contains(a) {
		t.Errorf("another good file: %+v", s)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !f.Refresh() || f.Status().Err == nil || f.Set().Len() != 1 {
		t.Error("a file that was removed")
	}
	if Open("none", "").Set() != nil {
		t.Error("no file has a set")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(_ *testing.T, text []byte) {
		s, err := Parse(strings.NewReader(string(text)))
		if err == nil {
			s.Contains(netip.MustParseAddr("192.0.2.1"))
			s.Contains(netip.MustParseAddr("2001:db8::1"))
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	var text strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&text, "%d.%d.%d.0/%d\n", 1+i%200, i/200%250, i%251, 16+i%17)
	}
	s, err := Parse(strings.NewReader(text.String()))
	if err != nil {
		b.Fatal(err)
	}
	a := netip.MustParseAddr("250.1.2.3")
	b.ReportAllocs()
	for b.Loop() {
		s.Contains(a)
	}
}
