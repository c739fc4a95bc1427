package fetch_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/federation/fetch"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// host serves a handler by TLS and returns its URL, whose name only the returned settings
// resolve and trust.
func host(t *testing.T, h http.HandlerFunc) (string, fetch.Settings) {
	t.Helper()
	srv := httptest.NewTLSServer(h)
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	return "https://example.com:" + port, fetch.Settings{
		Roots: roots, AllowedBlocks: loopback, AllowedHosts: []string{"example.com"}, Now: time.Now,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	}
}

func client(t *testing.T, s fetch.Settings) *fetch.Client {
	t.Helper()
	c := fetch.New(s)
	t.Cleanup(c.Close)
	return c
}

func get(t *testing.T, c *fetch.Client, address string) (*fetch.Response, error) {
	t.Helper()
	return c.Do(t.Context(), fetch.Request{Provider: "P", Call: "document", URL: address, Redirects: true})
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, url   string
		hosts       []string
		blocks      []netip.Prefix
		development bool
		refused     string
	}{
		{name: "https", url: "https://idp.example.com/path"},
		{name: "https at 443", url: "https://idp.example.com:443/"},
		{name: "https at 80", url: "https://idp.example.com:80/"},
		{name: "public address", url: "https://8.8.8.8/"},
		{name: "http", url: "http://idp.example.com/", refused: "the scheme is not https"},
		{name: "http of a host that https may call", url: "http://idp.example.com/", hosts: []string{"idp.example.com"}, refused: "the scheme is not https"},
		{name: "http of a listed origin", url: "http://idp.example.com:5556/", hosts: []string{"http://idp.example.com:5556"}},
		{name: "http of a listed origin's other port", url: "http://idp.example.com:5557/", hosts: []string{"http://idp.example.com:5556"}, refused: "the scheme is not https"},
		{name: "other port", url: "https://idp.example.com:8443/", refused: "the port is neither 443 nor 80"},
		{name: "other port of a listed host", url: "https://idp.example.com:8443/", hosts: []string{"IDP.example.com"}},
		{name: "listed port", url: "https://idp.example.com:8443/", hosts: []string{"idp.example.com:8443"}},
		{name: "port beside the listed one", url: "https://idp.example.com:8444/", hosts: []string{"idp.example.com:8443"}, refused: "the port is neither 443 nor 80"},
		{name: "file", url: "file:///etc/passwd", refused: "the URL is malformed"},
		{name: "gopher", url: "gopher://idp.example.com/", refused: "the scheme is not https"},
		{name: "no scheme", url: "idp.example.com", refused: "the URL is malformed"},
		{name: "opaque", url: "https:idp.example.com", refused: "the URL is malformed"},
		{name: "user", url: "https://user:secret@idp.example.com/", refused: "the URL has a user or password"},
		{name: "long", url: "https://idp.example.com/" + strings.Repeat("a", 9000), refused: "the URL is too long"},
		{name: "loopback", url: "https://127.0.0.1/", refused: "the address is not public"},
		{name: "IPv6 loopback", url: "https://[::1]/", refused: "the address is not public"},
		{name: "mapped metadata", url: "https://[::ffff:169.254.169.254]/", refused: "the address is not public"},
		{name: "zone", url: "https://[fe80::1%25eth0]/", refused: "the address is not public"},
		{name: "permitted block", url: "https://10.1.2.3/", blocks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
		{name: "permitted block in mapped form", url: "https://[::ffff:10.1.2.3]/", blocks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}},
		{name: "beside the permitted block", url: "https://10.2.2.3/", blocks: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, refused: "the address is not public"},
		{name: "development: localhost by http", url: "http://localhost:5556/dex", development: true},
		{name: "development: name below localhost", url: "http://idp.localhost:5556/", development: true},
		{name: "development: loopback address", url: "http://127.0.0.1:5556/", development: true},
		{name: "development: http elsewhere", url: "http://idp.example.com/", development: true, refused: "the scheme is not https"},
		{name: "development: private address", url: "https://192.168.0.1/", development: true, refused: "the address is not public"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, fetch.Settings{AllowedHosts: test.hosts, AllowedBlocks: test.blocks, Development: test.development, Now: time.Now})
			var refused *fetch.RefusedError
			switch err := c.Check(test.url); {
			case test.refused == "" && err != nil:
				t.Error(err)
			case test.refused != "" && (!errors.As(err, &refused) || refused.Text != test.refused):
				t.Errorf("%v, want %q", err, test.refused)
			}
		})
	}
}

// TestRefusedAddresses resolves names to addresses that no call may reach. The listener
// would answer.
func TestRefusedAddresses(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	address, settings := host(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	for _, test := range []struct {
		name        string
		development bool
		answer      []string
	}{
		{name: "loopback", answer: []string{"127.0.0.1"}},
		{name: "mapped loopback", answer: []string{"::ffff:127.0.0.1"}},
		{name: "several", answer: []string{"127.0.0.1", "169.254.169.254", "::1"}},
		{name: "none"},
		{name: "loopback of another name in development", development: true, answer: []string{"127.0.0.1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := settings
			s.AllowedBlocks, s.Development = nil, test.development
			s.Resolve = func(context.Context, string) ([]netip.Addr, error) {
				var list []netip.Addr
				for _, a := range test.answer {
					list = append(list, netip.MustParseAddr(a))
				}
				return list, nil
			}
			if resp, err := get(t, client(t, s), address+"/"); err == nil {
				t.Errorf("answered %d", resp.Status)
			} else if strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "169.254") {
				t.Errorf("the error names the address: %v", err)
			}
		})
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls reached the listener", n)
	}
}

// TestRebinding answers the first question for a name with a permitted address and later
// ones with another. The call connects to the address that was checked.
func TestRebinding(t *testing.T) {
	t.Parallel()
	address, s := host(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "right") })
	var questions atomic.Int32
	s.Resolve = func(context.Context, string) ([]netip.Addr, error) {
		if questions.Add(1) == 1 {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
	}
	resp, err := get(t, client(t, s), address+"/")
	if err != nil || string(resp.Body) != "right" || questions.Load() != 1 {
		t.Errorf("%v, %v after %d questions", resp, err, questions.Load())
	}
}

// TestSeveralAddresses has a host whose first address does not answer.
func TestSeveralAddresses(t *testing.T) {
	t.Parallel()
	address, s := host(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "right") })
	s.Resolve = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("127.9.9.9"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	if resp, err := get(t, client(t, s), address); err != nil || string(resp.Body) != "right" {
		t.Errorf("%v, %v", resp, err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var bearer sync.Map
	address, s := host(t, func(w http.ResponseWriter, r *http.Request) {
		bearer.Store(r.Host+r.URL.Path, r.Header.Get("Authorization"))
		_, port, _ := net.SplitHostPort(r.Host)
		switch r.URL.Path {
		case "/private":
			http.Redirect(w, r, "https://10.0.0.1/", http.StatusFound)
		case "/rebound":
			http.Redirect(w, r, "https://metadata.example.com:"+port+"/end", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
		case "/other":
			http.Redirect(w, r, "https://www.example.com:"+port+"/end", http.StatusTemporaryRedirect)
		case "/end":
			fmt.Fprint(w, r.Method)
		default:
			left := strings.TrimPrefix(r.URL.Path, "/hops/")
			to := map[string]string{"4": "/hops/3", "3": "/hops/2", "2": "/hops/1", "1": "/end"}[left]
			http.Redirect(w, r, to, http.StatusFound)
		}
	})
	s.AllowedHosts = []string{"example.com", "www.example.com", "metadata.example.com"}
	s.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host == "metadata.example.com" {
			return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	c := client(t, s)
	for _, test := range []struct {
		name, path string
		post, stay bool
		status     int
		failure    string
	}{
		{name: "three", path: "/hops/3", status: 200},
		{name: "four", path: "/hops/4", failure: "too many redirects"},
		{name: "to a private address", path: "/private", failure: "redirect: the address is not public"},
		{name: "to a name of a private address", path: "/rebound", failure: "not public"},
		{name: "to http", path: "/plain", failure: "redirect: the scheme is not https"},
		{name: "to another host", path: "/other", status: 200},
		{name: "of a POST", path: "/hops/1", post: true, status: 302},
		{name: "of a GET that follows none", path: "/hops/1", stay: true, status: 302},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := fetch.Request{Provider: "P", Call: "userinfo", URL: address + test.path, Bearer: "token", Redirects: !test.stay, Post: test.post}
			resp, err := c.Do(t.Context(), r)
			switch {
			case test.failure != "" && (err == nil || !strings.HasSuffix(err.Error(), test.failure)):
				t.Errorf("%v, %v; want %q", resp, err, test.failure)
			case test.failure == "" && (err != nil || resp.Status != test.status):
				t.Errorf("%v, %v; want %d", resp, err, test.status)
			}
		})
	}
	own, _ := bearer.Load(strings.TrimPrefix(address, "https://") + "/other")
	foreign, _ := bearer.Load("www." + strings.TrimPrefix(address, "https://") + "/end")
	if own != "Bearer token" || foreign != "" {
		t.Errorf("access token: own host %q, other host %q", own, foreign)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	address, s := host(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exact":
			fmt.Fprint(w, strings.Repeat("a", 1000))
		case "/large":
			fmt.Fprint(w, strings.Repeat("a", 1001))
		case "/header":
			w.Header().Set("A", strings.Repeat("a", 100<<10))
		case "/silent":
			select {
			case <-ended:
			case <-r.Context().Done():
			}
		case "/body":
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			select {
			case <-ended:
			case <-r.Context().Done():
			}
		}
	})
	s.MaxBytes = 1000
	if resp, err := get(t, client(t, s), address+"/exact"); err != nil || len(resp.Body) != 1000 {
		t.Errorf("the longest answer: %v", err)
	}
	if _, err := get(t, client(t, s), address+"/large"); !errors.Is(err, fetch.ErrTooLarge) {
		t.Errorf("too long an answer: %v", err)
	}
	if _, err := get(t, client(t, s), address+"/header"); err == nil {
		t.Error("too long a header was read")
	}
	s.Timeout = 1 // nothing is as fast
	for _, path := range []string{"/silent", "/body"} {
		if _, err := get(t, client(t, s), address+path); !fetch.IsTimeout(err) {
			t.Errorf("%s: %v", path, err)
		}
	}
	s.Timeout = 300 * time.Millisecond
	for _, path := range []string{"/silent", "/body"} {
		if _, err := get(t, client(t, s), address+path); !fetch.IsTimeout(err) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestSilentHost holds as many calls of a host that never answers as may run. More calls of
// it are refused at once, and another host is called as before.
func TestSilentHost(t *testing.T) {
	t.Parallel()
	var held sync.WaitGroup
	held.Add(128)
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		held.Done()
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	t.Cleanup(good.Close)

	var mu sync.Mutex
	outcomes := map[string]int{}
	c := client(t, fetch.Settings{Development: true, Timeout: time.Hour, Now: time.Now, Observe: func(o fetch.Observation) {
		mu.Lock()
		defer mu.Unlock()
		outcomes[o.Provider+" "+o.Call+" "+o.Outcome]++
	}})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 128 {
		running.Go(func() {
			_, _ = c.Do(ctx, fetch.Request{Provider: "Silent", Call: "token", URL: silent.URL, Form: url.Values{}})
		})
	}
	held.Wait()
	if _, err := c.Do(t.Context(), fetch.Request{Provider: "Silent", Call: "token", URL: silent.URL}); !errors.Is(err, fetch.ErrBusy) {
		t.Errorf("one call too many: %v", err)
	}
	if resp, err := c.Do(t.Context(), fetch.Request{Provider: "Good", Call: "token", URL: good.URL}); err != nil || string(resp.Body) != "ok" {
		t.Errorf("the other host: %v", err)
	}
	cancel()
	running.Wait()
	mu.Lock()
	defer mu.Unlock()
	if outcomes["Silent token busy"] != 1 || outcomes["Silent token cancelled"] != 128 || outcomes["Good token ok"] != 1 {
		t.Errorf("observations: %v", outcomes)
	}
}

// TestUntrusted calls a server whose certificate no authority signed, and one of another name.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	address, s := host(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	trusted := s.Roots
	s.Roots = x509.NewCertPool()
	var unknown x509.UnknownAuthorityError
	if _, err := get(t, client(t, s), address); !errors.As(err, &unknown) {
		t.Errorf("unknown authority: %v", err)
	}
	s.Roots, s.AllowedHosts = trusted, []string{"example.org"}
	var name x509.HostnameError
	if _, err := get(t, client(t, s), strings.Replace(address, "example.com", "example.org", 1)); !errors.As(err, &name) {
		t.Errorf("other name: %v", err)
	}
}

// TestNoProxy shows that the environment's proxy is not asked.
func TestNoProxy(t *testing.T) {
	address, s := host(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "direct") })
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	if resp, err := get(t, client(t, s), address); err != nil || string(resp.Body) != "direct" {
		t.Errorf("%v, %v", resp, err)
	}
}

// TestErrorTexts wants no secret of a URL in an error.
func TestErrorTexts(t *testing.T) {
	t.Parallel()
	c := client(t, fetch.Settings{Development: true, Now: time.Now})
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	for _, address := range []string{
		"http://" + closed + "/token?client_secret=hunter2secret&code=abcdef123456",
		"https://idp.example.com:99/token?client_secret=hunter2secret",
		"https://user:hunter2secret@idp.example.com/",
	} {
		_, err := c.Do(t.Context(), fetch.Request{Provider: "P", Call: "token", URL: address})
		if err == nil || strings.Contains(err.Error(), "hunter2secret") || strings.Contains(err.Error(), "abcdef123456") {
			t.Errorf("%v", err)
		}
	}
}
