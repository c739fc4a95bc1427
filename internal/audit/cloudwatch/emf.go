package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/audit"
	"cognate/internal/audit/sink"
)

// OpenLines returns where lines in the embedded metric format go. It connects to nothing.
func OpenLines(ctx context.Context, address string, o sink.Options) (sink.Sink, error) {
	kind, _, _ := strings.Cut(address, ":")
	if !slices.Contains([]string{"stdout", "file", "cloudwatch-logs"}, kind) {
		return nil, errors.New("the address must begin with stdout, file or cloudwatch-logs, and a colon")
	}
	return sink.Open(ctx, address, o)
}

// emfLine is a line in CloudWatch's embedded metric format: CloudWatch makes metrics of such lines when they reach a log
// group (CloudWatch: embedded metric format specification).
type emfLine struct {
	// Timestamp is in milliseconds.
	Timestamp int64
	Metrics   []emfMetrics `json:"CloudWatchMetrics"`
}

type emfMetrics struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []emfMetric
}

type emfMetric struct{ Name, Unit string }

// emfValue is a statistic set.
type emfValue struct{ Max, Min, Count, Sum float64 }

// newEMFRecord returns the line of statistics. Dimensions and the value are members beside the description.
func newEMFRecord(namespace string, s *audit.Statistics) (sink.Record, error) {
	names := []string{}
	line := map[string]any{s.Metric: emfValue{s.Upper, s.Lowest, s.Count, s.Sum}}
	id := []string{strconv.FormatInt(s.Minute.Unix(), 10), namespace, s.Metric}
	for _, d := range s.Dimensions {
		if d.Value != "" {
			names = append(names, d.Name)
			line[d.Name] = d.Value
			id = append(id, d.Value)
		}
	}
	line["_aws"] = emfLine{Timestamp: s.Minute.UnixMilli(), Metrics: []emfMetrics{{namespace, [][]string{names}, []emfMetric{{s.Metric, "Count"}}}}}
	body, err := json.Marshal(line)
	return sink.Record{ID: strings.Join(id, " "), At: s.Minute, Body: body}, err
}

// writeLines sends statistics as lines.
func (p *Publisher) writeLines(ctx context.Context, namespace string, list []*audit.Statistics) error {
	records := make([]sink.Record, 0, len(list))
	for _, s := range list {
		r, err := newEMFRecord(namespace, s)
		if err != nil {
			return err
		}
		records = append(records, r)
	}
	return p.deps.Lines.Send(ctx, records)
}
