package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompact looks for the text of deleted rows in the files of the database: it is there until the database is
// compacted. Readers and writers work on.
func TestCompact(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s := openForPlans(t, Options{Path: path})
	const mark = "marked-text-of-a-row"
	put := func(n int, value string) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *Tx) error { return tx.SetMeta(t.Context(), fmt.Sprint("row ", n), []byte(value)) }); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 200 {
		put(n, strings.Repeat(mark, 50))
	}
	for n := range 200 {
		put(n, "short")
	}
	inFiles := func() (n int) {
		t.Helper()
		for _, name := range []string{path, path + "-wal"} {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(content, []byte(mark))
		}
		return n
	}
	if inFiles() == 0 {
		t.Error("the test finds no mark before")
	}
	if compacted, err := s.Compact(t.Context()); err != nil || !compacted {
		t.Fatalf("%v, %v", compacted, err)
	}
	if n := inFiles(); n != 0 {
		t.Errorf("the files have the mark %d times", n)
	}
	put(1, "after")
	if v, err := s.Meta(t.Context(), "row 1"); err != nil || string(v) != "after" {
		t.Errorf("%q, %v", v, err)
	}
	if v, err := s.Meta(t.Context(), "row 2"); err != nil || string(v) != "short" {
		t.Errorf("%q, %v", v, err)
	}
}

// TestUnprepared reads with a statement that is used once: the connection must not keep it, or it could not be closed.
func TestUnprepared(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	for range 3 {
		if err := s.Empty(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := openFiles(t, "x.db"); n != 0 {
		t.Errorf("%d files of the database are open", n)
	}
}

// openFiles counts the open files of this process whose path has the text.
func openFiles(t *testing.T, text string) (n int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if path, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && strings.Contains(path, t.Name()) && strings.Contains(path, text) {
			n++
		}
	}
	return n
}
