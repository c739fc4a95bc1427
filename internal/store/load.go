package store

import "context"

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

// insertUsers loads one by one, in one transaction.
func insertUsers(ctx context.Context, e engine, users []LoadUser) error {
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

func (e *sqliteEngine) load(ctx context.Context, users []LoadUser) error {
	return insertUsers(ctx, e, users)
}

func (e *postgresEngine) load(ctx context.Context, users []LoadUser) error {
	return insertUsers(ctx, e, users)
}
