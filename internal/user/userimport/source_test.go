package userimport

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line string
		want       []string
	}{
		{"plain", "a,b,c", []string{"a", "b", "c"}},
		{"empty", "", []string{""}},
		{"empty values", ",,", []string{"", "", ""}},
		{"an escaped comma", `1 Main St\, Springfield,b`, []string{"1 Main St, Springfield", "b"}},
		{"escaped at the ends", `\,a\,`, []string{",a,"}},
		{"a backslash alone", `a\b,\`, []string{`a\b`, `\`}},
		{"quotes mean nothing", `"a,b"`, []string{`"a`, `b"`}},
		{"blanks around", " a , b c ,\t", []string{"a", "b c", ""}},
	} {
		if d := cmp.Diff(test.want, values(test.line)); d != "" {
			t.Errorf("%s: %s", test.name, d)
		}
	}
}

// FuzzValues: values written with escaped commas are read again.
func FuzzValues(f *testing.F) {
	f.Add("a", "b,c", `d\`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		want := []string{a, b, c}
		var line []string
		for i, v := range want {
			if strings.ContainsAny(v, "\\\n") || strings.TrimSpace(v) != v {
				return // a backslash before a comma cannot be told from an escape
			}
			line = append(line, strings.ReplaceAll(want[i], ",", `\,`))
		}
		if d := cmp.Diff(want, values(strings.Join(line, ","))); d != "" {
			t.Error(d)
		}
	})
}

// sourceOf is a file in memory.
func sourceOf(text string, from int64) *source {
	return &source{size: int64(len(text)), next: from, seq: -1, piece: func(_ context.Context, seq int64) ([]byte, error) {
		begin := seq * chunkSize
		if begin >= int64(len(text)) {
			return nil, errFile
		}
		return []byte(text[begin:min(begin+chunkSize, int64(len(text)))]), nil
	}}
}

func TestLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 3*chunkSize)
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"unix", "a\nb\n", []string{"a", "b"}},
		{"windows", "a\r\nb\r\n", []string{"a", "b"}},
		{"no end", "a\nb", []string{"a", "b"}},
		{"blank lines", "\n\na\n", []string{"", "", "a"}},
		{"across pieces", strings.Repeat("y", chunkSize-1) + "\n" + strings.Repeat("z", 100) + "\n", []string{strings.Repeat("y", chunkSize-1), strings.Repeat("z", 100)}},
		{"an end in the next piece", strings.Repeat("y", chunkSize) + "\nz", []string{strings.Repeat("y", chunkSize), "z"}},
		{"longer than a line may be", long + "\nafter\n", []string{long[:4*maxLine+2], "after"}},
	} {
		// From every place that a line begins at, the rest is read the same.
		f := sourceOf(test.text, 0)
		for i := 0; ; i++ {
			rest, err := readAll(t, sourceOf(test.text, f.next))
			if err != nil {
				t.Fatal(err)
			}
			for j := range rest {
				if want := test.want[i+j]; rest[j] != want && rest[j] != want[:min(len(want), 4*maxLine+2)] {
					t.Errorf("%s: line %d differs", test.name, i+j)
				}
			}
			if len(rest) != len(test.want)-i {
				t.Errorf("%s: %d lines from line %d on", test.name, len(rest), i)
			}
			if _, err := f.line(t.Context()); errors.Is(err, io.EOF) {
				break
			}
		}
	}
}

func readAll(t *testing.T, f *source) ([]string, error) {
	t.Helper()
	var list []string
	for {
		line, err := f.line(t.Context())
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, line)
	}
}

func TestFileCutShort(t *testing.T) {
	t.Parallel()
	f := sourceOf("a\nb\n", 0)
	f.size += chunkSize // a piece that is not there
	if _, err := readAll(t, f); !errors.Is(err, errFile) {
		t.Errorf("got %v", err)
	}
}
