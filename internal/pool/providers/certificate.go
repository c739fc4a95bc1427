package providers

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/federation/saml"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A pool signs its requests of SAML providers by one key. Its certificate is renewed each
// year with the same key, so that providers that know an older certificate accept the
// signatures (Cognito: GetSigningCertificate).

const (
	rsaBits           = 2048
	certificateAge    = 365 * 24 * time.Hour
	signingKeyName    = "current"
	serviceProvider   = "urn:amazon:cognito:sp:"
	certificateIssuer = "Cognate user pool "
)

// EntityID returns the name of a pool as a SAML service provider.
func EntityID(poolID string) string { return serviceProvider + poolID }

// signingDocument is the stored document of the key.
type signingDocument struct {
	Key         []byte // PKCS #8, sealed
	Certificate string // Base64 of DER
	CertifiedAt int64  // milliseconds
}

// newRSA makes a key, and returns it sealed for a document of the pool.
func (s *Service) newRSA(poolID, name, what string) (*rsa.PrivateKey, []byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, nil, err
	}
	body, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, s.deps.Ring.Seal(keys.PurposeProviderSecret, sealContext(poolID, name, what), body), nil
}

func (s *Service) openRSA(poolID, name, what string, sealed []byte) (*rsa.PrivateKey, error) {
	body, err := s.deps.Ring.Open(keys.PurposeProviderSecret, sealContext(poolID, name, what), sealed)
	if err != nil {
		return nil, fmt.Errorf("providers: key %s of %s of %s: %w", what, name, poolID, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(body)
	if err != nil {
		return nil, errors.New("providers: malformed private key") // the cause might quote it
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("providers: the private key is not RSA")
	}
	return key, nil
}

const (
	encryptionKey = "encryption key"
	signingKey    = "signing key"
)

// signing returns the pool's key and certificate. It makes them where they are missing, and
// a new certificate for a year.
func (s *Service) signing(ctx context.Context, poolID string) (*rsa.PrivateKey, string, error) {
	for {
		item, err := s.deps.Store.Item(ctx, poolID, store.KindSAMLKey, signingKeyName)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, "", err
		}
		var d signingDocument
		if err == nil {
			if err := json.Unmarshal(item.Doc, &d); err != nil {
				return nil, "", fmt.Errorf("providers: signing key of %s: %w", poolID, err)
			}
			key, err := s.openRSA(poolID, signingKeyName, signingKey, d.Key)
			if err != nil || s.deps.Now().Sub(time.UnixMilli(d.CertifiedAt)) < certificateAge {
				return key, d.Certificate, err
			}
		}
		err = s.certify(ctx, poolID, &item, d)
		if err != nil && !errors.Is(err, store.ErrExists) && !errors.Is(err, store.ErrConflict) {
			return nil, "", err
		}
	}
}

// certify stores a certificate of a year for the key, and the key if there is none.
func (s *Service) certify(ctx context.Context, poolID string, item *store.Item, d signingDocument) (err error) {
	now := s.deps.Now()
	var key *rsa.PrivateKey
	isNew := len(d.Key) == 0
	if isNew {
		key, d.Key, err = s.newRSA(poolID, signingKeyName, signingKey)
	} else {
		key, err = s.openRSA(poolID, signingKeyName, signingKey, d.Key)
	}
	if err != nil {
		return err
	}
	if d.Certificate, err = saml.NewSigningCertificate(key, certificateIssuer+poolID, now); err != nil {
		return err
	}
	d.CertifiedAt = now.UnixMilli()
	body, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if !isNew {
			changed := *item
			changed.Doc, changed.ModifiedAt = body, now
			return tx.UpdateItem(ctx, changed)
		}
		if err := s.deps.Pools.Hold(ctx, tx, poolID); err != nil {
			return err
		}
		return tx.InsertItem(ctx, store.Item{PoolID: poolID, Kind: store.KindSAMLKey, Key: signingKeyName, Version: 1, CreatedAt: now, ModifiedAt: now, Doc: body})
	})
}

// GetSigningCertificate returns the certificate by which SAML providers check the pool's
// requests.
func (s *Service) GetSigningCertificate(ctx context.Context, in *idp.GetSigningCertificateRequest) (*idp.GetSigningCertificateResponse, error) {
	sn, err := s.deps.Pools.Read(ctx, in.UserPoolId)
	if err != nil {
		return nil, err
	}
	_, certificate, err := s.signing(ctx, sn.ID)
	if err != nil {
		return nil, err
	}
	return &idp.GetSigningCertificateResponse{Certificate: &certificate}, nil
}
