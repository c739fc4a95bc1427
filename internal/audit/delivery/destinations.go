package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"cognate/internal/audit"
	"cognate/internal/audit/sink"
	"cognate/internal/audit/trail"
)

// A Destination gets the records of the audit trail.
type Destination struct {
	Name string // without secrets, for logs and metrics
	*Worker

	sink sink.Sink
}

// Destinations are all destinations of the audit trail.
type Destinations []Destination

// Check returns what is wrong with the addresses of destinations. It connects to nothing.
func Check(ctx context.Context, addresses []string, o sink.Options) []error {
	var faults []error
	names := map[string]bool{}
	for _, address := range addresses {
		s, err := sink.Open(ctx, address, o)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		_ = s.Close()
		name := nameOf(address)
		if names[name] {
			faults = append(faults, fmt.Errorf("%s is there twice", sink.Name(address)))
		}
		names[name] = true
	}
	return faults
}

// Open returns the destinations at the addresses. Nothing is sent before the first Turn.
func Open(ctx context.Context, addresses []string, o sink.Options, d Deps, t *trail.Trail, m *audit.Metrics) (Destinations, error) {
	var list Destinations
	for _, address := range addresses {
		s, err := sink.Open(ctx, address, o)
		if err != nil {
			return nil, err
		}
		name := nameOf(address)
		w := New(d, name, Trail(t, s))
		w.register(m)
		list = append(list, Destination{name, w, s})
	}
	return list, nil
}

// nameOf returns the name of a destination in the store. The parameters of an address can change,
// and the destination goes on where it was.
func nameOf(address string) string {
	sum := sha256.Sum256([]byte(sink.Identity(address)))
	return sink.Name(address) + "#" + hex.EncodeToString(sum[:6])
}

func (w *Worker) register(m *audit.Metrics) {
	count := func(read func() int64) func() float64 { return func() float64 { return float64(read()) } }
	m.LabelledGauge("cognate_audit_delivery_lag_seconds", "Age of the oldest record that could not be delivered yet.", "destination", w.destination,
		func() float64 { return w.Lag().Seconds() })
	m.LabelledCounter("cognate_audit_delivered_total", "Records that a destination has.", "destination", w.destination, count(w.Sent))
	m.LabelledCounter("cognate_audit_delivery_failures_total", "Attempts to deliver that failed.", "destination", w.destination, count(w.Failed))
	m.LabelledCounter("cognate_audit_undelivered_total", "Records that the retention has removed before they were delivered.", "destination", w.destination, count(w.Missed))
}

// Close sends what waits, and lets another process go on.
func (list Destinations) Close(ctx context.Context) error {
	var errs []error
	for _, d := range list {
		errs = append(errs, d.Turn(ctx), d.Stop(ctx), d.sink.Close())
	}
	return errors.Join(errs...)
}
