package oauth

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// A Site is a domain of a pool as a request reaches it.
type Site struct {
	Pool   *pool.Snapshot
	Domain *pool.LoginDomain
	// Base is the path below which the site is: "" on a host of its own.
	Base string
	// Secure says that the client's connection is TLS.
	Secure bool
}

// URL returns the reference of a path of the site, without scheme and host.
func (s *Site) URL(path string) string { return s.Base + path }

type siteKey struct{}

// SiteOf returns the site of a request that Route passed to the routes of a domain.
func SiteOf(ctx context.Context) *Site {
	site, _ := ctx.Value(siteKey{}).(*Site)
	return site
}

// WithSite returns a context for a request to the site.
func WithSite(ctx context.Context, site *Site) context.Context {
	return context.WithValue(ctx, siteKey{}, site)
}

// domainPath begins the paths of domains on hosts that are not theirs.
const domainPath = "/_domain/"

// Route returns a handler that passes the requests for domains to their routes, and
// all others to next. A request for a custom domain is recognized by the path of a
// route and then by its host, so that API requests cost no query.
func (s *Service) Route(domain *http.ServeMux, next http.Handler) http.Handler {
	folded := s.recorded(foldPath(domain))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.deps.Paths && strings.HasPrefix(r.URL.Path, clientPath+"/") {
			s.serveClientSite(w, r, folded)
			return
		}
		name, base, ours := s.nameOf(r)
		if ours {
			SecureHeaders(w, r)
		}
		if !ours {
			if _, pattern := domain.Handler(foldedRequest(r)); pattern == "" {
				next.ServeHTTP(w, r)
				return
			}
			name = hostOf(r)
		}
		d, sn, err := s.deps.Pools.OfDomain(r.Context(), name)
		if err == nil && base == "" && d.Custom == ours {
			err = store.ErrNotFound // the name of the other kind of domain
		}
		switch {
		case errors.Is(err, store.ErrNotFound) && !ours:
			next.ServeHTTP(w, r)
			return
		case errors.Is(err, store.ErrNotFound):
			http.Error(w, "There is no such domain.", http.StatusNotFound)
			return
		case err != nil:
			writeOutage(w, r, err)
			return
		}
		audit.From(r.Context()).SetExistingPool(sn.ID)
		site := &Site{Pool: sn, Domain: d, Base: base, Secure: api.RequestFrom(r.Context()).Secure()}
		r = r.WithContext(WithSite(r.Context(), site))
		if base != "" {
			http.StripPrefix(base, folded).ServeHTTP(w, r)
			return
		}
		folded.ServeHTTP(w, r)
	})
}

// nameOf returns the name of the domain that the request's path or host names, and
// the path below which the domain is. ours is false for a host that may be a custom
// domain.
func (s *Service) nameOf(r *http.Request) (name, base string, ours bool) {
	if rest, ok := strings.CutPrefix(r.URL.Path, domainPath); ok && s.deps.Paths {
		name, _, _ = strings.Cut(rest, "/")
		return name, domainPath + name, true
	}
	if s.deps.PrefixOf != nil {
		if prefix := s.deps.PrefixOf(hostOf(r)); prefix != "" {
			return prefix, "", true
		}
	}
	return "", "", false
}

// hostOf returns the request's host in the form in which domains are stored.
func hostOf(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// Paths are matched without regard to case: documents and clients spell them in
// several ways (userInfo and userinfo).

// foldedPath returns the pattern of a path in the domain's routes.
func foldedPath(path string) string { return strings.ToLower(path) }

func foldedRequest(r *http.Request) *http.Request {
	u := *r.URL
	u.Path = foldedPath(u.Path)
	return &http.Request{Method: r.Method, Host: r.Host, URL: &u}
}

// foldPath passes requests to mux by their folded path.
func foldPath(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		folded := r.Clone(r.Context())
		folded.URL.Path, folded.URL.RawPath = cmp.Or(foldedPath(r.URL.Path), "/"), ""
		mux.ServeHTTP(w, folded)
	})
}
