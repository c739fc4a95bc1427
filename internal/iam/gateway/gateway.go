package gateway

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cognate/internal/iam/policy"
	"cognate/internal/iam/sigv4"
	"cognate/internal/keys"
)

// A Backend is the store behind a Gateway.
type Backend struct {
	// URL is the store's endpoint, without a path. Requests are in path style.
	URL *url.URL
	// Region and the key sign the requests to the store.
	Region      string
	AccessKeyID string
	Secret      keys.Secret
	// PathKeys reports whether the store keeps an object as a file whose path is the
	// key. Keys that such a store could take for another key are refused.
	PathKeys bool
	// NoTrailers reports whether the store does not read trailing checksums. The Gateway
	// verifies them in any case. It then passes only those of small bodies on.
	NoTrailers bool
	// Transport sends the requests. Nil is [NewTransport].
	Transport http.RoundTripper
}

// Config are the settings of a Gateway.
type Config struct {
	Backend   Backend
	Authority Authority
	// Hosts are the host names of the Gateway, without ports. A request to a name below
	// one of them names its bucket in the host. Without Hosts, every host is accepted
	// and buckets are in the path.
	Hosts []string
	// Region is the Region that requests must be signed for. With "", every Region is
	// accepted.
	Region string
	// Origins are the web origins that may read answers, or "*". Without Origins, the
	// store's own CORS rules decide.
	Origins []string
	Now     func() time.Time
	// Secure and SourceIP describe the connection. Nil takes them from the request.
	Secure   func(*http.Request) bool
	SourceIP func(*http.Request) string
	// RequestID returns the id of a request for its answer. Nil makes one.
	RequestID func(*http.Request) string
	// Observe, if it is not nil, is called at the end of each request.
	Observe func(context.Context, *Event)
}

// An Event is a request that was answered.
type Event struct {
	RequestID string
	// AccessKeyID and Principal are empty until the signature was verified. ClaimedKey is
	// the access key that the request names.
	AccessKeyID, Principal, ClaimedKey string
	// Operation, Bucket and Key say what the request does, once that is known.
	Operation, Bucket, Key string
	// Decisions are the answers of the policies.
	Decisions []Decision
	// Status is the status that was sent, and Code the code of the Gateway's own error.
	Status int
	Code   string
	// Cause is an error of the server or of the connection to the store.
	Cause error
}

// A Decision is the answer of the policies for one action.
type Decision struct {
	Action, Resource string
	Result           policy.Result
}

// A Gateway serves S3 requests. It is safe for concurrent use.
type Gateway struct {
	config Config
	signer *sigv4.Signer
}

// New makes a Gateway.
func New(c Config) (*Gateway, error) {
	if err := c.Backend.check(); err != nil {
		return nil, err
	}
	if c.Authority == nil || c.Now == nil {
		return nil, errors.New("gateway: no authority or no clock")
	}
	if c.Backend.Transport == nil {
		c.Backend.Transport = NewTransport()
	}
	if c.Secure == nil {
		c.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if c.SourceIP == nil {
		c.SourceIP = remoteIP
	}
	if c.RequestID == nil {
		c.RequestID = newRequestID
	}
	return &Gateway{config: c, signer: c.Backend.signer("s3")}, nil
}

// check rejects a Backend without a usable URL.
func (b *Backend) check() error {
	u := b.URL
	switch {
	case u == nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("gateway: the backend needs an http or https URL")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil:
		return errors.New("gateway: the backend's URL must have a host alone")
	}
	return nil
}

func (b *Backend) signer(service string) *sigv4.Signer {
	return &sigv4.Signer{AccessKeyID: b.AccessKeyID, Secret: string(b.Secret), Region: cmp.Or(b.Region, "us-east-1"), Service: service}
}

func remoteIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{gateway: g, w: w, r: r, now: g.config.Now(), event: Event{RequestID: g.config.RequestID(r)}}
	if g.config.Observe != nil {
		defer func() { g.config.Observe(r.Context(), &x.event) }()
	}
	w.Header().Set("X-Amz-Request-Id", x.event.RequestID)
	allowOrigin(w.Header(), r, g.config.Origins, exposedHeaders)
	if err := x.serve(); err != nil {
		x.refuse(err)
	}
}

func newRequestID(*http.Request) string {
	var id [8]byte
	_, _ = rand.Read(id[:])
	return strings.ToUpper(hex.EncodeToString(id[:]))
}

// bucketOfHost returns the bucket that the host names, or "". ok is false if the host is
// not the Gateway's.
func (g *Gateway) bucketOfHost(host string) (bucket string, ok bool) {
	if len(g.config.Hosts) == 0 {
		return "", true
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range g.config.Hosts {
		if host == h {
			return "", true
		}
		if b, found := strings.CutSuffix(host, "."+h); found && b != "" {
			return b, true
		}
	}
	return "", false
}
