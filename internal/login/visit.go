package login

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
	"cognate/internal/user"
)

// maxForm bounds a page's form in bytes: more than all fields of the longest lawful
// lengths.
const maxForm = 64 << 10

// A visit is one request for a page.
type visit struct {
	*Service

	page    page
	w       http.ResponseWriter
	r       *http.Request
	site    *oauth.Site
	request *oauth.Authorization
	form    url.Values
	csrf    string // what the form must send back
	text    texts.Language
	// state is what the page continues from, stateText its sealed form.
	state     *pageState
	stateText string
	// failed is the error of the form, failure its text. faults are the inputs that show the error.
	failed  error
	failure string
	faults  []Field
	// user is the person who has signed in, for pages that are for such a person.
	user *user.User
	// offersPasskey says that the sign-in of this request leads to the page for a new
	// passkey.
	offersPasskey bool
}

// handler serves a page. The authorization request is in the query string of every
// page and is checked again each time.
func (s *Service) handler(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Service: s, page: p, w: w, r: r, site: oauth.SiteOf(r.Context())}
		var err error
		if v.request, err = s.deps.OAuth.ParseAuthorization(r); err != nil {
			oauth.SecureHeaders(w, r)
			s.deps.OAuth.Refuse(w, r, err)
			return
		}
		audit.From(r.Context()).SetClient(v.site.Pool.ID, v.request.Client.ID)
		v.text = chooseLanguage(w, r, v.site)
		v.headers()
		if p.local && !v.isLocal() {
			v.redirect(v.link(pathSignIn))
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			v.get()
		case http.MethodPost:
			v.post()
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}
}

// isLocal reports whether people of the pool's own directory can use the client.
func (v *visit) isLocal() bool {
	return slices.Contains(v.request.Client.Config.SupportedIdentityProviders, localName)
}

// get shows the page. A page without its state leads to the sign-in page.
func (v *visit) get() {
	if v.leadsAway() {
		return
	}
	switch ok, err := v.ready(); {
	case err != nil:
		v.deps.OAuth.Refuse(v.w, v.r, err)
	case !ok:
		v.turnBack()
	case v.page.show == nil:
		v.redirect(v.link(v.page.state))
	default:
		v.render(nil)
	}
}

// ready reports whether the request has the state, or the session, that the page needs.
func (v *visit) ready() (ok bool, err error) {
	if v.page.state == "" {
		return true, nil
	}
	if err := v.loadState(); err != nil || !v.page.signedIn {
		return v.state != nil, err
	}
	v.user, err = v.deps.OAuth.SignedInFor(v.r, v.request, v.signedInAt())
	return v.user != nil, err
}

// turnBack leads away from a page that is not ready: to the sign-in page. From a page for
// people who have signed in it leads back, unless the person has just signed in.
func (v *visit) turnBack() {
	if v.page.signedIn && v.signedInAt().IsZero() {
		v.setCookie(nextCookie, v.nextValue(v.page.path), int(keys.PageStateLife.Seconds()))
		v.redirect(v.link(pathSignIn))
		return
	}
	v.startAgain(noticeExpired)
}

// post handles the page's form. A form that another page sent, or an old one, leads
// back to the sign-in page.
func (v *visit) post() {
	if err := v.readForm(); err != nil || !v.checkOrigin() || !v.checkCSRF() {
		audit.From(v.r.Context()).SetReason(api.ReasonInvalidRequest)
		v.startAgain(noticeExpired)
		return
	}
	ok, err := v.ready()
	switch {
	case err != nil:
		v.deps.OAuth.Refuse(v.w, v.r, err)
		return
	case !ok:
		v.turnBack()
		return
	}
	switch err = v.page.submit(v); {
	case err == nil:
	case v.isOver(err):
		_, _ = v.note(err)
		v.startAgain(noticeExpired)
	case v.page.show == nil:
		_, _ = v.note(err)
		v.startAgain(noticeExpired)
	default:
		v.render(err)
	}
}

// isOver reports whether an error ends the attempt: its session is used, too old, or
// does not fit the account any more.
func (v *visit) isOver(err error) bool {
	if v.state == nil || v.state.Session == "" {
		return false
	}
	switch api.ReasonOf(err) {
	case api.ReasonBadSession, api.ReasonSessionExpired, api.ReasonSessionUsed, api.ReasonAccountChanged:
		return true
	}
	return false
}

func (v *visit) readForm() error {
	kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return errors.New("login: not a form")
	}
	body, err := io.ReadAll(io.LimitReader(v.r.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return errors.New("login: the form is too long")
	}
	if v.form, err = url.ParseQuery(string(body)); err != nil {
		return err
	}
	for _, values := range v.form {
		for _, value := range values {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return errors.New("login: the form is not text")
			}
		}
	}
	return nil
}

// link returns the reference of another page of the same authorization request.
func (v *visit) link(path string) string {
	return v.site.URL(path) + "?" + v.query()
}

// query returns the authorization request as links and forms carry it. A space is %20
// in it: in HTML a plus sign becomes a character reference, which simple clients do not
// read.
func (v *visit) query() string { return strings.ReplaceAll(v.r.URL.RawQuery, "+", "%20") }

func (v *visit) redirect(location string) {
	v.w.Header().Set("Location", location)
	v.w.WriteHeader(http.StatusFound)
}
