package login

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
	"cognate/internal/pool"
)

// PreviewPath is the path of the preview.
const PreviewPath = "/_cognate/preview"

// Parameters in the addresses of the preview.
const (
	previewStateParameter   = "show"
	previewVersionParameter = "version"
	previewClientParameter  = "client_id"
	previewPoolParameter    = "pool"
)

// Versions of the pages, in the addresses of the preview.
const (
	previewManaged = "managed"
	previewClassic = "classic"
)

// A Preview shows every page in every state, with the branding of an app client. It reads
// settings alone, and its forms do nothing. Only a development server has it.
type Preview struct {
	login *Service
	pools *pool.Service
}

// NewPreview returns the preview of a service's pages.
func NewPreview(login *Service, pools *pool.Service) *Preview { return &Preview{login, pools} }

// Mount adds the preview's routes. Only a development server may call it.
func (p *Preview) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+PreviewPath, p.serveIndex)
	mux.HandleFunc("GET "+PreviewPath+"/_static/{file}", servePreviewFile)
	site := "GET " + PreviewPath + "/{pool}/{version}"
	mux.HandleFunc(site+"/{path...}", p.onSite(p.serveState))
	mux.HandleFunc(site+assetPath+"{file}", p.onSite(serveAsset))
	mux.HandleFunc(site+stylePath+"{file}", p.onSite(p.login.serveStyle))
	mux.HandleFunc(site+imagePath+"{owner}/{file}", p.onSite(p.login.serveImage))
}

// onSite returns a handler for requests below the path of a pool's preview. The path takes
// the place of the pool's domain, so that a pool without a domain has a preview, too.
func (p *Preview) onSite(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		oauth.SecureHeaders(w, r)
		sn, err := p.pools.Load(r.Context(), r.PathValue("pool"))
		if err != nil {
			p.refuse(w, r, err)
			return
		}
		version := r.PathValue("version")
		if version != previewManaged && version != previewClassic {
			http.NotFound(w, r)
			return
		}
		domain, err := p.domain(r.Context(), sn)
		if err != nil {
			p.refuse(w, r, err)
			return
		}
		domain.Managed = version == previewManaged
		site := &oauth.Site{Pool: sn, Domain: domain, Base: PreviewPath + "/" + sn.ID + "/" + version, Secure: api.RequestFrom(r.Context()).Secure()}
		next(w, r.WithContext(oauth.WithSite(r.Context(), site)))
	}
}

// domain returns the pool's domain, or a domain of managed login for a pool without a domain.
func (p *Preview) domain(ctx context.Context, sn *pool.Snapshot) (*pool.LoginDomain, error) {
	if sn.Domain == "" {
		return &pool.LoginDomain{PoolID: sn.ID, Managed: true}, nil
	}
	d, _, err := p.pools.OfDomain(ctx, sn.Domain)
	if err != nil {
		return nil, err
	}
	domain := *d
	return &domain, nil
}

// refuse answers a request whose pool or app client does not exist or cannot be read.
func (p *Preview) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if api.CodeOf(err) == idp.CodeResourceNotFoundException {
		http.Error(w, "There is no such user pool or app client.", http.StatusNotFound)
		return
	}
	audit.From(r.Context()).SetCause(err)
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}

// serveState shows a page in a state. Its address ends like that of the real page, so that the
// links between pages lead to pages of the preview. If the page does not have the state, its
// first state is shown.
func (p *Preview) serveState(w http.ResponseWriter, r *http.Request) {
	state, ok := findPreviewState("/"+r.PathValue("path"), r.URL.Query().Get(previewStateParameter))
	if !ok {
		http.NotFound(w, r)
		return
	}
	site := oauth.SiteOf(r.Context())
	client, err := site.Pool.Client(r.Context(), r.URL.Query().Get(previewClientParameter))
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	previewHeaders(w)
	// Screenshots are compared, so a page must not depend on the request or on a sign-in.
	described := *api.RequestFrom(r.Context())
	described.ID = "00000000-0000-4000-8000-000000000000"
	r = r.Clone(api.WithRequest(r.Context(), &described))
	r.Header.Del("Cookie")
	language := previewLanguage(r)
	if !site.Domain.Managed {
		language = texts.Default
	}
	if state.write != nil {
		state.write(p.login, w, r, language)
		return
	}
	v := &visit{
		Service: p.login, page: pageOf(state.path), w: w, r: r, site: site, request: &oauth.Authorization{Client: client},
		form: state.form, csrf: "preview", text: language, state: state.state,
	}
	v.fail(state.failed)
	shown, err := v.showState(&state)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	v.draw(shown, state.notice)
}

// showState returns what the page's template shows in the state.
func (v *visit) showState(s *previewState) (any, error) {
	if s.show != nil {
		return s.show(v)
	}
	return v.page.show(v)
}

// previewLanguage returns the language that the address chooses. The preview reads and sets no cookie.
func previewLanguage(r *http.Request) texts.Language {
	return cmp.Or(texts.Known(r.URL.Query().Get(languageParameter)), texts.Default)
}

// previewHeaders lets the preview's own page frame a page, and keeps its forms and passkeys from acting.
func previewHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy+"form-action 'none'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Permissions-Policy", "publickey-credentials-get=(), publickey-credentials-create=()")
}

// findPreviewState returns the state of the page at a path, or the page's first state if
// none has the name. It reports whether there is such a page.
func findPreviewState(path, name string) (previewState, bool) {
	var first *previewState
	for _, s := range previewStates() {
		if !strings.EqualFold(s.path, path) {
			continue
		}
		if s.name == name {
			return s, true
		}
		if first == nil {
			first = &s
		}
	}
	if first == nil {
		return previewState{}, false
	}
	return *first, true
}

// pageOf returns the page at a path, an empty page if there is none.
func pageOf(path string) page {
	for _, p := range pages() {
		if p.path == path {
			return p
		}
	}
	return page{}
}
