package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/signin/refresh"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/trigger"
	"cognate/internal/user"
)

// tokenAnswer is the answer of the token endpoint (RFC 6749 §5.1).
type tokenAnswer struct {
	IDToken      string `json:"id_token,omitempty"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
	ExpiresIn    int32  `json:"expires_in"`
	TokenType    string `json:"token_type"`
}

// serveToken is /oauth2/token.
func (s *Service) serveToken(w http.ResponseWriter, r *http.Request) {
	set, err := s.exchange(r)
	if err != nil {
		writeFault(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, &tokenAnswer{
		IDToken: set.IDToken, AccessToken: set.AccessToken, RefreshToken: set.RefreshToken, ExpiresIn: set.ExpiresIn, TokenType: "Bearer",
	})
}

// exchange answers a token request. The order of its checks is the protocol's.
func (s *Service) exchange(r *http.Request) (*token.Set, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	p, err := form(r)
	if err != nil {
		return nil, err
	}
	grants := map[string]func(context.Context, *Site, *pool.Client, parameters) (*token.Set, error){
		"authorization_code": s.exchangeCode, "refresh_token": s.exchangeRefresh, "client_credentials": s.exchangeCredentials,
	}
	kind := p.get("grant_type")
	grant, known := grants[kind]
	switch {
	case kind == "":
		return nil, fault(codeInvalidRequest)
	case !known:
		return nil, fault(codeUnsupportedGrant)
	}
	switch kind {
	case "refresh_token":
		audit.From(ctx).Begin(audit.TokenRefresh)
	case "client_credentials":
		audit.From(ctx).Begin(audit.MachineToken)
	}
	client, err := authenticate(ctx, site, r, p)
	if err != nil {
		return nil, err
	}
	if !api.Val(client.Config.AllowedOAuthFlowsUserPoolClient) {
		return nil, fault(codeUnauthorizedClient).because(api.ReasonFlowDisabled)
	}
	if wait := s.deps.Limits.Grant(ctx, client.ID, kind == grantCredentials); wait > 0 {
		return nil, tooManyRequests(wait)
	}
	return grant(ctx, site, client, p)
}

var verifierText = regexp.MustCompile(`^[A-Za-z0-9\-._~]{43,128}$`)

// exchangeCode issues tokens for an authorization code (RFC 6749 §4.1.3). The first
// presentation uses the code up, also where what comes with it is wrong.
func (s *Service) exchangeCode(ctx context.Context, site *Site, c *pool.Client, p parameters) (*token.Set, error) {
	if !allowsFlow(c, idp.OAuthFlowTypeCode) {
		return nil, fault(codeUnauthorizedClient).because(api.ReasonFlowDisabled)
	}
	if p.get("code") == "" || p.get("redirect_uri") == "" {
		return nil, fault(codeInvalidRequest)
	}
	if _, err := clientMetadata(p); err != nil {
		return nil, err
	}
	g, hash, used, err := s.readCode(ctx, site, c.ID, p.get("code"))
	switch {
	case errors.Is(err, errNoCode):
		return nil, fault(codeInvalidGrant).because(api.ReasonCodeMismatch)
	case err != nil:
		return nil, err
	}
	audit.From(ctx).SetUser(g.UserID)
	if used {
		return nil, s.replayed(ctx, site, c, g)
	}
	set, err := s.redeem(ctx, site, c, g, p)
	if _, refused := errors.AsType[*FaultError](err); err != nil && !refused {
		return nil, err // A fault of ours leaves the code for another try.
	}
	var over error
	commit := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		over = nil
		if err == nil {
			var failed error
			if over, failed = s.track(ctx, tx, site, g, set); failed != nil {
				return failed
			}
		}
		return tx.UseAuthorizationCode(ctx, site.Pool.ID, hash)
	}, store.Retry)
	switch {
	case errors.Is(commit, store.ErrSpent):
		return nil, s.replayed(ctx, site, c, g)
	case commit != nil:
		return nil, commit
	case over != nil:
		return nil, over
	}
	audit.From(ctx).SetActive()
	return set, err
}

// track records the session of the tokens. It returns a fault where the SSO session of
// the code was revoked: the revocation, which waits for the same turn, would not see the
// tokens.
func (s *Service) track(ctx context.Context, tx *store.Tx, site *Site, g *grantedCode, set *token.Set) (over, err error) {
	if g.Parent != "" {
		if err := tx.TurnOfUserSessions(ctx, site.Pool.ID, g.UserID); err != nil {
			return nil, err
		}
		live, err := s.deps.Tokens.HasSSO(ctx, &tx.Reader, site.Pool, g.UserID, g.Epoch, g.Parent)
		if err != nil {
			return nil, err
		}
		if !live {
			return fault(codeInvalidGrant).because(api.ReasonSessionExpired), nil
		}
	}
	if !set.HasSession() {
		return nil, nil
	}
	return nil, s.deps.Tokens.Track(ctx, tx, site.Pool, set)
}

// replayed revokes what a code gave whose second use shows that it was stolen (RFC 6749
// §4.1.2).
func (s *Service) replayed(ctx context.Context, site *Site, c *pool.Client, g *grantedCode) error {
	err := s.deps.Tokens.RevokeFamily(ctx, &token.Refresh{
		PoolID: site.Pool.ID, ClientID: c.ID, UserID: g.UserID, Family: g.Family, ExpiresAt: s.deps.Now().Add(c.RefreshTTL),
	})
	if err != nil {
		return err
	}
	return fault(codeInvalidGrant).because(api.ReasonCodeUsed)
}

// redeem makes the tokens of a code that nobody has used, or says what is wrong with
// the request.
func (s *Service) redeem(ctx context.Context, site *Site, c *pool.Client, g *grantedCode, p parameters) (*token.Set, error) {
	switch {
	case s.deps.Now().UnixMilli() >= g.Ends:
		return nil, fault(codeInvalidGrant).because(api.ReasonCodeExpired)
	case p.get("redirect_uri") != g.RedirectURI:
		return nil, &FaultError{Code: codeUnauthorizedClient, Description: "invalid_redirect", status: http.StatusBadRequest}
	case !verifies(p, g.Challenge):
		return nil, fault(codeInvalidGrant).because(api.ReasonChallengeFailed)
	}
	rec, err := s.deps.Store.User(ctx, site.Pool.ID, g.UserID)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, fault(codeInvalidGrant).because(api.ReasonUnknownUser)
	case err != nil:
		return nil, err
	case token.EpochOf(rec.TokensValidAfter) != g.Epoch:
		return nil, fault(codeInvalidGrant).because(api.ReasonAccountChanged)
	}
	u, err := user.FromRecord(site.Pool, rec)
	if err != nil {
		return nil, err
	}
	if err := user.AccountFault(u); err != nil {
		return nil, fault(codeInvalidGrant).because(api.ReasonOf(err))
	}
	for _, scope := range g.Scopes {
		if attr := map[string]string{"email": "email", "phone": "phone_number"}[scope]; attr != "" && !(c.CanRead(attr) && c.CanRead(attr+"_verified")) {
			return nil, fault(codeInvalidGrant).because(api.ReasonInvalidRequest)
		}
	}
	subject, err := s.deps.Groups.Subject(ctx, u)
	if err != nil {
		return nil, err
	}
	return s.deps.Tokens.Issue(ctx, token.Grant{
		Pool: site.Pool, Client: c, Subject: subject, AuthTime: time.UnixMilli(g.AuthTime).UTC(),
		Origin: g.Family, NewFamily: true, EventID: g.EventID, Parent: g.Parent,
		ACR: g.ACR, AMR: g.AMR,
		OAuth: true, Scopes: g.Scopes, Nonce: g.Nonce, Resource: g.Resource, WithRefresh: true,
		Source: trigger.SourceTokenHostedAuth, Overridden: true, Override: g.Override,
	})
}

// verifies reports whether the request proves that it comes from where the code was
// asked for (RFC 7636 §4.6). A verifier without a challenge is refused, too: somebody
// took the challenge away.
func verifies(p parameters, challenge string) bool {
	verifier := p.get("code_verifier")
	if challenge == "" {
		return verifier == ""
	}
	sum := sha256.Sum256([]byte(verifier))
	got := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(got), []byte(challenge)) == 1 && verifierText.MatchString(verifier)
}

// exchangeRefresh issues tokens for a refresh token (RFC 6749 §6).
func (s *Service) exchangeRefresh(ctx context.Context, site *Site, c *pool.Client, p parameters) (*token.Set, error) {
	raw := p.get("refresh_token")
	if raw == "" {
		return nil, fault(codeInvalidRequest)
	}
	return s.deps.Refreshes.Exchange(ctx, &refresh.Request{Pool: site.Pool, Client: c, Token: raw, Check: func(r *token.Refresh) error {
		if !r.OAuth && site.Pool.Devices.Tracked { // Cognito: token endpoint, refresh_token
			return fault(codeInvalidGrant).because(api.ReasonBadDevice)
		}
		return nil
	}})
}

// exchangeCredentials issues an access token for the client itself (RFC 6749 §4.4).
func (s *Service) exchangeCredentials(ctx context.Context, site *Site, c *pool.Client, p parameters) (*token.Set, error) {
	if len(c.Secrets) == 0 || !allowsFlow(c, idp.OAuthFlowTypeClientCredentials) {
		return nil, fault(codeUnauthorizedClient).because(api.ReasonFlowDisabled)
	}
	metadata, err := clientMetadata(p)
	if err != nil {
		return nil, err
	}
	set, err := s.deps.Tokens.IssueForMachine(ctx, token.MachineGrant{
		Pool: site.Pool, Client: c, Scopes: scopeList(p.get("scope")), ClientMetadata: metadata,
	})
	if errors.Is(err, token.ErrScope) {
		return nil, fault(codeInvalidScope)
	}
	return set, err
}

// clientMetadata returns aws_client_metadata, a JSON object of texts; nil if it is
// absent.
func clientMetadata(p parameters) (map[string]string, error) {
	text := p.get("aws_client_metadata")
	if text == "" {
		return nil, nil
	}
	var object map[string]*string
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return nil, fault(codeInvalidRequest)
	}
	m := make(map[string]string, len(object))
	for name, value := range object {
		if value == nil {
			return nil, fault(codeInvalidRequest)
		}
		m[name] = *value
	}
	return m, nil
}
