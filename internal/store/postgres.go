package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	beginUpdate   = "BEGIN ISOLATION LEVEL REPEATABLE READ"
	beginSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	beginScript   = "BEGIN ISOLATION LEVEL READ COMMITTED"
)

// postgresTries bounds the tries of a transaction that PostgreSQL refuses for a reason other than a lost race, for example
// a new plan after a migration. A transaction that loses races is tried maxAttempts times.
const postgresTries = 12

// scriptTimeout is the limit of a migration's statement. It may rewrite a large table, or wait for another server's
// migration.
const scriptTimeout = time.Hour

// freeTries is how often a transaction may be refused before it must run alone. Of many transactions that change one row,
// a server refuses all but one each time, and some would be refused at every try.
const freeTries = 2

// postgresEngine is a pool of connections. Each connection keeps its prepared statements itself (pgx's cache).
type postgresEngine struct {
	db        *sql.DB
	connector *postgresConnector
	probe     *postgresProbe
	breaker   *breaker
	statement time.Duration // longest that a statement may take
	idle      int           // connections that are kept
	runTwice  bool
	// afterSnapshot is nil outside of tests.
	afterSnapshot func(ctx context.Context)
	// lane holds a token while a transaction that was refused runs. Other servers have their own; those few are parted
	// by the tries.
	lane chan struct{}
}

func (e *postgresEngine) dialect() *dialect { return dialectPostgres }

func openPostgres(ctx context.Context, o Options) (*postgresEngine, error) {
	o.StatementTimeout = cmp.Or(o.StatementTimeout, defaultStatementTimeout)
	connector, err := newPostgresConnector(o.URL, o.StatementTimeout)
	if err != nil {
		return nil, err
	}
	n := o.MaxConns
	if n <= 0 {
		n = 16
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(5 * time.Minute)
	e := &postgresEngine{
		db: db, connector: connector, statement: o.StatementTimeout, idle: n, runTwice: o.RunTwice, afterSnapshot: o.AfterSnapshot, lane: make(chan struct{}, 1),
		probe: &postgresProbe{connector: connector, wait: o.StatementTimeout / 5},
	}
	e.breaker = newBreaker(e.probe.run, o.StatementTimeout/5, e.dropIdle, o.Log)
	// By the pool: the first request finds a connection.
	if err := e.query(ctx, pingStatement, nil, func(row) error { return nil }); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// dropIdle closes the idle connections, which lead to a server that does not answer or takes no writes.
func (e *postgresEngine) dropIdle() {
	e.db.SetMaxIdleConns(0)
	e.db.SetMaxIdleConns(e.idle)
}

func (e *postgresEngine) connections() Connections {
	st := e.db.Stats()
	return Connections{Max: st.MaxOpenConnections, InUse: st.InUse, Idle: st.Idle, Waits: st.WaitCount, Waited: st.WaitDuration}
}

func (e *postgresEngine) close() error {
	e.breaker.stop()
	e.probe.close()
	return e.db.Close()
}

func (e *postgresEngine) ping(ctx context.Context) error { return e.breaker.check(ctx) }

func (e *postgresEngine) execDeferred(context.Context, *statement, []any) error { return errOutside }

func (e *postgresEngine) exec(context.Context, *statement, []any) (int64, error) {
	return 0, errOutside
}

// query reads. A pooled connection may have died while it was idle (a restart of the server), so a lost connection is
// tried once more.
func (e *postgresEngine) query(ctx context.Context, st *statement, args []any, each func(row) error) error {
	handed := false
	once := func(r row) error {
		handed = true
		return each(r)
	}
	read := func(ses *postgresSession) error { return ses.query(ctx, st, args, once) }
	err := e.with(ctx, "", read)
	if err != nil && !handed && ctx.Err() == nil && !isSlow(err) && (errors.Is(err, ErrUnavailable) || isRetry(err)) {
		err = e.with(ctx, "", read)
	}
	return plainError(err)
}

func (e *postgresEngine) view(ctx context.Context, fn func(session) error) error {
	return e.retry(ctx, beginSnapshot, fn)
}

func (e *postgresEngine) update(ctx context.Context, fn func(session) error) error {
	if e.runTwice {
		if err := e.runAndRollBack(ctx, fn); err != nil {
			return err
		}
	}
	if e.afterSnapshot != nil {
		fn = e.callAfterSnapshot(ctx, fn)
	}
	return e.retry(ctx, beginUpdate, fn)
}

// callAfterSnapshot returns a closure that calls afterSnapshot in its first run.
func (e *postgresEngine) callAfterSnapshot(ctx context.Context, fn func(session) error) func(session) error {
	again := false
	return func(ses session) error {
		if !again {
			again = true
			if err := ses.query(ctx, pingStatement, nil, func(row) error { return nil }); err != nil {
				return err
			}
			e.afterSnapshot(ctx)
		}
		return fn(ses)
	}
}

// script is for schema changes, which must see what was committed while they waited for the queue's row.
func (e *postgresEngine) script(ctx context.Context, fn func(session) error) error {
	return e.retry(WithStatementTimeout(ctx, scriptTimeout), beginScript, fn)
}

// runAndRollBack runs a closure and rolls it back.
func (e *postgresEngine) runAndRollBack(ctx context.Context, fn func(session) error) error {
	return e.with(ctx, beginUpdate, func(ses *postgresSession) error {
		_ = guard(fn, ses)
		ses.rollback(ctx)
		return nil
	})
}

// retry runs a transaction until it is not refused for what others did at the same time.
func (e *postgresEngine) retry(ctx context.Context, begin string, fn func(session) error) error {
	for try := 1; ; try++ {
		err := e.attempt(ctx, begin, fn)
		if !isRetry(err) {
			return err
		}
		if try == maxAttempts || try >= postgresTries && !isLostRace(err) {
			return plainError(err)
		}
		if try == freeTries {
			select {
			case e.lane <- struct{}{}:
				defer func() { <-e.lane }()
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		// Jitter separates transactions that met. Its bound doubles to 16 ms. In the lane a transaction meets few others,
		// and it loses again if it waits for longer than they do.
		wait := time.Duration(rand.Int64N(int64(time.Millisecond) << min(try, 4))) //nolint:gosec // a wait is no secret
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (e *postgresEngine) attempt(ctx context.Context, begin string, fn func(session) error) error {
	return e.with(ctx, begin, func(ses *postgresSession) error {
		err := guard(fn, ses)
		if err == nil || isRetry(ses.failed) { // whatever the closure made of it
			err = cmp.Or(ses.failed, err)
		}
		if err != nil {
			ses.rollback(ctx)
			return err
		}
		if err = ses.commit(ctx); err != nil {
			ses.rollback(ctx)
		}
		return err
	})
}

// with lends a connection of the pool. Within, pgx is used directly: database/sql spends a goroutine on watching the
// context of each query. The pool itself checks a connection that comes back: one that is closed, or has a transaction
// open, is not used again.
func (e *postgresEngine) with(ctx context.Context, begin string, fn func(*postgresSession) error) error {
	return e.lend(ctx, func(conn *pgx.Conn) (err error) {
		limit := cmp.Or(statementTimeout(ctx), e.statement)
		ses := newPostgresSession(conn, begin, limit)
		if begin != "" && limit != e.statement {
			ses.setLimits()
		}
		err = fn(ses)
		if errors.Is(ses.failed, errNoAnswer) || errors.Is(err, errNoAnswer) {
			e.breaker.suspect()
		}
		return err
	})
}

// lend takes a connection of the pool for as long as fn runs.
func (e *postgresEngine) lend(ctx context.Context, fn func(*pgx.Conn) error) error {
	if err := e.breaker.refusal(); err != nil {
		return err
	}
	conn, err := e.take(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	demoted := false
	raw := conn.Raw(func(dc any) error {
		err = fn(dc.(*stdlib.Conn).Conn())
		if demoted = e.connector.canFailOver() && isReadOnly(err); demoted {
			return driver.ErrBadConn // the pool throws it away
		}
		return nil
	})
	if demoted {
		e.dropIdle()
		return err
	}
	return cmp.Or(err, postgresError(ctx, raw))
}

// take waits for a connection as long as a statement may take, but no longer than the breaker is closed.
func (e *postgresEngine) take(ctx context.Context) (*sql.Conn, error) {
	waiting, cancel := e.breaker.bound(ctx, e.statement)
	defer cancel()
	conn, err := e.db.Conn(waiting)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(waiting.Err(), context.Canceled):
		return nil, noAnswer()
	case isTimeout(waiting, err):
		e.breaker.suspect()
		return nil, fmt.Errorf("%w: %w", noAnswer(), err)
	}
	return nil, postgresError(ctx, err)
}

func isRetry(err error) bool {
	var again *retryError
	return errors.As(err, &again)
}

// isLostRace reports whether a transaction was refused because another transaction succeeded.
func isLostRace(err error) bool {
	var again *retryError
	return errors.As(err, &again) && again.lostRace
}

// plainError ends the retries: what could have been tried again is unavailable now.
func plainError(err error) error {
	if isRetry(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, errors.Unwrap(err))
	}
	return err
}

// isTimeout reports whether an error is that of a deadline: of ctx, or of a connection's own.
func isTimeout(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err)
}

// isSlow reports whether another try would take as long again.
func isSlow(err error) bool {
	var pg *pgconn.PgError
	return errors.Is(err, errNoAnswer) || errors.As(err, &pg) && (pg.Code == "57014" || pg.Code == "55P03")
}

// isReadOnly reports whether the server takes no writes: it is a standby, or became one.
func isReadOnly(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "25006"
}

// postgresError sorts the server's errors into ours (PostgreSQL manual, appendix A: error codes).
func postgresError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pg.Code {
		case "40001", "40P01": // serialization failure, deadlock
			return &retryError{cause: err, lostRace: true}
		case "23505", // unique violation: another's key, which the next run will see
			"0A000", "26000", // a plan that was cached before a migration
			"42P07", "42710": // table or its type exists: another server creates the schema
			return &retryError{cause: err}
		case "53100": // disk full
			return fmt.Errorf("%w: %w", ErrFull, err)
		case "57P01", "57P02", "57P03", // shutting down, crashed, starting
			"57014",          // statement timeout
			"55P03",          // lock timeout
			"25006",          // read only: a standby
			"25P03", "25P04": // idle or transaction timeout
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if class := pg.Code[:min(2, len(pg.Code))]; class == "08" || class == "53" || class == "58" {
			return fmt.Errorf("%w: %w", ErrUnavailable, err) // connection, resources, system
		}
		return err
	}
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, sql.ErrConnDone) ||
		strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "database is closed") {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
