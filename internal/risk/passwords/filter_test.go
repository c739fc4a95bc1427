package passwords

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// passwordOf returns the n-th password of the list.
func passwordOf(n int) string { return fmt.Sprintf("breached-%06d", n) }

// lines returns the list of n passwords. The count of the i-th password is i%10+1.
func lines(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%X:%d", digest(passwordOf(i)), i%10+1)
	}
	slices.Sort(out)
	return out
}

func writeFile(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func build(t testing.TB, source string, o BuildOptions) string {
	t.Helper()
	target := filepath.Join(t.TempDir(), "passwords.filter")
	o.Now = now
	if _, err := Build(t.Context(), source, target, o); err != nil {
		t.Fatal(err)
	}
	return target
}

// check wants the filter to have the passwords with a count of at least minCount, and few others.
func check(t *testing.T, path string, entries, minCount, width int) {
	t.Helper()
	f := &filterFile{path: path}
	f.update()
	defer f.replace(nil)
	if s := f.status(); s.Err != nil || !s.Built.Equal(now) {
		t.Fatalf("status %+v", s)
	}
	n := 0
	for i := range entries {
		found, got := f.contains(keyOf(digest(passwordOf(i))))
		if got != width {
			t.Fatalf("%d bits, want %d", got, width)
		}
		if i%10+1 >= minCount {
			if n++; !found {
				t.Fatalf("%s is missing", passwordOf(i))
			}
		}
	}
	if got := f.status().Entries; got != n {
		t.Errorf("%d entries, want %d", got, n)
	}
	// Of 20,000 others, 78 are expected with 8 bits, and less than one with 16.
	others := 0
	for i := range 20_000 {
		if found, _ := f.contains(keyOf(digest(fmt.Sprint("other", i)))); found {
			others++
		}
	}
	if limit := map[int]int{8: 130, 16: 6}[width]; others > limit {
		t.Errorf("%d of 20,000 other passwords are found, more than %d", others, limit)
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	const n = 5000
	all := lines(n)
	dir := t.TempDir()
	unix := writeFile(t, filepath.Join(dir, "lf.txt"), strings.Join(all, "\n"))
	dos := writeFile(t, filepath.Join(dir, "crlf.txt"), strings.ToLower(strings.Join(all, "\r\n"))+"\r\n")
	folder := filepath.Join(dir, "folder")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		prefix := fmt.Sprintf("%02X", i)
		var part []string
		for _, line := range all {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				part = append(part, rest)
			}
		}
		writeFile(t, filepath.Join(folder, prefix+".txt"), strings.Join(part, "\r\n"))
	}
	check(t, build(t, unix, BuildOptions{}), n, 1, 8)
	check(t, build(t, unix, BuildOptions{runEntries: 333}), n, 1, 8)
	check(t, build(t, dos, BuildOptions{MinCount: 7, runEntries: 1000}), n, 7, 8)
	check(t, build(t, folder, BuildOptions{Bits: 16, runEntries: 1000, prefixDigits: 2}), n, 1, 16)
	check(t, build(t, folder, BuildOptions{Bits: 16, MinCount: 10, prefixDigits: 2}), n, 10, 16)

	if err := os.Remove(filepath.Join(folder, "7F.txt")); err != nil {
		t.Fatal(err)
	}
	_, err := Build(t.Context(), folder, filepath.Join(dir, "x"), BuildOptions{prefixDigits: 2})
	if err == nil || !strings.Contains(err.Error(), "1 of 256 files are missing, the first is 7F.txt") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestSmallLists(t *testing.T) {
	t.Parallel()
	for n := 1; n < 12; n++ {
		source := writeFile(t, filepath.Join(t.TempDir(), "list"), strings.Join(lines(n), "\n"))
		for _, width := range []int{8, 16} {
			check(t, build(t, source, BuildOptions{Bits: width}), n, 1, width)
			check(t, build(t, source, BuildOptions{Bits: width, runEntries: 1}), n, 1, width)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	good := lines(3)
	join := func(lines ...string) string { return strings.Join(lines, "\n") }
	for name, test := range map[string]struct{ text, want string }{
		"no hash":     {join(good[0], "hello"), "line 2: want a SHA-1 hash"},
		"empty line":  {join(good[0], "", good[1]), "line 2: want a SHA-1 hash"},
		"no count":    {join(good[0][:40]), "line 1: want a SHA-1 hash"},
		"bad count":   {join(good[0] + "x"), "line 1: want a SHA-1 hash"},
		"bad digit":   {join("G" + good[0][1:]), "line 1: want a SHA-1 hash"},
		"long line":   {strings.Repeat("a", 3<<20), "line 1: want a SHA-1 hash"},
		"NTLM":        {"0123456789ABCDEF0123456789ABCDEF:5", "line 1: the list has NTLM hashes"},
		"wrong order": {join(good[0], good[2], good[1]), "line 3: the hashes are not in ascending order"},
		"twice":       {join(good[0], good[0]), "line 2: the hashes are not in ascending order"},
		"empty":       {"", "no password with a count of at least 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			source := writeFile(t, filepath.Join(dir, "list"), test.text)
			target := writeFile(t, filepath.Join(dir, "target"), "old")
			_, err := Build(t.Context(), source, target, BuildOptions{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
			if text, err := os.ReadFile(target); err != nil || string(text) != "old" {
				t.Errorf("the old file is %q, %v", text, err)
			}
			if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
				t.Errorf("files %v, %v", files, err)
			}
		})
	}
	if _, err := Build(t.Context(), "missing", "x", BuildOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing list: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	source := writeFile(t, filepath.Join(t.TempDir(), "list"), join(good...))
	if _, err := Build(ctx, source, source+".filter", BuildOptions{runEntries: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("a build that was stopped: %v", err)
	}
}

func TestDamagedFilter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := writeFile(t, filepath.Join(dir, "list"), strings.Join(lines(500), "\n"))
	path := build(t, source, BuildOptions{runEntries: 100})
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := Verify(t.Context(), path); err != nil || info.Entries != 500 || info.Bits != 8 || info.Size != int64(len(good)) {
		t.Errorf("%+v, %v", info, err)
	}
	flip := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	newer := bytes.Clone(good)
	newer[8] = 2
	for name, test := range map[string]struct {
		data   []byte
		want   string
		atOpen bool
	}{
		"empty":         {nil, "not a filter", true},
		"other file":    {bytes.Repeat([]byte("x"), 1000), "not a filter", true},
		"newer version": {newer, "build it again", true},
		"cut":           {good[:len(good)-1], "it is cut", true},
		"longer":        {append(bytes.Clone(good), 0), "it is cut", true},
		"header":        {flip(30), "checksum", true},
		"table":         {flip(len(good) - 3), "checksum", true},
		"payload":       {flip(headerSize + 20), "checksum", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, filepath.Join(t.TempDir(), "filter"), string(test.data))
			if _, err := Verify(t.Context(), path); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("verify: %v, want %s", err, test.want)
			}
			c := New(Settings{FilterPath: path})
			defer c.Close()
			s, ok := c.Status()
			if !ok || (s.Err != nil) != test.atOpen || s.Loaded == test.atOpen {
				t.Errorf("status %+v", s)
			}
			if found, source := c.Compromised(t.Context(), "password1"); !found || source != BuiltIn {
				t.Errorf("the built-in rule: %v, %v", found, source)
			}
		})
	}
}

// TestForgedTable: a file with right checksums and wrong numbers must not lead outside the payload.
func TestForgedTable(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]run{
		"length":      {segmentLength: 3, segmentCount: 1},
		"long":        {segmentLength: maxSegment * 2, segmentCount: 1},
		"no segments": {segmentLength: 4},
		"offset":      {segmentLength: 4, segmentCount: 1, offset: 1},
		"first":       {segmentLength: 4, segmentCount: 1, first: 1},
		"payload":     {segmentLength: 4, segmentCount: 2},
		"overflow":    {segmentLength: maxSegment, segmentCount: 1<<32 - 1},
	} {
		table := r.append(nil)
		h := header{bits: 8, runs: 1, payload: 12, tableSum: sha256.Sum256(table)}
		if _, err := decodeTable(table, &h); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestFilterIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "filter")
	c := New(Settings{FilterPath: path})
	defer c.Close()
	word := passwordOf(0)
	if found, _ := c.Compromised(t.Context(), word); found {
		t.Error("found without a file")
	}
	if s, ok := c.Status(); !ok || s.Loaded || s.Err == nil {
		t.Errorf("status %+v", s)
	}
	replace := func(n, width int) {
		t.Helper()
		source := writeFile(t, filepath.Join(dir, "list"), strings.Join(lines(n), "\n"))
		if _, err := Build(t.Context(), source, path, BuildOptions{Bits: width, Now: now}); err != nil {
			t.Fatal(err)
		}
		if !c.Refresh() || c.Refresh() {
			t.Error("Refresh does not follow the file")
		}
	}
	replace(1, 8)
	if found, source := c.Compromised(t.Context(), word); !found || source != Filter || source.Certain() {
		t.Errorf("8 bits: %v, %v", found, source)
	}
	replace(20, 16)
	if found, source := c.Compromised(t.Context(), word); !found || source != WideFilter || !source.Certain() {
		t.Errorf("16 bits: %v, %v", found, source)
	}
	// A file that another program cuts while it is mapped must not end the process.
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if found, _ := c.Compromised(t.Context(), word); found {
		t.Error("found in a file without bytes")
	}
	if !c.Refresh() {
		t.Error("a damaged file is no news")
	}
}

func FuzzHeader(f *testing.F) {
	h := header{bits: 8, runs: 1, payload: 12, built: now}
	f.Add(h.encode())
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) >= headerSize { // Most inputs have a wrong digest.
			sum := sha256.Sum256(b[:headerSize-32])
			copy(b[headerSize-32:], sum[:])
		}
		h, err := decodeHeader(b, int64(len(b)))
		if err != nil {
			return
		}
		table := b[headerSize+int(h.payload):]
		h.tableSum = sha256.Sum256(table)
		if runs, err := decodeTable(table, &h); err == nil {
			fl := filter{header: h, runs: runs, payload: b[headerSize : headerSize+int(h.payload)]}
			for key := range uint64(64) {
				fl.contains(key << 58)
			}
		}
	})
}

func FuzzLine(f *testing.F) {
	f.Add([]byte(lines(1)[0] + "\r\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		_ = (&list{}).line(line, "", func(key, _ uint64) error {
			if want, err := hex.DecodeString(string(line[:16])); err != nil || binary.BigEndian.Uint64(want) != key {
				t.Errorf("%q is read as %x", line, key)
			}
			return nil
		})
	})
}

// writeHashes writes a list of n made-up hashes.
func writeHashes(b *testing.B, path string, n int) {
	b.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	keys := make([]uint64, n)
	for i := range keys {
		keys[i] = random.Uint64()
	}
	slices.SortFunc(keys, cmp.Compare)
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	for i, key := range keys {
		fmt.Fprintf(out, "%016X%024X:%d\n", key, i, 1+i%7)
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFilter builds a filter of ten million hashes and looks random keys up.
func BenchmarkFilter(b *testing.B) {
	const n = 10_000_000
	dir := b.TempDir()
	source := filepath.Join(dir, "list")
	writeHashes(b, source, n)
	for _, width := range []int{8, 16} {
		path := filepath.Join(dir, fmt.Sprint("filter", width))
		b.Run(fmt.Sprint("build", width), func(b *testing.B) {
			for b.Loop() {
				info, err := Build(b.Context(), source, path, BuildOptions{Bits: width, Now: now})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(info.BitsPerEntry(), "bits/entry")
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/entry")
		})
		b.Run(fmt.Sprint("lookup", width), func(b *testing.B) {
			f := &filterFile{path: path}
			f.update()
			defer f.replace(nil)
			random := rand.New(rand.NewPCG(3, 4))
			found := 0
			for b.Loop() {
				if ok, _ := f.contains(random.Uint64()); ok {
					found++
				}
			}
			b.ReportMetric(100*float64(found)/float64(b.N), "%false")
		})
	}
}
