package store

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// LoadUser is a user for BulkUsers, with the sign-in names.
type LoadUser struct {
	User  User
	Names []Name
}

// A load goes in transactions of so many users: each takes a few tens of milliseconds of the writer.
const loadBatch = 1000

// BulkUsers adds many users, as an import does. Each batch is committed on its own; the number of users that are stored
// is answered even on an error. A key that exists already ends the load with an ExistsError, and nothing of its batch is
// stored.
func (s *Store) BulkUsers(ctx context.Context, users func(yield func(LoadUser) bool)) (stored int, err error) {
	batch := make([]LoadUser, 0, loadBatch)
	flush := func() error {
		if err := s.engine.load(ctx, batch); err != nil {
			return err
		}
		stored += len(batch)
		batch = batch[:0]
		return nil
	}
	for u := range users {
		batch = append(batch, u)
		if len(batch) == loadBatch {
			if err := flush(); err != nil {
				return stored, err
			}
		}
	}
	if len(batch) > 0 {
		err = flush()
	}
	return stored, err
}

func (e *sqliteEngine) load(ctx context.Context, users []LoadUser) error {
	return e.update(ctx, func(ses session) error {
		tx := &Tx{Reader: Reader{session: ses}}
		for _, u := range users {
			if err := tx.InsertUser(ctx, u.User, u.Names); err != nil {
				return err
			}
		}
		return nil
	})
}

// load copies the batch by one COPY, which is stored as a whole or not at all.
func (e *postgresEngine) load(ctx context.Context, users []LoadUser) error {
	rows := make([][]any, len(users))
	for i, u := range users {
		values, err := userValues(u.User, u.Names)
		if err != nil {
			return err
		}
		if rows[i], err = postgresArgs(values); err != nil {
			return err
		}
	}
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return postgresError(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(dc any) error {
		_, err := dc.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{"users"}, userInsertColumns, pgx.CopyFromRows(rows))
		return err
	})
	var taken *pgconn.PgError
	if errors.As(err, &taken) && taken.Code == "23505" {
		if strings.HasPrefix(taken.ConstraintName, "users_by_alias") {
			return &ExistsError{What: "name"}
		}
		return &ExistsError{What: "username"}
	}
	return plainError(postgresError(ctx, err))
}
