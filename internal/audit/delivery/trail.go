package delivery

import (
	"context"

	"cognate/internal/audit/sink"
	"cognate/internal/audit/trail"
	"cognate/internal/store"
)

// trailSource has the records of the audit trail. Each chain is a stream.
type trailSource struct {
	trail *trail.Trail
	sink  sink.Sink
	heads map[string]trail.ChainHead // as Streams has read them
}

// Trail returns the audit trail as a source for one destination.
func Trail(t *trail.Trail, to sink.Sink) Source { return &trailSource{trail: t, sink: to} }

// Streams implements Source.
func (s *trailSource) Streams(ctx context.Context) ([]Stream, error) {
	heads, err := s.trail.Chains(ctx)
	if err != nil {
		return nil, err
	}
	s.heads = make(map[string]trail.ChainHead, len(heads))
	streams := make([]Stream, len(heads))
	for i, h := range heads {
		s.heads[h.Chain] = h
		streams[i] = Stream{h.Chain, h.Seq}
	}
	return streams, nil
}

// Sink implements Source.
func (s *trailSource) Sink(context.Context, string) (sink.Sink, error) { return s.sink, nil }

// Read implements Source.
func (s *trailSource) Read(ctx context.Context, chain string, after int64, limits sink.Batch) (Records, error) {
	events, err := s.trail.Deliver(ctx, chain, after, limits.Records+1)
	if err != nil {
		return Records{}, err
	}
	if len(events) == 0 {
		return s.removed(chain, after), nil
	}
	out := Records{Missed: events[0].Seq - after - 1}
	size := 0
	for i := range events {
		e := &events[i]
		body, err := trail.Render(e)
		if err != nil {
			return Records{}, err
		}
		size += len(body) + 1
		if i > 0 && (i >= limits.Records || size > limits.Bytes) {
			out.Full = true
			break
		}
		out.List = append(out.List, sink.Record{ID: trail.EventID(e.Chain, e.Seq), At: e.At, Body: body})
		out.Position = e.Seq
	}
	return out, nil
}

// removed returns no records. If the retention has removed all records of the chain, it says how many of them are after a
// position.
func (s *trailSource) removed(chain string, after int64) Records {
	h := s.heads[chain]
	if h.First <= h.Seq || h.Seq <= after {
		return Records{}
	}
	return Records{Missed: h.Seq - after, Position: h.Seq}
}

// Sent implements Source: the trail keeps its records.
func (*trailSource) Sent(context.Context, *store.Tx, string, Records) error { return nil }
