package account

import (
	"context"
	"crypto/sha1" //nolint:gosec // the form of thumbprints
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"cognate/internal/api/iamapi"
	"cognate/internal/iam"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// CreateOpenIDConnectProvider registers an OpenID Connect provider.
func (s *Service) CreateOpenIDConnectProvider(ctx context.Context, in *iamapi.CreateOpenIDConnectProviderRequest) (*iamapi.CreateOpenIDConnectProviderResponse, error) {
	name, ok := iam.ProviderName(in.Url)
	if !ok || !strings.HasPrefix(in.Url, "https://") {
		return nil, iamapi.InvalidInputException("Invalid Open ID Connect Provider URL")
	}
	e, err := record.New(store.IAMOIDCProvider, name, "/", partition(ctx), s.deps.Now(), s.deps.Rand)
	if err != nil {
		return nil, err
	}
	for _, id := range in.ClientIDList {
		if err := addClientID(e, id); err != nil {
			return nil, err
		}
	}
	if err := setThumbprints(e, in.ThumbprintList); err != nil {
		return nil, err
	}
	if len(in.ThumbprintList) == 0 {
		// AWS fetches the certificate of the provider. Here nothing depends on it, and clients want a thumbprint that stays.
		sum := sha1.Sum([]byte(e.Name)) //nolint:gosec // not for security
		e.Thumbprints = []string{hex.EncodeToString(sum[:])}
	}
	if err := addTags(e, in.Tags); err != nil {
		return nil, err
	}
	if err := s.create(ctx, e, nil); err != nil {
		return nil, err
	}
	return &iamapi.CreateOpenIDConnectProviderResponse{OpenIDConnectProviderArn: new(e.ARN(s.deps.AccountID)), Tags: tagsOf(e)}, nil
}

func addClientID(e *record.Entity, id string) error {
	if slices.Contains(e.ClientIDs, id) {
		return nil
	}
	if len(e.ClientIDs) >= maxClientIDs {
		return iamapi.LimitExceededExceptionf("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
	}
	e.ClientIDs = append(e.ClientIDs, id)
	return nil
}

func setThumbprints(e *record.Entity, list []string) error {
	if len(list) > maxThumbprints {
		return iamapi.InvalidInputExceptionf("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	e.Thumbprints = nil
	for _, t := range list {
		if _, err := hex.DecodeString(t); err != nil {
			return iamapi.InvalidInputException("Thumbprint must be a hexadecimal string.")
		}
		e.Thumbprints = append(e.Thumbprints, strings.ToLower(t))
	}
	return nil
}

// GetOpenIDConnectProvider shows a provider.
func (s *Service) GetOpenIDConnectProvider(ctx context.Context, in *iamapi.GetOpenIDConnectProviderRequest) (*iamapi.GetOpenIDConnectProviderResponse, error) {
	e, err := s.findByARN(ctx, &s.deps.Store.Reader, store.IAMOIDCProvider, in.OpenIDConnectProviderArn)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetOpenIDConnectProviderResponse{
		Url: &e.Name, ClientIDList: slices.Concat([]string{}, e.ClientIDs), ThumbprintList: slices.Concat([]string{}, e.Thumbprints), CreateDate: e.CreatedAt, Tags: tagsOf(e),
	}, nil
}

// ListOpenIDConnectProviders lists the ARNs of all providers.
func (s *Service) ListOpenIDConnectProviders(ctx context.Context, _ *iamapi.ListOpenIDConnectProvidersRequest) (*iamapi.ListOpenIDConnectProvidersResponse, error) {
	rows, err := s.deps.Store.IAMEntities(ctx, store.IAMOIDCProvider, "", perAccount[store.IAMOIDCProvider].max)
	out := &iamapi.ListOpenIDConnectProvidersResponse{OpenIDConnectProviderList: []iamapi.OpenIDConnectProviderListEntry{}}
	for _, row := range rows {
		e, err := record.Read(row)
		if err != nil {
			return nil, err
		}
		out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, iamapi.OpenIDConnectProviderListEntry{Arn: new(e.ARN(s.deps.AccountID))})
	}
	return out, err
}

// DeleteOpenIDConnectProvider removes a provider. A provider that does not exist is no error.
func (s *Service) DeleteOpenIDConnectProvider(ctx context.Context, in *iamapi.DeleteOpenIDConnectProviderRequest) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := s.findByARN(ctx, &tx.Reader, store.IAMOIDCProvider, in.OpenIDConnectProviderArn)
		if errors.Is(err, iamapi.NoSuchEntityException("")) {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.DeleteIAMEntity(ctx, e.Kind, e.Key)
	})
}

// UpdateOpenIDConnectProviderThumbprint replaces the thumbprints of a provider.
func (s *Service) UpdateOpenIDConnectProviderThumbprint(ctx context.Context, in *iamapi.UpdateOpenIDConnectProviderThumbprintRequest) error {
	if len(in.ThumbprintList) == 0 {
		return iamapi.InvalidInputException("Thumbprint list must not be empty.")
	}
	return s.editByARN(ctx, store.IAMOIDCProvider, in.OpenIDConnectProviderArn, func(_ *store.Tx, e *record.Entity) error {
		return setThumbprints(e, in.ThumbprintList)
	})
}

// AddClientIDToOpenIDConnectProvider adds an audience to a provider.
func (s *Service) AddClientIDToOpenIDConnectProvider(ctx context.Context, in *iamapi.AddClientIDToOpenIDConnectProviderRequest) error {
	return s.editByARN(ctx, store.IAMOIDCProvider, in.OpenIDConnectProviderArn, func(_ *store.Tx, e *record.Entity) error {
		return addClientID(e, in.ClientID)
	})
}

// RemoveClientIDFromOpenIDConnectProvider removes an audience from a provider. An audience that
// the provider does not have is no error.
func (s *Service) RemoveClientIDFromOpenIDConnectProvider(ctx context.Context, in *iamapi.RemoveClientIDFromOpenIDConnectProviderRequest) error {
	return s.editByARN(ctx, store.IAMOIDCProvider, in.OpenIDConnectProviderArn, func(_ *store.Tx, e *record.Entity) error {
		e.ClientIDs = slices.DeleteFunc(e.ClientIDs, func(id string) bool { return id == in.ClientID })
		return nil
	})
}
