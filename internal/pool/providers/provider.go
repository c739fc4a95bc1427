package providers

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/federation/oidc"
	"cognate/internal/pool"
)

// SAML is the type of SAML providers, as the API names it.
const SAML = "SAML"

// Keys of the ProviderDetails of SAML providers.
const (
	keyMetadataURL       = "MetadataURL"
	keyMetadataFile      = "MetadataFile"
	keyIDPSignout        = "IDPSignout"
	keyIDPInit           = "IDPInit"
	keyEncrypted         = "EncryptedResponses"
	keySigningAlgorithm  = "RequestSigningAlgorithm"
	keySSOURL            = "SSORedirectBindingURI"
	keySLOURL            = "SLORedirectBindingURI"
	keyActiveCertificate = "ActiveEncryptionCertificate"
)

// document is the stored document of a provider. Its key is the provider's name.
type document struct {
	Type string
	// Details are those that the administrator set, but for secrets and long texts.
	Details map[string]string
	// Secrets are the other secret details as JSON, sealed.
	Secrets []byte            `json:",omitempty"`
	Mapping map[string]string `json:",omitempty"`
	// Identifiers are other names by which people find the provider.
	Identifiers []string `json:",omitempty"`
	// Levels are the provider's names of the pool's authentication levels.
	Levels map[string]string `json:",omitempty"`
	// Linked are the attributes by which users are linked to people of the provider.
	Linked []string `json:",omitempty"`
	// SAML is nil for other providers.
	SAML *samlFacts `json:",omitempty"`
}

// samlFacts are what a SAML provider's metadata says, and the pool's key for the provider.
type samlFacts struct {
	EntityID, SSOURL string
	SLOURL           string `json:",omitempty"`
	// Key decrypts assertions: PKCS #8, sealed. Certificate is Base64 of DER.
	Key         []byte
	Certificate string
}

// Provider is one identity provider of a pool. It never changes.
type Provider struct {
	PoolID, Name, Type string
	Version            int64
	// Details are those that are neither secret nor long.
	Details map[string]string
	// Mapping has the provider's claims by the pool's attributes.
	Mapping     map[string]string
	Identifiers []string
	Levels      map[string]string
	// Linked are the pool's attributes by which users are linked to people of the provider.
	Linked []string
	// EntityID is the name of a SAML provider.
	EntityID string

	doc *document
}

func newProvider(i *pool.Item[document]) *Provider {
	p := &Provider{
		PoolID: i.PoolID, Name: i.Key, Type: i.Doc.Type, Version: i.Version, Details: i.Doc.Details, Mapping: i.Doc.Mapping,
		Identifiers: i.Doc.Identifiers, Levels: i.Doc.Levels, Linked: i.Doc.Linked, doc: &i.Doc,
	}
	if i.Doc.SAML != nil {
		p.EntityID = i.Doc.SAML.EntityID
	}
	return p
}

// has reports whether a detail is switched on.
func (p *Provider) has(key string) bool { return strings.EqualFold(p.Details[key], "true") }

// AllowsUnsolicited reports whether people may come from the provider without a request
// (Cognito: IdP-initiated SAML sign-in).
func (p *Provider) AllowsUnsolicited() bool { return p.Type == SAML && p.has(keyIDPInit) }

// SignsOut reports whether a sign-out of the pool reaches the provider.
func (p *Provider) SignsOut() bool { return p.Type == SAML && p.has(keyIDPSignout) }

// signsRequests reports whether requests to a SAML provider are signed.
func (p *Provider) signsRequests() bool { return p.Details[keySigningAlgorithm] != "" }

// SubjectSource is the claim that names a person at the provider; "" for SAML, whose NameID
// is not a claim.
func (p *Provider) SubjectSource() string { return oidc.SubjectClaim(p.Type) }

// HasIdentifier reports whether the text is one of the provider's identifiers.
func (p *Provider) HasIdentifier(text string) bool { return slices.Contains(p.Identifiers, text) }

// describe returns the provider as the API shows it. secrets are the opened secrets, and
// metadata is the text of MetadataFile.
func describe(i *pool.Item[document], secrets map[string]string, metadata string) *idp.IdentityProviderType {
	d := &i.Doc
	details := maps.Clone(d.Details)
	if details == nil {
		details = map[string]string{}
	}
	maps.Copy(details, secrets)
	if d.Type == SAML {
		if metadata != "" {
			details[keyMetadataFile] = metadata
		}
		details[keySSOURL], details[keyActiveCertificate] = d.SAML.SSOURL, d.SAML.Certificate
		if d.SAML.SLOURL != "" {
			details[keySLOURL] = d.SAML.SLOURL
		}
	} else {
		details = oidc.Describe(d.Type, details)
	}
	out := &idp.IdentityProviderType{
		UserPoolId: &i.PoolID, ProviderName: &i.Key, ProviderType: idp.IdentityProviderTypeType(d.Type), ProviderDetails: details,
		AttributeMapping: d.Mapping, IdpIdentifiers: d.Identifiers, LastModifiedDate: i.ModifiedAt, CreationDate: i.CreatedAt, AcrMapping: d.Levels,
	}
	if out.IdpIdentifiers == nil {
		out.IdpIdentifiers = []string{}
	}
	return out
}

// IsSocial reports whether the provider is one of the four with a type of their own.
func (p *Provider) IsSocial() bool { return slices.Contains(social, p.Type) }

// LevelName returns the provider's name of an authentication level; "" if it has no name for it.
func (p *Provider) LevelName(level int) string { return p.Levels["Level"+strconv.Itoa(level)] }

// LevelOf returns the authentication level of the provider's name. Without names of levels it
// returns 0, and for a name that is not one of them the lowest level (Cognito: AcrMapping).
func (p *Provider) LevelOf(name string) int {
	if len(p.Levels) == 0 {
		return 0
	}
	for level := 4; level > 1; level-- {
		if p.LevelName(level) == name && name != "" {
			return level
		}
	}
	return 1
}
