package tracing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"cognate/internal/outbound"
)

const (
	sendTimeout = 10 * time.Second
	// quiet is how long the log says nothing after a failure.
	quiet = time.Minute
	// maxAnswer is how much of an answer is read.
	maxAnswer = 64 << 10
)

// collector sends spans to a collector by OTLP over HTTP, in binary. The client of the
// OpenTelemetry project does the same, and brings gRPC.
type collector struct {
	url  string
	http *http.Client
	now  func() time.Time
	log  *slog.Logger

	mu     sync.Mutex
	silent time.Time
}

func newCollector(d Deps) (*collector, error) {
	u, err := url.Parse(d.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("must be an http or https URL") // Never the text: it may hold a password.
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/v1/traces"
	}
	return &collector{
		url: u.String(), now: d.Now, log: d.Log,
		http: &http.Client{Timeout: sendTimeout, Transport: http.DefaultTransport.(*http.Transport).Clone(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, nil
}

// Start implements otlptrace.Client.
func (c *collector) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *collector) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. It logs an error and does not return it: the
// library would write it to standard error.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	err := c.send(ctx, spans)
	if err == nil || !c.mayLog() {
		return nil
	}
	c.log.WarnContext(ctx, "traces were not sent and are lost", slog.Any("error", outbound.Clean(err, c.url)))
	return nil
}

func (c *collector) mayLog() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Before(c.silent) {
		return false
	}
	c.silent = now.Add(quiet)
	return true
}

func (c *collector) send(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// The request of the protocol has the same form as TracesData.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the collector answers %d", res.StatusCode)
	}
	return nil
}
