package providers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/saml"
	"cognate/internal/store"
)

// The metadata of a SAML provider is an item of its own: it is long, and it changes without
// the administrator where it comes from a URL.

const (
	// metadataAge is how long metadata of a URL is used before it is fetched again (Cognito:
	// six hours, or as the document says, if that is earlier).
	metadataAge = 6 * time.Hour
	// fetchPause is the time between two attempts of a node to fetch the same metadata.
	fetchPause = time.Minute
)

// metadataDocument is the stored document.
type metadataDocument struct {
	Text      string
	FetchedAt int64 // milliseconds
}

// isDue reports whether metadata that came from a URL is to be fetched again.
func isDue(m *saml.Metadata, fetched, now time.Time) bool {
	age := metadataAge
	if m.CacheDuration > 0 {
		age = min(age, m.CacheDuration)
	}
	return now.Sub(fetched) >= age || now.Before(fetched) || !m.ValidUntil.IsZero() && !now.Before(m.ValidUntil)
}

// fetchMetadata fetches and parses metadata. Its error is for the caller of the API.
func (s *Service) fetchMetadata(ctx context.Context, name, url string) (string, *saml.Metadata, error) {
	failed := func(err error) error {
		return idp.InvalidParameterException("Error retrieving metadata from " + url).WithCause(err)
	}
	r, err := s.deps.Client.Do(ctx, fetch.Request{
		Provider: name, Call: "metadata", URL: url, Redirects: true, Accept: "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8",
	})
	if err != nil {
		return "", nil, failed(err)
	}
	if r.Status != http.StatusOK {
		return "", nil, failed(&fetch.StatusError{Status: r.Status})
	}
	m, err := saml.ParseMetadata(r.Body, s.deps.Now())
	if err != nil {
		return "", nil, idp.InvalidParameterException("Error retrieving metadata from " + url + ": " + err.Error())
	}
	return string(r.Body), m, nil
}

// readMetadata reads the stored metadata of a provider.
func readMetadata(ctx context.Context, r *store.Reader, poolID, name string) (*metadataDocument, *store.Item, error) {
	i, err := r.Item(ctx, poolID, store.KindProviderDocument, name)
	if err != nil {
		return nil, nil, err
	}
	d, err := decodeMetadata(&i)
	return d, &i, err
}

func decodeMetadata(i *store.Item) (*metadataDocument, error) {
	d := &metadataDocument{}
	if err := json.Unmarshal(i.Doc, d); err != nil {
		return nil, fmt.Errorf("providers: metadata of %s of %s: %w", i.Key, i.PoolID, err)
	}
	return d, nil
}

// putMetadata stores metadata in place of the metadata before.
func (s *Service) putMetadata(ctx context.Context, tx *store.Tx, poolID, name, text string) error {
	now := s.deps.Now()
	body, err := json.Marshal(metadataDocument{Text: text, FetchedAt: now.UnixMilli()})
	if err != nil {
		return err
	}
	_, old, err := readMetadata(ctx, &tx.Reader, poolID, name)
	if errors.Is(err, store.ErrNotFound) {
		return tx.InsertItem(ctx, store.Item{PoolID: poolID, Kind: store.KindProviderDocument, Key: name, Version: 1, CreatedAt: now, ModifiedAt: now, Doc: body})
	}
	if err != nil {
		return err
	}
	old.Doc, old.ModifiedAt = body, now
	return tx.UpdateItem(ctx, *old)
}
