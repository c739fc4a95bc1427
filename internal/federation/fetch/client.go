package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"cognate/internal/outbound"
)

// Limits of each call.
const (
	defaultTimeout  = 5 * time.Second
	defaultMaxBytes = 1 << 20
	maxHeader       = 64 << 10
	maxRedirects    = 3
	// maxCalls is how many calls of one host may run at a time, and how many connections it
	// has. More are refused at once, so that a host that never answers holds little.
	maxCalls = 128
)

// Settings are the operator's settings of a [Client].
type Settings struct {
	// Roots are the authorities that sign the servers' certificates; nil means the system's.
	Roots *x509.CertPool
	// AllowedBlocks are addresses that are not public, and are permitted all the same.
	AllowedBlocks []netip.Prefix
	// AllowedHosts may have other ports than 80 and 443. An entry is "host" or "host:port"
	// for https, and "http://host" or "http://host:port" for http.
	AllowedHosts []string
	// Development permits http and any port at localhost, *.localhost and loopback addresses.
	Development bool
	// Timeout limits a call as a whole; 0 means 5 seconds. MaxBytes limits an answer's body;
	// 0 means 1 MB.
	Timeout  time.Duration
	MaxBytes int64
	// Now is the clock of the cache and of the observations.
	Now func() time.Time
	// Resolve returns the addresses of a host; nil means the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Observe hears of each call, for metrics; nil means nothing does.
	Observe func(Observation)
}

// Observation is what metrics learn of a call.
type Observation struct {
	Provider string // the provider's name
	Call     string // token, userinfo, or the name of a [Kind]
	Outcome  string // see [Outcome]
	Took     time.Duration
}

// Client calls identity providers. It is safe for concurrent use.
type Client struct {
	development bool
	blocks      []netip.Prefix
	hosts       map[string]bool
	timeout     time.Duration
	maxBytes    int64
	now         func() time.Time
	resolve     func(ctx context.Context, host string) ([]netip.Addr, error)
	observe     func(Observation)
	dialer      net.Dialer
	transport   *http.Transport
	documents   documents

	// ctx ends with the client, and with it the fetches of documents.
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	calls map[string]int // by scheme and host
}

// New returns a client, which must be closed.
func New(s Settings) *Client {
	c := &Client{
		development: s.Development, blocks: s.AllowedBlocks, hosts: map[string]bool{}, timeout: s.Timeout, maxBytes: s.MaxBytes,
		now: s.Now, resolve: s.Resolve, observe: s.Observe, calls: map[string]int{},
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	for _, host := range s.AllowedHosts {
		c.hosts[strings.ToLower(host)] = true
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if c.maxBytes == 0 {
		c.maxBytes = defaultMaxBytes
	}
	if c.resolve == nil {
		c.resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	c.transport = &http.Transport{
		Proxy:                  nil, // a proxy would resolve the name again, without the check
		DialContext:            c.dial,
		TLSClientConfig:        &tls.Config{RootCAs: s.Roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxConnsPerHost:        maxCalls,
		MaxIdleConnsPerHost:    32,
		MaxIdleConns:           256,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: maxHeader,
	}
	return c
}

// Close ends the fetches that run and the connections.
func (c *Client) Close() {
	c.cancel()
	c.running.Wait()
	c.transport.CloseIdleConnections()
}

// Request is a call of a provider.
type Request struct {
	Provider string // the provider's name, for metrics
	Call     string // what the call is for, for metrics and errors
	URL      string
	// Form is sent by POST. Without a form the call is a GET.
	Form url.Values
	// Post sends an empty POST if there is no form.
	Post bool
	// Bearer is an access token for the Authorization header. User and Password authenticate
	// by that header, too (RFC 6749 §2.3.1).
	Bearer, User, Password string
	Accept                 string
	// Redirects permits a GET to follow up to three redirects. The policy checks each of them.
	Redirects bool
}

// Response is the answer to a call. Its status may be any.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes a call. The error's text shows no more of URLs than scheme and host.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	began := c.now()
	resp, err := c.do(ctx, r)
	if c.observe != nil {
		o := Observation{Provider: r.Provider, Call: r.Call, Outcome: Outcome(err), Took: c.now().Sub(began)}
		if err == nil && resp.Status >= 400 {
			o.Outcome = Outcome(&StatusError{resp.Status})
		}
		c.observe(o)
	}
	if err != nil {
		return nil, outbound.Clean(fmt.Errorf("%s of %s: %w", r.Call, outbound.Address(r.URL), err), r.URL)
	}
	return resp, nil
}

func (c *Client) do(ctx context.Context, r Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u, err := c.parse(r.URL)
	if err != nil {
		return nil, err
	}
	first := u
	for range maxRedirects + 1 {
		resp, err := c.hop(ctx, r, u, sameOrigin(first, u))
		if err != nil {
			return nil, err
		}
		location := resp.Header.Get("Location")
		if !r.Redirects || r.isPost() || !isRedirect(resp.Status) || location == "" {
			return resp, nil
		}
		next, err := u.Parse(location)
		if err != nil {
			return nil, &RefusedError{"the redirect's URL is malformed"}
		}
		next.Fragment = ""
		if u, err = c.parse(next.String()); err != nil {
			return nil, fmt.Errorf("redirect: %w", err)
		}
	}
	return nil, ErrRedirect
}

func (r Request) isPost() bool { return r.Post || r.Form != nil }

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && hostOf(a) == hostOf(b) && portOf(a) == portOf(b)
}

// hop makes one exchange of a call. The access token goes only to the host of the first one.
func (c *Client) hop(ctx context.Context, r Request, u *url.URL, own bool) (*Response, error) {
	host := u.Scheme + "://" + hostOf(u) + ":" + portOf(u)
	if !c.enter(host) {
		return nil, ErrBusy
	}
	defer c.leave(host)
	method, body := http.MethodGet, []byte(nil)
	if r.isPost() {
		method, body = http.MethodPost, []byte(r.Form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "Cognate")
	if r.Accept != "" {
		req.Header.Set("Accept", r.Accept)
	}
	if r.Form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.Bearer != "" && own {
		req.Header.Set("Authorization", "Bearer "+r.Bearer)
	}
	if r.User != "" && own {
		req.SetBasicAuth(url.QueryEscape(r.User), url.QueryEscape(r.Password))
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBytes+1))
	if err == nil {
		err = ctx.Err() // the end can arrive while the connection is being closed
	}
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > c.maxBytes {
		return nil, ErrTooLarge
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: data}, nil
}

// enter counts a call of a host, unless too many run.
func (c *Client) enter(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[host] >= maxCalls {
		return false
	}
	c.calls[host]++
	return true
}

func (c *Client) leave(host string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[host]--; c.calls[host] == 0 {
		delete(c.calls, host)
	}
}

func statusText(status int) string {
	return strconv.Itoa(status) + " " + http.StatusText(status)
}
