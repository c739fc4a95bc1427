package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// LoadUser is a user for BulkUsers, with the sign-in names.
type LoadUser struct {
	User  User
	Names []Name
}

// loadBatch is how many users one transaction of a load stores. It takes a few tens of milliseconds of the writer.
const loadBatch = 1000

// loadTimeout bounds the statement that stores a batch.
const loadTimeout = time.Minute

// BulkUsers adds many users, as an import does. Each batch is committed on its own. BulkUsers returns the number of stored
// users, also with an error. An existing key ends the load with an ExistsError, and nothing of its batch is stored.
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
	err := e.lend(ctx, func(conn *pgx.Conn) error {
		ctx, cancel := context.WithTimeout(ctx, loadTimeout)
		defer cancel()
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if _, err := tx.Exec(ctx, "SET LOCAL statement_timeout = "+milliseconds(loadTimeout)); err != nil {
			return err
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"users"}, userInsertColumns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
		return tx.Commit(ctx)
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
