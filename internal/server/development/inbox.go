package development

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/audit"
	"cognate/internal/mailing"
	"cognate/internal/message"
	"cognate/internal/server/changeover"
	"cognate/internal/server/edge"
	"cognate/internal/store"
)

//go:embed inbox.html
var inboxHTML string

// inboxEntry is a message as the inbox shows it.
type inboxEntry struct {
	ID       string `json:"id"`
	PoolID   string `json:"poolId"`
	Username string `json:"username"`
	Medium   string `json:"medium"`
	To       string `json:"to"`
	Subject  string `json:"subject"`
	Body     string `json:"body"`
	Code     string `json:"code"`
	Link     string `json:"link"`
	// Function is the pool's function that the message was handed to.
	Function  string    `json:"function,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
}

// inbox shows the mail and SMS of development: JSON, or a page to a browser.
func (t *Tools) inbox(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if wrong := inboxProblem(q); wrong != "" {
		edge.WriteStatus(w, http.StatusBadRequest, wrong)
		return
	}
	query := message.Query{PoolID: q.Get("pool"), Username: q.Get("username"), To: q.Get("to"), Medium: strings.ToUpper(q.Get("medium"))}
	if wait := q.Get("wait"); wait != "" {
		d, err := time.ParseDuration(wait)
		if err != nil || d < 0 {
			edge.WriteStatus(w, http.StatusBadRequest, "wait must be a time such as 5s")
			return
		}
		// The wait must end before the request's own time limit.
		t.deps.Waits(r.Context())
		query.Wait = min(d, message.MaxWait, t.deps.RequestTimeout*4/5)
	}
	messages, err := t.deps.Messages.List(r.Context(), query)
	if err != nil {
		if errors.Is(context.Cause(r.Context()), changeover.ErrReplaced) {
			edge.WriteStatus(w, http.StatusServiceUnavailable, "the server was reset, or put back to a snapshot, while the request waited: ask again")
			return
		}
		status := http.StatusInternalServerError
		if errors.Is(err, store.ErrUnavailable) {
			status = http.StatusServiceUnavailable
		}
		audit.From(r.Context()).SetCause(err)
		edge.WriteStatus(w, status, "the inbox could not be read")
		return
	}
	entries := make([]inboxEntry, 0, len(messages))
	for _, m := range messages {
		entries = append(entries, inboxEntry{
			ID: m.ID, PoolID: m.PoolID, Username: m.Username, Medium: m.Medium, To: m.To,
			Subject: m.Subject, Body: m.Body, Code: m.Code, Link: m.Link, Function: mailing.FunctionOf(m), CreatedAt: m.CreatedAt.UTC(),
		})
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		inboxPage(w, entries)
		return
	}
	// Codes are for this machine's programs, not for pages of other origins: no CORS header.
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string][]inboxEntry{"messages": entries})
}

// inboxParameters are the parameters of the inbox.
var inboxParameters = []string{"medium", "pool", "to", "username", "wait"}

// inboxProblem says what is wrong with parameters of the inbox. A mistyped parameter would let a test read the mail of
// another one.
func inboxProblem(q url.Values) string {
	for name := range q {
		if !slices.Contains(inboxParameters, name) {
			return "the inbox has no parameter " + strconv.Quote(name) + ": it has " + strings.Join(inboxParameters, ", ")
		}
	}
	switch strings.ToUpper(q.Get("medium")) {
	case "", message.Email, message.SMS:
		return ""
	}
	return "medium must be email or sms"
}

func inboxPage(w http.ResponseWriter, entries []inboxEntry) {
	page, err := template.New("inbox").Parse(inboxHTML)
	if err != nil {
		edge.WriteStatus(w, http.StatusInternalServerError, "the inbox could not be shown")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	// A message's body comes from a pool's templates: it must not run or load anything.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	_ = page.Execute(w, entries)
}
