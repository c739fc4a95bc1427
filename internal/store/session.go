package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// A session runs statements: on a transaction, or each on its own.
type session interface {
	// exec returns the number of rows written.
	exec(ctx context.Context, st *statement, args []any) (int64, error)
	// execDeferred writes without returning how many rows. The engine may keep the statement back until the transaction's
	// next exec or query, or its end. An error of the statement is then an error of the transaction.
	execDeferred(ctx context.Context, st *statement, args []any) error
	// query hands each row to each. Rows must not be kept, nor the session be used inside each.
	query(ctx context.Context, st *statement, args []any, each func(row) error) error
}

// A row holds the driver's values: nil, int64, string or []byte.
type row []driver.Value

func (r row) scan(dest ...any) error {
	if len(dest) != len(r) {
		return fmt.Errorf("store: %d columns for %d places", len(r), len(dest))
	}
	for i, d := range dest {
		if err := assign(d, r[i]); err != nil {
			return fmt.Errorf("store: column %d: %w", i, err)
		}
	}
	return nil
}

func assign(dest any, v driver.Value) error {
	switch v := v.(type) {
	case string:
		switch d := dest.(type) {
		case *string:
			*d = v
			return nil
		case **string:
			*d = &v
			return nil
		}
	case int64:
		switch d := dest.(type) {
		case *int64:
			*d = v
			return nil
		case *int:
			*d = int(v)
			return nil
		case *bool:
			*d = v != 0
			return nil
		case *time.Time:
			*d = fromMillis(v)
			return nil
		}
	case []byte:
		switch d := dest.(type) {
		case *[]byte:
			if len(v) == 0 {
				v = nil // the engines disagree on empty or nil
			}
			*d = v
			return nil
		case *[32]byte:
			if len(v) == 32 {
				copy(d[:], v)
				return nil
			}
		}
	case nil:
		switch d := dest.(type) {
		case **string:
			*d = nil
			return nil
		case *[]byte: // SQLite's driver returns nil for an empty blob
			*d = nil
			return nil
		}
	}
	return fmt.Errorf("%T does not fit %T", v, dest)
}

// plain turns an argument into one of the driver's types.
func plain(arg any) (driver.Value, error) {
	switch a := arg.(type) {
	case string:
		return a, checkText(a)
	case *string:
		if a == nil {
			return nil, nil
		}
		return *a, checkText(*a)
	case int:
		return int64(a), nil
	case int64:
		return a, nil
	case bool:
		if a {
			return int64(1), nil
		}
		return int64(0), nil
	case time.Time:
		return millis(a), nil
	case []byte:
		if a == nil {
			return []byte{}, nil
		}
		return a, nil
	case [32]byte:
		return a[:], nil
	}
	return nil, fmt.Errorf("store: no column takes a %T", arg)
}

func checkText(s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return ErrText
	}
	return nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(v int64) time.Time {
	if v == 0 {
		return time.Time{}
	}
	return time.UnixMilli(v).UTC()
}

// A Reader reads records. The store's Reader sees what was committed when each call began. View's Reader sees one
// snapshot. A transaction's Reader also sees the transaction's own writes.
type Reader struct{ session session }

// one reads a single row; ErrNotFound if there is none.
func (r *Reader) one(ctx context.Context, st *statement, args []any, dest ...any) error {
	found := false
	err := r.session.query(ctx, st, args, func(row row) error {
		if found {
			return nil
		}
		found = true
		return row.scan(dest...)
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	return err
}

// all reads every row by scan.
func all[T any](ctx context.Context, r *Reader, st *statement, args []any, scan func(row, *T) error) ([]T, error) {
	var list []T
	err := r.session.query(ctx, st, args, func(row row) error {
		list = append(list, *new(T))
		return scan(row, &list[len(list)-1])
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// first reads a single row by scan; ErrNotFound if there is none.
func first[T any](ctx context.Context, r *Reader, st *statement, args []any, scan func(row, *T) error) (T, error) {
	var v T
	found := false
	err := r.session.query(ctx, st, args, func(row row) error {
		if found {
			return nil
		}
		found = true
		return scan(row, &v)
	})
	if err == nil && !found {
		err = ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}

// A Tx is a transaction of Update. Only the closure's goroutine may use it, and it ends with the closure.
type Tx struct {
	Reader
	now func() time.Time
}

// insert writes a row whose statement does nothing on a conflict.
func (tx *Tx) insert(ctx context.Context, what string, st *statement, args ...any) error {
	n, err := tx.session.exec(ctx, st, args)
	if err == nil && n == 0 {
		err = &ExistsError{What: what}
	}
	return err
}

// change writes exactly one existing row, or returns missing.
func (tx *Tx) change(ctx context.Context, missing error, st *statement, args ...any) error {
	n, err := tx.session.exec(ctx, st, args)
	if err == nil && n == 0 {
		err = missing
	}
	return err
}

// run writes any number of rows.
func (tx *Tx) run(ctx context.Context, st *statement, args ...any) error {
	return tx.session.execDeferred(ctx, st, args)
}
