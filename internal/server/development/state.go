package development

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"regexp"

	"cognate/internal/audit"
	"cognate/internal/server/edge"
	"cognate/internal/store"
)

// State is the state of a server as a whole. Requests that come while it changes wait.
type State interface {
	// Reset empties the database and applies the seed of the server.
	Reset(ctx context.Context) error
	// Snapshot stores a copy of the database under a name.
	Snapshot(ctx context.Context, name string) error
	// Restore puts a copy back. It returns an error of ErrSnapshot if the copy cannot be used, and an error of fs.ErrNotExist if there is no such snapshot.
	Restore(ctx context.Context, name string) error
	// Snapshots returns the names of the copies.
	Snapshots() ([]string, error)
}

// ErrSnapshot means that a snapshot cannot be restored.
var ErrSnapshot = errors.New("the snapshot cannot be used")

// snapshotRequest names a snapshot.
type snapshotRequest struct {
	Name string `json:"name"`
}

// defaultSnapshot is the name of a snapshot for which the request has no name.
const defaultSnapshot = "default"

// snapshotName keeps names within the folder of the snapshots.
var snapshotName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// maxStateBody is the largest body of a request.
const maxStateBody = 4 << 10

// changeState returns a handler that reads the name of a snapshot and changes the state.
func (t *Tools) changeState(change func(ctx context.Context, name string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in := snapshotRequest{Name: defaultSnapshot}
		dec := json.NewDecoder(io.LimitReader(r.Body, maxStateBody))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil && !errors.Is(err, io.EOF) || !snapshotName.MatchString(in.Name) {
			edge.WriteStatus(w, http.StatusBadRequest, `the body is empty, or names a snapshot: {"name": "after-sign-up"}. A name has letters, digits, "-" and "_", at most 64`)
			return
		}
		t.answerChange(w, r, func(ctx context.Context) error { return change(ctx, in.Name) })
	}
}

// answerChange changes the state and answers. Pages of other machines may not change the state.
func (t *Tools) answerChange(w http.ResponseWriter, r *http.Request, change func(ctx context.Context) error) {
	if err := t.deps.OriginPolicy.Screen(r); err != nil {
		edge.WriteStatus(w, http.StatusForbidden, "this page may not change the state of the server")
		return
	}
	err := change(r.Context())
	switch {
	case err == nil:
		edge.WriteStatus(w, http.StatusOK, "ok")
	case errors.Is(err, fs.ErrNotExist):
		edge.WriteStatus(w, http.StatusNotFound, "there is no such snapshot: GET /_cognate/snapshot lists them")
	case errors.Is(err, ErrSnapshot):
		edge.WriteStatus(w, http.StatusUnprocessableEntity, err.Error()+"; nothing was changed")
	case errors.Is(err, store.ErrNotEmbedded):
		edge.WriteStatus(w, http.StatusNotImplemented, "snapshots need the embedded database: PostgreSQL has tools of its own")
	default:
		audit.From(r.Context()).SetCause(err)
		t.deps.Log.ErrorContext(r.Context(), "the change of the state did not finish", slog.Any("error", err))
		edge.WriteStatus(w, http.StatusInternalServerError, "the change did not finish; the log says why")
	}
}

func (t *Tools) reset(ctx context.Context, _ string) error {
	err := t.deps.State.Reset(ctx)
	if err == nil {
		t.deps.Log.InfoContext(ctx, "reset done")
	}
	return err
}

func (t *Tools) snapshot(ctx context.Context, name string) error {
	err := t.deps.State.Snapshot(ctx, name)
	if err == nil {
		t.deps.Log.InfoContext(ctx, "snapshot made", slog.String("name", name))
	}
	return err
}

func (t *Tools) restore(ctx context.Context, name string) error {
	err := t.deps.State.Restore(ctx, name)
	if err == nil {
		t.deps.Log.InfoContext(ctx, "snapshot restored", slog.String("name", name))
	}
	return err
}

// listSnapshots writes the names of the snapshots.
func (t *Tools) listSnapshots(w http.ResponseWriter, r *http.Request) {
	names, err := t.deps.State.Snapshots()
	if err != nil {
		audit.From(r.Context()).SetCause(err)
		edge.WriteStatus(w, http.StatusInternalServerError, "the snapshots could not be listed")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string][]string{"snapshots": names})
}
