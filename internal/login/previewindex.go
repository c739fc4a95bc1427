package login

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
	"cognate/internal/pool"
)

//go:embed preview
var previewFiles embed.FS

var previewTemplate = template.Must(template.ParseFS(previewFiles, "preview/index.html"))

// maxPreviewOptions bounds the list of user pools and the list of app clients.
const maxPreviewOptions = 600

// A previewOption is a choice in one of the lists above the pages.
type previewOption struct {
	Value, Label string
	Chosen       bool
}

// A previewShot is a page in one width and scheme.
type previewShot struct{ Class, Label string }

// previewShots are the shots of a page that follows the preference of the browser.
var previewShots = []previewShot{{"wide light", "Light"}, {"wide dark", "Dark"}, {"phone light", "Phone, light"}, {"phone dark", "Phone, dark"}}

// A previewIndex is what the template of the preview's own page shows.
type previewIndex struct {
	Static                              string // path of the preview's own files
	Pools, Clients, Languages, Versions []previewOption
	Shots                               []previewShot
	// Scheme is "light" or "dark" if the style has no other scheme.
	Scheme string
	// Adjusted are the settings of the style whose colour has too little contrast.
	Adjusted []string
	Groups   []previewGroup
}

// A previewGroup is a page with its states.
type previewGroup struct {
	Path   string
	States []previewItem
}

// A previewItem is the link to a state.
type previewItem struct {
	ID, Title string
	URL       template.URL
}

// serveIndex shows the pages of an app client in all their states.
func (p *Preview) serveIndex(w http.ResponseWriter, r *http.Request) {
	oauth.SecureHeaders(w, r)
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; frame-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	out, err := p.index(r)
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	var b bytes.Buffer
	if err := previewTemplate.Execute(&b, out); err != nil {
		audit.From(r.Context()).SetCause(err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // the client has gone
}

// index returns what the preview's own page shows. Lists stay empty if there is no user pool or
// no app client yet.
func (p *Preview) index(r *http.Request) (*previewIndex, error) {
	out := &previewIndex{Static: PreviewPath + "/_static/"}
	q := r.URL.Query()
	poolID, err := p.listPools(r.Context(), q.Get(previewPoolParameter), out)
	if err != nil || poolID == "" {
		return out, err
	}
	sn, err := p.pools.Load(r.Context(), poolID)
	if err != nil {
		return nil, err
	}
	clientID, err := p.listClients(r.Context(), sn, q.Get("client"), out)
	if err != nil || clientID == "" {
		return out, err
	}
	domain, err := p.domain(r.Context(), sn)
	if err != nil {
		return nil, err
	}
	if version := q.Get(previewVersionParameter); version != "" {
		domain.Managed = version != previewClassic
	}
	if err := p.describeLook(r.Context(), sn, domain, clientID, out); err != nil {
		return nil, err
	}
	version, language := previewManaged, previewLanguage(r)
	if !domain.Managed {
		version, language = previewClassic, texts.Default
	}
	out.Versions = []previewOption{{previewManaged, "Managed login", domain.Managed}, {previewClassic, "Classic pages", !domain.Managed}}
	for _, l := range texts.All {
		if domain.Managed || l.Tag == texts.Default {
			out.Languages = append(out.Languages, previewOption{string(l.Tag), l.Name, l.Tag == language})
		}
	}
	out.Groups = previewGroups(PreviewPath+"/"+sn.ID+"/"+version, url.Values{previewClientParameter: {clientID}, languageParameter: {string(language)}})
	return out, nil
}

// listPools adds the user pools of the default Region to the lists, and returns the id of the
// chosen pool, which can be in another Region. It returns "" if there is no pool.
func (p *Preview) listPools(ctx context.Context, chosen string, out *previewIndex) (string, error) {
	in := &idp.ListUserPoolsRequest{MaxResults: 60}
	for len(out.Pools) < maxPreviewOptions {
		list, err := p.pools.ListUserPools(ctx, in)
		if err != nil {
			return "", err
		}
		for _, d := range list.UserPools {
			out.Pools = append(out.Pools, previewOption{Value: api.Val(d.Id), Label: api.Val(d.Name)})
		}
		if in.NextToken = list.NextToken; in.NextToken == nil {
			break
		}
	}
	return chooseOption(&out.Pools, chosen), nil
}

// listClients adds the app clients of a pool to the lists, and returns the id of the chosen
// client. It returns "" if there is no client.
func (p *Preview) listClients(ctx context.Context, sn *pool.Snapshot, chosen string, out *previewIndex) (string, error) {
	in := &idp.ListUserPoolClientsRequest{UserPoolId: sn.ID, MaxResults: new(int32(60))}
	for len(out.Clients) < maxPreviewOptions {
		list, err := p.pools.ListUserPoolClients(ctx, in)
		if err != nil {
			return "", err
		}
		for _, d := range list.UserPoolClients {
			out.Clients = append(out.Clients, previewOption{Value: api.Val(d.ClientId), Label: api.Val(d.ClientName)})
		}
		if in.NextToken = list.NextToken; in.NextToken == nil {
			break
		}
	}
	return chooseOption(&out.Clients, chosen), nil
}

// chooseOption marks the chosen option and returns its value. Without a choice it marks the last
// option, which is the newest pool. A value that is not in the list is added.
func chooseOption(options *[]previewOption, chosen string) string {
	for i := range *options {
		if o := &(*options)[i]; o.Value == chosen {
			o.Chosen = true
			return chosen
		}
	}
	if chosen != "" {
		*options = append(*options, previewOption{Value: chosen, Label: chosen, Chosen: true})
		return chosen
	}
	if len(*options) == 0 {
		return ""
	}
	last := &(*options)[len(*options)-1]
	last.Chosen = true
	return last.Value
}

// describeLook adds the colour schemes of the app client's style, and the settings whose colours
// the pages replace.
func (p *Preview) describeLook(ctx context.Context, sn *pool.Snapshot, domain *pool.LoginDomain, clientID string, out *previewIndex) error {
	client, err := sn.Client(ctx, clientID)
	if err != nil {
		return err
	}
	appearance, err := p.login.deps.Branding.Appearance(ctx, sn, client.ID)
	if err != nil {
		return err
	}
	out.Shots = previewShots
	switch {
	case !domain.Managed:
		out.Scheme = "light"
	case appearance.Theme != nil:
		out.Adjusted = appearance.Theme.Adjusted
		if appearance.Theme.Scheme != "dynamic" {
			out.Scheme = appearance.Theme.Scheme
		}
	}
	if out.Scheme != "" {
		out.Shots = []previewShot{{"wide " + out.Scheme, "Wide"}, {"phone " + out.Scheme, "Phone"}}
	}
	return nil
}

// previewGroups returns the links to all states below a path, by page.
func previewGroups(base string, query url.Values) []previewGroup {
	var groups []previewGroup
	for _, s := range previewStates() {
		if n := len(groups); n == 0 || groups[n-1].Path != s.path {
			groups = append(groups, previewGroup{Path: s.path})
		}
		query.Set(previewStateParameter, s.name)
		ref := base + s.path + "?" + query.Encode()
		g := &groups[len(groups)-1]
		g.States = append(g.States, previewItem{
			ID: path.Base(s.path) + "-" + s.name, Title: s.title, URL: template.URL(ref), //nolint:gosec // html/template still escapes it for its attribute
		})
	}
	return groups
}

// servePreviewFile serves the style or the script of the preview's own page.
func servePreviewFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	body, err := previewFiles.ReadFile("preview/" + name)
	if err != nil || path.Ext(name) == ".html" {
		http.NotFound(w, r)
		return
	}
	oauth.SecureHeaders(w, r)
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(body) // the client has gone
}
