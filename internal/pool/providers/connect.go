package providers

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"cognate/internal/federation"
	"cognate/internal/federation/oidc"
	"cognate/internal/federation/saml"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Connect returns the provider as a sign-in uses it.
func (s *Service) Connect(ctx context.Context, sn *pool.Snapshot, p *Provider) (federation.Provider, error) {
	if p.Type == SAML {
		return s.ConnectSAML(ctx, sn, p)
	}
	secrets, err := s.openSecrets(p.PoolID, p.Name, p.doc)
	if err != nil {
		return nil, err
	}
	details := maps.Clone(p.Details)
	maps.Copy(details, secrets)
	return oidc.New(oidc.Settings{
		Name: p.Name, Type: p.Type, Details: details, Mapping: p.Mapping, Client: s.deps.Client, Now: s.deps.Now, Endpoints: s.deps.Endpoints[p.Type],
	})
}

// samlConnection is a SAML provider that is ready, with the versions of the items that it was
// made from.
type samlConnection struct {
	provider      *saml.Provider
	metadata      *saml.Metadata
	fetchedAt     time.Time
	version, text int64
	tried         atomic.Int64 // when this node last tried to fetch the metadata, in milliseconds
}

// ConnectSAML is Connect for a SAML provider.
func (s *Service) ConnectSAML(ctx context.Context, sn *pool.Snapshot, p *Provider) (*saml.Provider, error) {
	c, err := s.connectSAML(ctx, sn, p, false)
	if err != nil {
		return nil, err
	}
	return c.provider, nil
}

// RefreshSAML fetches the metadata of a provider once more, for an answer that no known
// certificate verifies. It returns nil if there is no newer metadata, or if it was fetched
// within the last minute.
func (s *Service) RefreshSAML(ctx context.Context, sn *pool.Snapshot, p *Provider) (*saml.Provider, error) {
	old, err := s.connectSAML(ctx, sn, p, false)
	if err != nil {
		return nil, err
	}
	c, err := s.connectSAML(ctx, sn, p, true)
	if err != nil || c.text == old.text {
		return nil, err
	}
	return c.provider, nil
}

// connectSAML returns the provider with metadata that is young enough. force fetches the
// metadata in any case.
func (s *Service) connectSAML(ctx context.Context, sn *pool.Snapshot, p *Provider, force bool) (*samlConnection, error) {
	c, err := s.loadSAML(ctx, sn, p)
	if err != nil {
		return nil, err
	}
	url, now := p.Details[keyMetadataURL], s.deps.Now()
	if url == "" || !force && !isDue(c.metadata, c.fetchedAt, now) {
		return c, nil
	}
	if last := c.tried.Load(); now.Sub(time.UnixMilli(last)) >= fetchPause && c.tried.CompareAndSwap(last, now.UnixMilli()) {
		text, _, err := s.fetchMetadata(ctx, p.Name, url)
		if err == nil {
			return s.replaceMetadata(ctx, sn, p, text)
		}
		s.deps.Log.WarnContext(ctx, "SAML metadata was not fetched", "pool", p.PoolID, "provider", p.Name, "error", err)
	}
	if until := c.metadata.ValidUntil; !until.IsZero() && !now.Before(until) {
		return nil, &federation.Error{Code: "server_error", Text: "The metadata of " + p.Name + " has expired"}
	}
	return c, nil
}

// loadSAML returns the provider with the stored metadata, from memory where nothing has
// changed.
func (s *Service) loadSAML(ctx context.Context, sn *pool.Snapshot, p *Provider) (*samlConnection, error) {
	item, err := s.deps.Store.Item(ctx, p.PoolID, store.KindProviderDocument, p.Name)
	if err != nil {
		return nil, s.providers.OrNotFound(p.Name, err)
	}
	key := p.PoolID + " " + p.Name
	old, ok := s.samls.GetIfPresent(key)
	if ok && old.version == p.Version && old.text == item.Version {
		return old, nil
	}
	doc, err := decodeMetadata(&item)
	if err != nil {
		return nil, err
	}
	c := &samlConnection{version: p.Version, text: item.Version, fetchedAt: time.UnixMilli(doc.FetchedAt)}
	if ok {
		c.tried.Store(old.tried.Load())
	}
	if c.metadata, err = saml.ParseMetadata([]byte(doc.Text), time.Time{}); err != nil {
		return nil, err
	}
	if c.provider, err = s.newSAML(ctx, sn, p, c.metadata); err != nil {
		return nil, err
	}
	s.samls.Set(key, c)
	return c, nil
}

// replaceMetadata stores fetched metadata, and returns the provider with what is stored then.
// While it was fetched, an administrator may have changed the provider, so that the metadata
// is that of another URL, or deleted it. The metadata is dropped then.
func (s *Service) replaceMetadata(ctx context.Context, sn *pool.Snapshot, p *Provider, text string) (*samlConnection, error) {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		i, err := tx.LockItem(ctx, p.PoolID, kind.Name, p.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && i.Version != p.Version {
			return nil
		}
		if err != nil {
			return err
		}
		return s.putMetadata(ctx, tx, p.PoolID, p.Name, text)
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	return s.loadSAML(ctx, sn, p)
}

func (s *Service) newSAML(ctx context.Context, sn *pool.Snapshot, p *Provider, metadata *saml.Metadata) (*saml.Provider, error) {
	signer, _, err := s.signing(ctx, sn.ID)
	if err != nil {
		return nil, err
	}
	decrypter, err := s.openRSA(p.PoolID, p.Name, encryptionKey, p.doc.SAML.Key)
	if err != nil {
		return nil, err
	}
	return saml.New(saml.Settings{
		Metadata: metadata, EntityID: EntityID(sn.ID), Signer: signer, SignRequests: p.signsRequests(), Decrypter: decrypter,
		EncryptedResponses: p.has(keyEncrypted), IDPInit: p.has(keyIDPInit), IDPSignout: p.has(keyIDPSignout), Now: s.deps.Now,
	})
}

// ServiceMetadata returns the metadata document of the pool as a service provider, for the
// provider of this name or, if p is nil, for all of them. One provider of SAML is all of them.
func (s *Service) ServiceMetadata(ctx context.Context, sn *pool.Snapshot, p *Provider, consumer, logout string) ([]byte, error) {
	_, certificate, err := s.signing(ctx, sn.ID)
	if err != nil {
		return nil, err
	}
	readers := []*Provider{p}
	if p == nil {
		all, err := s.List(ctx, sn)
		if err != nil {
			return nil, err
		}
		readers = slices.DeleteFunc(slices.Clone(all), func(p *Provider) bool { return p.Type != SAML })
	}
	service := saml.Service{
		EntityID: EntityID(sn.ID), AssertionConsumer: consumer, Logout: logout, SigningCertificate: certificate,
		// A reader refuses unsigned requests where the document promises signatures.
		SignRequests: len(readers) > 0 && !slices.ContainsFunc(readers, func(p *Provider) bool { return !p.signsRequests() }),
	}
	if len(readers) == 1 { // Each provider has a key of its own.
		service.EncryptionCertificate = readers[0].doc.SAML.Certificate
	}
	return saml.ServiceMetadata(service), nil
}
