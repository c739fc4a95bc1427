package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cognate/internal/iam/gateway"
	"cognate/internal/iam/sigv4"
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

// cpu returns the processor time of this process: the client's and the gateway's.
func cpu(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A sample is the time of requests.
type sample struct{ cpu, wall time.Duration }

// measure sends a request n times.
func measure(b *testing.B, n int, build func() *http.Request) sample {
	b.Helper()
	start, began := cpu(b), time.Now()
	for range n {
		res, err := http.DefaultTransport.RoundTrip(build())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != 200 {
			b.Fatalf("%d, %v", res.StatusCode, err)
		}
		_ = res.Body.Close()
	}
	return sample{(cpu(b) - start) / time.Duration(n), time.Since(began) / time.Duration(n)}
}

// atStore returns a fixture whose requests go to the store.
func (f *fixture) atStore() *fixture {
	return &fixture{server: &httptest.Server{URL: f.store.URL}}
}

// BenchmarkSmallGet reports what the gateway adds to a GET of 100 bytes.
func BenchmarkSmallGet(b *testing.B) {
	f := start(b)
	f.put(b, "people/ann/small", string(pattern(1, 100)))
	compare(b, f, 200, func(key, secret, token string) *rawRequest {
		return &rawRequest{path: "/data/people/ann/small", key: key, secret: secret, token: token, payload: hexHash(nil)}
	})
}

// BenchmarkUpload and BenchmarkDownload compare 64 MiB with the store's own throughput.
func BenchmarkUpload(b *testing.B) {
	f := start(b)
	data := pattern(1, 64<<20)
	hash := hexHash(data)
	compare(b, f, 4, func(key, secret, token string) *rawRequest {
		return &rawRequest{
			method: "PUT", path: "/data/people/ann/large", key: key, secret: secret, token: token,
			payload: hash, body: bytes.NewReader(data), length: int64(len(data)),
		}
	})
}

func BenchmarkUploadUnsigned(b *testing.B) {
	f := start(b)
	data := pattern(1, 64<<20)
	compare(b, f, 4, func(key, secret, token string) *rawRequest {
		return &rawRequest{
			method: "PUT", path: "/data/people/ann/large", key: key, secret: secret, token: token,
			payload: sigv4.UnsignedPayload, body: bytes.NewReader(data), length: int64(len(data)),
		}
	})
}

func BenchmarkDownload(b *testing.B) {
	f := start(b)
	f.put(b, "people/ann/large", string(pattern(1, 64<<20)))
	compare(b, f, 4, func(key, secret, token string) *rawRequest {
		return &rawRequest{path: "/data/people/ann/large", key: key, secret: secret, token: token, payload: hexHash(nil)}
	})
}

// compare lets requests through the gateway and requests to the store take turns.
func compare(b *testing.B, f *fixture, n int, build func(key, secret, token string) *rawRequest) {
	b.Helper()
	at := f.atStore()
	through := func() *http.Request { return f.build(b, build(annKey, secret+"ann", testToken)) }
	direct := func() *http.Request { return at.build(b, build("store", "store-secret", "none")) }
	measure(b, n/4+1, through)
	measure(b, n/4+1, direct)
	var added, ratio, alone []float64
	for b.Loop() {
		t, d := measure(b, n, through), measure(b, n, direct)
		added = append(added, float64((t.cpu-d.cpu).Microseconds())/1000)
		alone = append(alone, float64(d.cpu.Microseconds())/1000)
		ratio = append(ratio, float64(d.wall)/float64(t.wall))
	}
	b.ReportMetric(median(added), "cpu-ms-added/op")
	b.ReportMetric(median(alone), "cpu-ms-client/op")
	b.ReportMetric(median(ratio), "of-the-store's-rate")
	b.ReportMetric(0, "ns/op")
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
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
