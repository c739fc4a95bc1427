package login

import (
	"bytes"
	"embed"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
	"cognate/internal/pool"
)

//go:embed templates
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// templates are the pages, each with the layout that all share.
var templates = parseTemplates()

func parseTemplates() map[string]*template.Template {
	layout := template.Must(template.ParseFS(templateFiles, "templates/layout.html"))
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	set := map[string]*template.Template{}
	for _, e := range entries {
		if e.Name() != "layout.html" {
			set[e.Name()] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, "templates/"+e.Name()))
		}
	}
	return set
}

// assetPath begins the paths of styles and scripts. Their names carry a hash of their
// contents, so that browsers keep them for ever.
const assetPath = "/_assets/"

type asset struct {
	body []byte
	kind string
}

// assets are the static files by their public names, and assetNames the public names by
// those of the files.
var assets, assetNames = loadAssets()

func loadAssets() (map[string]asset, map[string]string) {
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err)
	}
	byName, names := map[string]asset{}, map[string]string{}
	for _, e := range entries {
		body, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		extension := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), extension) + "." + hashOf(body) + extension
		byName[name], names[e.Name()] = asset{body, mime.TypeByExtension(extension)}, name
	}
	return byName, names
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := assets[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", a.kind)
	keepForever(w)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	_, _ = w.Write(a.body) // the client has gone
}

// keepForever lets browsers keep an answer whose path names its contents. It takes back
// what every answer of a domain says of keeping it.
func keepForever(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Del("Pragma")
	h.Del("Expires")
}

// A view is what every template is given.
type view struct {
	texts.Language

	Look look
	// LanguageName is the language's own name.
	LanguageName string
	Menu         *languageMenu
	Style        string // reference of the stylesheet
	Brand        string
	Initial      string
	App          string
	Query        template.URL // of the authorization request, for links and forms
	Base         string
	CSRF         string
	State        string // the page's sealed state
	Script       string // reference of the script
	Error        string
	Faults       []Field // the inputs that the error is about
	Notice       string
	Good         bool // the notice is good news
	Page         any
	RequestID    string
	// Protected is true for pages of pools with threat protection.
	Protected bool
}

// headers sets the headers of every page. Browsers apply form-action to the redirect
// that follows a form, so that it names where the client's answer goes.
func (v *visit) headers() {
	oauth.SecureHeaders(v.w, v.r)
	contentPolicy(v.w, v.formTarget())
}

// allowProviders lets forms lead to any host: a provider that is found by an address sends the
// browser on to hosts that only the provider knows.
func (v *visit) allowProviders() {
	targets := v.formTarget() + " https:"
	if !v.site.Secure {
		targets += " http:" // In development providers have no TLS.
	}
	contentPolicy(v.w, targets)
}

// formTarget returns where the client's answer goes, as a source of a policy.
func (v *visit) formTarget() string {
	target := ""
	if u, err := url.Parse(v.request.RedirectURI); err == nil {
		target = " " + u.Scheme + ":"
		if u.Scheme == "http" || u.Scheme == "https" {
			target = " " + u.Scheme + "://" + u.Host
		}
	}
	return target
}

// pagePolicy is the part of the content security policy that real pages and pages in the preview share.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; "

func contentPolicy(w http.ResponseWriter, formTargets string) {
	w.Header().Set("Content-Security-Policy", pagePolicy+"form-action 'self'"+formTargets+"; frame-ancestors 'none'")
	w.Header().Set("Vary", "Cookie, Accept-Language")
}

// render shows the visit's page, with the text of an error of its form.
func (v *visit) render(failed error) {
	v.fail(failed)
	shown, err := v.page.show(v)
	if err != nil && v.isOver(err) {
		_, _ = v.note(err)
		v.startAgain(noticeExpired)
		return
	}
	if err != nil {
		v.deps.OAuth.Refuse(v.w, v.r, err)
		return
	}
	v.draw(shown, v.takeNotice())
}

// draw writes the visit's page. shown is for its template. The page has the error of the form or, without an error, the
// notice with this key.
func (v *visit) draw(shown any, notice string) {
	appearance, err := v.deps.Branding.Appearance(v.r.Context(), v.site.Pool, v.request.Client.ID)
	if err != nil {
		v.deps.OAuth.Refuse(v.w, v.r, err)
		return
	}
	out := newView(v.r, v.site, v.text, v.page.path)
	out.Look = newLook(v.site, appearance, v.request.Client.ID)
	out.App, out.CSRF, out.State, out.Page = v.request.Client.Name, v.token(), v.stateText, shown
	out.Query = template.URL(v.query()) //nolint:gosec // html/template still escapes it for its attribute
	if notice != "" && v.failed == nil {
		out.Notice, out.Good = v.text.T(notice), notices[notice]
	}
	out.Error, out.Faults = v.failure, v.faults
	write(v.w, v.r, http.StatusOK, v.page.template, out)
}

// newView returns what every page of the site has, in a language. pagePath is that of the page.
func newView(r *http.Request, site *oauth.Site, l texts.Language, pagePath string) *view {
	brand := site.Pool.Name
	out := &view{
		Language: l, Style: site.URL(assetPath + assetNames["look.css"]), Script: site.URL(assetPath + assetNames["page.js"]),
		Brand: brand, Initial: initial(brand),
		Base: site.Base, Protected: isProtected(site.Pool), RequestID: api.RequestFrom(r.Context()).ID,
	}
	if site.Domain.Managed {
		out.LanguageName, out.Menu = l.Name(), newLanguageMenu(l, site.URL(pagePath), r.URL.RawQuery)
	}
	return out
}

func write(w http.ResponseWriter, r *http.Request, status int, name string, out *view) {
	var b bytes.Buffer
	if err := templates[name].ExecuteTemplate(&b, "layout.html", out); err != nil {
		audit.From(r.Context()).SetCause(err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client has gone
}

func initial(brand string) string {
	for _, r := range brand {
		return strings.ToUpper(string(r))
	}
	return ""
}

// isProtected reports whether the pool has threat protection.
func isProtected(sn *pool.Snapshot) bool {
	a := sn.Config.UserPoolAddOns
	return a != nil && a.AdvancedSecurityMode != idp.AdvancedSecurityModeTypeOff
}
