package store

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Errors that a caller can act upon. Every other error is a fault of the database or of this package.
var (
	ErrNotFound      = errors.New("store: not found")
	ErrConflict      = errors.New("store: the record was changed or deleted meanwhile")
	ErrExists        = errors.New("store: exists already")
	ErrSpent         = errors.New("store: spent already")
	ErrUnavailable   = errors.New("store: the database is unavailable")
	ErrFull          = errors.New("store: the database has no space left")
	ErrBusy          = errors.New("store: another process has the database open")
	ErrSchemaNew     = errors.New("store: the database was written by a newer version")
	ErrSchemaOld     = errors.New("store: the database needs migrating")
	ErrEmpty         = errors.New("store: the database is empty") // is an ErrSchemaOld, too
	ErrSchemaChanged = errors.New("store: a migration that the database has seen was altered")
	ErrText          = errors.New("store: text is not UTF-8, holds a NUL or is too long for a key")
	ErrFilter        = errors.New("store: filter is not supported")
)

var errOutside = errors.New("store: a write outside of a transaction")

// ExistsError says which key was taken: "pool", "client", "item", "domain", "user" (its id), "username", "name",
// "message", "access-key", "data-key", "signing-key" or "user-session". errors.Is(err, ErrExists) holds for it.
type ExistsError struct{ What string }

func (e *ExistsError) Error() string { return "store: " + e.What + " exists already" }

// Is makes every ExistsError an ErrExists.
func (e *ExistsError) Is(target error) bool { return target == ErrExists }

// retryError marks an error after which the whole transaction may be run again.
type retryError struct {
	cause error
	// lostRace is true if another transaction succeeded instead.
	lostRace bool
}

func (e *retryError) Error() string { return "store: transaction must be retried: " + e.cause.Error() }
func (e *retryError) Unwrap() error { return e.cause }

// isNoTable reports whether a table is missing: the database was never migrated.
func isNoTable(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code == "42P01"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && strings.Contains(lite.Error(), "no such table")
}
