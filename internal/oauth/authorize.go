package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"cognate/internal/api"
	"cognate/internal/audit"
)

// serveAuthorize is /oauth2/authorize: it answers with a code where the browser is
// signed in, and else sends the person to the login page, or to another provider.
func (s *Service) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	location, err := s.authorize(w, r)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	redirect(w, r, location)
}

func (s *Service) authorize(w http.ResponseWriter, r *http.Request) (string, error) {
	ctx, site := r.Context(), SiteOf(r.Context())
	a, err := s.ParseAuthorization(r)
	if err != nil {
		return "", err
	}
	audit.From(ctx).SetClient(site.Pool.ID, a.Client.ID)
	session, err := s.session(ctx, site, r)
	if err != nil {
		return "", &RedirectedError{asFault(err), a}
	}
	serves := session != nil && session.serves(site, a, s.deps.Now())
	if serves {
		weak, err := s.isWeak(r, a, session)
		if err != nil {
			return "", &RedirectedError{asFault(err), a}
		}
		serves = !weak
	}
	switch {
	case serves:
		location, err := s.reuse(ctx, site, a, session)
		if err != nil {
			return "", s.Failed(a, err)
		}
		return location, nil
	case slices.Contains(a.prompt, promptNone):
		return "", &RedirectedError{fault(codeLoginRequired), a}
	case !a.IsLocal() && !a.MustAsk(r):
		return s.startFederated(w, r, a)
	}
	return site.URL("/login") + "?" + r.URL.RawQuery, nil
}

// Refuse answers an authorization request that failed: at the client's redirect URI,
// or on the error page.
func (s *Service) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	if shown, ok := errors.AsType[*ShownError](err); ok {
		fault(codeInvalidRequest).note(r)
		showError(w, r, shown)
		return
	}
	if back, ok := errors.AsType[*RedirectedError](err); ok {
		back.note(r)
		redirect(w, r, back.Location())
		return
	}
	asFault(err).note(r)
	showError(w, r, &ShownError{Text: "Something went wrong", RequestID: api.RequestFrom(r.Context()).ID})
}

// maxLanguage bounds the tag of a language that the error page's address repeats, in bytes.
const maxLanguage = 16

// showError sends the browser to the error page, in the language that the request chooses.
func showError(w http.ResponseWriter, r *http.Request, shown *ShownError) {
	location := shown.Location(SiteOf(r.Context()))
	if tag := r.URL.Query().Get("lang"); tag != "" && len(tag) <= maxLanguage {
		location += "&lang=" + url.QueryEscape(tag)
	}
	redirect(w, r, location)
}

// Failed returns the error that the client hears of a sign-in that could not be
// completed. A trigger's refusal is an invalid_request, as Cognito has it.
func (s *Service) Failed(a *Authorization, err error) error {
	f := asFault(err)
	if f.Code == codeInvalidGrant {
		f = &FaultError{Code: codeInvalidRequest, Description: f.Description, reason: f.reason}
	}
	return &RedirectedError{f, a}
}

// redirect answers 302. The location is a reference of the site, or a registered URI.
func redirect(w http.ResponseWriter, _ *http.Request, location string) {
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
}
