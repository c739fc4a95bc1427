package oauth

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/keys"
	"cognate/internal/pool/providers"
	"cognate/internal/store"
)

// SAML answers come by POST from the provider's page, without our cookies. A verified one is
// kept for a moment, and the browser comes back by a GET that has them.

// maxSAMLForm bounds the form of a SAML answer in bytes: 100,000 characters of it, encoded.
const maxSAMLForm = 320 << 10

// textNoRelay is shown where a SAML answer belongs to no attempt (Cognito: IdP-initiated
// sign-in is off).
const textNoRelay = "Invalid samlResponse or relayState from identity provider"

// serveConsumer is /saml2/idpresponse.
func (s *Service) serveConsumer(w http.ResponseWriter, r *http.Request) {
	p, err := formOf(r, maxSAMLForm)
	if err != nil {
		s.Refuse(w, r, &ShownError{Text: textNoRelay})
		return
	}
	location, err := s.consume(w, r, p.values)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// consume returns where the browser goes with a SAML answer.
func (s *Service) consume(w http.ResponseWriter, r *http.Request, values url.Values) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	state := values.Get("RelayState")
	made, err := s.openAttempt(ctx, site, state)
	if err != nil {
		return "", err
	}
	if made == nil {
		return s.consumeUnsolicited(w, r, values)
	}
	p, err := s.deps.Providers.ByName(ctx, site.Pool, made.Provider)
	if err != nil {
		return "", err
	}
	if p == nil { // It was deleted meanwhile.
		return "", &ShownError{Text: textNoProvider}
	}
	if p.Type != providers.SAML {
		return "", &ShownError{Text: textNoRelay}
	}
	at := s.at(site, made, state, s.callbackOf(r, site, p))
	identity, err := s.verifySAML(ctx, site, p, func(conn *saml.Provider) (*federation.Identity, error) {
		return conn.Finish(ctx, at, federation.Answer{Form: values})
	})
	ticket := &samlTicket{Attempt: *made}
	if err == nil {
		ticket.Code, err = s.keepIdentity(ctx, site, p, identity)
	}
	if refused, ok := errors.AsType[*federation.Error](err); ok {
		audit.From(ctx).BeginFederation(p.Name)
		ticket.Error, ticket.Text = refused.Code, refused.Text
		(&FaultError{Code: refused.Code, reason: api.ReasonProvider, cause: cmp.Or(refused.Cause, err)}).note(r)
	} else if err != nil {
		return "", err
	}
	text, err := s.sealAttempt(site, "ticket", ticket)
	if err != nil {
		return "", err
	}
	return site.URL(finishPath) + "?ticket=" + text, nil
}

// samlTicket leads from a SAML answer to the request that has the browser's cookies.
type samlTicket struct {
	Attempt attempt `json:"a"`
	// Code is what the identity is kept under; "" if the answer was refused.
	Code  string `json:"c,omitempty"`
	Error string `json:"e,omitempty"`
	Text  string `json:"t,omitempty"`
}

// keptIdentity is a verified identity that waits for its browser.
type keptIdentity struct {
	Provider string
	Identity federation.Identity
}

// identityKept is how long a verified identity waits.
const identityKept = time.Minute

// verifySAML verifies an answer. If no known certificate does, it tries newer metadata.
func (s *Service) verifySAML(ctx context.Context, site *Site, p *providers.Provider, verify func(*saml.Provider) (*federation.Identity, error)) (*federation.Identity, error) {
	conn, err := s.deps.Providers.ConnectSAML(ctx, site.Pool, p)
	if err != nil {
		return nil, err
	}
	identity, err := verify(conn)
	if !errors.Is(err, saml.ErrUntrusted) {
		return identity, err
	}
	newer, fetchErr := s.deps.Providers.RefreshSAML(ctx, site.Pool, p)
	if newer == nil || fetchErr != nil {
		return nil, err
	}
	return verify(newer)
}

// keepIdentity stores an identity for the browser that began the sign-in, and returns the
// code for it. An answer is accepted once, and only now that it is verified is anything
// written.
func (s *Service) keepIdentity(ctx context.Context, site *Site, p *providers.Provider, identity *federation.Identity) (string, error) {
	body, err := json.Marshal(keptIdentity{Provider: p.Name, Identity: *identity})
	if err != nil {
		return "", err
	}
	code := keys.NewUUID()
	hash := s.codeHash(site.Pool.ID, "identity "+code)
	row := store.AuthorizationCode{
		PoolID: site.Pool.ID, Hash: hash, ExpiresAt: s.deps.Now().Add(identityKept),
		Sealed: s.deps.Ring.Seal(keys.PurposeAuthCode, codeContext(site.Pool.ID, hash), body),
	}
	return code, s.useAnswer(ctx, site, p, identity, func(tx *store.Tx) error { return tx.InsertAuthorizationCode(ctx, row) })
}

// useAnswer marks a SAML answer as used, and runs write in the same transaction. A second
// use is refused.
func (s *Service) useAnswer(ctx context.Context, site *Site, p *providers.Provider, identity *federation.Identity, write func(tx *store.Tx) error) error {
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		for _, use := range identity.Uses {
			hash := s.deps.Ring.Hash("SAML answer", []byte(site.Pool.ID), []byte(p.Name), []byte(use.ID))
			if err := tx.Spend(ctx, site.Pool.ID, hash, use.Until); err != nil {
				return err
			}
		}
		if write == nil {
			return nil
		}
		return write(tx)
	}, store.Retry)
	if errors.Is(err, store.ErrSpent) {
		return &federation.Error{Code: codeServerError, Text: "Invalid SAML response received: The response was used before"}
	}
	return err
}

// serveFinish is /saml2/finish: it goes on with a SAML answer in the browser that began the
// sign-in.
func (s *Service) serveFinish(w http.ResponseWriter, r *http.Request) {
	location, err := s.finishSAML(w, r)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	redirect(w, r, location)
}

func (s *Service) finishSAML(w http.ResponseWriter, r *http.Request) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	p, err := query(r)
	if err != nil {
		return "", &ShownError{Text: textNoAttempt}
	}
	ticket := &samlTicket{}
	ok, err := s.openPart(ctx, site, "ticket", p.get("ticket"), ticket)
	if err != nil {
		return "", err
	}
	if !ok || len(ticket.Attempt.ID) != 16 || s.deps.Now().UnixMilli() >= ticket.Attempt.Ends {
		return "", &ShownError{Text: textNoAttempt}
	}
	return s.endAttempt(w, r, &ticket.Attempt, func(query string, end func(tx *store.Tx) error) (string, error) {
		a, provider, err := s.resume(r, &ticket.Attempt, query)
		if err != nil {
			return "", err
		}
		if ticket.Error != "" { // It was counted when the provider's answer came.
			return "", &RedirectedError{&FaultError{Code: ticket.Error, Description: ticket.Text}, a}
		}
		audit.From(ctx).BeginFederation(provider.Name)
		identity, err := s.takeIdentity(ctx, site, provider, ticket.Code)
		if err != nil {
			return "", err
		}
		return s.arrive(w, r, a, provider, identity, end)
	})
}

// takeIdentity returns the identity that is kept under a code.
func (s *Service) takeIdentity(ctx context.Context, site *Site, p *providers.Provider, code string) (*federation.Identity, error) {
	hash := s.codeHash(site.Pool.ID, "identity "+code)
	row, err := s.deps.Store.AuthorizationCode(ctx, site.Pool.ID, hash)
	if errors.Is(err, store.ErrNotFound) || err == nil && !s.deps.Now().Before(row.ExpiresAt) {
		return nil, &ShownError{Text: textNoAttempt}
	}
	if err != nil {
		return nil, err
	}
	body, err := s.deps.Ring.Open(keys.PurposeAuthCode, codeContext(site.Pool.ID, hash), row.Sealed)
	if err != nil {
		return nil, err
	}
	var kept keptIdentity
	if err := json.Unmarshal(body, &kept); err != nil {
		return nil, err
	}
	if kept.Provider != p.Name {
		return nil, &ShownError{Text: textNoAttempt}
	}
	return &kept.Identity, nil
}

// consumeUnsolicited takes an answer that no request asked for (Cognito: IdP-initiated SAML
// sign-in). Its RelayState is an authorization request.
func (s *Service) consumeUnsolicited(w http.ResponseWriter, r *http.Request, values url.Values) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	relay := values.Get("RelayState")
	asked, err := url.ParseQuery(relay)
	if err != nil || len(relay) > maxParameters || asked.Get("client_id") == "" {
		return "", &ShownError{Text: textNoRelay}
	}
	q := url.Values{}
	for _, name := range []string{"identity_provider", "idp_identifier", "client_id", "redirect_uri", "response_type", "scope", "state", "nonce"} {
		if list := asked[name]; len(list) > 0 {
			q[name] = list
		}
	}
	a, err := s.parseAgain(r, q.Encode())
	if err != nil {
		return "", err
	}
	p, err := s.deps.Providers.ByName(ctx, site.Pool, a.Provider)
	if err != nil {
		return "", err
	}
	if p == nil || !p.AllowsUnsolicited() || !s.samlOnly(ctx, site, a) {
		return "", &ShownError{Text: textNoRelay}
	}
	audit.From(ctx).BeginFederation(p.Name)
	consumer := s.callbackOf(r, site, p)
	identity, err := s.verifySAML(ctx, site, p, func(conn *saml.Provider) (*federation.Identity, error) {
		return conn.FinishUnsolicited(ctx, consumer, federation.Answer{Form: values})
	})
	if err == nil {
		err = s.useAnswer(ctx, site, p, identity, nil)
	}
	if err != nil {
		return "", s.refusal(a, err)
	}
	return s.arrive(w, r, a, p, identity)
}

// samlOnly reports whether all providers of the client are SAML providers, as it must be for
// a client to which people come without a request.
func (s *Service) samlOnly(ctx context.Context, site *Site, a *Authorization) bool {
	return !slices.ContainsFunc(a.Client.Config.SupportedIdentityProviders, func(name string) bool {
		p, err := s.deps.Providers.ByName(ctx, site.Pool, name)
		return err != nil || p == nil || p.Type != providers.SAML
	})
}

// serveMetadata is /saml2/metadata: the pool as a SAML service provider. identity_provider
// names the provider that the document is for.
func (s *Service) serveMetadata(w http.ResponseWriter, r *http.Request) {
	ctx, site := r.Context(), SiteOf(r.Context())
	p, err := s.deps.Providers.ByName(ctx, site.Pool, r.URL.Query().Get("identity_provider"))
	if err == nil && r.URL.Query().Get("identity_provider") != "" && (p == nil || p.Type != providers.SAML) {
		err = &ShownError{Text: textNoProvider}
	}
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	base := s.deps.SiteURL(r, site)
	body, err := s.deps.Providers.ServiceMetadata(ctx, site.Pool, p, base+consumerPath, base+samlLogout)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = w.Write(body) //nolint:gosec // XML that the writer has escaped; the client may have gone
}
