package gateway_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cognate/internal/iam/gateway"
	"cognate/internal/iam/sigv4"
)

// A rawRequest is a request whose bytes no client changes.
type rawRequest struct {
	method, path, query, host string
	header                    map[string]string
	payload                   string // of x-amz-content-sha256
	body                      io.Reader
	length                    int64
	key, secret, token        string
	service                   string
	at                        time.Time
	change                    func(*http.Request) // after it was signed
}

var errorCode = regexp.MustCompile(`<Code>(\w+)</Code>`)

// send signs a request as Ann, and returns the status and the code of the error.
func (f *fixture) send(tb testing.TB, raw *rawRequest) (int, string, http.Header) {
	tb.Helper()
	r := f.build(tb, raw)
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if m := errorCode.FindSubmatch(body); m != nil {
		return res.StatusCode, string(m[1]), res.Header
	}
	return res.StatusCode, "", res.Header
}

func (f *fixture) build(tb testing.TB, raw *rawRequest) *http.Request {
	tb.Helper()
	u, err := url.Parse(f.server.URL)
	if err != nil {
		tb.Fatal(err)
	}
	u.Opaque, u.RawQuery = raw.path, raw.query
	r, err := http.NewRequestWithContext(tb.Context(), orElse(raw.method, "GET"), f.server.URL, raw.body)
	if err != nil {
		tb.Fatal(err)
	}
	r.URL, r.Host, r.ContentLength = u, orElse(raw.host, u.Host), raw.length
	for name, value := range raw.header {
		r.Header.Set(name, value)
	}
	if raw.at.IsZero() {
		raw.at = time.Now()
	}
	signer := sigv4.Signer{
		AccessKeyID: orElse(raw.key, annKey), Secret: orElse(raw.secret, secret+"ann"), SessionToken: orElse(raw.token, testToken),
		Region: "us-east-1", Service: orElse(raw.service, "s3"),
	}
	if raw.token == "none" {
		signer.SessionToken = ""
	}
	signer.Sign(&sigv4.Request{Method: r.Method, Path: raw.path, Query: raw.query, Host: r.Host, Header: r.Header}, orElse(raw.payload, sigv4.UnsignedPayload), raw.at)
	if raw.change != nil {
		raw.change(r)
	}
	return r
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.put(t, "people/ann/a.txt", "x")
	tests := []struct {
		name   string
		raw    rawRequest
		status int
		want   string
	}{
		{"valid", rawRequest{}, 200, ""},
		{"unsigned", rawRequest{change: func(r *http.Request) { r.Header.Del("Authorization") }}, 403, "AccessDenied"},
		{"unknown key", rawRequest{key: "AKIAUNKNOWN000000000"}, 403, "InvalidAccessKeyId"},
		{"another secret", rawRequest{secret: "other"}, 403, "SignatureDoesNotMatch"},
		{"no token", rawRequest{token: "none"}, 400, "InvalidToken"},
		{"another token", rawRequest{token: "other"}, 400, "InvalidToken"},
		{"a token with a long-term key", rawRequest{key: adminKey, secret: secret}, 400, "InvalidToken"},
		{"an expired token", rawRequest{token: "expired"}, 400, "ExpiredToken"},
		{"a token that is not signed", rawRequest{token: "none", change: func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", testToken) }}, 403, "AccessDenied"},
		{"old", rawRequest{at: time.Now().Add(-16 * time.Minute)}, 403, "RequestTimeTooSkewed"},
		{"of the future", rawRequest{at: time.Now().Add(16 * time.Minute)}, 403, "RequestTimeTooSkewed"},
		{"another service", rawRequest{service: "sts", change: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", sigv4.UnsignedPayload) }}, 400, "AuthorizationHeaderMalformed"},
		{"version 2", rawRequest{change: func(r *http.Request) { r.Header.Set("Authorization", "AWS "+annKey+":abc") }}, 400, "InvalidRequest"},
		{"two signatures", rawRequest{change: func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }}, 400, "AuthorizationHeaderMalformed"},
		{"header and query", rawRequest{query: "X-Amz-Signature=a"}, 400, "InvalidArgument"},
		{"a token in the query", rawRequest{query: "X-Amz-Security-Token=token"}, 400, "InvalidArgument"},
		{"no payload hash", rawRequest{change: func(r *http.Request) { r.Header.Del("X-Amz-Content-Sha256") }}, 400, "InvalidRequest"},
		{"payload hash of words", rawRequest{payload: "none"}, 400, "InvalidArgument"},
		{"version 4A in chunks", rawRequest{payload: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"}, 400, "InvalidArgument"},
		{"a header that is not signed", rawRequest{change: func(r *http.Request) { r.Header.Set("X-Amz-Acl", "private") }}, 403, "AccessDenied"},
		{"method changed", rawRequest{change: func(r *http.Request) { r.Method = "DELETE" }}, 403, "SignatureDoesNotMatch"},
		{"path changed", rawRequest{change: func(r *http.Request) { r.URL.Opaque += "x" }}, 403, "SignatureDoesNotMatch"},
		{"host changed", rawRequest{change: func(r *http.Request) { r.Host = "example.com" }}, 403, "SignatureDoesNotMatch"},
		{"HEAD denied", rawRequest{method: "HEAD", path: "/data/people/bob/b.txt"}, 403, ""},
	}
	for _, tt := range tests {
		tt.raw.path = orElse(tt.raw.path, "/data/people/ann/a.txt")
		status, got, header := f.send(t, &tt.raw)
		if status != tt.status || got != tt.want {
			t.Errorf("%s: %d %s, want %d %s", tt.name, status, got, tt.status, tt.want)
		}
		if header.Get("X-Amz-Request-Id") == "" {
			t.Errorf("%s: no request id", tt.name)
		}
	}
}

// TestPathTricks asks for a neighbour's object by paths, hosts and parameters that two
// servers could read in two ways.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *gateway.Config) { c.Hosts = []string{"127.0.0.1", "s3.example.test"} })
	f.put(t, "people/bob/b.txt", "secret")
	f.put(t, "people/ann/locked/l.txt", "secret")
	f.put(t, "public/p.txt", "public")
	tests := []struct {
		name string
		raw  rawRequest
		want string
	}{
		{"plain", rawRequest{path: "/data/public/p.txt"}, ""},
		{"encoded letters", rawRequest{path: "/data/%70ublic/p.txt"}, ""},
		{"encoded slash", rawRequest{path: "/data/public%2Fp.txt"}, ""},
		{"encoded slash to a neighbour", rawRequest{path: "/data/people%2Fbob/b.txt"}, "AccessDenied"},
		{"parent", rawRequest{path: "/data/people/ann/../bob/b.txt"}, "InvalidArgument"},
		{"encoded parent", rawRequest{path: "/data/people/ann/%2e%2e/bob/b.txt"}, "InvalidArgument"},
		{"encoded parent and slash", rawRequest{path: "/data/people/ann/%2e%2e%2fbob%2fb.txt"}, "InvalidArgument"},
		{"parent encoded twice", rawRequest{path: "/data/people/ann/%252e%252e/bob/b.txt"}, "NoSuchKey"},
		{"double slash", rawRequest{path: "/data/people/ann//locked/l.txt"}, "InvalidArgument"},
		{"dot", rawRequest{path: "/data/people/ann/./locked/l.txt"}, "InvalidArgument"},
		{"parent of the bucket", rawRequest{path: "/data/../data/people/bob/b.txt"}, "InvalidArgument"},
		{"bucket as a parent", rawRequest{path: "/../data/people/bob/b.txt"}, "InvalidBucketName"},
		{"backslash", rawRequest{path: "/data/people/ann/..%5Cbob%5Cb.txt"}, "NoSuchKey"},
		{"NUL", rawRequest{path: "/data/people/ann/a%00b"}, "InvalidArgument"},
		{"virtual host", rawRequest{host: "data.s3.example.test", path: "/public/p.txt"}, ""},
		{"virtual host, letters of the path", rawRequest{host: "data.s3.example.test", path: "/data/public/p.txt"}, "AccessDenied"},
		{"virtual host, upper case", rawRequest{host: "DATA.S3.example.test", path: "/people/bob/b.txt"}, "AccessDenied"},
		{"host against path", rawRequest{host: "other.s3.example.test", path: "/data/public/p.txt"}, "AccessDenied"},
		{"bucket of two labels", rawRequest{host: "a..b.s3.example.test", path: "/public/p.txt"}, "InvalidBucketName"},
		{"another host", rawRequest{host: "evil.test", path: "/data/public/p.txt"}, "InvalidRequest"},
		{"prefix twice", rawRequest{path: "/data", query: "prefix=people/ann/&prefix=people/bob/"}, "InvalidArgument"},
		{"prefix twice, encoded", rawRequest{path: "/data", query: "prefix=people/ann/&pre%66ix=people/bob/"}, "InvalidArgument"},
		{"prefix with a parent", rawRequest{path: "/data", query: "prefix=people/ann/../bob/"}, "InvalidArgument"},
		{"prefix in upper case", rawRequest{path: "/data", query: "prefix=people/ann/&PREFIX=people/bob/"}, "NotImplemented"},
		{"two sub-resources", rawRequest{path: "/data/public/p.txt", query: "acl&tagging"}, "NotImplemented"},
		{"an unknown sub-resource", rawRequest{path: "/data/public/p.txt", query: "lambdaArn=a"}, "NotImplemented"},
		{"header against query", rawRequest{
			method: "PUT", path: "/data/people/ann/a.txt", query: "x-amz-acl=public-read", header: map[string]string{"X-Amz-Acl": "private"},
		}, "InvalidArgument"},
		{"header in the query", rawRequest{method: "PUT", path: "/data/people/ann/a.txt", query: "x-amz-acl=public-read"}, "AccessDenied"},
		{"copy source in the query", rawRequest{method: "PUT", path: "/data/people/ann/a.txt", query: "x-amz-copy-source=data/people/bob/b.txt"}, "AccessDenied"},
		{"copy source with a parent", rawRequest{
			method: "PUT", path: "/data/people/ann/a.txt", header: map[string]string{"X-Amz-Copy-Source": "data/people/ann/../bob/b.txt"},
		}, "InvalidArgument"},
		{"an archive to unpack", rawRequest{
			method: "PUT", path: "/data/people/ann/a.tar", header: map[string]string{"X-Amz-Meta-Snowball-Auto-Extract": "true"},
		}, "NotImplemented"},
		{"body of a GET", rawRequest{path: "/data/public/p.txt", body: bytes.NewReader(make([]byte, 1<<20)), length: 1 << 20}, "InvalidRequest"},
		{"length unknown", rawRequest{method: "PUT", path: "/data/people/ann/a.txt", body: strings.NewReader("x"), length: -1}, "MissingContentLength"},
		{"a form", rawRequest{
			method: "POST", path: "/data", header: map[string]string{"Content-Type": "multipart/form-data; boundary=x"}, body: strings.NewReader("x"), length: 1,
		}, "MethodNotAllowed"},
	}
	for _, tt := range tests {
		if status, got, _ := f.send(t, &tt.raw); got != tt.want {
			t.Errorf("%s: %d %s, want %s", tt.name, status, got, tt.want)
		}
	}
	if _, failed := f.stored(t, "people/ann/a.txt"); failed != "NoSuchKey" {
		t.Errorf("an object appeared: %s", failed)
	}
}

// chunked encodes data in the aws-chunked encoding. sign returns the signature of a chunk,
// or "" for chunks without.
func chunked(data []byte, size int, sign func(chunk []byte) string) *bytes.Buffer {
	var b bytes.Buffer
	for {
		chunk := data[:min(size, len(data))]
		data = data[len(chunk):]
		fmt.Fprintf(&b, "%x", len(chunk))
		if s := sign(chunk); s != "" {
			b.WriteString(";chunk-signature=" + s)
		}
		b.WriteString("\r\n")
		if len(chunk) == 0 {
			return &b
		}
		b.Write(chunk)
		b.WriteString("\r\n")
	}
}

func unsigned([]byte) string { return "" }

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// chunkSigner signs chunks by the formulas of AWS's documentation.
func chunkSigner(previous string, at time.Time) func([]byte) string {
	day, stamp := at.UTC().Format("20060102"), at.UTC().Format("20060102T150405Z")
	key := mac(mac(mac(mac([]byte("AWS4"+secret+"ann"), day), "us-east-1"), "s3"), "aws4_request")
	return func(chunk []byte) string {
		previous = hex.EncodeToString(mac(key, strings.Join([]string{
			"AWS4-HMAC-SHA256-PAYLOAD", stamp, day + "/us-east-1/s3/aws4_request", previous, hexHash(nil), hexHash(chunk),
		}, "\n")))
		return previous
	}
}

func crc(b []byte) string {
	sum := crc32.ChecksumIEEE(b)
	return base64.StdEncoding.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
}

// TestBodies uploads bodies in every form. A body that does not match what was signed must
// not become an object, whatever its size.
func TestBodies(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, size := range []int{0, 5, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1<<20 + 17} {
		data := pattern(1, size)
		wrong := append(bytes.Clone(data), 'x')
		trailer := func(sum string) string { return "x-amz-checksum-crc32:" + sum + "\r\n\r\n" }
		decoded := map[string]string{"X-Amz-Decoded-Content-Length": strconv.Itoa(size), "Content-Encoding": "aws-chunked"}
		withTrailer := map[string]string{"X-Amz-Decoded-Content-Length": strconv.Itoa(size), "X-Amz-Trailer": "x-amz-checksum-crc32", "Content-Encoding": "aws-chunked"}
		at := time.Now()
		tests := []struct {
			name, payload string
			header        map[string]string
			body          func(seed string) *bytes.Buffer
			want          string
		}{
			{"hash", hexHash(data), nil, func(string) *bytes.Buffer { return bytes.NewBuffer(data) }, ""},
			{"no hash", sigv4.UnsignedPayload, nil, func(string) *bytes.Buffer { return bytes.NewBuffer(data) }, ""},
			{"wrong hash", hexHash(wrong), nil, func(string) *bytes.Buffer { return bytes.NewBuffer(data) }, "XAmzContentSHA256Mismatch"},
			{"signed chunks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", decoded, func(seed string) *bytes.Buffer {
				b := chunked(data, 10000, chunkSigner(seed, at))
				b.WriteString("\r\n")
				return b
			}, ""},
			{"signed chunks of another seed", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", decoded, func(string) *bytes.Buffer {
				return chunked(data, 10000, chunkSigner(hexHash(nil), at))
			}, "SignatureDoesNotMatch"},
			{"the last signature wrong", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", decoded, func(seed string) *bytes.Buffer {
				b := chunked(data, 10000, chunkSigner(seed, at))
				return bytes.NewBuffer(append(b.Bytes()[:b.Len()-66], hexHash(nil)+"\r\n\r\n"...))
			}, "SignatureDoesNotMatch"},
			{"no last chunk", sigv4.UnsignedTrailer, decoded, func(string) *bytes.Buffer {
				b := chunked(data, 10000, unsigned)
				b.Truncate(b.Len() - 3)
				return b
			}, "IncompleteBody"},
			{"trailer", sigv4.UnsignedTrailer, withTrailer, func(string) *bytes.Buffer {
				b := chunked(data, 10000, unsigned)
				b.WriteString(trailer(crc(data)))
				return b
			}, ""},
			{"wrong trailer", sigv4.UnsignedTrailer, withTrailer, func(string) *bytes.Buffer {
				b := chunked(data, 10000, unsigned)
				b.WriteString(trailer(crc([]byte("other"))))
				return b
			}, "BadDigest"},
			{"no trailer", sigv4.UnsignedTrailer, withTrailer, func(string) *bytes.Buffer {
				b := chunked(data, 10000, unsigned)
				b.WriteString("\r\n")
				return b
			}, "MalformedTrailerError"},
		}
		for _, tt := range tests {
			name := fmt.Sprintf("%s of %d bytes", tt.name, size)
			if size == 0 && tt.want == "XAmzContentSHA256Mismatch" {
				data = nil
			}
			raw := &rawRequest{
				method: "PUT", path: "/data/people/ann/" + strings.ReplaceAll(tt.name, " ", "-") + strconv.Itoa(size),
				header: tt.header, payload: tt.payload, at: at,
			}
			raw.change = func(r *http.Request) {
				auth := r.Header.Get("Authorization")
				body := tt.body(auth[len(auth)-64:])
				// Only bytes of a Buffer have a length that Go's client knows.
				r.ContentLength, r.Body = int64(body.Len()), io.NopCloser(body)
				if body.Len() == 0 {
					r.Body = http.NoBody
				}
			}
			_, got, _ := f.send(t, raw)
			if got != tt.want {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
			body, failed := f.stored(t, strings.TrimPrefix(raw.path, "/data/"))
			switch {
			case tt.want == "" && body != string(data):
				t.Errorf("%s: %d bytes were stored, %s", name, len(body), failed)
			case tt.want != "" && failed != "NoSuchKey":
				t.Errorf("%s: the object appeared: %d bytes, %s", name, len(body), failed)
			}
		}
	}
}

// TestBrokenUpload ends the connection in the middle of an upload.
func TestBrokenUpload(t *testing.T) {
	t.Parallel()
	f := start(t)
	broken := io.MultiReader(bytes.NewReader(pattern(1, 1<<20)), iotest.ErrReader(io.ErrUnexpectedEOF))
	_, got, _ := f.send(t, &rawRequest{method: "PUT", path: "/data/people/ann/a.bin", body: broken, length: 2 << 20})
	if got == "" {
		t.Error("the upload succeeded")
	}
	if _, failed := f.stored(t, "people/ann/a.bin"); failed != "NoSuchKey" {
		t.Errorf("the object appeared: %s", failed)
	}
}

// TestTrailersOverTLS uploads as newer SDKs do by default: in chunks with a trailing
// checksum, which the store gets as well.
func TestTrailersOverTLS(t *testing.T) {
	t.Parallel()
	for _, noTrailers := range []bool{false, true} {
		f := start(t, func(c *gateway.Config) { c.Backend.NoTrailers = noTrailers })
		secure := httptest.NewTLSServer(f.server.Config.Handler)
		t.Cleanup(secure.Close)
		c := client(secure.URL, annKey, secret+"ann", testToken, func(o *s3.Options) {
			o.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}}
		})
		for _, size := range []int{0, 10, 300 << 10} {
			data := pattern(2, size)
			key := fmt.Sprintf("people/ann/%d", size)
			out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("data"), Key: aws.String(key), Body: bytes.NewReader(data), ChecksumAlgorithm: types.ChecksumAlgorithmSha256})
			if err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if body, failed := f.stored(t, key); body != string(data) {
				t.Errorf("%d bytes: %d were stored, %s", size, len(body), failed)
			}
			sum := sha256.Sum256(data)
			want := base64.StdEncoding.EncodeToString(sum[:])
			if noTrailers && size > 64<<10 {
				want = ""
			}
			if got := aws.ToString(out.ChecksumSHA256); got != want {
				t.Errorf("%d bytes: the store's checksum is %q, want %q", size, got, want)
			}
		}
	}
}

// TestAddedChecksum uploads without a hash. The store gets a checksum if neither the client nor the
// start of the upload has chosen one.
func TestAddedChecksum(t *testing.T) {
	t.Parallel()
	f, old := start(t), start(t, func(c *gateway.Config) { c.Backend.NoTrailers = true })
	data := pattern(1, 2<<20+17)
	sum := sha256.Sum256(data)
	upload, err := f.ann().CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("data"), Key: aws.String("people/ann/parts")})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, query string
		at                *fixture
		size              int
		header            map[string]string
		want              string
	}{
		{"large", "a", "", f, len(data), nil, crc(data)},
		{"small", "b", "", f, 1000, nil, ""},
		{"store without trailers", "a", "", old, len(data), nil, ""},
		{"the client's checksum", "c", "", f, len(data), map[string]string{"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(sum[:])}, ""},
		{"part", "parts", "partNumber=1&uploadId=" + *upload.UploadId, f, len(data), nil, ""},
	} {
		status, got, h := tt.at.send(t, &rawRequest{
			method: "PUT", path: "/data/people/ann/" + tt.path, query: tt.query, header: tt.header, body: bytes.NewReader(data[:tt.size]), length: int64(tt.size),
		})
		if status != 200 || h.Get("X-Amz-Checksum-Crc32") != tt.want {
			t.Errorf("%s: %d %s, checksum %q, want %q", tt.name, status, got, h.Get("X-Amz-Checksum-Crc32"), tt.want)
		}
		if tt.query != "" {
			continue
		}
		if body, failed := tt.at.stored(t, "people/ann/"+tt.path); body != string(data[:tt.size]) {
			t.Errorf("%s: %d bytes were stored, %s", tt.name, len(body), failed)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *gateway.Config) { c.Origins = []string{"https://app.example.com"} })
	preflight := func(origin string) (int, http.Header) {
		r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", f.server.URL+"/data/people/ann/a.txt", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "PUT")
		r.Header.Set("Access-Control-Request-Headers", "authorization,x-amz-date")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, res.Header
	}
	status, h := preflight("https://app.example.com")
	if status != 200 || h.Get("Access-Control-Allow-Origin") != "https://app.example.com" || h.Get("Access-Control-Allow-Headers") != "authorization,x-amz-date" {
		t.Errorf("preflight: %d %v", status, h)
	}
	if status, h = preflight("https://evil.example.com"); status != 403 || h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of another origin: %d %v", status, h)
	}
	_, code, h := f.send(t, &rawRequest{path: "/data/people/bob/b.txt", header: map[string]string{"Origin": "https://app.example.com"}})
	if code != "AccessDenied" || h.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("an error that the page must read: %s %v", code, h)
	}
}

// TestForeignPreflight: the answer of a store that finds no object for a preflight request reaches the
// browser. Such a request has no caller.
func TestForeignPreflight(t *testing.T) {
	t.Parallel()
	missing := roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method != http.MethodOptions {
			return http.DefaultTransport.RoundTrip(r)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("the request of a stranger was signed")
		}
		return &http.Response{StatusCode: 404, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("<Error>no bucket</Error>"))}, nil
	})
	f := start(t, func(c *gateway.Config) { c.Backend.Transport = missing })
	r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", f.server.URL+"/data/a", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://app.example.com")
	r.Header.Set("Access-Control-Request-Method", "PUT")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 404 || string(body) != "<Error>no bucket</Error>" {
		t.Errorf("%d %s, %v", res.StatusCode, body, err)
	}
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestPreflightAtStore passes the question of a browser on to the store.
func TestPreflightAtStore(t *testing.T) {
	t.Parallel()
	passed := start(t)
	r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", passed.server.URL+"/data/a", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://app.example.com")
	r.Header.Set("Access-Control-Request-Method", "PUT")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode == 200 || !bytes.Contains(body, []byte("<Error>")) {
		t.Errorf("the store's answer to a preflight: %d %s, %v", res.StatusCode, body, err)
	}
}
