package storetest

import (
	"errors"
	"testing"
	"time"

	"cognate/internal/store"
)

func testImportJobs(t *testing.T, s *store.Store) {
	ctx := t.Context()
	job := func(pool, id string, minutes int) store.ImportJob {
		return store.ImportJob{PoolID: pool, ID: id, Version: 1, CreatedAt: Now.Add(time.Duration(minutes) * time.Minute), DueAt: Now.Add(time.Hour), Doc: []byte("{}")}
	}
	a, b, c := job("p", "a", 0), job("p", "b", 1), job("p", "c", 1)
	for _, j := range []store.ImportJob{a, b, c, job("q", "a", 0)} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertImportJob(ctx, j) })
	}
	existing(t, s, "import job", func(tx *store.Tx) error { return tx.InsertImportJob(ctx, a) })
	list, err := s.ImportJobs(ctx, "p", store.ImportCursor{}, 2)
	same(t, []store.ImportJob{c, b}, list, err)
	list, err = s.ImportJobs(ctx, "p", store.ImportCursor{CreatedAt: b.CreatedAt, ID: b.ID}, 2)
	same(t, []store.ImportJob{a}, list, err)
	n, err := s.CountImportJobs(ctx, "p", 10)
	same(t, 3, n, err)
	n, err = s.CountImportJobs(ctx, "p", 2)
	same(t, 2, n, err)

	_, err = s.ActiveImport(ctx, "p")
	noImport(t, err)
	_, err = s.WaitingImport(ctx)
	noImport(t, err)
	a.Active, a.DueAt = true, time.Time{}
	update(t, s, func(tx *store.Tx) error { return tx.UpdateImportJob(ctx, a) })
	refused(t, s, store.ErrConflict, func(tx *store.Tx) error { return tx.UpdateImportJob(ctx, a) })
	a.Version = 2
	id, err := s.ActiveImport(ctx, "p")
	same(t, "a", id, err)
	got, err := s.WaitingImport(ctx)
	same(t, a, got, err)

	// A job that a worker has does not wait, until it is freed.
	a.Owner, a.Waiting = "worker", Now.Add(time.Minute)
	update(t, s, func(tx *store.Tx) error { return tx.UpdateImportJob(ctx, a) })
	_, err = s.WaitingImport(ctx)
	noImport(t, err)
	a.Version = 3
	held, err := s.HeldImports(ctx, 10)
	same(t, []store.HeldImport{{ImportJob: a}}, held, err)
	for range 2 {
		update(t, s, func(tx *store.Tx) error { return tx.BeatImport(ctx, "p", "a") })
	}
	held, err = s.HeldImports(ctx, 10)
	same(t, []store.HeldImport{{ImportJob: a, Beat: 2}}, held, err)
	update(t, s, func(tx *store.Tx) error { return tx.EndImportBeat(ctx, "p", "a") })
	held, err = s.HeldImports(ctx, 10)
	same(t, []store.HeldImport{{ImportJob: a}}, held, err)
	update(t, s, func(tx *store.Tx) error { return tx.FreeImports(ctx) })
	a.Version, a.Owner = 4, ""
	got, err = s.WaitingImport(ctx)
	same(t, a, got, err)
	held, err = s.HeldImports(ctx, 10)
	same(t, 0, len(held), err)

	due, err := s.ImportsDue(ctx, Now.Add(time.Hour), 10)
	same(t, 3, len(due), err) // the active one never is
	due, err = s.ImportsDue(ctx, Now.Add(time.Hour-time.Millisecond), 10)
	same(t, 0, len(due), err)

	first, second := store.ImportLog{Seq: 1, Body: []byte("one")}, store.ImportLog{Seq: 2, Body: []byte("two")}
	for _, l := range []store.ImportLog{second, first} {
		update(t, s, func(tx *store.Tx) error { return tx.InsertImportLog(ctx, "p", "a", l) })
	}
	logs, err := s.ImportLogs(ctx, "p", "a", 0, 10)
	same(t, []store.ImportLog{first, second}, logs, err)
	logs, err = s.ImportLogs(ctx, "p", "a", 1, 10)
	same(t, []store.ImportLog{second}, logs, err)
	if err := s.DeleteImportJob(ctx, "p", "a"); err != nil {
		t.Fatal(err)
	}
	logs, err = s.ImportLogs(ctx, "p", "a", 0, 10)
	same(t, 0, len(logs), err)
	_, err = s.ImportJob(ctx, "p", "a")
	noImport(t, err)
	if _, err := s.ImportJob(ctx, "q", "a"); err != nil {
		t.Errorf("another pool's job: %v", err)
	}
}

// testImportFiles: a file goes when it has expired, or with its pool.
func testImportFiles(t *testing.T, s *store.Store) {
	ctx := t.Context()
	have := func(id string, expires time.Time) {
		update(t, s, func(tx *store.Tx) error {
			if err := tx.InsertImportUpload(ctx, "p", id, expires); err != nil {
				return err
			}
			for seq := range int64(3) {
				if err := tx.InsertImportChunk(ctx, "p", id, seq, []byte{byte(seq)}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	left := func(id string) (n int) {
		for seq := range int64(3) {
			if _, err := s.ImportChunk(ctx, "p", id, seq); err == nil {
				n++
			}
		}
		return n
	}
	sweep := func() {
		t.Helper()
		for {
			if n, err := s.Sweep(ctx, Now, 2); err != nil || n < 2 {
				if err != nil {
					t.Error(err)
				}
				return
			}
		}
	}
	update(t, s, func(tx *store.Tx) error { return tx.InsertPool(ctx, store.Pool{ID: "p", Region: "r", CreatedAt: Now}) })
	have("expired", Now)
	have("coming", Now.Add(time.Minute))
	have("kept", Now)
	update(t, s, func(tx *store.Tx) error { return tx.ExpireImportUpload(ctx, "p", "kept", time.Time{}) })
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.ExpireImportUpload(ctx, "q", "kept", Now) })
	sweep()
	same(t, []int{0, 3, 3}, []int{left("expired"), left("coming"), left("kept")}, nil)
	refused(t, s, store.ErrNotFound, func(tx *store.Tx) error { return tx.ExpireImportUpload(ctx, "p", "expired", Now) })
	update(t, s, func(tx *store.Tx) error {
		return tx.InsertImportJob(ctx, store.ImportJob{PoolID: "p", ID: "a", CreatedAt: Now})
	})
	update(t, s, func(tx *store.Tx) error { return tx.DeletePool(ctx, "p") })
	sweep()
	same(t, []int{0, 0}, []int{left("coming"), left("kept")}, nil)
	_, err := s.ImportJob(ctx, "p", "a")
	noImport(t, err)
}

func noImport(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want that there is none", err)
	}
}
