package logs

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/audit/delivery"
	"cognate/internal/audit/sink"
	"cognate/internal/pool"
	"cognate/internal/store"
)

const (
	// maxBatch is how many records are sent at once. Each of them is deleted by a statement of its own.
	maxBatch = 1000
	// maxStreams is how many streams one turn looks at. The next turn goes on after them.
	maxStreams = 1000
	// maxSinks is how many sinks stay open.
	maxSinks = 128
)

// A Delivery sends the records of all pools to the destinations of one kind.
type Delivery struct {
	*delivery.Worker

	Kind   Kind
	source *source
}

// Deliveries returns a delivery for each kind of destination that the server can deliver to. A destination that is slow delays
// only those of its kind.
func (s *Service) Deliveries(m *audit.Metrics) []Delivery {
	var list []Delivery
	for _, kind := range Kinds() {
		if s.deps.Targets[kind] == nil {
			continue
		}
		from := &source{service: s, kind: kind, sinks: map[string]sink.Sink{}, remotes: map[string]*sink.Remote{}}
		w := delivery.New(delivery.Deps{Store: s.deps.Store, Log: s.deps.Log, Now: s.deps.Now, Owner: s.deps.Owner}, "logs of user pools to "+string(kind), from)
		list = append(list, Delivery{w, kind, from})
		if m == nil {
			continue
		}
		label := string(kind)
		m.LabelledGauge("cognate_log_delivery_lag_seconds", "Age of the oldest record of user pools' logs that could not be delivered yet.", "destination", label,
			func() float64 { return w.Lag().Seconds() })
		m.LabelledCounter("cognate_log_delivered_total", "Records of user pools' logs that a destination has.", "destination", label, func() float64 { return float64(w.Sent()) })
		m.LabelledCounter("cognate_log_delivery_failures_total", "Attempts to deliver records of user pools' logs that failed.", "destination", label, func() float64 { return float64(w.Failed()) })
	}
	if m != nil {
		m.Counter("cognate_log_dropped_total", "Records of user pools' logs that waited for too long, or were too many, and were dropped.", func() float64 { return float64(s.Dropped()) })
	}
	return list
}

// Close sends what waits, and lets another process go on.
func (d Delivery) Close(ctx context.Context) error {
	return errors.Join(d.Turn(ctx), d.Stop(ctx), d.source.close())
}

// source has the records of pools whose destination is of one kind. A stream is a source of a pool. Records have no lasting
// positions: those that were sent are gone. The position counts them, so that two processes notice each other.
type source struct {
	service *Service
	kind    Kind
	after   store.LogStream
	sinks   map[string]sink.Sink
	remotes map[string]*sink.Remote // by Region
}

func streamName(poolID, of string) string { return poolID + "/" + of }

// Streams implements delivery.Source.
func (s *source) Streams(ctx context.Context) ([]delivery.Stream, error) {
	waiting, err := s.service.deps.Store.LogStreams(ctx, s.after, maxStreams)
	if err != nil {
		return nil, err
	}
	s.after = store.LogStream{}
	if len(waiting) == maxStreams {
		s.after = waiting[maxStreams-1]
	}
	now := s.service.deps.Now()
	var streams []delivery.Stream
	for _, w := range waiting {
		_, d, err := s.service.destinationOf(ctx, w.PoolID, w.Source)
		if err != nil {
			return nil, err
		}
		if d == nil || d.kind != s.kind || now.Sub(w.First) < s.service.deps.Targets[d.kind].Wait {
			continue
		}
		streams = append(streams, delivery.Stream{Name: streamName(w.PoolID, w.Source), End: -1})
	}
	return streams, nil
}

// destinationOf returns the pool and the destination of a stream. Both are nil for a pool that was deleted, or wants no
// records.
func (s *Service) destinationOf(ctx context.Context, poolID, of string) (*pool.Snapshot, *destination, error) {
	if of == store.LogsOfNobody {
		return nil, nil, nil
	}
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	d, err := s.destination(ctx, sn, idp.EventSourceName(of))
	return sn, d, err
}

// Sink implements delivery.Source.
func (s *source) Sink(ctx context.Context, stream string) (sink.Sink, error) {
	poolID, of, _ := strings.Cut(stream, "/")
	sn, d, err := s.service.destinationOf(ctx, poolID, of)
	if err != nil || d == nil || d.kind != s.kind {
		return nil, err
	}
	key := fmt.Sprint(stream, *d)
	if to := s.sinks[key]; to != nil {
		return to, nil
	}
	if len(s.sinks) >= maxSinks {
		if err := s.close(); err != nil {
			return nil, err
		}
	}
	to, err := s.open(ctx, sn, of, d)
	if err != nil {
		return nil, err
	}
	s.sinks[key] = limited{to, s.service.deps.Targets[d.kind].Wait}
	return s.sinks[key], nil
}

// limited is a sink with smaller batches.
type limited struct {
	sink.Sink

	wait time.Duration
}

// Batch implements sink.Sink.
func (l limited) Batch() sink.Batch {
	b := l.Sink.Batch()
	b.Records, b.Wait = min(b.Records, maxBatch), l.wait
	return b
}

func (s *source) open(ctx context.Context, sn *pool.Snapshot, of string, d *destination) (sink.Sink, error) {
	t, o := s.service.deps.Targets[s.kind], s.service.deps.Sinks
	if t.Folder != "" {
		if err := os.MkdirAll(t.Folder, 0o700); err != nil {
			return nil, err
		}
		u := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(t.Folder, sn.ID+"."+of+".jsonl"))}
		return sink.Open(ctx, u.String(), o)
	}
	switch s.kind {
	case S3:
		region := t.Region
		if region == "" {
			region = sn.Region
		}
		r, err := s.connect(ctx, sink.ServiceS3, region)
		if err != nil {
			return nil, err
		}
		return r.Bucket(d.name, t.PathStyle, t.Wait, layout(d.prefix, s.service.deps.AccountID, sn, of)), nil
	case Firehose:
		r, err := s.connect(ctx, sink.ServiceFirehose, d.region)
		if err != nil {
			return nil, err
		}
		return r.DeliveryStream(d.name), nil
	default:
		r, err := s.connect(ctx, sink.ServiceLogs, d.region)
		if err != nil {
			return nil, err
		}
		return r.LogGroup(d.name, sn.ID), nil
	}
}

// layout returns the keys of objects.
func layout(prefix, account string, sn *pool.Snapshot, of string) sink.ObjectLayout {
	return sink.ObjectLayout{Lines: true, Key: func(first sink.Record, digest string) string {
		at := first.At.UTC()
		return path.Join(prefix, "AWSLogs", account, "cognito-idp", sn.Region, sn.ID, at.Format("2006/01/02/15"),
			fmt.Sprintf("%s_%s_%s_%s.log.gz", sn.ID, of, at.Format("20060102T1504Z"), digest))
	}}
}

// connect returns the service in a Region.
func (s *source) connect(ctx context.Context, service, region string) (*sink.Remote, error) {
	if r := s.remotes[region]; r != nil {
		return r, nil
	}
	r, err := sink.Connect(ctx, service, region, s.service.deps.Targets[s.kind].Endpoint, s.service.deps.Sinks)
	if err != nil {
		return nil, err
	}
	s.remotes[region] = r
	return r, nil
}

// close closes the sinks. Further ones can be opened.
func (s *source) close() error {
	var errs []error
	for _, to := range s.sinks {
		errs = append(errs, to.Close())
	}
	clear(s.sinks)
	clear(s.remotes)
	return errors.Join(errs...)
}

// Read implements delivery.Source.
func (s *source) Read(ctx context.Context, stream string, after int64, limits sink.Batch) (delivery.Records, error) {
	poolID, of, _ := strings.Cut(stream, "/")
	rows, err := s.service.deps.Store.LogRecords(ctx, poolID, of, limits.Records+1)
	if err != nil {
		return delivery.Records{}, err
	}
	out := delivery.Records{Position: after}
	size := 0
	for i, r := range rows {
		size += len(r.Body) + 1
		if i > 0 && (i >= limits.Records || size > limits.Bytes) {
			rows, out.Full = rows[:i], true
			break
		}
		out.List = append(out.List, sink.Record{ID: r.ID, At: r.At, Body: r.Body})
		out.Position++
	}
	out.Last = rows
	return out, nil
}

// Sent implements delivery.Source.
func (s *source) Sent(ctx context.Context, tx *store.Tx, _ string, r delivery.Records) error {
	rows, _ := r.Last.([]store.LogRecord)
	for _, row := range rows {
		if err := tx.DeleteLogRecord(ctx, row); err != nil {
			return err
		}
	}
	return nil
}
