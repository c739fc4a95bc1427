package token

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"cognate/internal/api"
	"cognate/internal/audit"
)

// Mount adds the routes of an issuer's public documents. Pages of any origin may
// read them.
func (s *Service) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /{pool}/.well-known/openid-configuration", publish(s.Discovery))
	mux.HandleFunc("GET /{pool}/.well-known/jwks.json", publish(s.JWKS))
}

// maxLoggedID is the most bytes of a path's pool id that are logged.
const maxLoggedID = 64

// publish returns a handler that answers with a document of the pool in the path.
func publish(document func(ctx context.Context, poolID string) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		poolID := r.PathValue("pool")
		audit.From(r.Context()).SetPool(poolID[:min(len(poolID), maxLoggedID)])
		Publish(func(ctx context.Context) ([]byte, error) { return document(ctx, poolID) })(w, r)
	}
}

// Publish returns a handler that answers with a public document of an issuer.
func Publish(document func(ctx context.Context) ([]byte, error)) http.HandlerFunc {
	maxAge := "public, max-age=" + strconv.Itoa(int(DocumentMaxAge.Seconds()))
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := document(r.Context())
		if err != nil {
			documentError(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", maxAge)
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body)
	}
}

func documentError(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusInternalServerError, "Something went wrong"
	if api.CodeOf(err) == "ResourceNotFoundException" {
		status, text = http.StatusNotFound, "User pool not found"
	} else {
		audit.From(r.Context()).SetCause(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text})
}
