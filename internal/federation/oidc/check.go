package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/federation/fetch"
)

// maxDetail is the longest detail, in bytes.
const maxDetail = 4096

// Check rejects details that a provider cannot have. If the endpoints are to be discovered,
// it fetches the discovery document. Its errors are texts for the caller of the API.
func Check(ctx context.Context, client *fetch.Client, providerType string, details map[string]string) error {
	k := kinds[providerType]
	if k == nil {
		return unknownType(providerType)
	}
	if err := k.checkKeys(details); err != nil {
		return err
	}
	switch providerType {
	case OIDC:
		return checkOIDC(ctx, client, details)
	case SignInWithApple:
		return checkApple(details)
	case Facebook:
		if version := details[keyAPIVersion]; version != "" && !isGraphVersion(version) {
			return errors.New("api_version must be a version such as v17.0")
		}
	}
	return nil
}

// checkKeys checks which details are there. Read-only ones are ignored, because Terraform
// sends back what it has read.
func (k *kind) checkKeys(details map[string]string) error {
	for _, key := range k.required {
		if strings.TrimSpace(details[key]) == "" {
			return fmt.Errorf("ProviderDetails must contain %s", key)
		}
	}
	keys := make([]string, 0, len(details))
	for key := range details {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		_, fixed := k.fixed[key]
		fixed = fixed || key == keyTokenMethod // OIDC has it, too, but shows it never
		if !fixed && !slices.Contains(k.required, key) && !slices.Contains(k.optional, key) {
			return fmt.Errorf("ProviderDetails contains an unknown key: %s", printable(key, maxErrorCode))
		}
		if value := details[key]; len(value) > maxDetail || key != keyPrivateKey && strings.ContainsFunc(value, isControl) {
			return fmt.Errorf("ProviderDetails contains a malformed value of %s", key)
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || r == '\uFFFD' }

func checkOIDC(ctx context.Context, client *fetch.Client, details map[string]string) error {
	if !slices.Contains(strings.Fields(details[keyScopes]), "openid") {
		return errors.New("authorize_scopes must contain openid")
	}
	if method := details[keyRequestMethod]; method != "GET" && method != "POST" {
		return errors.New("attributes_request_method must be GET or POST")
	}
	issuer := details[keyIssuer]
	u, err := url.Parse(issuer)
	if err != nil || u.Hostname() == "" || strings.HasSuffix(issuer, "/") || strings.ContainsAny(issuer, "?#") {
		return errors.New("oidc_issuer must be an https URL without a slash at the end")
	}
	if err := client.Check(issuer); err != nil {
		return fmt.Errorf("oidc_issuer is not permitted: %w", err)
	}
	if details[keyAuthorizeURL] != "" && !isPageURL(client, details[keyAuthorizeURL]) {
		return errors.New("authorize_url must be an https URL")
	}
	for _, key := range []string{keyTokenURL, keyAttributesURL, keyJWKS} {
		address := details[key]
		if address == "" {
			continue
		}
		if err := client.Check(address); err != nil {
			return fmt.Errorf("%s is not permitted: %w", key, err)
		}
	}
	if hasAllEndpoints(details) {
		return nil
	}
	p := &Provider{name: OIDC, kind: kinds[OIDC], details: details, client: client}
	if _, err := p.resolve(ctx); err != nil {
		// The cause says more of the network than a tenant may know. It is for the log.
		return &DiscoveryError{URL: issuer + wellKnown, Cause: err}
	}
	return nil
}

// DiscoveryError means that a discovery document could not be fetched or used. Its text is
// for the caller of the API, its cause for the log.
type DiscoveryError struct {
	URL   string
	Cause error
}

// Error implements error.
func (e *DiscoveryError) Error() string {
	text := "Error retrieving discovery document from " + e.URL
	if document, ok := errors.AsType[documentError](e.Cause); ok {
		text += ": " + string(document)
	}
	return text
}

// Unwrap returns the cause.
func (e *DiscoveryError) Unwrap() error { return e.Cause }

func checkApple(details map[string]string) error {
	for _, key := range []string{keyTeamID, keyKeyID} {
		if !isAppleID(details[key]) {
			return fmt.Errorf("%s must have 10 letters or digits", key)
		}
	}
	_, err := parseAppleKey(details[keyPrivateKey])
	return err
}

func isAppleID(s string) bool {
	return len(s) == 10 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// isGraphVersion reports whether a text is "v", a number, a point and a number.
func isGraphVersion(s string) bool {
	major, minor, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	return ok && strings.HasPrefix(s, "v") && isDigits(major) && isDigits(minor)
}

func isDigits(s string) bool {
	return s != "" && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
}
