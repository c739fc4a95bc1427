package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cognate/internal/pool"
	"cognate/internal/store"
)

// Links of users outlive the provider: a new provider of the name has the same people
// (Cognito: deleting an identity provider). The rows of the links do not say by which
// attributes they were made, so the attributes are kept.

// linksDocument is the stored document.
type linksDocument struct{ Attributes []string }

// keepLinks stores the linking attributes of a provider that is being deleted.
func (s *Service) keepLinks(ctx context.Context, tx *store.Tx, i *pool.Item[document]) error {
	if len(i.Doc.Linked) == 0 {
		return nil
	}
	body, err := json.Marshal(linksDocument{i.Doc.Linked})
	if err != nil {
		return err
	}
	now := s.deps.Now()
	return tx.InsertItem(ctx, store.Item{PoolID: i.PoolID, Kind: store.KindProviderLinks, Key: i.Key, Version: 1, CreatedAt: now, ModifiedAt: now, Doc: body})
}

// takeLinks returns and removes what keepLinks stored for a provider of the name.
func (s *Service) takeLinks(ctx context.Context, tx *store.Tx, poolID, name string) ([]string, error) {
	i, err := tx.Item(ctx, poolID, store.KindProviderLinks, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var d linksDocument
	if err := json.Unmarshal(i.Doc, &d); err != nil {
		return nil, fmt.Errorf("providers: links of %s of %s: %w", name, poolID, err)
	}
	return d.Attributes, tx.DeleteItem(ctx, poolID, store.KindProviderLinks, name)
}
