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

// Event gathers what is known of one request. Its methods may be called from
// several goroutines.
type Event struct {
	mu    sync.Mutex
	attrs []slog.Attr
}

type eventKey struct{}

// With gives a context that carries a new event.
func With(ctx context.Context) (context.Context, *Event) {
	e := &Event{attrs: make([]slog.Attr, 0, 16)}
	return context.WithValue(ctx, eventKey{}, e), e
}

// From gives the event that ctx carries. It is never nil: without one, what is
// set is forgotten.
func From(ctx context.Context) *Event {
	if e, ok := ctx.Value(eventKey{}).(*Event); ok {
		return e
	}
	return &Event{}
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

// Text gives the value under key if it is a string, else "".
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

// Attrs gives all that was set, in order.
func (e *Event) Attrs() []slog.Attr {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]slog.Attr(nil), e.attrs...)
}
