package server

import (
	"fmt"
	"log/slog"
	"net/url"

	"cognate/internal/audit/tracing"
)

// TraceSettings are the settings of traces.
type TraceSettings struct {
	TracesEndpoint Secret   `group:"Metrics and traces" placeholder:"URL" help:"Send traces to this collector by OpenTelemetry's OTLP over HTTP, such as http://127.0.0.1:4318. The path /v1/traces is added if the URL has no path. Not sent by default."`
	TracesRatio    *float64 `group:"Metrics and traces" placeholder:"RATIO" help:"The part of the traces that is recorded, from 0 to 1. A trace that a trusted proxy began is recorded if the proxy says so. Default 0.1."`
}

// defaultTracesRatio is the ratio if none is set.
const defaultTracesRatio = 0.1

func (s *TraceSettings) checkTraces(add addProblem) {
	if s.TracesRatio != nil && (*s.TracesRatio < 0 || *s.TracesRatio > 1) {
		add("traces-ratio", "must be from 0 to 1")
	}
	if s.TracesEndpoint == "" {
		return
	}
	if u, err := url.Parse(string(s.TracesEndpoint)); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		add("traces-endpoint", "must be an http or https URL") // Never the text: it may hold a password.
	}
}

// newTracer returns the tracer; nil if no traces are sent.
func newTracer(c *Config, log *slog.Logger) (*tracing.Tracer, error) {
	if c.TracesEndpoint == "" {
		return nil, nil
	}
	ratio := defaultTracesRatio
	if c.TracesRatio != nil {
		ratio = *c.TracesRatio
	}
	engine := "sqlite"
	if c.Database != "" {
		engine = "postgresql"
	}
	t, err := tracing.New(tracing.Deps{Endpoint: string(c.TracesEndpoint), Ratio: ratio, Version: c.Version, Engine: engine, Now: c.machineNow(), Log: log})
	if err != nil {
		return nil, fmt.Errorf("traces-endpoint: %w", err)
	}
	return t, nil
}
