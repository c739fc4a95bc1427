package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/pool/registration"
	"cognate/internal/token"
)

// maxMetadata bounds the metadata of a client, in bytes.
const maxMetadata = 64 << 10

// Error codes: RFC 7591 §3.2.2, RFC 6750 §3.1, and our own for a pool that registers no clients.
const (
	codeInvalidMetadata   = "invalid_client_metadata"
	codeInvalidRedirect   = "invalid_redirect_uri"
	codeInsufficientScope = "insufficient_scope"
	codeNotFound          = "not_found"
)

const (
	textNeedsScope     = "An access token with the scope " + registration.Scope + " is required."
	textBadAccessToken = "Access token is expired, disabled, revoked, or of another user pool."
)

// The grants and the ways to authenticate of RFC 7591 §2.
const (
	grantCode        = "authorization_code"
	grantImplicit    = "implicit"
	grantRefresh     = "refresh_token"
	grantCredentials = "client_credentials"

	methodBasic = "client_secret_basic"
	methodPost  = "client_secret_post"
	methodNone  = "none"
)

// metadata are the members of a registration that have an effect (RFC 7591 §2).
type metadata struct {
	RedirectURIs  []string
	GrantTypes    []string
	ResponseTypes []string
	AuthMethod    string
	ClientName    string
	Scope         *string
}

// registered is the answer to a registration (RFC 7591 §3.2.1).
type registered struct {
	ClientID      string   `json:"client_id"`
	IssuedAt      int64    `json:"client_id_issued_at"`
	ClientSecret  string   `json:"client_secret,omitempty"`
	SecretExpires *int64   `json:"client_secret_expires_at,omitempty"`
	ClientName    string   `json:"client_name"`
	RedirectURIs  []string `json:"redirect_uris,omitempty"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	AuthMethod    string   `json:"token_endpoint_auth_method"`
	Scope         string   `json:"scope"`
}

// serveRegister is /oauth2/register (RFC 7591).
func (s *Service) serveRegister(w http.ResponseWriter, r *http.Request) {
	answer, err := s.register(r)
	f, refused := errors.AsType[*FaultError](err)
	switch {
	case err == nil:
		writeJSON(w, http.StatusCreated, answer)
	case refused && (f.status == http.StatusUnauthorized || f.status == http.StatusForbidden):
		challengeBearer(w, r, f)
	default:
		writeFault(w, r, err)
	}
}

func (s *Service) register(r *http.Request) (*registered, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	open, err := s.authenticateCaller(r, site)
	if err != nil {
		return nil, err
	}
	m, err := readMetadata(r)
	if err != nil {
		return nil, err
	}
	in, err := m.registration()
	if err != nil {
		return nil, err
	}
	in.Open, in.Address = open, api.RequestFrom(ctx).SourceIP
	return s.addClient(ctx, site, m, in)
}

// authenticateCaller rejects a caller who must not register clients. It reports whether the
// caller is a stranger, who has no token.
func (s *Service) authenticateCaller(r *http.Request, site *Site) (stranger bool, err error) {
	on, open := site.Pool.Registers()
	if !on {
		return false, &FaultError{Code: codeNotFound, status: http.StatusNotFound, reason: api.ReasonFlowDisabled}
	}
	if len(r.Header.Values("Authorization")) == 0 {
		if !open {
			return false, &FaultError{Code: codeInvalidToken, Description: textNeedsScope, status: http.StatusUnauthorized, reason: api.ReasonBadAccessToken}
		}
		return true, nil
	}
	refused := &FaultError{Code: codeInvalidToken, Description: textBadAccessToken, status: http.StatusUnauthorized, reason: api.ReasonBadAccessToken}
	raw, ok := bearer(r)
	if !ok {
		return false, refused
	}
	p, err := s.deps.Tokens.AuthenticateRegistrar(r.Context(), raw)
	switch code := api.CodeOf(err); {
	case err == nil && p.Pool.ID == site.Pool.ID:
		return false, nil
	case err == nil:
		return false, refused
	case token.MissingScope(err):
		return false, &FaultError{Code: codeInsufficientScope, Description: textNeedsScope, status: http.StatusForbidden, reason: api.ReasonOf(err)}
	case code == idp.CodeNotAuthorizedException, code == idp.CodeUserNotFoundException, code == idp.CodePasswordResetRequiredException:
		return false, refused.because(api.ReasonOf(err))
	}
	return false, err
}

// addClient adds the client and returns its description.
func (s *Service) addClient(ctx context.Context, site *Site, m *metadata, in *registration.Request) (*registered, error) {
	c, secret, err := s.deps.Pools.Register(ctx, site.Pool.ID, in)
	if refused, ok := errors.AsType[*registration.Error](err); ok {
		if refused.Redirect {
			return nil, &FaultError{Code: codeInvalidRedirect, Description: refused.Text, status: http.StatusBadRequest}
		}
		return nil, badMetadata(refused.Text)
	}
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetClient(site.Pool.ID, c.ID)
	answer := &registered{
		ClientID: c.ID, IssuedAt: c.Config.CreationDate.Unix(), ClientSecret: secret, ClientName: c.Name,
		RedirectURIs: c.Config.CallbackURLs, AuthMethod: m.AuthMethod, Scope: strings.Join(c.Config.AllowedOAuthScopes, " "),
		GrantTypes: []string{grantCode, grantRefresh}, ResponseTypes: []string{"code"},
	}
	if in.Grant == idp.OAuthFlowTypeClientCredentials {
		answer.GrantTypes, answer.ResponseTypes = []string{grantCredentials}, []string{}
	}
	if secret != "" {
		answer.SecretExpires = new(int64(0)) // never
	}
	return answer, nil
}

func badMetadata(text string) *FaultError {
	return &FaultError{Code: codeInvalidMetadata, Description: text, status: http.StatusBadRequest}
}

// readMetadata reads a request's body.
func readMetadata(r *http.Request) (*metadata, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, badMetadata("The body must be application/json.")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMetadata+1))
	if err != nil || len(body) > maxMetadata {
		return nil, badMetadata("The body is too long.")
	}
	return parseMetadata(body)
}

// parseMetadata reads the JSON object of a registration. Names are case-sensitive. A
// repeated name is refused, since programs differ in which of its values they read
// (RFC 8259 §4). A null counts as absent. Other members are ignored (RFC 7591 §2).
func parseMetadata(body []byte) (*metadata, error) {
	members, ok := members(body)
	if !ok {
		return nil, badMetadata("The body must be one JSON object without repeated names.")
	}
	m := &metadata{}
	for name, into := range map[string]any{
		"redirect_uris": &m.RedirectURIs, "grant_types": &m.GrantTypes, "response_types": &m.ResponseTypes,
		"token_endpoint_auth_method": &m.AuthMethod, "client_name": &m.ClientName, "scope": &m.Scope,
	} {
		raw, ok := members[name]
		if !ok || string(raw) == "null" {
			continue
		}
		if err := json.Unmarshal(raw, into); err != nil || bytes.Contains(raw, []byte("null")) && hasNull(raw) {
			return nil, badMetadata(name + " has the wrong type.")
		}
	}
	return m, nil
}

// hasNull reports whether a JSON list has a null, which encoding/json reads as "".
func hasNull(raw json.RawMessage) bool {
	var list []*string
	return json.Unmarshal(raw, &list) == nil && slices.Contains(list, nil)
}

// members returns the members of the JSON object that is the whole text.
func members(text []byte) (map[string]json.RawMessage, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') || !utf8.Valid(text) {
		return nil, false
	}
	found := map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		name, isName := key.(string)
		if _, again := found[name]; err != nil || !isName || again {
			return nil, false
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, false
		}
		found[name] = value
	}
	if _, err := d.Token(); err != nil { // the object's end
		return nil, false
	}
	_, err := d.Token()
	return found, errors.Is(err, io.EOF)
}

// registration checks that the members of the metadata fit together, and sets the default of
// AuthMethod (RFC 7591 §2). It leaves out the implicit grant without an error, as Cognito does.
func (m *metadata) registration() (*registration.Request, error) {
	flow, err := m.grant()
	if err != nil {
		return nil, err
	}
	if m.AuthMethod == "" {
		m.AuthMethod = methodBasic
	}
	machine := flow == idp.OAuthFlowTypeClientCredentials
	switch m.AuthMethod {
	case methodBasic, methodPost:
	case methodNone:
		if machine {
			return nil, badMetadata("client_credentials requires a client secret.")
		}
	default:
		return nil, badMetadata("token_endpoint_auth_method must be client_secret_basic, client_secret_post or none.")
	}
	in := &registration.Request{Name: m.ClientName, Grant: flow, CallbackURLs: m.RedirectURIs, Confidential: m.AuthMethod != methodNone}
	if m.Scope != nil {
		if in.Scopes = scopeList(*m.Scope); len(in.Scopes) == 0 {
			return nil, badMetadata("scope is empty.")
		}
	}
	return in, nil
}

// grant returns the flow that grant_types names. It rejects response_types that do not fit.
func (m *metadata) grant() (idp.OAuthFlowType, error) {
	grants, responses := m.GrantTypes, m.ResponseTypes
	if len(grants) == 0 {
		grants = []string{grantCode}
	}
	has := func(grant string) bool { return slices.Contains(grants, grant) }
	for _, grant := range grants {
		if !slices.Contains([]string{grantCode, grantImplicit, grantRefresh, grantCredentials}, grant) {
			return "", badMetadata("grant_types may have authorization_code, refresh_token and client_credentials.")
		}
	}
	var flow idp.OAuthFlowType
	switch {
	case has(grantCode) && has(grantCredentials):
		return "", badMetadata("authorization_code and client_credentials exclude each other.")
	case has(grantCode):
		flow = idp.OAuthFlowTypeCode
	case has(grantCredentials) && !has(grantRefresh):
		flow = idp.OAuthFlowTypeClientCredentials
	default:
		return "", badMetadata("grant_types must have authorization_code or client_credentials.")
	}
	for _, kind := range responses {
		switch {
		case kind == "code" && flow == idp.OAuthFlowTypeCode:
		case kind == "token" && has(grantImplicit):
		default:
			return "", badMetadata("response_types does not match grant_types.")
		}
	}
	if flow == idp.OAuthFlowTypeCode && len(responses) > 0 && !slices.Contains(responses, "code") {
		return "", badMetadata("response_types does not match grant_types.")
	}
	return flow, nil
}

// needsChallenge reports whether the client must send a code challenge. A public client
// has no secret, so only a challenge protects its codes (RFC 9700 §2.1.1). A public client
// that an administrator made may leave out the challenge, as at Cognito.
func needsChallenge(c *pool.Client) bool { return c.Registered() && len(c.Secrets) == 0 }
