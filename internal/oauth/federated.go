package oauth

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/federation"
	"cognate/internal/federation/oidc"
	"cognate/internal/keys"
	"cognate/internal/pool/providers"
	"cognate/internal/signin/acr"
	"cognate/internal/store"
	"cognate/internal/user/identities"
)

// Sign-in at other providers (Cognito: third-party sign-in): /oauth2/authorize sends the
// browser to the provider, and the callbacks here take the answer.

const (
	callbackPath = "/oauth2/idpresponse"
	consumerPath = "/saml2/idpresponse"
	finishPath   = "/saml2/finish"
	samlLogout   = "/saml2/logout"
)

// textNoAttempt is shown where an answer belongs to no attempt of the browser.
const textNoAttempt = "The sign-in has expired or was begun in another browser. Please try again"

// callbackOf returns the URL of the site to which a provider sends the browser.
func (s *Service) callbackOf(r *http.Request, site *Site, p *providers.Provider) string {
	path := callbackPath
	if p.Type == providers.SAML {
		path = consumerPath
	}
	return s.deps.SiteURL(r, site) + path
}

// startFederated sends the browser to the provider of the request.
func (s *Service) startFederated(w http.ResponseWriter, r *http.Request, a *Authorization) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	p, err := s.deps.Providers.ByName(ctx, site.Pool, a.Provider)
	if err != nil {
		return "", err
	}
	if p == nil {
		return "", &ShownError{Text: textNoProvider, ClientID: a.Client.ID}
	}
	conn, err := s.deps.Providers.Connect(ctx, site.Pool, p)
	if err != nil {
		return "", s.refusal(a, err)
	}
	made, state, cookie, err := s.newAttempt(site, p.Name, r.URL.RawQuery)
	if errors.Is(err, keys.ErrTooLong) {
		return "", &RedirectedError{&FaultError{Code: codeInvalidRequest, Description: "The request is too long for a sign-in at another provider"}, a}
	}
	if err != nil {
		return "", err
	}
	location, err := conn.Start(ctx, s.at(site, made, state, s.callbackOf(r, site, p)), wishOf(a, p))
	if err != nil {
		return "", s.refusal(a, err)
	}
	s.dropAttempts(w, r, site)
	http.SetCookie(w, cookie)
	return location, nil
}

// wishOf returns what the request asks of the provider.
func wishOf(a *Authorization, p *providers.Provider) federation.Wish {
	w := federation.Wish{LoginHint: a.LoginHint, Prompt: strings.Join(slices.DeleteFunc(slices.Clone(a.prompt), func(v string) bool { return v == promptNone }), " ")}
	for _, level := range a.Levels {
		if name := p.LevelName(level); name != "" {
			w.Levels = append(w.Levels, name)
		}
	}
	return w
}

// refusal returns the error that the client hears of a sign-in at a provider.
func (s *Service) refusal(a *Authorization, err error) error {
	if e, ok := errors.AsType[*federation.Error](err); ok {
		return &RedirectedError{&FaultError{Code: e.Code, Description: e.Text, reason: api.ReasonProvider, cause: e.Cause}, a}
	}
	if e, ok := errors.AsType[*api.Error](err); ok && api.CodeOf(err) == idp.CodeInvalidParameterException {
		return &RedirectedError{&FaultError{Code: codeInvalidRequest, Description: e.Message, reason: api.ReasonOf(err)}, a}
	}
	return s.Failed(a, err)
}

// serveCallback is /oauth2/idpresponse. A POST comes from the provider's own page, without
// our cookies (RFC 6265bis §5.5: SameSite). It is sent here once more as a GET, which has them.
func (s *Service) serveCallback(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.repeatCallback(w, r)
		return
	}
	p, err := query(r)
	if err != nil || len(p.bad) > 0 {
		s.Refuse(w, r, &ShownError{Text: textNoAttempt})
		return
	}
	location, err := s.finishCallback(w, r, p)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	redirect(w, r, location)
}

// callbackParameters are those that providers send.
var callbackParameters = []string{"code", "state", "iss", "error", "error_description", "user"}

func (s *Service) repeatCallback(w http.ResponseWriter, r *http.Request) {
	p, err := form(r)
	if err != nil {
		s.Refuse(w, r, &ShownError{Text: textNoAttempt})
		return
	}
	q := url.Values{}
	for _, name := range callbackParameters {
		if v := p.get(name); v != "" {
			q.Set(name, v)
		}
	}
	w.Header().Set("Location", SiteOf(r.Context()).URL(callbackPath)+"?"+q.Encode())
	w.WriteHeader(http.StatusSeeOther)
}

// finishCallback returns where the browser goes after a provider's answer.
func (s *Service) finishCallback(w http.ResponseWriter, r *http.Request, p parameters) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	state := p.get("state")
	made, err := s.openAttempt(ctx, site, state)
	if err != nil {
		return "", err
	}
	if made == nil {
		return "", &ShownError{Text: textNoAttempt}
	}
	audit.From(ctx).BeginFederation(made.Provider)
	return s.endAttempt(w, r, made, func(query string, end func(tx *store.Tx) error) (string, error) {
		a, provider, err := s.resume(r, made, query)
		if err != nil {
			return "", err
		}
		if provider.Type == providers.SAML {
			return "", &ShownError{Text: textNoAttempt}
		}
		conn, err := s.deps.Providers.Connect(ctx, site.Pool, provider)
		if err != nil {
			return "", s.refusal(a, err)
		}
		called, done := audit.Span(ctx, "identity provider")
		identity, err := conn.Finish(called, s.at(site, made, state, s.callbackOf(r, site, provider)), federation.Answer{Form: p.values})
		done(err)
		if err != nil {
			return "", s.refusal(a, err)
		}
		return s.arrive(w, r, a, provider, identity, end)
	})
}

// resume returns the authorization request of an attempt, and its provider, which the client
// must still allow.
func (s *Service) resume(r *http.Request, made *attempt, query string) (*Authorization, *providers.Provider, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	a, err := s.parseAgain(r, query)
	if err != nil {
		return nil, nil, err
	}
	audit.From(ctx).SetClient(site.Pool.ID, a.Client.ID)
	p, err := s.allowedProvider(ctx, site, a, made.Provider)
	return a, p, err
}

// parseAgain reads an authorization request that an attempt kept.
func (s *Service) parseAgain(r *http.Request, query string) (*Authorization, error) {
	again := r.Clone(r.Context())
	again.URL.RawQuery = query
	return s.ParseAuthorization(again)
}

// allowedProvider returns the provider of the name, if the client allows it.
func (s *Service) allowedProvider(ctx context.Context, site *Site, a *Authorization, name string) (*providers.Provider, error) {
	p, err := s.deps.Providers.ByName(ctx, site.Pool, name)
	if err != nil {
		return nil, err
	}
	if p == nil || !slices.Contains(a.Client.Config.SupportedIdentityProviders, name) {
		return nil, &ShownError{Text: textNoProvider, ClientID: a.Client.ID}
	}
	return p, nil
}

// arrive signs in the person who the provider vouches for, and returns where the browser
// goes. It makes the writes in the commit of the sign-in. If one of them returns
// store.ErrSpent, arrive does, too.
func (s *Service) arrive(w http.ResponseWriter, r *http.Request, a *Authorization, p *providers.Provider, identity *federation.Identity, writes ...func(tx *store.Tx) error) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	u, err := s.deps.Identities.SignIn(ctx, identities.Arrival{Pool: site.Pool, Client: a.Client, Provider: p, Identity: identity})
	if err != nil {
		return "", s.refusal(a, err)
	}
	who := &Who{User: u, At: s.deps.Now(), Methods: federatedMethods(identity), Provider: p.Name, Level: p.LevelOf(identity.Level), Logout: identity.Logout}
	location, cookie, err := s.Complete(ctx, site, a, who, func(write func(tx *store.Tx) error) { writes = append(writes, write) })
	if err != nil {
		return "", s.refusal(a, err)
	}
	err = s.commit(ctx, writes)
	if errors.Is(err, store.ErrSpent) {
		return "", err
	}
	if err != nil {
		return "", s.refusal(a, err)
	}
	event := audit.From(ctx)
	event.End(audit.Federation, true)
	if p.Type == providers.SAML || p.Type == oidc.OIDC {
		event.SetFederated()
	}
	http.SetCookie(w, cookie)
	return location, nil
}

// federatedMethods returns the factors that the provider names and the pool knows, or that
// a provider vouches (Cognito: AMR values, fed).
func federatedMethods(identity *federation.Identity) acr.Methods {
	if m := acr.Parse(identity.Methods); len(m) > 0 {
		return m
	}
	return acr.Methods{acr.Federated}
}

// level returns the authentication level of a sign-in.
func (w *Who) level() int { return cmp.Or(w.Level, w.Methods.Level()) }
