package development

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"cognate/internal/message"
	"cognate/internal/server/edge"
	"cognate/internal/store"
	"cognate/internal/user/userimport"
)

// Deps are what the tools are built from.
type Deps struct {
	Messages *message.Service
	Imports  *userimport.Service
	Clock    *Clock
	State    State
	// Waits is told that a request only waits from now on, so that nothing waits for it.
	Waits func(context.Context)
	Store *store.Store
	// Operations answers the operations of AWS, some of which are GET requests to the root.
	Operations http.Handler
	// Version is that of the program, or "".
	Version         string
	URL, IssuerBase string
	// OriginPolicy decides which web pages may set the clock or change the state.
	OriginPolicy *edge.OriginPolicy
	// RequestTimeout is the longest that a request may take.
	RequestTimeout time.Duration
	Log            *slog.Logger
}

// Tools are the routes that only a development server has.
type Tools struct{ deps Deps }

// New returns the tools.
func New(d Deps) *Tools { return &Tools{d} }

// Mount adds the routes. Only a development server may call it.
func (t *Tools) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", t.start)
	t.mountOthers(mux)
	mux.HandleFunc("GET /_cognate/inbox", t.inbox)
	mux.HandleFunc("GET /_cognate/clock", t.showClock)
	mux.HandleFunc("POST /_cognate/clock", t.setClock)
	mux.HandleFunc("PUT /_cognate/clock", t.setClock)
	mux.HandleFunc("POST /_cognate/reset", t.changeState(t.reset))
	mux.HandleFunc("GET /_cognate/snapshot", t.listSnapshots)
	mux.HandleFunc("POST /_cognate/snapshot", t.changeState(t.snapshot))
	mux.HandleFunc("POST /_cognate/restore", t.changeState(t.restore))
	mux.HandleFunc("GET "+userimport.UploadPath+"/log", t.importLog)
}
