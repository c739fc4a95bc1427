package oauth

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"cognate/internal/audit/trail"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/providers"
	"cognate/internal/signin"
	"cognate/internal/signin/refresh"
	"cognate/internal/store"
	"cognate/internal/token"
	"cognate/internal/user/groups"
	"cognate/internal/user/identities"
	"cognate/internal/user/passkeys"
)

// Deps are what the service is built from.
type Deps struct {
	Store     *store.Store
	Pools     *pool.Service
	Groups    *groups.Service
	Refreshes *refresh.Service
	Tokens    *token.Service
	SignIns   *signin.Service
	Passkeys  *passkeys.Service
	Providers *providers.Service
	// Identities finds the users of people who other providers vouch for.
	Identities *identities.Service
	Ring       *keys.Ring
	// SiteURL returns the address of a site for the browser of a request.
	SiteURL func(r *http.Request, site *Site) string
	// PrefixOf returns the prefix of a host that is a prefix domain; "" for other
	// hosts.
	PrefixOf func(host string) string
	// Paths serves domains below /_domain/{name}/ on every host, for clients that
	// cannot resolve the hosts of domains. It is for development: all pools share an
	// origin.
	Paths bool
	// Trail records the requests for pages and endpoints; nil records nothing.
	Trail *trail.Trail
	// Limits are the limits of the request rate.
	Limits Limits
	Now    func() time.Time
	Log    *slog.Logger
}

// Limits are the limits of the request rate. They return how long a client has to wait, 0
// if the request is within the limits.
type Limits interface {
	// Route counts a request to a path of a pool's domain.
	Route(r *http.Request, path, poolID string) (wait time.Duration)
	// Grant counts a token request of an app client. credentials: the grant is
	// client_credentials.
	Grant(ctx context.Context, clientID string, credentials bool) (wait time.Duration)
}

// Service serves the endpoints of domains.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// Mount adds the endpoints to the routes of a domain.
func (s *Service) Mount(mux *http.ServeMux) {
	for _, route := range []struct {
		path    string
		methods []string
		open    bool // to pages of every origin
		serve   http.HandlerFunc
	}{
		{"/oauth2/authorize", []string{http.MethodGet}, false, s.serveAuthorize},
		{"/authorize", []string{http.MethodGet}, false, s.serveAuthorize},
		{"/logout", []string{http.MethodGet}, false, s.serveLogout},
		{"/oauth2/logout", []string{http.MethodGet}, false, s.serveLogout},
		{"/oauth2/token", []string{http.MethodPost}, true, s.serveToken},
		{"/oauth2/userInfo", []string{http.MethodGet, http.MethodPost}, true, s.serveUserInfo},
		{"/oauth2/revoke", []string{http.MethodPost}, true, s.serveRevoke},
		{"/oauth2/register", []string{http.MethodPost}, true, s.serveRegister},
		{callbackPath, []string{http.MethodGet, http.MethodPost}, false, s.serveCallback},
		{consumerPath, []string{http.MethodPost}, false, s.serveConsumer},
		{finishPath, []string{http.MethodGet}, false, s.serveFinish},
		{samlLogout, []string{http.MethodPost}, false, s.serveSAMLLogout},
		{"/saml2/metadata", []string{http.MethodGet}, false, s.serveMetadata},
	} {
		mux.Handle(foldedPath(route.path), endpoint(route.methods, route.open, s.Limited(route.path, route.serve)))
	}
}
