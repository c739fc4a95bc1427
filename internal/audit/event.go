// Package audit is what is remembered of a request: one wide event, filled on
// the way and logged once, and the counters that a monitoring system reads.
//
// Nothing secret may be put into an event: no password, code, token, session or
// secret hash, and no name or address of a person beyond the user's id. The
// package writes nothing to the store and changes no outcome.
package audit

import (
	"context"
	"log/slog"
	"sync"
)

// Nobody stands in a log line for a user who does not exist.
const Nobody = "none"

// Event gathers what is known of one request. Its methods may be called from
// several goroutines.
type Event struct {
	mu sync.Mutex
	// What the line has whatever the operation is; "" where it is not known.
	pool, appClient, user, target, reason string

	attrs []slog.Attr
}

type eventKey struct{}

// With returns a context that carries a new event.
func With(ctx context.Context) (context.Context, *Event) {
	e := &Event{attrs: make([]slog.Attr, 0, 16)}
	return context.WithValue(ctx, eventKey{}, e), e
}

// From returns the event that ctx carries. It is never nil: without one, what is
// set is forgotten.
func From(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return &Event{}
}

// SetPool notes the user pool.
func (e *Event) SetPool(id string) { e.note(&e.pool, id) }

// SetClient notes the app client and its pool.
func (e *Event) SetClient(poolID, clientID string) {
	e.note(&e.pool, poolID)
	e.note(&e.appClient, clientID)
}

// SetUser notes the sub of the user who signs in, or who bears the token. It is
// Nobody where the request names a user who does not exist.
func (e *Event) SetUser(sub string) { e.note(&e.user, sub) }

// SetTarget notes the sub of the user on whom an administrator acts, or Nobody.
func (e *Event) SetTarget(sub string) { e.note(&e.target, sub) }

// SetReason notes why the request is refused, or why what was answered cannot
// lead to a sign-in.
func (e *Event) SetReason(reason string) { e.note(&e.reason, reason) }

// Reason returns what SetReason noted.
func (e *Event) Reason() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reason
}

func (e *Event) note(field *string, value string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*field = value
}

// Set notes a value under a key, in place of an earlier one.
func (e *Event) Set(key string, value any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.attrs {
		if e.attrs[i].Key == key {
			e.attrs[i].Value = slog.AnyValue(value)
			return
		}
	}
	e.attrs = append(e.attrs, slog.Any(key, value))
}

// Text returns the value under key if it is a string, else "".
func (e *Event) Text(key string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range e.attrs {
		if a.Key == key && a.Value.Kind() == slog.KindString {
			return a.Value.String()
		}
	}
	return ""
}

// Attrs returns all that was set: the fields that any line may have, then the
// others in the order in which they were set.
func (e *Event) Attrs() []slog.Attr {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]slog.Attr, 0, 5+len(e.attrs))
	for _, field := range [...]struct{ key, value string }{
		{"pool", e.pool}, {"appClient", e.appClient}, {"user", e.user}, {"target", e.target}, {"reason", e.reason},
	} {
		if field.value != "" {
			all = append(all, slog.String(field.key, field.value))
		}
	}
	return append(all, e.attrs...)
}
