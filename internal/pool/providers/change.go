package providers

import (
	"context"
	"errors"
	"maps"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/federation/oidc"
	"cognate/internal/federation/saml"
)

// newDetails are checked details of a request, as they are stored.
type newDetails struct {
	given    map[string]string // neither secret nor long
	secrets  map[string]string
	metadata string // of a SAML provider
	parsed   *saml.Metadata
}

// checkDetails checks the details of a request. It may call the provider, so that no
// transaction may be open. old are the secrets that stay unless the request replaces them.
func (s *Service) checkDetails(ctx context.Context, name, kind string, details, old map[string]string) (*newDetails, error) {
	if kind == SAML {
		return s.checkSAML(ctx, name, details)
	}
	merged := maps.Clone(details)
	for key, value := range old {
		if _, sent := merged[key]; !sent {
			merged[key] = value
		}
	}
	if err := oidc.Check(ctx, s.deps.Client, kind, merged); err != nil {
		e := idp.InvalidParameterException(err.Error())
		if discovery, ok := errors.AsType[*oidc.DiscoveryError](err); ok {
			e = e.WithCause(discovery.Cause)
		}
		return nil, e
	}
	out := &newDetails{given: oidc.Given(kind, merged)}
	out.secrets = splitSecrets(out.given)
	return out, nil
}

// Longest values of details, in bytes.
const (
	maxMetadata = 1 << 20
	maxDetail   = 2048
)

// checkSAML checks the details of a SAML provider and reads its metadata.
func (s *Service) checkSAML(ctx context.Context, name string, details map[string]string) (*newDetails, error) {
	out := &newDetails{given: map[string]string{}}
	for key, value := range details {
		switch key {
		case keyMetadataFile:
			if len(value) > maxMetadata {
				return nil, invalid("MetadataFile is too long.")
			}
			continue
		case keyMetadataURL:
			if len(value) > maxDetail {
				return nil, invalid("MetadataURL is too long.")
			}
		case keyIDPSignout, keyIDPInit, keyEncrypted:
			if !strings.EqualFold(value, "true") && !strings.EqualFold(value, "false") {
				return nil, invalid(key + " must be true or false.")
			}
		case keySigningAlgorithm:
			if value != "rsa-sha256" {
				return nil, invalid("RequestSigningAlgorithm must be rsa-sha256.")
			}
		case keySSOURL, keySLOURL, keyActiveCertificate: // What is read back may be sent back.
			continue
		default:
			return nil, invalid("ProviderDetails contains an unknown key: " + key[:min(len(key), 64)])
		}
		out.given[key] = value
	}
	file, url := details[keyMetadataFile], details[keyMetadataURL]
	var err error
	switch {
	case (file == "") == (url == ""):
		return nil, invalid("Either MetadataFile or MetadataURL must be provided.")
	case url != "":
		out.metadata, out.parsed, err = s.fetchMetadata(ctx, name, url)
	default:
		out.metadata = file
		if out.parsed, err = saml.ParseMetadata([]byte(file), s.deps.Now()); err != nil {
			err = invalid(err.Error())
		}
	}
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(details[keyIDPSignout], "true") && out.parsed.SLOURL == "" {
		return nil, invalid("IDPSignout needs a SingleLogoutService with the HTTP-Redirect binding in the metadata.")
	}
	return out, nil
}

// apply writes the details into a provider's document. A SAML provider gets its key once.
func (s *Service) apply(poolID, name string, d *document, n *newDetails) (err error) {
	d.Details = n.given
	if d.Secrets, err = s.sealSecrets(poolID, name, n.secrets); err != nil || n.parsed == nil {
		return err
	}
	if d.SAML == nil {
		key, sealed, err := s.newRSA(poolID, name, encryptionKey)
		if err != nil {
			return err
		}
		certificate, err := saml.NewEncryptionCertificate(key, certificateIssuer+poolID, s.deps.Now())
		if err != nil {
			return err
		}
		d.SAML = &samlFacts{Key: sealed, Certificate: certificate}
	}
	d.SAML.EntityID, d.SAML.SSOURL, d.SAML.SLOURL = n.parsed.EntityID, n.parsed.SSOURL, n.parsed.SLOURL
	return nil
}
