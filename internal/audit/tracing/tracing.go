// Package tracing sends traces of requests to a collector, by OpenTelemetry's protocol OTLP
// over HTTP.
//
// The name of a span is an operation. Its attributes hold ids of pools and app clients, and
// codes: never a secret, a user, an address or a text of an error. Package audit begins the
// spans within a request.
package tracing

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/store"
)

// Deps are what a Tracer is built from.
type Deps struct {
	// Endpoint is the collector's URL. Without a path, /v1/traces is added.
	Endpoint string
	// Ratio is the part of the traces that is recorded, of those that begin here.
	Ratio   float64
	Version string
	Engine  string // of the database
	Now     func() time.Time
	Log     *slog.Logger
}

// Tracer records traces.
type Tracer struct {
	deps     Deps
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New returns a Tracer, which makes no call yet.
func New(d Deps) (*Tracer, error) {
	c, err := newCollector(d)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(otlptrace.NewUnstarted(c)), // Its queue is bounded: what exceeds it is dropped.
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(d.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "cognate"), attribute.String("service.version", d.Version))),
	)
	return &Tracer{d, provider, provider.Tracer("cognate")}, nil
}

// Close sends what was recorded.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Handler returns a handler that records a span for each request. It belongs within the edge,
// which describes the request.
func (t *Tracer) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, request := r.Context(), api.RequestFrom(r.Context())
		if request.Proxied {
			// Anybody could make up the traces of others, or have each request recorded.
			ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
		}
		ctx, span := t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(request.Time))
		inner := r.WithContext(ctx)
		defer func() {
			r.Pattern = inner.Pattern // The edge reads it.
			describe(span, request, audit.From(ctx).Facts(), inner.Pattern)
			span.End()
		}()
		next.ServeHTTP(w, inner)
	})
}

// describe names the span after the operation, and adds what became known.
func describe(span trace.Span, r *api.Request, f audit.Facts, pattern string) {
	if !span.IsRecording() {
		return
	}
	switch {
	case r.Operation != "":
		span.SetName(r.Operation)
	case pattern != "":
		span.SetName(pattern)
	}
	add := func(name, value string) {
		if value != "" {
			span.SetAttributes(attribute.String(name, value))
		}
	}
	add("cognate.request_id", r.ID)
	add("cognate.service", r.Service)
	add("cognate.code", f.Code)
	add("cognate.reason", string(f.Reason))
	if f.PoolExists {
		add("cognate.pool", f.Pool)
		add("cognate.client", f.AppClient)
	}
	if f.Code == api.CodeInternalError {
		span.SetStatus(codes.Error, "")
	}
}

// Database returns an observer that records the uses of the database within a trace, and
// passes them on.
func (t *Tracer) Database(next store.Observer) store.Observer {
	return func(ctx context.Context, use store.Use) (context.Context, func(store.Result)) {
		ctx, end := next(ctx, use)
		if !trace.SpanFromContext(ctx).IsRecording() {
			return ctx, end
		}
		ctx, span := t.tracer.Start(ctx, "database "+string(use), trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attribute.String("db.system.name", t.deps.Engine)))
		return ctx, func(r store.Result) {
			end(r)
			span.SetAttributes(attribute.String("cognate.result", string(r)))
			if r == store.ResultUnavailable {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
	}
}
