package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/sigv4"
)

// forward sends the request to the store and its answer to the client.
func (x *exchange) forward() error {
	header := x.operation.Header
	dropEncoding(header)
	if x.body.Length() <= smallBody {
		body, err := x.readBody(smallBody)
		if err != nil {
			return err
		}
		if name, sum := x.body.TrailerName(), x.body.Trailer(); name != "" && sum != "" {
			header.Set(name, sum)
		}
		if x.r.Method == http.MethodGet || x.r.Method == http.MethodHead || x.r.Method == http.MethodDelete {
			body = nil // It has no meaning.
		}
		return x.exchangeBytes(body)
	}
	if x.r.Method != http.MethodPut && x.r.Method != http.MethodPost {
		return &s3Error{status: 400, code: "InvalidRequest", message: "The request must not have a body."}
	}
	x.bodyLeft = false // The transport reads it to its end, or the connection is closed.
	return x.stream()
}

// stream sends a body that is verified on the way. A store must notice a body that ends
// early, and some stores take the end of the connection for the end of the body. So a body
// has its hash, a trailing checksum or signed chunks.
func (x *exchange) stream() error {
	header := x.operation.Header
	hash, trailer := x.body.Hash(), x.body.TrailerName()
	if hash != "" {
		return x.exchangeStream(x.body, x.body.Length(), hash)
	}
	header.Set("Content-Encoding", strings.TrimSuffix("aws-chunked,"+header.Get("Content-Encoding"), ","))
	header.Set("X-Amz-Decoded-Content-Length", strconv.FormatInt(x.body.Length(), 10))
	if trailer == "" && !x.mayAddChecksum() || x.gateway.config.Backend.NoTrailers {
		if trailer != "" {
			header.Del("X-Amz-Sdk-Checksum-Algorithm") // It announces the checksum that the store does not get.
		}
		encoded := newChunkSigner(x.body, func() *sigv4.Chain { return x.chain })
		return x.exchangeStream(encoded, encoded.length(), sigv4.StreamingPayload)
	}
	encoded := newChunkTrailer(x.body, addedChecksum)
	header.Set("X-Amz-Trailer", encoded.name)
	return x.exchangeStream(encoded, encoded.length(), sigv4.UnsignedTrailer)
}

// addedChecksum is the trailing checksum of uploads without a checksum. To compute it is much cheaper
// than to sign chunks.
const addedChecksum = "x-amz-checksum-crc32"

// mayAddChecksum reports whether the store may get a checksum that the client has not sent. The
// client has not protected the body, so a signature for the store would not protect more. Parts of
// an upload must have the checksum that the upload was started with.
func (x *exchange) mayAddChecksum() bool {
	if x.operation.Name != "PutObject" || !x.body.Unsigned() {
		return false
	}
	for name := range x.operation.Header {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || name == "X-Amz-Sdk-Checksum-Algorithm" {
			return false
		}
	}
	return true
}

// exchangeBytes sends a request with a body that was verified.
func (x *exchange) exchangeBytes(body []byte) error {
	res, err := x.send(bytes.NewReader(body), int64(len(body)), hashOf(body))
	if err != nil {
		return err
	}
	return x.answer(res)
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// exchangeStream sends a request with a body that is verified on the way.
func (x *exchange) exchangeStream(body io.Reader, length int64, payload string) error {
	stream := &bodyStream{body: body}
	defer func() { _ = stream.Close() }() // It has no errors.
	res, err := x.send(stream, length, payload)
	if failed := stream.failure(); failed != nil {
		// The store did not get the whole body, whatever it answered.
		if err == nil {
			_ = res.Body.Close()
		}
		return bodyReadError(failed)
	}
	if err != nil {
		return err
	}
	return x.answer(res)
}

// A bodyStream remembers why a body could not be read.
type bodyStream struct {
	mu     sync.Mutex
	body   io.Reader
	err    error
	closed bool
}

func (s *bodyStream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := s.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// Close makes further reads fail: the client's connection must not be read when the
// request has been answered.
func (s *bodyStream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *bodyStream) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// send signs a request for the store and sends it.
func (x *exchange) send(body io.Reader, length int64, payload string) (*http.Response, error) {
	req := x.backendRequest(x.r.Method, x.operation)
	if length > 0 {
		req.Body, req.ContentLength = io.NopCloser(body), length
	} else if x.r.Method == http.MethodPut || x.r.Method == http.MethodPost {
		req.Body = http.NoBody
	}
	x.chain = x.sign(req, payload)
	return x.roundTrip(req)
}

// sign signs a request with the store's key.
func (x *exchange) sign(req *http.Request, payload string) *sigv4.Chain {
	if req.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = []string{""} // Without it, Go would add its own.
	}
	return x.gateway.signer.Sign(&sigv4.Request{
		Method: req.Method, Path: req.URL.RawPath, Query: req.URL.RawQuery, Host: req.Host, Header: req.Header,
	}, payload, x.now)
}

// backendRequest returns the request in path style, without a body and a signature.
func (x *exchange) backendRequest(method string, o *operation.S3Operation) *http.Request {
	b := x.gateway.config.Backend.URL
	plain := "/" + o.Bucket
	if o.Key != "" {
		plain += "/" + o.Key
	}
	return (&http.Request{
		Method: method, URL: &url.URL{Scheme: b.Scheme, Host: b.Host, Path: plain, RawPath: o.BackendPath(), RawQuery: operation.Encode(o.Query)},
		Host: b.Host, Header: o.Header, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(x.r.Context())
}

// roundTrip sends a request to the store. Redirections are not followed.
func (x *exchange) roundTrip(req *http.Request) (*http.Response, error) {
	res, err := x.gateway.config.Backend.Transport.RoundTrip(req)
	if err != nil {
		return nil, &s3Error{
			status: http.StatusServiceUnavailable, code: "ServiceUnavailable", cause: err,
			message: "Service is unable to handle request.",
		}
	}
	return res, nil
}

// hopHeaders belong to one connection, and others are not the store's to set.
const hopHeaders = " connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade " +
	"set-cookie x-amz-request-id x-amzn-requestid "

// answer sends the store's answer to the client.
func (x *exchange) answer(res *http.Response) error {
	defer res.Body.Close()
	if err := x.hideMissing(res.StatusCode); err != nil {
		return err
	}
	if x.operation.Name == "CompleteMultipartUpload" && res.StatusCode == http.StatusOK {
		return x.answerLocation(res)
	}
	x.copyHeaders(res.Header)
	if id := res.Header.Get("X-Amz-Request-Id"); id != "" {
		x.w.Header().Set("X-Amz-Id-2", id)
	}
	x.event.Status = res.StatusCode
	x.w.WriteHeader(res.StatusCode)
	if x.r.Method == http.MethodHead {
		return nil
	}
	if _, err := copyBody(x.w, res.Body, downloadBuffers); err != nil {
		return internalError(err)
	}
	return nil
}

// hideMissing answers that an object does not exist only to callers that could find it in
// a list (S3: GetObject, "Permissions"). A preflight request has no caller; its answer has no object.
func (x *exchange) hideMissing(status int) error {
	o := x.operation
	if status != http.StatusNotFound || x.caller == nil || o.Name != "GetObject" && o.Name != "HeadObject" {
		return nil
	}
	return x.authorize([]operation.Check{{
		Action: "s3:ListBucket", Resource: "arn:aws:s3:::" + o.Bucket, Keys: []operation.Key{{Name: "s3:prefix", Values: []string{o.Key}}},
	}})
}

// maxLocationAnswer is the longest answer to CompleteMultipartUpload.
const maxLocationAnswer = 1 << 20

var location = regexp.MustCompile(`<Location>[^<]*</Location>`)

// answerLocation replaces the object's URL at the store by its URL at the gateway.
func (x *exchange) answerLocation(res *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxLocationAnswer))
	if err != nil {
		return internalError(err)
	}
	scheme := "http://"
	if x.gateway.config.Secure(x.r) {
		scheme = "https://"
	}
	var b bytes.Buffer
	writeElement(&b, element{"Location", scheme + x.r.Host + x.r.URL.EscapedPath()})
	x.copyHeaders(res.Header)
	return x.answerXML(location.ReplaceAllLiteral(body, b.Bytes()))
}

func (x *exchange) copyHeaders(from http.Header) {
	if len(x.gateway.config.Origins) > 0 {
		maps.DeleteFunc(from, func(name string, _ []string) bool { return strings.HasPrefix(name, "Access-Control-") })
	}
	h := x.w.Header()
	copyHeaders(h, from)
	if h["Content-Encoding"] != nil {
		dropEncoding(h) // Some stores keep the encoding of the upload.
	}
}

// copyHeaders copies the headers of an answer that are not of one connection.
func copyHeaders(to, from http.Header) {
	for name, values := range from {
		if !strings.Contains(hopHeaders, " "+strings.ToLower(name)+" ") {
			to[name] = values
		}
	}
}

// dropEncoding removes aws-chunked from the encodings: it belongs to the transfer.
func dropEncoding(h http.Header) {
	var kept []string
	for _, line := range h["Content-Encoding"] {
		for part := range strings.SplitSeq(line, ",") {
			if part = strings.TrimSpace(part); part != "" && !strings.EqualFold(part, "aws-chunked") {
				kept = append(kept, part)
			}
		}
	}
	delete(h, "Content-Encoding")
	if kept != nil {
		h["Content-Encoding"] = []string{strings.Join(kept, ",")}
	}
}
