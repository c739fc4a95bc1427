package login

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"cognate/internal/keys"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
)

// maxErrorText bounds what the error page repeats of its address, in bytes.
const maxErrorText = 512

// serveError is /error: it shows the text in its address, as text. Its status is
// always 400 (Cognito: error page). Only texts of this program are translated.
func (s *Service) serveError(w http.ResponseWriter, r *http.Request) {
	oauth.SecureHeaders(w, r)
	contentPolicy(w, "")
	site := oauth.SiteOf(r.Context())
	text := r.URL.Query().Get("error")
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	if text = strings.ToValidUTF8(text, ""); utf8.RuneCountInString(text) == 0 {
		text = "Something went wrong"
	}
	s.writeError(w, r, chooseLanguage(w, r, site), text, s.hint(r, site, text))
}

// hint returns what the page says to developers about a text. It is empty in production.
func (s *Service) hint(r *http.Request, site *oauth.Site, text string) string {
	if s.explain == nil {
		return ""
	}
	var callbacks, logouts []string
	if client, err := site.Pool.Client(r.Context(), r.URL.Query().Get("client_id")); err == nil {
		callbacks, logouts = client.Config.CallbackURLs, client.Config.LogoutURLs
	}
	return s.explain(text, callbacks, logouts)
}

// writeError writes the error page with a text, and a hint for developers.
func (s *Service) writeError(w http.ResponseWriter, r *http.Request, l texts.Language, text, hint string) {
	site := oauth.SiteOf(r.Context())
	out := newView(r, site, l, pathError)
	out.Page = hint
	out.Error, out.Look = l.Message(text), s.lookOf(r.Context(), site, r.URL.Query().Get("client_id"))
	if id := r.URL.Query().Get("request_id"); keys.IsUUID(id) {
		out.RequestID = id // of the request that failed, by which the log names the cause
	}
	write(w, r, http.StatusBadRequest, "error.html", out)
}
