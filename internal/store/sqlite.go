package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteEngine has one connection that writes and a few that read. WAL mode lets them work side by side: readers never
// wait for the writer, and the writer never waits for readers.
type sqliteEngine struct {
	db      *sql.DB
	lock    *os.File
	writer  *sqliteWriter
	readers *sqliteReaders
	breaker *breaker // of which only check is used: no request waits for a connection for long
}

func (e *sqliteEngine) dialect() *dialect { return dialectSQLite }

func openSQLite(ctx context.Context, o Options) (_ *sqliteEngine, err error) {
	o.StatementTimeout = cmp.Or(o.StatementTimeout, defaultStatementTimeout)
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	e := &sqliteEngine{}
	defer func() {
		if err != nil {
			_ = e.close()
		}
	}()
	if e.lock, err = lockFile(ctx, path+".lock"); err != nil {
		return nil, err
	}
	// SQLite returns the -wal and -shm files the mode of the database.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if e.db, err = sql.Open("sqlite", sqliteDSN(path)); err != nil {
		return nil, err
	}
	first, err := newSQLiteConn(ctx, e.db)
	if err != nil {
		return nil, err
	}
	if _, err := first.exec(ctx, writerCache, nil); err != nil {
		return nil, errors.Join(err, first.close())
	}
	e.writer = startSQLiteWriter(first, o)
	n := o.MaxConns
	if n <= 0 {
		n = 4
	}
	e.readers = &sqliteReaders{db: e.db, now: o.Now, places: make(chan struct{}, n)}
	e.breaker = newBreaker(e.probe, o.StatementTimeout/5, func() {}, o.Log)
	return e, nil
}

// sqliteDSN sets what each connection needs. synchronous=FULL makes WAL mode fsync on each commit, so that a commit
// survives the loss of power. The checkpoint threshold trades the size of the log for rarer checkpoints. Reads go
// through a memory map as far as that reaches (2 GiB): what a large pool's read costs is then what a small one's does,
// while a private page cache would miss and copy. Writes never go through the map. The price: a disk that cannot be read
// ends the process instead of failing a query.
func sqliteDSN(path string) string {
	q := url.Values{"_error_rc": {"1"}, "_pragma": {
		"busy_timeout(5000)",
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"wal_autocheckpoint(8000)",
		"journal_size_limit(67108864)",
		"cache_size(-8192)",
		"temp_store(MEMORY)",
		"mmap_size(2147418112)",
		"trusted_schema(OFF)",
	}}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

func (e *sqliteEngine) connections() Connections { return e.readers.connections() }

func (e *sqliteEngine) close() error {
	var errs []error
	if e.breaker != nil {
		e.breaker.stop()
	}
	if e.writer != nil {
		errs = append(errs, e.writer.stop())
	}
	if e.readers != nil {
		errs = append(errs, e.readers.close())
	}
	if e.db != nil {
		errs = append(errs, e.db.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}

func (e *sqliteEngine) ping(ctx context.Context) error { return e.breaker.check(ctx) }

// probe runs in a goroutine of its own, since no context ends a read of a disk that does not answer.
func (e *sqliteEngine) probe(ctx context.Context) error {
	if e.writer.stalled.Load() {
		return noAnswer()
	}
	return e.query(ctx, pingStatement, nil, func(row) error { return nil })
}

func (e *sqliteEngine) execDeferred(context.Context, *statement, []any) error { return errOutside }

func (e *sqliteEngine) exec(context.Context, *statement, []any) (int64, error) {
	return 0, errOutside
}

func (e *sqliteEngine) query(ctx context.Context, st *statement, args []any, each func(row) error) error {
	c, err := e.readers.take(ctx)
	if err != nil {
		return err
	}
	defer e.readers.put(c)
	return c.query(ctx, st, args, each)
}

func (e *sqliteEngine) view(ctx context.Context, fn func(session) error) (err error) {
	c, err := e.readers.take(ctx)
	if err != nil {
		return err
	}
	defer e.readers.put(c)
	if _, err := c.exec(ctx, beginRead, nil); err != nil {
		return err
	}
	defer func() {
		if _, end := c.exec(context.WithoutCancel(ctx), rollback, nil); err == nil {
			err = end
		}
	}()
	return guard(fn, c)
}

func (e *sqliteEngine) update(ctx context.Context, fn func(session) error) error {
	return e.writer.update(ctx, fn)
}

func (e *sqliteEngine) script(ctx context.Context, fn func(session) error) error {
	return e.writer.update(ctx, fn)
}

var (
	pingStatement  = prepare("SELECT 1")
	beginRead      = prepare("BEGIN")
	beginImmediate = prepare("BEGIN IMMEDIATE")
	// A transaction that changes more pages than the cache holds writes some of them twice. An import's are up to 64 MiB;
	// the memory is taken when it is needed.
	writerCache = prepare("PRAGMA cache_size = -65536")
	commit      = prepare("COMMIT")
	rollback    = prepare("ROLLBACK")
	savepoint   = prepare("SAVEPOINT closure")
	release     = prepare("RELEASE closure")
	rollbackTo  = prepare("ROLLBACK TO closure")
)

// sqliteReaders lends out connections. The one used last is lent first, since its page cache is the warmest.
type sqliteReaders struct {
	db     *sql.DB
	now    func() time.Time
	places chan struct{}
	waits  atomic.Int64 // how often a connection was waited for
	waited atomic.Int64 // and for how many nanoseconds
	mu     sync.Mutex
	idle   []*sqliteConn
	closed bool
}

func (r *sqliteReaders) take(ctx context.Context) (*sqliteConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.wait(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		<-r.places
		return nil, fmt.Errorf("%w: closed", ErrUnavailable)
	}
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1]
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	c, err := newSQLiteConn(ctx, r.db)
	if err != nil {
		<-r.places
		return nil, err
	}
	return c, nil
}

// wait takes a place.
func (r *sqliteReaders) wait(ctx context.Context) error {
	select {
	case r.places <- struct{}{}:
		return nil
	default:
	}
	since := r.now()
	r.waits.Add(1)
	defer func() { r.waited.Add(max(int64(r.now().Sub(since)), 0)) }()
	select {
	case r.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *sqliteReaders) connections() Connections {
	r.mu.Lock()
	idle := len(r.idle)
	r.mu.Unlock()
	return Connections{
		Max: cap(r.places), InUse: len(r.places), Idle: idle, Waits: r.waits.Load(), Waited: time.Duration(r.waited.Load()),
	}
}

func (r *sqliteReaders) put(c *sqliteConn) {
	r.mu.Lock()
	r.idle = append(r.idle, c)
	r.mu.Unlock()
	<-r.places
}

// close waits until every connection has come back.
func (r *sqliteReaders) close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for range cap(r.places) {
		r.places <- struct{}{}
	}
	var errs []error
	for _, c := range r.idle {
		errs = append(errs, c.close())
	}
	r.idle = nil
	for range cap(r.places) {
		<-r.places // callers that take a place from now on find it closed
	}
	return errors.Join(errs...)
}

// A sqliteConn is a connection with its prepared statements. It goes past database/sql's rows to the driver, whose own
// values fit ours: that saves half of the CPU time of a point read. One goroutine at a time may use it.
type sqliteConn struct {
	conn  *sql.Conn
	stmts []driver.Stmt // by statement.id
	args  []driver.NamedValue
	row   row
}

func newSQLiteConn(ctx context.Context, db *sql.DB) (*sqliteConn, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, sqliteError(err)
	}
	return &sqliteConn{conn: conn, stmts: make([]driver.Stmt, len(registry))}, nil
}

func (c *sqliteConn) close() error {
	for _, s := range c.stmts {
		if s != nil {
			_ = s.Close()
		}
	}
	return c.conn.Close()
}

// bind readies a statement and its arguments.
func (c *sqliteConn) bind(dc any, st *statement, args []any) (driver.Stmt, []driver.NamedValue, error) {
	var s driver.Stmt
	if st.id != unprepared {
		s = c.stmts[st.id]
	}
	if s == nil {
		var err error
		s, err = dc.(driver.ConnPrepareContext).PrepareContext(context.Background(), st.texts[dialectSQLite.index])
		if err != nil {
			return nil, nil, err
		}
		if st.id != unprepared {
			c.stmts[st.id] = s
		}
	}
	named := c.args[:0]
	for i, a := range args {
		v, err := plain(a)
		if err != nil {
			return nil, nil, err
		}
		named = append(named, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	c.args = named
	return s, named, nil
}

// exec and query pass no context to the driver: a statement takes microseconds, and watching a context costs a goroutine.

func (c *sqliteConn) exec(_ context.Context, st *statement, args []any) (n int64, err error) {
	err = c.conn.Raw(func(dc any) error {
		s, named, err := c.bind(dc, st, args)
		if err != nil {
			return err
		}
		if st.id == unprepared {
			defer func() { _ = s.Close() }()
		}
		res, err := s.(driver.StmtExecContext).ExecContext(context.Background(), named)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, sqliteError(err)
}

func (c *sqliteConn) execDeferred(ctx context.Context, st *statement, args []any) error {
	_, err := c.exec(ctx, st, args)
	return err
}

func (c *sqliteConn) query(_ context.Context, st *statement, args []any, each func(row) error) error {
	err := c.conn.Raw(func(dc any) (err error) {
		s, named, err := c.bind(dc, st, args)
		if err != nil {
			if errors.Is(err, ErrText) && st.reads {
				return nil // no such text is stored
			}
			return err
		}
		if st.id == unprepared {
			defer func() { _ = s.Close() }()
		}
		rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), named)
		if err != nil {
			return err
		}
		defer func() {
			if closing := rows.Close(); err == nil {
				err = closing
			}
		}()
		n := len(rows.Columns())
		if cap(c.row) < n {
			c.row = make(row, n)
		}
		for {
			r := c.row[:n]
			switch err := rows.Next(r); {
			case err == nil:
				if err := each(r); err != nil {
					return err
				}
			case errors.Is(err, io.EOF):
				return nil
			default:
				return err
			}
		}
	})
	return sqliteError(err)
}

// sqliteError sorts the engine's errors into ours.
func sqliteError(err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
