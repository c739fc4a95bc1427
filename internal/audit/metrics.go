package audit

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the counters of one server, in a registry of their own.
type Metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	refusals  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	inFlight  prometheus.Gauge
	providers *prometheus.HistogramVec
	counts    *counts
	minutes   *Minutes // nil if nothing is published to CloudWatch
}

// NewMetrics makes the counters, with those of the process and the Go runtime.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cognate_requests_total",
			Help: "Requests answered, by operation and error code (empty: success).",
		}, []string{"operation", "code"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cognate_refusals_total",
			Help: "Requests refused, by operation and reason.",
		}, []string{"operation", "reason"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cognate_request_duration_seconds",
			Help:    "Time from a request's head to the end of its answer, by operation.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"operation"}),
		providers: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "cognate_provider_call_duration_seconds",
			Help:    "Time of calls of identity providers, by provider, call and outcome.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"provider", "call", "outcome"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cognate_requests_in_flight",
			Help: "Requests being worked on.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "cognate_build_info", Help: "Always 1; the label is the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.refusals, m.duration, m.inFlight, m.providers, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.counts = newCounts(m.registry)
	return m
}

// Gather has Cognito's own metrics gathered for CloudWatch, too. It is called before the
// first request.
func (m *Metrics) Gather(minutes *Minutes) { m.minutes = minutes }

// Started notes that a request has begun.
func (m *Metrics) Started() { m.inFlight.Inc() }

// Finished notes a request's end. Both labels must come from fixed lists: what a
// client sends must never make a new series.
func (m *Metrics) Finished(operation, code string, took time.Duration) {
	m.inFlight.Dec()
	m.requests.WithLabelValues(operation, code).Inc()
	m.duration.WithLabelValues(operation).Observe(took.Seconds())
}

// Refused counts a refusal. Both labels must come from fixed lists.
func (m *Metrics) Refused(operation, reason string) {
	m.refusals.WithLabelValues(operation, reason).Inc()
}

// ProviderCall notes a call of an identity provider. The provider is one that an administrator
// has named, and the other labels come from fixed lists.
func (m *Metrics) ProviderCall(provider, call, outcome string, took time.Duration) {
	m.providers.WithLabelValues(provider, call, outcome).Observe(took.Seconds())
}

// replace adds a collector. A collector of the same name and labels is replaced: it belongs to
// services that a development server has closed.
func (m *Metrics) replace(c prometheus.Collector) {
	m.registry.Unregister(c)
	m.registry.MustRegister(c)
}

// Gauge adds a value that is read with the metrics.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.replace(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// LabelledCounter adds a count that is kept elsewhere and read with the metrics. A label
// distinguishes it from others of the same name.
func (m *Metrics) LabelledCounter(name, help, label, value string, read func() float64) {
	m.replace(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: name, Help: help, ConstLabels: prometheus.Labels{label: value},
	}, read))
}

// LabelledGauge adds a value that is read with the metrics. A label distinguishes
// it from others of the same name.
func (m *Metrics) LabelledGauge(name, help, label, value string, read func() float64) {
	m.replace(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: name, Help: help, ConstLabels: prometheus.Labels{label: value},
	}, read))
}

// Counter adds a count that is kept elsewhere and read with the metrics.
func (m *Metrics) Counter(name, help string, read func() float64) {
	m.replace(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, read))
}

// Handler answers /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
