package development

import (
	"context"
	"encoding/json"
	"net/http"

	"cognate/internal/server/edge"
)

// mountOthers adds the paths of cognito-local, LocalStack and moto at which scripts and test suites
// wait for a server or reset it.
func (t *Tools) mountOthers(mux *http.ServeMux) {
	for _, path := range []string{"/health", "/_localstack/health", "/moto-api/{$}"} {
		mux.HandleFunc("GET "+path, t.health)
	}
	mux.HandleFunc("GET /_localstack/init/ready", t.initialized)
	for _, path := range []string{"/_localstack/state/reset", "/moto-api/reset"} {
		mux.HandleFunc("POST "+path, t.resetOfOthers)
	}
}

// services are the AWS services of the server, by their names in health documents.
var services = []string{"cognito-idp", "cognito-identity", "sts", "iam"}

// health answers 200 while the process runs, in a form that scripts for other emulators understand:
// cognito-local's has "ok", and LocalStack's lists the services. Whether the
// server is ready is at /_cognate/health.
func (t *Tools) health(w http.ResponseWriter, _ *http.Request) {
	running := map[string]string{}
	for _, name := range services {
		running[name] = "running"
	}
	writeOthers(w, map[string]any{"ok": true, "services": running, "edition": "cognate", "version": t.deps.Version})
}

// initialized answers as LocalStack does when its scripts have run. A server answers its first request
// when its seed is applied.
func (t *Tools) initialized(w http.ResponseWriter, _ *http.Request) {
	writeOthers(w, map[string]any{"completed": true, "scripts": []string{}})
}

// writeOthers writes a document in the layout that scripts look for: "name": "running", with a blank
// after the colon.
func writeOthers(w http.ResponseWriter, document map[string]any) {
	text, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		edge.WriteStatus(w, http.StatusInternalServerError, "no answer")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(text, '\n'))
}

// resetOfOthers is the reset. It ignores the body, in which some libraries send an empty list.
func (t *Tools) resetOfOthers(w http.ResponseWriter, r *http.Request) {
	t.answerChange(w, r, func(ctx context.Context) error { return t.reset(ctx, "") })
}
