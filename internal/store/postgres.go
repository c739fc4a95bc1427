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

// A transaction is tried so often before a serialization failure becomes ErrUnavailable.
const postgresTries = 12

// Those that were refused so often go one at a time from there on. Of many transactions that change one row, a server
// refuses all but one each time, and some would be refused at every try.
const freeTries = 2

// postgresEngine is a pool of connections. Each connection keeps its prepared statements itself (pgx's cache).
type postgresEngine struct {
	db       *sql.DB
	runTwice bool
	// lane holds a token while a transaction that was refused runs. Other servers have their own; those few are parted
	// by the tries.
	lane chan struct{}
}

func (e *postgresEngine) dialect() *dialect { return dialectPostgres }

func openPostgres(ctx context.Context, o Options) (*postgresEngine, error) {
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("store: PostgreSQL URL: %w", err) // pgx leaves the password out of it
	}
	defaults := map[string]string{
		"application_name":                    "cognate",
		"statement_timeout":                   "15s",
		"lock_timeout":                        "10s",
		"idle_in_transaction_session_timeout": "30s",
		// Each statement walks one index whatever its values are. Planning it anew for them, as PostgreSQL does where it
		// expects to save a little, costs more than running it.
		"plan_cache_mode": "force_generic_plan",
	}
	for name, value := range defaults {
		if _, set := config.RuntimeParams[name]; !set {
			config.RuntimeParams[name] = value
		}
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	config.StatementCacheCapacity = 256
	n := o.MaxConns
	if n <= 0 {
		n = 16
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(settlePlans))
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	db.SetConnMaxIdleTime(5 * time.Minute)
	e := &postgresEngine{db: db, runTwice: o.RunTwice, lane: make(chan struct{}, 1)}
	if err := e.ping(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return e, nil
}

// settlePlans makes the planner take the index that each of our statements was written for. Left to itself it plans by
// the size that a table had at the last ANALYZE, and keeps reading a table whole that was empty when a server started.
func settlePlans(ctx context.Context, conn *pgx.Conn) error {
	for _, name := range []string{"enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "jit"} {
		_, err := conn.PgConn().Exec(ctx, "SET "+name+" = off").ReadAll()
		var refused *pgconn.PgError
		if err != nil && !errors.As(err, &refused) { // an engine without such a switch has no need of it
			return err
		}
	}
	return nil
}

func (e *postgresEngine) close() error { return e.db.Close() }

func (e *postgresEngine) ping(ctx context.Context) error {
	return e.query(ctx, pingStatement, nil, func(row) error { return nil })
}

func (e *postgresEngine) later(context.Context, *statement, []any) error { return errOutside }

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
	if err != nil && !handed && ctx.Err() == nil && (errors.Is(err, ErrUnavailable) || isRetry(err)) {
		err = e.with(ctx, "", read)
	}
	return plainError(err)
}

func (e *postgresEngine) view(ctx context.Context, fn func(session) error) error {
	return e.retry(ctx, beginSnapshot, fn)
}

func (e *postgresEngine) update(ctx context.Context, fn func(session) error) error {
	if e.runTwice {
		if err := e.rehearse(ctx, fn); err != nil {
			return err
		}
	}
	return e.retry(ctx, beginUpdate, fn)
}

// script is for schema changes, which must see what was committed while they waited for the queue's row.
func (e *postgresEngine) script(ctx context.Context, fn func(session) error) error {
	return e.retry(ctx, beginScript, fn)
}

// rehearse runs a closure and rolls it back.
func (e *postgresEngine) rehearse(ctx context.Context, fn func(session) error) error {
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
		if try == postgresTries {
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
		// Jitter parts those who met; the bound doubles from 1 ms to 64 ms.
		wait := time.Duration(rand.Int64N(int64(time.Millisecond) << min(try, 6)))
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
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return postgresError(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(dc any) error {
		return fn(newPostgresSession(dc.(*stdlib.Conn).Conn(), begin))
	})
}

func isRetry(err error) bool {
	var again *errRetry
	return errors.As(err, &again)
}

// plainError ends the retries: what could have been tried again is unavailable now.
func plainError(err error) error {
	if isRetry(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, errors.Unwrap(err))
	}
	return err
}

// postgresError sorts the server's errors into ours (PostgreSQL manual, appendix A: error codes).
func postgresError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "40001", "40P01", // serialization failure, deadlock
			"23505",          // unique violation: another's key, which the next run will see
			"0A000", "26000", // cached plan of before a migration
			"42P07", "42710": // table or its type exists: another server creates the schema
			return &errRetry{cause: err}
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
