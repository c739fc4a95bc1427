package login

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"cognate/internal/audit"
	"cognate/internal/oauth"
	"cognate/internal/pool/branding"
)

// A look is what branding adds to a page.
type look struct {
	// Scheme is "light", "dark" or "dynamic"; "" for the default look, which is as the browser prefers.
	Scheme string
	// Style is the reference of a stylesheet for after the default one, or "".
	Style          string
	Header, Footer band
	Logo           picture
	LogoAt         string
	// LogoOutside puts the logo outside of the form, LogoBelow below the form's content.
	LogoOutside, LogoBelow bool
	// Wordmark shows the name of the pool in the place of a logo.
	Wordmark bool
	Classic  bool
	Icons    []icon
}

// A band is the header or the footer of a page.
type band struct {
	Enabled bool
	Logo    picture
	LogoAt  string
}

// A picture is the reference of an image, and of the image for dark pages if there is another one.
type picture struct{ URL, Dark, Alt string }

// An icon is the reference of an icon for the browser's tab.
type icon struct{ URL, Type string }

const (
	stylePath = assetPath + "style/"
	imagePath = assetPath + "images/"
)

// hashOf returns a name for contents, for the paths of files that browsers keep for ever. Paths are matched in lower case.
func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return strings.ToLower(base64.RawURLEncoding.EncodeToString(sum[:9]))
}

// styleOf returns the stylesheet of an app client's pages on a site, or "".
func styleOf(site *oauth.Site, a *branding.Appearance) string {
	switch {
	case !site.Domain.Managed:
		return a.CSS
	case a.Theme != nil:
		return a.Theme.CSS
	}
	return ""
}

// newLook returns the look of an app client's pages on a site. An app client without a style has the default look.
func newLook(site *oauth.Site, a *branding.Appearance, clientID string) look {
	l := look{Wordmark: true, Classic: !site.Domain.Managed}
	if css := styleOf(site, a); css != "" {
		l.Style = site.URL(stylePath + clientID + "." + hashOf([]byte(css)) + ".css")
	}
	switch {
	case l.Classic:
		l.Scheme, l.LogoAt = "light", "center"
		l.Logo = pictureOf(site, branding.Picture{File: a.Logo})
	case a.Theme != nil:
		t := a.Theme
		l.Scheme, l.LogoAt, l.LogoOutside, l.LogoBelow = t.Scheme, t.LogoAt, t.LogoOutside, t.LogoBelow
		l.Logo, l.Header, l.Footer = pictureOf(site, t.Logo), bandOf(site, &t.Header), bandOf(site, &t.Footer)
		for _, i := range t.Icons {
			l.Icons = append(l.Icons, icon{imageURL(site, i.File), i.Type})
		}
	}
	l.Wordmark = l.Logo.URL == "" && !(l.Header.Enabled && l.Header.Logo.URL != "")
	return l
}

func bandOf(site *oauth.Site, b *branding.Band) band {
	return band{Enabled: b.Enabled, Logo: pictureOf(site, b.Logo), LogoAt: b.LogoAt}
}

func pictureOf(site *oauth.Site, p branding.Picture) picture {
	return picture{imageURL(site, p.File), imageURL(site, p.Dark), site.Pool.Name}
}

// imageURL returns the reference of an image, or "" if there is none.
func imageURL(site *oauth.Site, file string) string {
	if file == "" {
		return ""
	}
	return site.URL(imagePath + file)
}

// lookOf returns the look of the pages of an app client that a request names. The page of an error can name no app client,
// or a wrong one: it has the default look then.
func (s *Service) lookOf(ctx context.Context, site *oauth.Site, clientID string) look {
	client, err := site.Pool.Client(ctx, clientID)
	if err != nil {
		return newLook(site, &branding.Appearance{}, "")
	}
	a, err := s.deps.Branding.Appearance(ctx, site.Pool, client.ID)
	if err != nil {
		audit.From(ctx).SetCause(err)
		return newLook(site, &branding.Appearance{}, "")
	}
	return newLook(site, a, client.ID)
}

// serveStyle serves the stylesheet of an app client's pages. Browsers keep it for ever only if its name is that of its
// contents: another server may not know the newest style yet.
func (s *Service) serveStyle(w http.ResponseWriter, r *http.Request) {
	site := oauth.SiteOf(r.Context())
	clientID, name, _ := strings.Cut(r.PathValue("file"), ".")
	client, err := site.Pool.Client(r.Context(), clientID)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	a, err := s.deps.Branding.Appearance(r.Context(), site.Pool, client.ID)
	if err != nil {
		audit.From(r.Context()).SetCause(err)
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	css := styleOf(site, a)
	if css == "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/css; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if name == hashOf([]byte(css))+".css" {
		keepForever(w)
	}
	_, _ = w.Write([]byte(css)) // the client may have gone
}

// serveImage serves an image of the site's pool.
func (s *Service) serveImage(w http.ResponseWriter, r *http.Request) {
	// ServeImage says how long an image is kept. What every answer of a domain says of that
	// for HTTP/1.0 would contradict it.
	w.Header().Del("Pragma")
	w.Header().Del("Expires")
	s.deps.Branding.ServeImage(w, r, oauth.SiteOf(r.Context()).Pool.ID, r.PathValue("owner"), r.PathValue("file"))
}
