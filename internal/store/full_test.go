//go:build linux

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"cognate/test/patience"
)

// fillUp writes until the store refuses and answers how many rows were acknowledged.
func fillUp(t *testing.T, s *Store) int {
	t.Helper()
	ctx := t.Context()
	for i := range 100_000 {
		err := s.Update(ctx, func(tx *Tx) error { return tx.SetMeta(ctx, fmt.Sprint("fill", i), make([]byte, 3000)) })
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrFull) {
			t.Fatalf("the disk is full: %v", err)
		}
		return i
	}
	t.Fatal("the disk was never full")
	return 0
}

func checkAcknowledged(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		if v, err := s.Meta(t.Context(), fmt.Sprint("fill", i)); err != nil || len(v) != 3000 {
			t.Fatalf("row %d of %d: %d bytes, %v", i, n, len(v), err)
		}
	}
	check := &statement{id: unprepared, text: "PRAGMA integrity_check", texts: [2]string{"PRAGMA integrity_check"}}
	if err := s.engine.query(t.Context(), check, nil, func(r row) error {
		if r[0] != "ok" {
			return fmt.Errorf("integrity: %v", r[0])
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestFull limits the database's size: writes are refused, all of a group as one, reads go on, and with more room
// writes do too.
func TestFull(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	limit := func(pages int) {
		t.Helper()
		text := fmt.Sprint("PRAGMA max_page_count = ", pages)
		st := &statement{id: unprepared, texts: [2]string{text}}
		if err := s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, st) }); err != nil {
			t.Fatal(err)
		}
	}
	limit(400)
	n := fillUp(t, s)
	// A group in which the small fit and the large do not.
	errs := make(chan error, 64)
	for i := range cap(errs) {
		go func() {
			errs <- s.Update(ctx, func(tx *Tx) error { return tx.SetMeta(ctx, fmt.Sprint("large", i), make([]byte, 1<<20)) })
		}()
	}
	for range cap(errs) {
		if err := <-errs; !errors.Is(err, ErrFull) {
			t.Errorf("a write to the full database: %v", err)
		}
	}
	checkAcknowledged(t, s, n)
	limit(10_000)
	if err := s.Update(ctx, func(tx *Tx) error { return tx.SetMeta(ctx, fmt.Sprint("fill", n), make([]byte, 3000)) }); err != nil {
		t.Errorf("with room again: %v", err)
	}
	checkAcknowledged(t, s, n+1)
}

// TestDiskFull uses a real file system of four megabytes where this process may mount one (as root, outside of a locked
// container); TestFull has the same refusal everywhere.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Logf("no small file system: %v", err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Path: filepath.Join(dir, "x.db"), Now: time.Now, Migrate: true, StatementTimeout: patience.Limit}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	n := fillUp(t, s)
	checkAcknowledged(t, s, n)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *Tx) error {
		return tx.SetMeta(t.Context(), fmt.Sprint("fill", n), make([]byte, 3000))
	}); err != nil {
		t.Errorf("with room again: %v", err)
	}
	checkAcknowledged(t, s, n+1)
}

// TestDurable checks what each connection was told about the disk.
func TestDurable(t *testing.T) {
	t.Parallel()
	s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db")})
	for pragma, want := range map[string]any{"synchronous": int64(2), "journal_mode": "wal"} {
		text := "PRAGMA " + pragma
		st := &statement{id: unprepared, text: text, texts: [2]string{text}}
		check := func(ses session) error {
			return ses.query(t.Context(), st, nil, func(r row) error {
				if r[0] != want {
					t.Errorf("%s is %v, want %v", pragma, r[0], want)
				}
				return nil
			})
		}
		if err := s.engine.update(t.Context(), check); err != nil {
			t.Error(err)
		}
		if err := s.engine.view(t.Context(), check); err != nil {
			t.Error(err)
		}
	}
}
