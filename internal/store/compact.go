package store

import (
	"context"
	"errors"
	"fmt"
)

// Rows that were deleted leave their bytes in free pages of SQLite's file and in its log, until the space is used again.
// Compact rewrites both.

var (
	// A copy of the whole database may be larger than the memory. SQLite makes it in a file that has no name any more.
	copyToFile   = prepare("PRAGMA temp_store = FILE")
	copyToMemory = prepare("PRAGMA temp_store = MEMORY")
	vacuum       = prepare("VACUUM")
	emptyLog     = prepare("PRAGMA wal_checkpoint(TRUNCATE)")
)

// errLogInUse means that a reader kept the log from being emptied.
var errLogInUse = errors.New("store: a long query keeps the log of the database from being emptied")

// compactAttempts is how often a log that a reader uses is emptied. Each attempt waits for the reader for some seconds.
const compactAttempts = 10

// Compact rewrites the file of the embedded database and empties its log, so that neither has bytes of rows that were
// deleted or changed. It needs free space of twice the size of the database. Reads go on, and changes wait until it ends.
// compacted is false for PostgreSQL, which reuses space by itself.
func (s *Store) Compact(ctx context.Context) (compacted bool, err error) {
	e := s.engine
	if o, ok := e.(*observed); ok {
		e = o.engine
	}
	embedded, ok := e.(*sqliteEngine)
	if !ok {
		return false, nil
	}
	return true, embedded.compact(ctx)
}

func (e *sqliteEngine) compact(ctx context.Context) (err error) {
	c, err := newSQLiteConn(ctx, e.db)
	if err != nil {
		return err
	}
	defer func() {
		_, reset := c.exec(ctx, copyToMemory, nil) // The connection goes back to database/sql.
		err = errors.Join(err, reset, c.close())
	}()
	if _, err := c.exec(ctx, copyToFile, nil); err != nil {
		return err
	}
	if err := e.vacuum(ctx, c); err != nil {
		return err
	}
	for range compactAttempts {
		busy := true
		if err := c.query(ctx, emptyLog, nil, func(r row) error {
			busy = r[0] != int64(0)
			return nil
		}); err != nil && !errors.Is(err, ErrUnavailable) {
			return err
		}
		if !busy {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return errLogInUse
}

// vacuum waits for the writer's turn. SQLite lets a waiting connection in after a commit, but a busy writer may be faster
// each time.
func (e *sqliteEngine) vacuum(ctx context.Context, c *sqliteConn) (err error) {
	for range compactAttempts {
		if _, err = c.exec(ctx, vacuum, nil); !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("the file of the database was not rewritten: %w", err)
	}
	return nil
}
