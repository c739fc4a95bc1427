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

// postgresSession runs statements on one connection: each on its own, or in a transaction. What needs no answer (the
// transaction's beginning, writes by later) waits, and travels with the next statement that does or with the COMMIT.
type postgresSession struct {
	conn    *pgx.Conn
	waiting []waitingStatement
	began   bool  // something of a transaction was sent
	failed  error // the first error of the server, after which it refuses the rest of the transaction
}

type waitingStatement struct {
	text string
	args []any
}

func newPostgresSession(conn *pgx.Conn, begin string) *postgresSession {
	s := &postgresSession{conn: conn}
	if begin != "" {
		s.waiting = append(s.waiting, waitingStatement{text: begin})
	}
	return s
}

func (s *postgresSession) note(ctx context.Context, err error) error {
	err = postgresError(ctx, err)
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

func (s *postgresSession) later(_ context.Context, st *statement, args []any) error {
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
	tag, err := s.run(ctx, st.texts[dialectPostgres.index], list)
	return tag.RowsAffected(), s.note(ctx, err)
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
	text := st.texts[dialectPostgres.index]
	if len(s.waiting) == 0 {
		rows, err := s.conn.Query(ctx, text, list...)
		if err != nil {
			return s.note(ctx, err)
		}
		return s.read(ctx, rows, each)
	}
	results, err := s.send(ctx, text, list)
	if err != nil {
		return s.note(ctx, err)
	}
	rows, err := results.Query()
	if err != nil {
		return s.note(ctx, errors.Join(err, results.Close()))
	}
	if err := s.read(ctx, rows, each); err != nil {
		_ = results.Close() // has the same error to tell
		return err
	}
	return s.note(ctx, results.Close())
}

func (s *postgresSession) read(ctx context.Context, rows pgx.Rows, each func(row) error) error {
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
	return s.note(ctx, rows.Err())
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
	if !s.began && len(s.waiting) < 2 {
		return nil // nothing but the beginning
	}
	tag, err := s.run(ctx, "COMMIT", nil)
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("the server answered COMMIT by %s", tag.String())
	}
	return postgresError(ctx, err)
}

// rollback also works for a caller who has left. A connection on which it fails is thrown away by the pool.
func (s *postgresSession) rollback(ctx context.Context) {
	if !s.began || s.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = s.conn.Exec(ctx, "ROLLBACK")
}
