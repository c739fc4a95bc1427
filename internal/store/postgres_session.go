package store

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresSession runs statements on one connection: each on its own, or in a transaction. Statements that need no answer
// (the transaction's beginning, writes by execDeferred) wait. They travel with the next statement that needs an answer, or
// with the COMMIT.
type postgresSession struct {
	conn     *pgx.Conn
	limit    time.Duration // of each statement
	waiting  []waitingStatement
	preamble int   // how many of those only begin the transaction
	began    bool  // something of a transaction was sent
	failed   error // the first error of the server, after which it refuses the rest of the transaction
}

type waitingStatement struct {
	text string
	args []any
}

func newPostgresSession(conn *pgx.Conn, begin string, limit time.Duration) *postgresSession {
	s := &postgresSession{conn: conn, limit: limit}
	if begin != "" {
		s.waiting = append(s.waiting, waitingStatement{text: begin})
		s.preamble = 1
	}
	return s
}

// setLimits tells the server the transaction's own limit, in place of the connection's.
func (s *postgresSession) setLimits() {
	for _, text := range []string{
		"SET LOCAL statement_timeout = " + milliseconds(s.limit), "SET LOCAL lock_timeout = " + milliseconds(lockTimeout(s.limit)),
	} {
		s.waiting = append(s.waiting, waitingStatement{text: text})
	}
	s.preamble = len(s.waiting)
}

// bound returns the context of one statement. The server ends a slow statement itself and keeps its connection. If the
// server does not do that within a tenth of the limit more, pgx cancels the statement and closes the connection.
func (s *postgresSession) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.limit+s.limit/10)
}

// note sorts an error of a statement that ran in the context bound, and remembers it.
func (s *postgresSession) note(ctx, bound context.Context, err error) error {
	if err != nil && bound.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", noAnswer(), err)
	} else {
		err = postgresError(ctx, err)
	}
	if err != nil && s.failed == nil {
		s.failed = err
	}
	return err
}

func postgresArgs(args []any) ([]any, error) {
	list := make([]any, len(args))
	for i, a := range args {
		v, err := plain(a)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

// send sends what waits and a statement in one round trip. The answer to the statement comes next.
func (s *postgresSession) send(ctx context.Context, text string, args []any) (pgx.BatchResults, error) {
	b := &pgx.Batch{}
	for _, w := range s.waiting {
		b.Queue(w.text, w.args...)
	}
	b.Queue(text, args...)
	n := len(s.waiting)
	s.waiting, s.began = nil, true
	results := s.conn.SendBatch(ctx, b)
	for range n {
		if _, err := results.Exec(); err != nil {
			return nil, errors.Join(err, results.Close())
		}
	}
	return results, nil
}

func (s *postgresSession) execDeferred(_ context.Context, st *statement, args []any) error {
	list, err := postgresArgs(args)
	if err == nil {
		s.waiting = append(s.waiting, waitingStatement{st.texts[dialectPostgres.index], list})
	}
	return err
}

func (s *postgresSession) exec(ctx context.Context, st *statement, args []any) (int64, error) {
	list, err := postgresArgs(args)
	if err != nil {
		return 0, err
	}
	bound, cancel := s.bound(ctx)
	defer cancel()
	tag, err := s.run(bound, st.texts[dialectPostgres.index], list)
	return tag.RowsAffected(), s.note(ctx, bound, err)
}

func (s *postgresSession) run(ctx context.Context, text string, args []any) (tag pgconn.CommandTag, err error) {
	if len(s.waiting) == 0 {
		return s.conn.Exec(ctx, text, args...)
	}
	results, err := s.send(ctx, text, args)
	if err != nil {
		return tag, err
	}
	tag, err = results.Exec()
	return tag, errors.Join(err, results.Close())
}

func (s *postgresSession) query(ctx context.Context, st *statement, args []any, each func(row) error) error {
	list, err := postgresArgs(args)
	if err != nil {
		if errors.Is(err, ErrText) && st.reads {
			return nil // no such text is stored
		}
		return err
	}
	bound, cancel := s.bound(ctx)
	defer cancel()
	text := st.texts[dialectPostgres.index]
	if len(s.waiting) == 0 {
		rows, err := s.conn.Query(bound, text, list...)
		if err != nil {
			return s.note(ctx, bound, err)
		}
		return s.read(ctx, bound, rows, each)
	}
	results, err := s.send(bound, text, list)
	if err != nil {
		return s.note(ctx, bound, err)
	}
	rows, err := results.Query()
	if err != nil {
		return s.note(ctx, bound, errors.Join(err, results.Close()))
	}
	if err := s.read(ctx, bound, rows, each); err != nil {
		_ = results.Close() // has the same error to tell
		return err
	}
	return s.note(ctx, bound, results.Close())
}

func (s *postgresSession) read(ctx, bound context.Context, rows pgx.Rows, each func(row) error) error {
	defer rows.Close()
	var r row
	for rows.Next() {
		fields, values := rows.FieldDescriptions(), rows.RawValues()
		if r == nil {
			r = make(row, len(fields))
		}
		for i, raw := range values {
			v, err := decodeColumn(&fields[i], raw)
			if err != nil {
				return err
			}
			r[i] = v
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return s.note(ctx, bound, rows.Err())
}

// decodeColumn reads the few types that the schema has. raw belongs to the connection and is copied.
func decodeColumn(field *pgconn.FieldDescription, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	isBinary := field.Format == pgx.BinaryFormatCode
	switch field.DataTypeOID {
	case pgtype.Int8OID, pgtype.Int4OID, pgtype.Int2OID:
		switch {
		case !isBinary:
			return strconv.ParseInt(string(raw), 10, 64)
		case len(raw) == 8:
			return int64(binary.BigEndian.Uint64(raw)), nil
		case len(raw) == 4:
			return int64(int32(binary.BigEndian.Uint32(raw))), nil
		case len(raw) == 2:
			return int64(int16(binary.BigEndian.Uint16(raw))), nil
		}
	case pgtype.ByteaOID:
		if isBinary {
			return append([]byte{}, raw...), nil
		}
		if len(raw) >= 2 { // \x...
			return hex.AppendDecode(nil, raw[2:])
		}
	case pgtype.TextOID:
		return string(raw), nil
	}
	return nil, fmt.Errorf("store: column %s has type %d, which no record has", field.Name, field.DataTypeOID)
}

func (s *postgresSession) commit(ctx context.Context) error {
	if !s.began && len(s.waiting) == s.preamble {
		return nil // nothing but the beginning
	}
	bound, cancel := s.bound(ctx)
	defer cancel()
	tag, err := s.run(bound, "COMMIT", nil)
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("the server answered COMMIT by %s", tag.String())
	}
	return s.note(ctx, bound, err)
}

// rollback also works after the caller's context has ended. If it fails, the pool discards the connection.
func (s *postgresSession) rollback(ctx context.Context) {
	if !s.began || s.conn.IsClosed() {
		return
	}
	bound, cancel := s.bound(context.WithoutCancel(ctx))
	defer cancel()
	if _, err := s.conn.Exec(bound, "ROLLBACK"); err != nil {
		_ = s.note(context.WithoutCancel(ctx), bound, err)
	}
}
