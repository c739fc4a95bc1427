package providers

import (
	"bytes"
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// CreateIdentityProvider adds a provider. It reads the provider's metadata or discovery
// document first.
func (s *Service) CreateIdentityProvider(ctx context.Context, in *idp.CreateIdentityProviderRequest) (*idp.CreateIdentityProviderResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	kind := string(in.ProviderType)
	if err := checkName(in.ProviderName, kind); err != nil {
		return nil, err
	}
	if err := checkLevels(kind, in.AcrMapping); err != nil {
		return nil, err
	}
	if err := s.checkFree(ctx, sn.ID, in.ProviderName); err != nil {
		return nil, err
	}
	details, err := s.checkDetails(ctx, in.ProviderName, kind, in.ProviderDetails, nil)
	if err != nil {
		return nil, err
	}
	doc := document{Type: kind, Mapping: withUsername(kind, in.AttributeMapping), Identifiers: in.IdpIdentifiers, Levels: in.AcrMapping}
	if err := s.apply(sn.ID, in.ProviderName, &doc, details); err != nil {
		return nil, err
	}
	var item *pool.Item[document]
	err = s.deps.Pools.Change(ctx, sn.ID, func(tx *store.Tx, sn *pool.Snapshot) error {
		if err := s.checkRest(ctx, tx, sn, in.ProviderName, &doc); err != nil {
			return err
		}
		if err := s.checkDistinct(ctx, tx, sn, in.ProviderName); err != nil {
			return err
		}
		if doc.Linked, err = s.takeLinks(ctx, tx, sn.ID, in.ProviderName); err != nil {
			return err
		}
		if item, err = s.providers.Create(ctx, tx, sn.ID, in.ProviderName, doc); err != nil || details.metadata == "" {
			return err
		}
		return s.putMetadata(ctx, tx, sn.ID, in.ProviderName, details.metadata)
	})
	if err != nil {
		return nil, err
	}
	out, err := s.shape(ctx, item)
	return &idp.CreateIdentityProviderResponse{IdentityProvider: out}, err
}

// checkFree rejects a name that is taken, before the provider is called.
func (s *Service) checkFree(ctx context.Context, poolID, name string) error {
	_, err := s.deps.Store.Item(ctx, poolID, kind.Name, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return kind.Exists(poolID, name)
}

// checkRest checks what depends on the rest of the pool.
func (s *Service) checkRest(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, name string, d *document) error {
	if err := checkMapping(sn, d.Mapping); err != nil {
		return err
	}
	if len(d.Identifiers) == 0 {
		return nil
	}
	all, err := itemsOf(ctx, tx, sn.ID)
	if err != nil {
		return err
	}
	return checkIdentifiers(all, name, d.Identifiers)
}

// itemsOf returns the providers of a pool as the transaction sees them.
func itemsOf(ctx context.Context, tx *store.Tx, poolID string) ([]*pool.Item[document], error) {
	records, err := tx.Items(ctx, poolID, kind.Name, "", maxProviders)
	if err != nil {
		return nil, err
	}
	return pool.DecodeItems[document](records)
}

// checkDistinct rejects a name that differs from another provider's name only by case, where
// usernames do not differ by case: their people would have the same usernames.
func (s *Service) checkDistinct(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, name string) error {
	if sn.CaseSensitive {
		return nil
	}
	all, err := itemsOf(ctx, tx, sn.ID)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.Key != name && sn.FoldUsername(other.Key) == sn.FoldUsername(name) {
			return idp.DuplicateProviderException("The provider " + other.Key + " has the same name in another case. Usernames of this pool do not differ by case.")
		}
	}
	return nil
}

// shape returns the provider as the API shows it.
func (s *Service) shape(ctx context.Context, i *pool.Item[document]) (*idp.IdentityProviderType, error) {
	secrets, err := s.openSecrets(i.PoolID, i.Key, &i.Doc)
	if err != nil {
		return nil, err
	}
	metadata := ""
	if i.Doc.Type == SAML && i.Doc.Details[keyMetadataURL] == "" {
		d, _, err := readMetadata(ctx, &s.deps.Store.Reader, i.PoolID, i.Key)
		if err != nil {
			return nil, s.providers.OrNotFound(i.Key, err)
		}
		metadata = d.Text
	}
	return describe(i, secrets, metadata), nil
}

// UpdateIdentityProvider replaces the members that the request has. Secrets that it leaves
// out stay.
func (s *Service) UpdateIdentityProvider(ctx context.Context, in *idp.UpdateIdentityProviderRequest) (*idp.UpdateIdentityProviderResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	old, err := s.providers.Get(ctx, sn.ID, in.ProviderName)
	if err != nil {
		return nil, err
	}
	kind := old.Doc.Type
	if err := checkLevels(kind, in.AcrMapping); err != nil {
		return nil, err
	}
	var details *newDetails
	if in.ProviderDetails != nil {
		secrets, err := s.openSecrets(sn.ID, in.ProviderName, &old.Doc)
		if err != nil {
			return nil, err
		}
		if details, err = s.checkDetails(ctx, in.ProviderName, kind, in.ProviderDetails, secrets); err != nil {
			return nil, err
		}
	}
	var item *pool.Item[document]
	err = s.deps.Pools.Change(ctx, sn.ID, func(tx *store.Tx, sn *pool.Snapshot) error {
		item, err = s.providers.Change(ctx, tx, sn.ID, in.ProviderName, func(d *document) error {
			// Another provider may have taken the name, or the secrets that details keeps may be
			// old: the provider was called in between.
			if d.Type != kind || details != nil && !bytes.Equal(d.Secrets, old.Doc.Secrets) {
				return idp.ConcurrentModificationException("The identity provider was changed at the same time.")
			}
			if in.AttributeMapping != nil {
				d.Mapping = withUsername(kind, in.AttributeMapping)
			}
			if in.IdpIdentifiers != nil {
				d.Identifiers = in.IdpIdentifiers
			}
			if in.AcrMapping != nil {
				d.Levels = in.AcrMapping
			}
			if details != nil {
				if err := s.apply(sn.ID, in.ProviderName, d, details); err != nil {
					return err
				}
			}
			return s.checkRest(ctx, tx, sn, in.ProviderName, d)
		})
		if err != nil || details == nil || details.metadata == "" {
			return err
		}
		return s.putMetadata(ctx, tx, sn.ID, in.ProviderName, details.metadata)
	})
	if err != nil {
		return nil, err
	}
	out, err := s.shape(ctx, item)
	return &idp.UpdateIdentityProviderResponse{IdentityProvider: out}, err
}

// DescribeIdentityProvider returns a provider.
func (s *Service) DescribeIdentityProvider(ctx context.Context, in *idp.DescribeIdentityProviderRequest) (*idp.DescribeIdentityProviderResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	item, err := s.providers.Get(ctx, sn.ID, in.ProviderName)
	if err != nil {
		return nil, err
	}
	out, err := s.shape(ctx, item)
	return &idp.DescribeIdentityProviderResponse{IdentityProvider: out}, err
}

// GetIdentityProviderByIdentifier returns the provider that has the identifier.
func (s *Service) GetIdentityProviderByIdentifier(ctx context.Context, in *idp.GetIdentityProviderByIdentifierRequest) (*idp.GetIdentityProviderByIdentifierResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	p, err := s.find(ctx, sn, func(p *Provider) bool { return p.HasIdentifier(in.IdpIdentifier) })
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, notFound(in.IdpIdentifier)
	}
	item, err := s.providers.Get(ctx, sn.ID, p.Name)
	if err != nil {
		return nil, err
	}
	out, err := s.shape(ctx, item)
	return &idp.GetIdentityProviderByIdentifierResponse{IdentityProvider: out}, err
}

// maxPage is the largest page of ListIdentityProviders.
const maxPage = 60

// ListIdentityProviders lists a pool's providers by name.
func (s *Service) ListIdentityProviders(ctx context.Context, in *idp.ListIdentityProvidersRequest) (*idp.ListIdentityProvidersResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	size := maxPage
	if n := int(api.Val(in.MaxResults)); n > 0 {
		size = n
	}
	items, next, err := s.providers.Page(ctx, sn.ID, in.NextToken, size)
	if err != nil {
		return nil, err
	}
	out := &idp.ListIdentityProvidersResponse{Providers: []idp.ProviderDescription{}, NextToken: next}
	for _, i := range items {
		out.Providers = append(out.Providers, idp.ProviderDescription{
			ProviderName: &i.Key, ProviderType: idp.IdentityProviderTypeType(i.Doc.Type), LastModifiedDate: i.ModifiedAt, CreationDate: i.CreatedAt,
		})
	}
	return out, nil
}

// DeleteIdentityProvider removes a provider. Its users and links stay, and app clients keep
// its name.
func (s *Service) DeleteIdentityProvider(ctx context.Context, in *idp.DeleteIdentityProviderRequest) error {
	return s.deps.Pools.Change(ctx, in.UserPoolId, func(tx *store.Tx, sn *pool.Snapshot) error {
		record, err := tx.Item(ctx, sn.ID, kind.Name, in.ProviderName)
		if err != nil {
			return s.providers.OrNotFound(in.ProviderName, err)
		}
		item, err := pool.DecodeItem[document](record)
		if err != nil {
			return err
		}
		if err := s.keepLinks(ctx, tx, item); err != nil {
			return err
		}
		if err := s.providers.Delete(ctx, tx, sn.ID, in.ProviderName); err != nil {
			return err
		}
		err = tx.DeleteItem(ctx, sn.ID, store.KindProviderDocument, in.ProviderName)
		if errors.Is(err, store.ErrNotFound) {
			return nil // Only SAML providers have one.
		}
		return err
	})
}
