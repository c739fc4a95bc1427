package store

import (
	"context"
	"time"
)

// An ImportJob imports people from a file. A job is active after its start until its end; a pool has at most one active
// job. Doc holds the members that SQL never reads.
type ImportJob struct {
	PoolID, ID string
	Version    int64
	CreatedAt  time.Time
	Active     bool
	Owner      string    // the worker that has it; "" while it waits for one
	Waiting    time.Time // since when it waits: the order in which workers take jobs
	DueAt      time.Time // when it expires or is forgotten; zero: never
	Doc        []byte
}

// A HeldImport is an active job that belongs to a worker. Beat changes while the worker lives.
type HeldImport struct {
	ImportJob
	Beat int64
}

// ImportCursor is a place in a pool's list of jobs, which is ordered by creation, the newest first.
type ImportCursor struct {
	CreatedAt time.Time
	ID        string
}

// An ImportLog is the part of a job's log about some lines of its file.
type ImportLog struct {
	Seq  int64
	Body []byte
}

const importColumns = "pool_id, id, version, created_at, active, owner, lease_until, due_at, doc"

var (
	importInsert = prepare("INSERT INTO import_jobs (" + importColumns + ") VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING")
	importUpdate = prepare("UPDATE import_jobs SET active = ?, owner = ?, lease_until = ?, due_at = ?, doc = ?, version = version + 1 " +
		"WHERE pool_id = ? AND id = ? AND version = ?")
	importDelete = prepare("DELETE FROM import_jobs WHERE pool_id = ? AND id = ?")
	importByID   = prepare("SELECT " + importColumns + " FROM import_jobs WHERE pool_id = ? AND id = ?")
	importCount  = prepare("SELECT COUNT(*) FROM (SELECT 1 FROM import_jobs WHERE pool_id = ? LIMIT {limit}) AS sample")
	importActive = prepare("SELECT id FROM import_jobs WHERE active = 1 AND pool_id = ?")
	importFirst  = prepare("SELECT " + importColumns + " FROM import_jobs WHERE pool_id = ? ORDER BY created_at DESC, id DESC LIMIT {limit}")
	importsAfter = prepare("SELECT " + importColumns + " FROM import_jobs WHERE pool_id = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT {limit}")
	importOldest = prepare("SELECT " + importColumns + " FROM import_jobs WHERE pool_id = ? ORDER BY created_at, id LIMIT {limit}")
	importWaits  = prepare("SELECT " + importColumns + " FROM import_jobs WHERE active = 1 AND owner = '' ORDER BY lease_until, pool_id, id LIMIT 1")
	importsHeld  = prepare(`SELECT j.pool_id, j.id, j.version, j.created_at, j.active, j.owner, j.lease_until, j.due_at, j.doc, COALESCE(b.beat, 0)
		FROM import_jobs j LEFT JOIN import_beats b ON b.pool_id = j.pool_id AND b.job_id = j.id
		WHERE j.active = 1 AND j.owner > '' ORDER BY j.owner, j.lease_until, j.pool_id, j.id LIMIT {limit}`)
	importsDue  = prepare("SELECT " + importColumns + " FROM import_jobs WHERE due_at > 0 AND due_at <= ? ORDER BY due_at, pool_id, id LIMIT {limit}")
	importsFree = prepare("UPDATE import_jobs SET owner = '', version = version + 1 WHERE active = 1 AND owner > ''")
	beatNext    = prepare("INSERT INTO import_beats (pool_id, job_id, beat) VALUES (?, ?, 1) ON CONFLICT (pool_id, job_id) DO UPDATE SET beat = import_beats.beat + 1")
	beatDelete  = prepare("DELETE FROM import_beats WHERE pool_id = ? AND job_id = ?")

	uploadInsert = prepare("INSERT INTO import_uploads (pool_id, id, expires_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
	uploadExpiry = prepare("UPDATE import_uploads SET expires_at = ? WHERE pool_id = ? AND id = ?")
	chunkInsert  = prepare("INSERT INTO import_chunks (pool_id, upload_id, seq, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
	chunkByID    = prepare("SELECT body FROM import_chunks WHERE pool_id = ? AND upload_id = ? AND seq = ?")

	logInsert = prepare("INSERT INTO import_log (pool_id, job_id, seq, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
	logAfter  = prepare("SELECT seq, body FROM import_log WHERE pool_id = ? AND job_id = ? AND seq > ? ORDER BY seq LIMIT {limit}")
	logDelete = sweepExpired("import_log", "pool_id, job_id, seq", "pool_id = ? AND job_id = ?")

	uploadsExpired = prepare("SELECT pool_id, id FROM import_uploads WHERE expires_at > 0 AND expires_at <= ? ORDER BY expires_at, pool_id, id LIMIT {limit}")
	chunksDelete   = sweepExpired("import_chunks", "pool_id, upload_id, seq", "pool_id = ? AND upload_id = ?")
	uploadDelete   = prepare("DELETE FROM import_uploads WHERE pool_id = ? AND id = ?")
)

func scanImport(r row, j *ImportJob) error {
	return r.scan(&j.PoolID, &j.ID, &j.Version, &j.CreatedAt, &j.Active, &j.Owner, &j.Waiting, &j.DueAt, &j.Doc)
}

// InsertImportJob adds a job.
func (tx *Tx) InsertImportJob(ctx context.Context, j ImportJob) error {
	return tx.insert(ctx, "import job", importInsert, j.PoolID, j.ID, j.CreatedAt, j.Active, j.Owner, j.Waiting, j.DueAt, j.Doc)
}

// UpdateImportJob changes a job; ErrConflict if it was changed since it was read.
func (tx *Tx) UpdateImportJob(ctx context.Context, j ImportJob) error {
	return tx.change(ctx, ErrConflict, importUpdate, j.Active, j.Owner, j.Waiting, j.DueAt, j.Doc, j.PoolID, j.ID, j.Version)
}

// ImportJob reads a job.
func (r *Reader) ImportJob(ctx context.Context, poolID, id string) (ImportJob, error) {
	return first(ctx, r, importByID, []any{poolID, id}, scanImport)
}

// ImportJobs lists a pool's jobs after a place (the zero cursor: from the newest on).
func (r *Reader) ImportJobs(ctx context.Context, poolID string, after ImportCursor, limit int) ([]ImportJob, error) {
	if after.ID == "" {
		return all(ctx, r, importFirst, []any{poolID, limit}, scanImport)
	}
	return all(ctx, r, importsAfter, []any{poolID, after.CreatedAt, after.ID, limit}, scanImport)
}

// OldestImportJobs lists a pool's jobs, the oldest first.
func (r *Reader) OldestImportJobs(ctx context.Context, poolID string, limit int) ([]ImportJob, error) {
	return all(ctx, r, importOldest, []any{poolID, limit}, scanImport)
}

// CountImportJobs counts a pool's jobs, up to most.
func (r *Reader) CountImportJobs(ctx context.Context, poolID string, most int) (n int, err error) {
	err = r.one(ctx, importCount, []any{poolID, most}, &n)
	return n, err
}

// ActiveImport returns the id of the pool's active job, or ErrNotFound.
func (r *Reader) ActiveImport(ctx context.Context, poolID string) (id string, err error) {
	err = r.one(ctx, importActive, []any{poolID}, &id)
	return id, err
}

// WaitingImport reads the active job that has waited longest for a worker; ErrNotFound if none waits.
func (r *Reader) WaitingImport(ctx context.Context) (ImportJob, error) {
	return first(ctx, r, importWaits, nil, scanImport)
}

// HeldImports lists the active jobs that belong to workers.
func (r *Reader) HeldImports(ctx context.Context, limit int) ([]HeldImport, error) {
	return all(ctx, r, importsHeld, []any{limit}, func(r row, h *HeldImport) error {
		last := len(r) - 1
		if err := scanImport(r[:last], &h.ImportJob); err != nil {
			return err
		}
		return r[last:].scan(&h.Beat)
	})
}

// BeatImport shows others that a job's worker lives. It does not touch the job's own row.
func (tx *Tx) BeatImport(ctx context.Context, poolID, id string) error {
	return tx.run(ctx, beatNext, poolID, id)
}

// EndImportBeat removes what BeatImport left of a job that has ended.
func (tx *Tx) EndImportBeat(ctx context.Context, poolID, id string) error {
	return tx.run(ctx, beatDelete, poolID, id)
}

// ImportsDue reads jobs that are to expire or to be forgotten.
func (r *Reader) ImportsDue(ctx context.Context, now time.Time, limit int) ([]ImportJob, error) {
	return all(ctx, r, importsDue, []any{now, limit}, scanImport)
}

// FreeImports takes every job from its worker. It is for the one process that has the database.
func (tx *Tx) FreeImports(ctx context.Context) error { return tx.run(ctx, importsFree) }

// InsertImportUpload begins a file, which Sweep removes when it has expired.
func (tx *Tx) InsertImportUpload(ctx context.Context, poolID, id string, expires time.Time) error {
	return tx.insert(ctx, "upload", uploadInsert, poolID, id, expires)
}

// ExpireImportUpload sets when a file expires; zero is never. ErrNotFound if it has been swept away.
func (tx *Tx) ExpireImportUpload(ctx context.Context, poolID, id string, expires time.Time) error {
	return tx.change(ctx, ErrNotFound, uploadExpiry, expires, poolID, id)
}

// InsertImportChunk adds a part of a file.
func (tx *Tx) InsertImportChunk(ctx context.Context, poolID, uploadID string, seq int64, body []byte) error {
	return tx.insert(ctx, "chunk", chunkInsert, poolID, uploadID, seq, body)
}

// ImportChunk reads a part of a file.
func (r *Reader) ImportChunk(ctx context.Context, poolID, uploadID string, seq int64) (body []byte, err error) {
	err = r.one(ctx, chunkByID, []any{poolID, uploadID, seq}, &body)
	return body, err
}

// InsertImportLog adds to a job's log.
func (tx *Tx) InsertImportLog(ctx context.Context, poolID, jobID string, l ImportLog) error {
	return tx.insert(ctx, "log", logInsert, poolID, jobID, l.Seq, l.Body)
}

// ImportLogs reads a job's log after a place.
func (r *Reader) ImportLogs(ctx context.Context, poolID, jobID string, after int64, limit int) ([]ImportLog, error) {
	return all(ctx, r, logAfter, []any{poolID, jobID, after, limit}, func(r row, l *ImportLog) error { return r.scan(&l.Seq, &l.Body) })
}

// DeleteImportJob removes a job with its log, in small transactions.
func (s *Store) DeleteImportJob(ctx context.Context, poolID, id string) error {
	deleted := 0
	if err := s.sweep(ctx, &deleted, 1<<30, logDelete, poolID, id); err != nil {
		return err
	}
	return s.Update(ctx, func(tx *Tx) error {
		if err := tx.EndImportBeat(ctx, poolID, id); err != nil {
			return err
		}
		return tx.run(ctx, importDelete, poolID, id)
	})
}

// sweepUploads removes files that have expired.
func (s *Store) sweepUploads(ctx context.Context, deleted *int, batch int, now time.Time) error {
	type upload struct{ poolID, id string }
	list, err := all(ctx, &s.Reader, uploadsExpired, []any{now, batch}, func(r row, u *upload) error { return r.scan(&u.poolID, &u.id) })
	if err != nil {
		return err
	}
	var f failures
	for _, u := range list {
		f.try(func() error {
			if err := s.sweep(ctx, deleted, batch, chunksDelete, u.poolID, u.id); err != nil || *deleted >= batch {
				return err
			}
			err := s.Update(ctx, func(tx *Tx) error { return tx.run(ctx, uploadDelete, u.poolID, u.id) })
			if err == nil {
				*deleted++
			}
			return err
		})
	}
	return f.err()
}
