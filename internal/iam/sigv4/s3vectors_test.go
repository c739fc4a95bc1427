package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// s3Request makes a request with the headers as given, not through a client.
func s3Request(method, host, target string, header map[string]string) *http.Request {
	r := httptest.NewRequest(method, target, http.NoBody)
	r.Host = host
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r
}

// open verifies a request as a server of S3 does.
func open(r *http.Request, secret string, body []byte) (*Body, error) {
	s, err := ParseHTTP(r)
	if err != nil {
		return nil, err
	}
	q := FromHTTP(r, nil)
	q.ContentLength = int64(len(body))
	return s.Open(q, secret, bytes.NewReader(body))
}

// TestS3Vectors checks signatures of S3 that botocore computed: paths are encoded once,
// and nothing of them is removed.
func TestS3Vectors(t *testing.T) {
	t.Parallel()
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tests := []struct{ name, path, signature string }{
		{"path encoded once", "/documents%20and%20settings/a", "0df760d0697fa2f202498dc6749bbbbbaa0475a2c1b5300f6219fe6ae4b92a49"},
		{"path kept", "/example/..//x", "e7b98aac71efb5b72a40221f946cb116a6032af2e610cda7fc4f6de3a3bd403f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := s3Request("GET", "example.amazonaws.com", tt.path, map[string]string{
				"X-Amz-Date": testStamp, "X-Amz-Content-Sha256": empty,
				"Authorization": "AWS4-HMAC-SHA256 Credential=" + testKey + "/20150830/us-east-1/s3/aws4_request," +
					"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=" + tt.signature,
			})
			body, err := open(r, testSecret, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(body); err != nil {
				t.Error(err)
			}
			if _, err := open(r, testSecret+"x", nil); err == nil {
				t.Error("another secret was accepted")
			}
		})
	}
}

// TestPresignedVectors checks presigned URLs that botocore computed.
func TestPresignedVectors(t *testing.T) {
	t.Parallel()
	presign := func(path, query, service, signed, expires, token, signature string) string {
		q := "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + testKey + "%2F20150830%2Fus-east-1%2F" + service +
			"%2Faws4_request&X-Amz-Date=" + testStamp + "&X-Amz-Expires=" + expires + "&X-Amz-SignedHeaders=" + signed
		if token != "" {
			q += "&X-Amz-Security-Token=" + token
		}
		return path + "?" + query + q + "&X-Amz-Signature=" + signature
	}
	tests := []struct {
		name, host, target string
		header             map[string]string
		token              string
	}{
		{
			name: "S3", host: "examplebucket.s3.amazonaws.com",
			target: presign("/a%20b/c.txt", "", "s3", "host", "86400", "", "181a858d18435290ad2d12b681afc98116b47a9462e1a6cbfee86c80b0cf8afb"),
		},
		{
			name: "S3 with a session token", host: "examplebucket.s3.amazonaws.com", token: "TOK",
			target: presign("/a%20b/c.txt", "", "s3", "host", "86400", "TOK", "4541bdce0efb07270780530b502bd450b9b4c8fd4c75de3192726eab5379d29d"),
		},
		{
			name: "STS", host: "sts.us-east-1.amazonaws.com", header: map[string]string{"X-K8s-Aws-Id": "cluster"},
			target: presign("/", "Action=GetCallerIdentity&Version=2011-06-15&", "sts", "host%3Bx-k8s-aws-id", "60", "",
				"81a32408ebc680f9e3c0b717af082cf650f94a8782ad2fdf3383c43be9467c55"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := s3Request("GET", tt.host, tt.target, tt.header)
			s, err := ParseHTTP(r)
			if err != nil {
				t.Fatal(err)
			}
			if s.SessionToken != tt.token || !s.Presigned {
				t.Errorf("ParseHTTP = %+v", s)
			}
			verify := func(secret string) error {
				if s.Service == "s3" {
					_, err := s.Open(FromHTTP(r, nil), secret, http.NoBody)
					return err
				}
				return s.Verify(FromHTTP(r, nil), secret)
			}
			if err := verify(testSecret); err != nil {
				t.Error(err)
			}
			if verify(testSecret+"x") == nil {
				t.Error("another secret was accepted")
			}
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "X-Amz-Expires=", "X-Amz-Expires=1", 1)
			if verify(testSecret) == nil {
				t.Error("a longer life was accepted")
			}
		})
	}
}

const (
	exampleKey    = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// chunkExample is the example of AWS's documentation (S3: "Signature Calculations for the
// Authorization Header: Transferring Payload in Multiple Chunks").
func chunkExample() (*http.Request, []byte) {
	r := s3Request("PUT", "s3.amazonaws.com", "/examplebucket/chunkObject.txt", map[string]string{
		"X-Amz-Date": "20130524T000000Z", "X-Amz-Storage-Class": "REDUCED_REDUNDANCY", "Content-Encoding": "aws-chunked",
		"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "X-Amz-Decoded-Content-Length": "66560",
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + exampleKey + "/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class," +
			"Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	})
	body := "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) + "\r\n" +
		"400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) + "\r\n" +
		"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	return r, []byte(body)
}

// trailerExample has a signed trailing checksum.
func trailerExample() (*http.Request, []byte) {
	r := s3Request("PUT", "s3.amazonaws.com", "/examplebucket/t.txt", map[string]string{
		"X-Amz-Date": "20130524T000000Z", "Content-Encoding": "aws-chunked", "X-Amz-Trailer": "x-amz-checksum-crc32",
		"X-Amz-Content-Sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length": "5",
		"Authorization": "AWS4-HMAC-SHA256 Credential=" + exampleKey + "/20130524/us-east-1/s3/aws4_request," +
			"SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer," +
			"Signature=407e9cf0772a685b580b951db0a8771b1fb367082b0d4a23b8b548c244ad023b",
	})
	body := "5;chunk-signature=98047b96ce72c1094a8461c9aea1b0872df7980e456bd7d3780b75e91302bf9b\r\nhello\r\n" +
		"0;chunk-signature=6470c151b3506b4797cb4d5df709c1c7011d025616d2678042f54558d4a64845\r\n" +
		"x-amz-checksum-crc32:NhCmhg==\r\n" +
		"x-amz-trailer-signature:187a32e521202518970c0c9fdab1c7dfeb29f76d36070d3f82d03d8e5b3235a4\r\n\r\n"
	return r, []byte(body)
}

func TestChunkVectors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want, checksum string
		example              func() (*http.Request, []byte)
	}{
		{"signed chunks", strings.Repeat("a", 66560), "", chunkExample},
		{"signed trailer", "hello", "NhCmhg==", trailerExample},
		{"signed trailer as documented", "hello", "NhCmhg==", func() (*http.Request, []byte) {
			r, body := trailerExample()
			return r, bytes.Replace(body, []byte("NhCmhg==\r\n"), []byte("NhCmhg==\n\r\n"), 1)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, encoded := tt.example()
			body, err := open(r, exampleSecret, encoded)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(iotest.HalfReader(body))
			if err != nil || string(got) != tt.want || body.Trailer() != tt.checksum || body.Length() != int64(len(tt.want)) {
				t.Errorf("body = %d bytes, %v, trailer %q", len(got), err, body.Trailer())
			}
		})
	}
}

// TestChunkChanges changes every byte of the example's lines and some of its data. No
// change may let the whole body through.
func TestChunkChanges(t *testing.T) {
	t.Parallel()
	for _, example := range []func() (*http.Request, []byte){chunkExample, trailerExample} {
		r, encoded := example()
		want := int(mustLength(t, r))
		for i := range encoded {
			if encoded[i] == 'a' && i%4096 != 0 && i > 200 && i < len(encoded)-200 {
				continue // The data is long.
			}
			changed := bytes.Clone(encoded)
			changed[i] ^= 0x40
			body, err := open(r, exampleSecret, changed)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(body); err == nil {
				t.Errorf("byte %d (%q): the change was accepted", i, encoded[i])
			} else if len(got) >= want {
				t.Errorf("byte %d: all of the body was returned with %v", i, err)
			}
		}
		for _, cut := range []int{0, 1, 20, 100, len(encoded) - 3, len(encoded) - 90} {
			body, err := open(r, exampleSecret, encoded[:cut])
			if err != nil {
				if cut < len(encoded) && strings.Contains(r.Header.Get("Authorization"), "content-length") {
					continue // The length is signed.
				}
				t.Fatal(err)
			}
			if _, err := io.ReadAll(body); err == nil {
				t.Errorf("a body of %d bytes was accepted", cut)
			}
		}
	}
}

func mustLength(t *testing.T, r *http.Request) int64 {
	t.Helper()
	n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestUnsignedTrailer reads the default form of newer SDKs, with every checksum. The
// checksums are of the nine digits, the check value of catalogues of CRCs.
func TestUnsignedTrailer(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, value string }{
		{"x-amz-checksum-crc32", "y/Q5Jg=="},
		{"x-amz-checksum-crc32c", "4waSgw=="},
		{"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
		{"x-amz-checksum-sha1", "98O8HYCOBHMq32eZZczDTKeuNEE="},
		{"x-amz-checksum-sha256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, value := range []string{tt.value, "AAAAAA==", ""} {
				r := signedForm(UnsignedTrailer, map[string]string{"X-Amz-Trailer": tt.name, "X-Amz-Decoded-Content-Length": "9"})
				body, err := open(r, testSecret, []byte("4\r\n1234\r\n5\r\n56789\r\n0\r\n"+tt.name+":"+value+"\r\n\r\n"))
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(body)
				if value == tt.value {
					if err != nil || string(got) != "123456789" || body.Trailer() != value {
						t.Errorf("body = %q, %v, trailer %q", got, err, body.Trailer())
					}
				} else if err == nil || len(got) == 9 {
					t.Errorf("checksum %q: body = %q, %v", value, got, err)
				}
			}
		})
	}
}

// signedForm returns a signed PUT of S3 with a value of X-Amz-Content-Sha256.
func signedForm(payload string, header map[string]string) *http.Request {
	r := s3Request("PUT", "s3.example.com", "/bucket/key", header)
	q := FromHTTP(r, nil)
	signer := Signer{AccessKeyID: testKey, Secret: testSecret, Region: "us-east-1", Service: "s3"}
	signer.Sign(&q, payload, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	return r
}

func hexHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestBodyRefusals(t *testing.T) {
	t.Parallel()
	length := func(n string) map[string]string { return map[string]string{"X-Amz-Decoded-Content-Length": n} }
	trailer := func(name string) map[string]string {
		return map[string]string{"X-Amz-Decoded-Content-Length": "1", "X-Amz-Trailer": name}
	}
	tests := []struct {
		name, payload string
		header        map[string]string
		body          string
		fault         Fault
	}{
		{"hash", hexHash("data"), nil, "dato", HashMismatch},
		{"hash of an empty body", hexHash("data"), nil, "", HashMismatch},
		{"no decoded length", UnsignedTrailer, nil, "0\r\n\r\n", NoLength},
		{"negative decoded length", UnsignedTrailer, length("-1"), "0\r\n\r\n", BadHeader},
		{"decoded length with a sign", UnsignedTrailer, length("+1"), "0\r\n\r\n", BadHeader},
		{"aws-chunked without chunks", UnsignedPayload, map[string]string{"Content-Encoding": "gzip, AWS-chunked"}, "x", BadHeader},
		{"trailer without chunks", UnsignedPayload, map[string]string{"X-Amz-Trailer": "x-amz-checksum-crc32"}, "x", BadHeader},
		{"unknown trailer", UnsignedTrailer, trailer("x-amz-meta-a"), "1\r\nx\r\n0\r\n\r\n", BadTrailer},
		{"two trailers", UnsignedTrailer, trailer("x-amz-checksum-crc32,x-amz-checksum-sha1"), "1\r\nx\r\n0\r\n\r\n", BadTrailer},
		{"trailer that was not announced", UnsignedTrailer, length("1"), "1\r\nx\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", BadTrailer},
		{"no trailer", UnsignedTrailer, trailer("x-amz-checksum-crc32"), "1\r\nx\r\n0\r\n\r\n", BadTrailer},
		{"trailer twice", UnsignedTrailer, trailer("x-amz-checksum-crc32"), "1\r\nx\r\n0\r\nx-amz-checksum-crc32:jNFDFQ==\r\nx-amz-checksum-crc32:jNFDFQ==\r\n\r\n", BadTrailer},
		{"negative chunk", UnsignedTrailer, length("1"), "-1\r\nx\r\n0\r\n\r\n", BadChunk},
		{"chunk with a plus", UnsignedTrailer, length("1"), "+1\r\nx\r\n0\r\n\r\n", BadChunk},
		{"chunk with 0x", UnsignedTrailer, length("1"), "0x1\r\nx\r\n0\r\n\r\n", BadChunk},
		{"chunk with a blank", UnsignedTrailer, length("1"), " 1\r\nx\r\n0\r\n\r\n", BadChunk},
		{"huge chunk", UnsignedTrailer, length("1"), "ffffffffffffffff\r\nx\r\n0\r\n\r\n", BadChunk},
		{"long line", UnsignedTrailer, length("1"), "1" + strings.Repeat("1", maxChunkLine) + "\r\n", BadChunk},
		{"signature in unsigned chunks", UnsignedTrailer, length("1"), "1;chunk-signature=" + strings.Repeat("0", 64) + "\r\nx\r\n0\r\n\r\n", BadChunk},
		{"no signature in signed chunks", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", length("1"), "1\r\nx\r\n0\r\n\r\n", BadChunk},
		{"wrong signature", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", length("1"), "1;chunk-signature=" + strings.Repeat("0", 64) + "\r\nx\r\n", ChunkMismatch},
		{"small signed chunk", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", length("2"), "1;chunk-signature=" + strings.Repeat("0", 64) + "\r\nx\r\n", SmallChunk},
		{"more than the decoded length", UnsignedTrailer, length("1"), "2\r\nxy\r\n0\r\n\r\n", Truncated},
		{"a second chunk beyond it", UnsignedTrailer, length("1"), "1\r\nx\r\n1\r\ny\r\n0\r\n\r\n", Truncated},
		{"less than the decoded length", UnsignedTrailer, length("2"), "1\r\nx\r\n0\r\n\r\n", Truncated},
		{"no line end after data", UnsignedTrailer, length("1"), "1\r\nxy0\r\n\r\n", BadChunk},
		{"no last chunk", UnsignedTrailer, length("1"), "1\r\nx\r\n", Truncated},
		{"more after the end", UnsignedTrailer, length("1"), "1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n", Truncated},
		{"a part of a line at the end", UnsignedTrailer, length("1"), "1\r\nx\r\n0\r\nGET", BadChunk},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body, err := open(signedForm(tt.payload, tt.header), testSecret, []byte(tt.body))
			if err == nil {
				_, err = io.ReadAll(body)
			}
			if failed, ok := err.(*BodyError); !ok || failed.Fault != tt.fault {
				t.Errorf("error = %v, want fault %d", err, tt.fault)
			}
		})
	}
}

// FuzzChunks wants no input to return more data than declared, or all of it beside an error.
func FuzzChunks(f *testing.F) {
	_, chunked := chunkExample()
	f.Add("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", "66560", chunked)
	_, chunked = trailerExample()
	f.Add("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "x-amz-checksum-crc32", "5", chunked)
	f.Add(UnsignedTrailer, "x-amz-checksum-crc32", "1", []byte("1\r\nx\r\n0\r\nx-amz-checksum-crc32:jNFDFQ==\r\n\r\n"))
	f.Add(UnsignedPayload, "", "", []byte("x"))
	f.Fuzz(func(t *testing.T, mode, trailer, length string, encoded []byte) {
		header := map[string]string{}
		if trailer != "" {
			header["X-Amz-Trailer"] = trailer
		}
		if length != "" {
			header["X-Amz-Decoded-Content-Length"] = length
		}
		body, err := open(signedForm(mode, header), testSecret, encoded)
		if err != nil {
			return
		}
		got, err := io.ReadAll(body)
		switch n := int64(len(got)); {
		case err == nil && n != body.Length():
			t.Errorf("%d bytes, want %d", n, body.Length())
		case err != nil && n >= body.Length() && n > 0:
			t.Errorf("%d of %d bytes, and %v", n, body.Length(), err)
		case n > int64(len(encoded)):
			t.Errorf("%d bytes of %d", n, len(encoded))
		}
	})
}
