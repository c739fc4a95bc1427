package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/store"
)

// A Kind describes one kind of document that user pools have, such as resource servers.
type Kind struct {
	// Name is one of the store's kinds.
	Name string
	// Most is how many documents of the kind a pool may have.
	Most int
	// ListOp is the operation that lists the documents. Its page tokens are bound to it.
	ListOp string
	// RawCursor says that page tokens hold the key itself. Otherwise they hold the key in JSON.
	RawCursor bool
	// NotFound returns the error for a key without a document.
	NotFound func(key string) error
	// Exists returns the error for a key that already has a document.
	Exists func(poolID, key string) error
	// FullText is the text of the error for a pool that has Most documents already. Its %d stands for Most.
	FullText string
}

// An Item is a document with the facts that the store keeps beside it.
type Item[T any] struct {
	PoolID, Key           string
	Version               int64
	CreatedAt, ModifiedAt time.Time
	Doc                   T
}

// Items reads and writes the documents of one kind. It does not check that the pool exists: the caller does this first.
// A method with a transaction is one step of the caller's transaction.
type Items[T any] struct {
	kind  Kind
	store *store.Store
	pages pager
	now   func() time.Time
}

// NewItems returns the documents of a kind, in the service's store and by its clock.
func NewItems[T any](s *Service, kind Kind) *Items[T] {
	return &Items[T]{kind: kind, store: s.deps.Store, pages: s.pages, now: s.now}
}

// DecodeItem reads the document of a record.
func DecodeItem[T any](i store.Item) (*Item[T], error) {
	out := &Item[T]{PoolID: i.PoolID, Key: i.Key, Version: i.Version, CreatedAt: i.CreatedAt, ModifiedAt: i.ModifiedAt}
	if err := json.Unmarshal(i.Doc, &out.Doc); err != nil {
		return nil, fmt.Errorf("pool: %s %s of %s: %w", i.Kind, i.Key, i.PoolID, err)
	}
	return out, nil
}

// DecodeItems reads the documents of several records.
func DecodeItems[T any](records []store.Item) ([]*Item[T], error) {
	list := make([]*Item[T], 0, len(records))
	for _, r := range records {
		i, err := DecodeItem[T](r)
		if err != nil {
			return nil, err
		}
		list = append(list, i)
	}
	return list, nil
}

func (s *Items[T]) record(i *Item[T]) (store.Item, error) {
	doc, err := json.Marshal(&i.Doc)
	if err != nil {
		return store.Item{}, fmt.Errorf("pool: %s %s of %s: %w", s.kind.Name, i.Key, i.PoolID, err)
	}
	return store.Item{
		PoolID: i.PoolID, Kind: s.kind.Name, Key: i.Key, Version: i.Version,
		CreatedAt: i.CreatedAt, ModifiedAt: i.ModifiedAt, Doc: doc,
	}, nil
}

// OrNotFound returns the kind's own error where err says that the store has no such document.
func (s *Items[T]) OrNotFound(key string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return s.kind.NotFound(key)
	}
	return err
}

// Get reads a document.
func (s *Items[T]) Get(ctx context.Context, poolID, key string) (*Item[T], error) {
	return s.read(ctx, &s.store.Reader, poolID, key)
}

func (s *Items[T]) read(ctx context.Context, r *store.Reader, poolID, key string) (*Item[T], error) {
	i, err := r.Item(ctx, poolID, s.kind.Name, key)
	if err != nil {
		return nil, s.OrNotFound(key, err)
	}
	return DecodeItem[T](i)
}

// Create adds a document. The transaction must hold the pool or write it, so that the quota holds and a pool that is
// being deleted gets no new document.
func (s *Items[T]) Create(ctx context.Context, tx *store.Tx, poolID, key string, doc T) (*Item[T], error) {
	n, err := tx.CountItems(ctx, poolID, s.kind.Name)
	if err := checkQuota(n, err, s.kind.Most, s.kind.FullText); err != nil {
		return nil, err
	}
	now := s.now()
	i := &Item[T]{PoolID: poolID, Key: key, Version: 1, CreatedAt: now, ModifiedAt: now, Doc: doc}
	r, err := s.record(i)
	if err != nil {
		return nil, err
	}
	err = tx.InsertItem(ctx, r)
	if errors.Is(err, store.ErrExists) {
		return nil, s.kind.Exists(poolID, key)
	}
	return i, err
}

// Change reads a document, lets fn change it and writes it back. The store refuses the write with ErrConflict if the
// document has changed since it was read.
func (s *Items[T]) Change(ctx context.Context, tx *store.Tx, poolID, key string, fn func(doc *T) error) (*Item[T], error) {
	i, err := s.read(ctx, &tx.Reader, poolID, key)
	if err != nil {
		return nil, err
	}
	if err := fn(&i.Doc); err != nil {
		return nil, err
	}
	i.ModifiedAt = s.now()
	r, err := s.record(i)
	if err != nil {
		return nil, err
	}
	return i, tx.UpdateItem(ctx, r)
}

// Rename sets another key of a document, and lets fn change the document. The transaction must hold the pool.
func (s *Items[T]) Rename(ctx context.Context, tx *store.Tx, poolID, key, newKey string, fn func(doc *T)) error {
	if newKey == key {
		_, err := s.Change(ctx, tx, poolID, key, func(doc *T) error { fn(doc); return nil })
		return err
	}
	i, err := s.read(ctx, &tx.Reader, poolID, key)
	if err != nil {
		return err
	}
	if _, err := tx.Item(ctx, poolID, s.kind.Name, newKey); err == nil {
		return s.kind.Exists(poolID, newKey)
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	fn(&i.Doc)
	i.ModifiedAt = s.now()
	r, err := s.record(i)
	if err != nil {
		return err
	}
	return tx.RenameItem(ctx, r, newKey)
}

// Delete removes a document.
func (s *Items[T]) Delete(ctx context.Context, tx *store.Tx, poolID, key string) error {
	return s.OrNotFound(key, tx.DeleteItem(ctx, poolID, s.kind.Name, key))
}

// Page lists a pool's documents by key from where the token says. It returns the token of the next page, which is nil
// on the last.
func (s *Items[T]) Page(ctx context.Context, poolID string, token *string, limit int) ([]*Item[T], *string, error) {
	bind := []string{poolID}
	after, err := s.openCursor(bind, token)
	if err != nil {
		return nil, nil, err
	}
	records, err := s.store.Items(ctx, poolID, s.kind.Name, after, limit+1)
	if err != nil {
		return nil, nil, err
	}
	var next *string
	if len(records) > limit {
		records = records[:limit]
		next = s.nextCursor(bind, records[limit-1].Key)
	}
	list, err := DecodeItems[T](records)
	return list, next, err
}

func (s *Items[T]) openCursor(bind []string, token *string) (key string, err error) {
	if s.kind.RawCursor {
		b, err := s.pages.openRaw(s.kind.ListOp, bind, token)
		return string(b), err
	}
	err = s.pages.open(s.kind.ListOp, bind, token, &key)
	return key, err
}

func (s *Items[T]) nextCursor(bind []string, key string) *string {
	if s.kind.RawCursor {
		return s.pages.nextRaw(s.kind.ListOp, bind, []byte(key))
	}
	return s.pages.next(s.kind.ListOp, bind, key)
}
