package development

import (
	"net/http"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/server/edge"
)

// importLog answers the log of an import. In production, cognate import log prints it.
func (t *Tools) importLog(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	err := t.deps.Imports.WriteLog(r.Context(), w, r.PathValue("pool"), r.PathValue("job"))
	switch {
	case err == nil:
	case api.CodeOf(err) == "ResourceNotFoundException":
		edge.WriteStatus(w, http.StatusNotFound, "there is no such import job")
	default:
		audit.From(r.Context()).SetCause(err)
		panic(http.ErrAbortHandler) // Half a log must not look like a whole one.
	}
}
