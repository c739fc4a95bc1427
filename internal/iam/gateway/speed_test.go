package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"cognate/internal/iam/gateway"
)

// endless is a source of bytes without memory of its own.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), e.left))
	clear(p[:n])
	e.left -= int64(n)
	return n, nil
}

// TestConstantMemory streams 1 GiB up and down. The store counts the bytes of the upload,
// so that no disk is filled.
//
// It counts allocations, so no other test runs beside it.
func TestConstantMemory(t *testing.T) {
	const size = 1 << 30
	var received int64
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "PUT" {
			received, _ = io.Copy(io.Discard, r.Body)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = io.Copy(w, &endless{size})
	}))
	defer store.Close()
	backend, err := url.Parse(store.URL)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{Backend: gateway.Backend{URL: backend, AccessKeyID: "k", Secret: "s"}, Authority: testCallers(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{server: httptest.NewServer(g)}
	defer f.server.Close()

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	res, err := http.DefaultTransport.RoundTrip(f.build(t, &rawRequest{method: "PUT", path: "/data/people/ann/a", body: &endless{size}, length: size}))
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != 200 || received <= size {
		t.Fatalf("upload: %d, %d bytes, %v", res.StatusCode, received, err)
	}
	if res, err = http.DefaultTransport.RoundTrip(f.build(t, &rawRequest{path: "/data/people/ann/a"})); err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Fatalf("download: %d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	// Client and store are in this process, too.
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > size/4 {
		t.Errorf("%d MiB were allocated for streams of 1 GiB", allocated>>20)
	}
}

// A constantStore answers each request with the same small object, without a network.
type constantStore struct{}

func (constantStore) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Length": {"5"}, "Etag": {`"x"`}, "Content-Type": {"text/plain"}}, Body: io.NopCloser(strings.NewReader("hello")),
	}, nil
}

// BenchmarkOwnWork measures the gateway's own part of a small GET: the signature, the
// mapping, the policies and the new signature.
func BenchmarkOwnWork(b *testing.B) {
	g, err := gateway.New(gateway.Config{
		Backend:   gateway.Backend{URL: &url.URL{Scheme: "http", Host: "store"}, AccessKeyID: "k", Secret: "s", Transport: constantStore{}},
		Authority: testCallers(b), Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	f := &fixture{server: &httptest.Server{URL: "http://127.0.0.1"}}
	r := f.build(b, &rawRequest{path: "/data/people/ann/small", payload: hexHash(nil)})
	r.URL = &url.URL{Path: "/data/people/ann/small"}
	r.Body = http.NoBody
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatal(w.Code, w.Body)
		}
	}
}
