package login

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/oauth"
	"cognate/internal/signin"
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
}

// handler serves a page. The authorization request is in the query string of every
// page and is checked again each time.
func (s *Service) handler(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Service: s, page: p, w: w, r: r, site: oauth.SiteOf(r.Context())}
		var err error
		if v.request, err = s.deps.OAuth.ParseAuthorization(r.Context(), v.site, r.URL.Query()); err != nil {
			oauth.SecureHeaders(w, r)
			s.deps.OAuth.Refuse(w, r, err)
			return
		}
		audit.From(r.Context()).SetClient(v.site.Pool.ID, v.request.Client.ID)
		v.headers()
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			v.render(nil)
		case http.MethodPost:
			v.post()
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}
}

// post handles the page's form. A form that another page sent, or an old one, leads
// back to the sign-in page.
func (v *visit) post() {
	if err := v.readForm(); err != nil || !v.checkOrigin() || !v.checkCSRF() {
		audit.From(v.r.Context()).SetReason(api.ReasonInvalidRequest)
		v.redirect(v.link("/login"))
		return
	}
	if err := v.page.submit(v); err != nil {
		v.render(err)
	}
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
	v.form, err = url.ParseQuery(string(body))
	return err
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

// signIn runs a step of a sign-in on the engine, and goes on to what it comes to.
func (v *visit) signIn(step func(signin.PageCall) (*signin.PageAnswer, error), params map[string]string, session string) error {
	var location string
	var cookie *http.Cookie
	a, err := step(signin.PageCall{
		Pool: v.site.Pool, Client: v.request.Client, Params: params, Session: session,
		Complete: func(ctx context.Context, p *signin.Proof) (err error) {
			who := &oauth.Who{User: p.User, At: p.At, EventID: p.EventID, Passed: p.Passed}
			location, cookie, err = v.deps.OAuth.Complete(ctx, v.site, v.request, who, p.OnCommit)
			return err
		},
	})
	if err != nil {
		return err
	}
	if a.Challenge != "" {
		return idp.InvalidParameterException("This sign-in needs " + string(a.Challenge) + ", which the login pages do not have yet.")
	}
	http.SetCookie(v.w, cookie)
	v.redirect(location)
	return nil
}

// textOf returns what a page says of an error. What nobody expects is only logged.
func (v *visit) textOf(err error) string {
	e, ok := errors.AsType[*api.Error](err)
	if !ok || e.Code == api.CodeInternalError {
		audit.From(v.r.Context()).SetCause(err)
		return "Something went wrong. Try again. If it happens again, tell your administrator this number: " + api.RequestFrom(v.r.Context()).ID
	}
	audit.From(v.r.Context()).SetCode(e.Code)
	audit.From(v.r.Context()).SetReason(api.ReasonOf(err))
	return strings.TrimSpace(e.Message)
}
