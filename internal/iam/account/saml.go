package account

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// checkMetadata reads the metadata of a SAML provider, and sets until when it is valid.
func (s *Service) checkMetadata(e *record.Entity, text string) error {
	until, err := s.deps.CheckMetadata([]byte(text))
	if err != nil {
		return iamapi.InvalidInputException("Could not parse metadata").WithCause(err)
	}
	e.ValidUntil = until
	return nil
}

// noEncryption refuses what belongs to encrypted assertions.
func noEncryption(mode iamapi.AssertionEncryptionModeType, private ...*string) error {
	if mode != "" || slices.ContainsFunc(private, func(v *string) bool { return v != nil }) {
		return iamapi.InvalidInputException("Encrypted assertions are not available in this version of Cognate")
	}
	return nil
}

func putMetadata(ctx context.Context, tx *store.Tx, e *record.Entity, text string) error {
	if err := dropMetadata(ctx, tx, e); err != nil {
		return err
	}
	return tx.InsertIAMEntity(ctx, store.IAMEntity{Kind: store.IAMSAMLMetadata, Key: e.Key, ID: e.ID, Name: e.Name, Path: "/", CreatedAt: e.CreatedAt, Doc: []byte(text)})
}

func dropMetadata(ctx context.Context, tx *store.Tx, e *record.Entity) error {
	err := tx.DeleteIAMEntity(ctx, store.IAMSAMLMetadata, e.Key)
	if err == store.ErrNotFound { //nolint:errorlint // the store returns it bare
		return nil
	}
	return err
}

// CreateSAMLProvider registers a SAML provider.
func (s *Service) CreateSAMLProvider(ctx context.Context, in *iamapi.CreateSAMLProviderRequest) (*iamapi.CreateSAMLProviderResponse, error) {
	if err := noEncryption(in.AssertionEncryptionMode, in.AddPrivateKey); err != nil {
		return nil, err
	}
	e, err := record.New(store.IAMSAMLProvider, in.Name, "/", partition(ctx), s.deps.Now(), s.deps.Rand)
	if err != nil {
		return nil, err
	}
	if err := s.checkMetadata(e, in.SAMLMetadataDocument); err != nil {
		return nil, err
	}
	if err := addTags(e, in.Tags); err != nil {
		return nil, err
	}
	err = s.create(ctx, e, func(tx *store.Tx) error { return putMetadata(ctx, tx, e, in.SAMLMetadataDocument) })
	return &iamapi.CreateSAMLProviderResponse{SAMLProviderArn: new(e.ARN(s.deps.AccountID)), Tags: tagsOf(e)}, err
}

// GetSAMLProvider shows a provider with its metadata.
func (s *Service) GetSAMLProvider(ctx context.Context, in *iamapi.GetSAMLProviderRequest) (out *iamapi.GetSAMLProviderResponse, err error) {
	err = s.deps.Store.View(ctx, func(r *store.Reader) error {
		e, err := s.findByARN(ctx, r, store.IAMSAMLProvider, in.SAMLProviderArn)
		if err != nil {
			return err
		}
		row, err := r.IAMEntity(ctx, store.IAMSAMLMetadata, e.Key)
		out = &iamapi.GetSAMLProviderResponse{
			SAMLProviderUUID: &e.ID, SAMLMetadataDocument: new(string(row.Doc)), CreateDate: e.CreatedAt, ValidUntil: e.ValidUntil, Tags: tagsOf(e),
		}
		return err
	})
	return out, err
}

// ListSAMLProviders lists all providers.
func (s *Service) ListSAMLProviders(ctx context.Context, _ *iamapi.ListSAMLProvidersRequest) (*iamapi.ListSAMLProvidersResponse, error) {
	rows, err := s.deps.Store.IAMEntities(ctx, store.IAMSAMLProvider, "", perAccount[store.IAMSAMLProvider].max)
	out := &iamapi.ListSAMLProvidersResponse{SAMLProviderList: []iamapi.SAMLProviderListEntry{}}
	for _, row := range rows {
		e, err := record.Read(row)
		if err != nil {
			return nil, err
		}
		out.SAMLProviderList = append(out.SAMLProviderList, iamapi.SAMLProviderListEntry{Arn: new(e.ARN(s.deps.AccountID)), ValidUntil: e.ValidUntil, CreateDate: e.CreatedAt})
	}
	return out, err
}

// UpdateSAMLProvider replaces the metadata of a provider.
func (s *Service) UpdateSAMLProvider(ctx context.Context, in *iamapi.UpdateSAMLProviderRequest) (*iamapi.UpdateSAMLProviderResponse, error) {
	if err := noEncryption(in.AssertionEncryptionMode, in.AddPrivateKey, in.RemovePrivateKey); err != nil {
		return nil, err
	}
	err := s.editByARN(ctx, store.IAMSAMLProvider, in.SAMLProviderArn, func(tx *store.Tx, e *record.Entity) error {
		if in.SAMLMetadataDocument == nil {
			return nil
		}
		if err := s.checkMetadata(e, api.Val(in.SAMLMetadataDocument)); err != nil {
			return err
		}
		return putMetadata(ctx, tx, e, *in.SAMLMetadataDocument)
	})
	return &iamapi.UpdateSAMLProviderResponse{SAMLProviderArn: &in.SAMLProviderArn}, err
}

// DeleteSAMLProvider removes a provider.
func (s *Service) DeleteSAMLProvider(ctx context.Context, in *iamapi.DeleteSAMLProviderRequest) error {
	return s.write(ctx, func(tx *store.Tx) error {
		e, err := s.findByARN(ctx, &tx.Reader, store.IAMSAMLProvider, in.SAMLProviderArn)
		if err != nil {
			return err
		}
		if err := dropMetadata(ctx, tx, e); err != nil {
			return err
		}
		return tx.DeleteIAMEntity(ctx, e.Kind, e.Key)
	})
}
