package login

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"cognate/internal/keys"
	"cognate/internal/oauth"
	"cognate/internal/pool/branding"
	"cognate/internal/pool/providers"
	"cognate/internal/protection"
	"cognate/internal/protection/authevents"
	"cognate/internal/signin"
	"cognate/internal/user/passkeys"
	"cognate/internal/user/registration"
)

// Deps are what the service is built from.
type Deps struct {
	OAuth         *oauth.Service
	SignIns       *signin.Service
	Registrations *registration.Service
	Branding      *branding.Service
	Providers     *providers.Service
	Passkeys      *passkeys.Service
	AuthEvents    *authevents.Service
	Ring          *keys.Ring
	Now           func() time.Time
	Log           *slog.Logger
}

// Service serves the pages.
type Service struct {
	deps Deps
	// explain is nil in production.
	explain explanation
}

// An explanation returns what the error page of a development server says to developers about its text, or "". callbacks and
// logouts are the registered addresses of the app client, if the page knows it.
type explanation func(text string, callbacks, logouts []string) string

// ExplainErrors makes the error page show explanations. It is called before the first request.
func (s *Service) ExplainErrors(explain explanation) { s.explain = explain }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// Mount adds the pages to the routes of a domain, which are in lower case.
func (s *Service) Mount(mux *http.ServeMux) {
	for _, p := range pages() {
		mux.HandleFunc(strings.ToLower(p.path), s.deps.OAuth.Limited(p.path, s.handler(p)))
	}
	mux.HandleFunc(pathError, s.serveError)
	mux.HandleFunc(strings.ToLower(pathConfirmUser), s.deps.OAuth.Limited(pathConfirmUser, s.serveConfirmUser))
	mux.HandleFunc(strings.ToLower(protection.FeedbackPath), s.deps.OAuth.Limited(protection.FeedbackPath, s.serveFeedback))
	mux.HandleFunc("GET "+assetPath+"{file}", serveAsset)
	mux.HandleFunc("GET "+stylePath+"{file}", s.serveStyle)
	mux.HandleFunc("GET "+imagePath+"{owner}/{file}", s.serveImage)
}
