// Package inquiry answers what an operator on the machine asks about the audit trail: searches,
// verifications and checkpoints. Requests and answers are plain data, which commands also send to
// a running server.
//
// It changes nothing.
package inquiry

import (
	"context"
	"encoding/json"
	"time"

	"cognate/internal/audit/trail"
	"cognate/internal/store"
)

// The values of Request.Do.
const (
	Search     = "search"
	Verify     = "verify"
	Checkpoint = "checkpoint"
)

// A Request is what a command asks.
type Request struct {
	Do    string            `json:"do"`
	Query trail.Query       `json:"query"`           // Search
	After *store.AuditPlace `json:"after,omitempty"` // Search: where the next page begins
	Limit int               `json:"limit,omitempty"` // Search: the most records of the page
	// Checkpoint is the text of a checkpoint that was kept elsewhere, or "". It is for Verify.
	Checkpoint string `json:"checkpoint,omitempty"`
}

// A Response is the answer.
type Response struct {
	Events     []Event           `json:"events,omitempty"`
	Next       *store.AuditPlace `json:"next,omitempty"`
	Report     *trail.Report     `json:"report,omitempty"`
	Checkpoint string            `json:"checkpoint,omitempty"`
}

// An Event is a record: some of its columns, and CloudTrail's JSON.
type Event struct {
	At                                                     time.Time
	Name, Pool, Sub, AccessKey, Username, Error, RequestID string
	JSON                                                   json.RawMessage
}

// Answer answers a request.
func Answer(ctx context.Context, t *trail.Trail, in *Request) (out *Response, err error) {
	out = &Response{}
	switch in.Do {
	case Search:
		return search(ctx, t, in)
	case Verify:
		var outside *trail.Checkpoint
		if in.Checkpoint != "" {
			if outside, err = trail.ParseCheckpoint([]byte(in.Checkpoint)); err != nil {
				return nil, err
			}
		}
		out.Report, err = t.Verify(ctx, outside)
	case Checkpoint:
		var c *trail.Checkpoint
		if c, err = t.Checkpoint(ctx); err == nil {
			out.Checkpoint = string(c.Text())
		}
	}
	return out, err
}

func search(ctx context.Context, t *trail.Trail, in *Request) (*Response, error) {
	found, err := t.Search(ctx, &in.Query, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &Response{Next: found.Next}
	for i := range found.Events {
		e := &found.Events[i]
		text, err := trail.Render(e)
		if err != nil {
			return nil, err
		}
		out.Events = append(out.Events, Event{e.At, e.Name, e.PoolID, e.Sub, e.AccessKey, e.Username, e.Error, e.RequestID, text})
	}
	return out, nil
}
