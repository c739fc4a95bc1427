package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Options say which database to open: Path a SQLite file, or URL a PostgreSQL server.
type Options struct {
	Path string // SQLite: the file; its folder is made if need be
	URL  string // PostgreSQL: postgres://user:password@host:port/database

	Now      func() time.Time // the clock of what the store dates itself; required
	Log      *slog.Logger     // nil: discard
	MaxConns int              // PostgreSQL: connections at most, without that of Ping (default 16); SQLite: readers (default 4)
	// StatementTimeout is the longest that a statement may take, and that a caller waits for a connection or for the
	// writer's turn (default 5 s). See WithStatementTimeout.
	StatementTimeout time.Duration
	// KeepAddresses is how long an address of a user stays known after the last sign-in from it (default 90 days).
	KeepAddresses time.Duration

	Observe Observer // sees the uses of the database; nil: none

	Migrate  bool // bring an older schema up to date while opening
	RunTwice bool // for tests: run every closure of Update twice, and keep the second run only
	// For tests: PostgreSQL calls it in the first run of each transaction of Update, once the snapshot is taken. SQLite
	// runs transactions one after the other and does not call it.
	AfterSnapshot func(ctx context.Context)
}

// A Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	Reader
	engine engine
	now    func() time.Time
	log    *slog.Logger

	keepAddresses time.Duration

	closing sync.Once
	closed  error
}

// An engine is the part that SQLite and PostgreSQL implement differently.
type engine interface {
	session
	dialect() *dialect
	update(ctx context.Context, fn func(session) error) error
	view(ctx context.Context, fn func(session) error) error
	script(ctx context.Context, fn func(session) error) error // a schema change
	ping(ctx context.Context) error
	connections() Connections
	load(ctx context.Context, users []LoadUser) error
	close() error
}

// Connections describes the use of the connection pool: PostgreSQL's, or SQLite's readers.
type Connections struct {
	Max, InUse, Idle int
	// Waits is how often a caller had to wait for a connection, and Waited the total time.
	Waits  int64
	Waited time.Duration
}

// Connections returns the state of the pool. It never asks the database.
func (s *Store) Connections() Connections { return s.engine.connections() }

// Open connects and checks the schema. If migrations are pending it returns ErrSchemaOld and a store that can only be
// migrated or closed. With any other error it returns no store.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		return nil, errors.New("store: Options.Now is required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var e engine
	var err error
	switch {
	case o.Path != "" && o.URL == "":
		e, err = openSQLite(ctx, o)
	case o.URL != "" && o.Path == "":
		e, err = openPostgres(ctx, o)
	default:
		err = errors.New("store: give either a SQLite path or a PostgreSQL URL")
	}
	if err != nil {
		return nil, err
	}
	if o.Observe != nil && e != nil && err == nil {
		e = &observed{e, o.Observe}
	}
	s := &Store{Reader: Reader{session: e}, engine: e, now: o.Now, log: o.Log, keepAddresses: cmp.Or(o.KeepAddresses, defaultKeepAddresses)}
	if o.Migrate {
		err = s.Migrate(ctx)
	} else {
		err = s.checkSchema(ctx)
	}
	if err != nil && !errors.Is(err, ErrSchemaOld) {
		return nil, errors.Join(err, s.Close())
	}
	return s, err
}

// Engine returns "sqlite" or "postgres".
func (s *Store) Engine() string { return s.engine.dialect().name }

// Ping reports whether the database answers. It returns when ctx ends, whatever the database does, and waits for no
// connection that others use. While the database does not answer, it returns the error of the last try.
func (s *Store) Ping(ctx context.Context) error { return s.engine.ping(ctx) }

// Close waits for running transactions and closes the database. A second call returns the result of the first.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.engine.close() })
	return s.closed
}

// Update runs fn in one transaction. It commits if fn returns nil or an error of [CommitWith], which Update then returns.
// fn may run more than once. With [Retry] it also runs again after a lost compare-and-set.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error, options ...UpdateOption) error {
	if slices.Contains(options, Retry) {
		return Again(ctx, func() error { return s.update(ctx, fn) })
	}
	return s.update(ctx, fn)
}

func (s *Store) update(ctx context.Context, fn func(tx *Tx) error) error {
	var answer error
	err := s.engine.update(ctx, func(ses session) error {
		answer = nil
		err := fn(&Tx{Reader: Reader{session: ses}, now: s.now})
		if c, ok := errors.AsType[*committed](err); ok {
			answer = c.error
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return answer
}

// An UpdateOption changes how Update runs its closure.
type UpdateOption uint8

// Retry runs the whole transaction again, from its first read, after another change came between. Nothing is lost, since
// each change sees the earlier ones.
const Retry UpdateOption = 1

// maxAttempts is how often a change that lost a race is repeated. Each loss means that another change succeeded.
const maxAttempts = 100

// Again runs f, and repeats it while it returns ErrConflict. It is for changes that must also repeat work outside of the
// transaction.
func Again(ctx context.Context, f func() error) error {
	var err error
	for range maxAttempts {
		if err = f(); !errors.Is(err, ErrConflict) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return err
}

// committed is an error that Update returns without undoing the transaction.
type committed struct{ error }

func (c *committed) Unwrap() error { return c.error }

// CommitWith returns an error for a closure of Update. With it the transaction is committed, and Update returns answer.
// So a refusal can be counted.
func CommitWith(answer error) error { return &committed{answer} }

// Commits reports whether err was made by CommitWith.
func Commits(err error) bool {
	_, ok := errors.AsType[*committed](err)
	return ok
}

// View runs fn on one snapshot of the database.
func (s *Store) View(ctx context.Context, fn func(r *Reader) error) error {
	return s.engine.view(ctx, func(ses session) error { return fn(&Reader{session: ses}) })
}

// guard turns a panic of a closure into an error, so that it ends neither the writer nor the transactions of other
// closures.
func guard(fn func(session) error, ses session) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: a transaction's closure panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(ses)
}
