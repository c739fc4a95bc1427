package cloudwatch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/audit"
	"cognate/internal/audit/cloudwatch"
	"cognate/internal/audit/sink"
	"cognate/test/fresh"
)

// lines is a sink that remembers its lines, and fails if it is told so.
type lines struct {
	err error
	got []string
}

func (l *lines) Send(_ context.Context, records []sink.Record) error {
	if l.err != nil {
		return l.err
	}
	for _, r := range records {
		l.got = append(l.got, string(r.Body))
	}
	return nil
}
func (l *lines) Batch() sink.Batch { return sink.Batch{} }
func (l *lines) Close() error      { return nil }

// TestEmbeddedMetrics: a finished minute is written as lines in the embedded metric format. What could not be written is
// written later, with its own minute.
func TestEmbeddedMetrics(t *testing.T) {
	t.Parallel()
	c := fresh.NewClock(time.Date(2026, 11, 30, 12, 0, 30, 0, time.UTC))
	minutes, metrics := audit.NewMinutes(c.Now), audit.NewMetrics("v1")
	metrics.Gather(minutes)
	to := &lines{err: errors.New("the disk is full")}
	p := cloudwatch.New(cloudwatch.Deps{Minutes: minutes, Lines: to, Namespace: "Cognate", Now: c.Now, Log: slog.New(slog.DiscardHandler)})
	for range 2 {
		metrics.Throttled(audit.Throttle{Category: "UserAuthentication", Kind: audit.SignIn, Pool: "p", Client: "c"})
	}
	c.Pass(time.Minute)
	if err := p.Publish(t.Context()); err == nil || len(to.got) != 0 {
		t.Fatalf("%v, %q", err, to.got)
	}
	to.err = nil
	c.Pass(time.Hour)
	if err := p.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(to.got)
	var got []any
	for _, line := range to.got {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil || bytes.ContainsRune([]byte(line), '\n') {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, v)
	}
	metric := func(namespace, name string, value map[string]any, dimensions ...string) any {
		names := []any{}
		line := map[string]any{name: value}
		for i := 0; i < len(dimensions); i += 2 {
			names = append(names, dimensions[i])
			line[dimensions[i]] = dimensions[i+1]
		}
		line["_aws"] = map[string]any{"Timestamp": 1796040000000.0, "CloudWatchMetrics": []any{map[string]any{
			"Namespace": namespace, "Dimensions": []any{names}, "Metrics": []any{map[string]any{"Name": name, "Unit": "Count"}},
		}}}
		return line
	}
	twice := map[string]any{"Max": 1.0, "Min": 1.0, "Count": 2.0, "Sum": 2.0}
	want := []any{
		metric("Cognate/Usage", "ThrottleCount", twice, "Service", "Cognito", "Type", "API", "Resource", "UserAuthentication", "Class", "None"),
		metric("Cognate", "SignInThrottles", twice, "UserPool", "p", "UserPoolClient", "c"),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
