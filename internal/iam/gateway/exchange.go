package gateway

import (
	"errors"
	"io"
	"net/http"
	"time"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/sigv4"
)

// smallBody is the longest body that is read and verified before the store gets a byte.
// Errors of such bodies are answered without a connection to the store.
const smallBody = 64 << 10

// An exchange is one request with its answer.
type exchange struct {
	gateway *Gateway
	w       http.ResponseWriter
	r       *http.Request
	now     time.Time
	event   Event

	signature *sigv4.Signature
	caller    *Caller
	operation *operation.S3Operation
	body      *sigv4.Body
	bodyLeft  bool // part of the body was not read
	chain     *sigv4.Chain
}

// serve answers the request, or returns the error to answer.
func (x *exchange) serve() error {
	bucket, ok := x.gateway.bucketOfHost(x.r.Host)
	if !ok {
		return &s3Error{status: 400, code: "InvalidRequest", message: "The host is not a host of this endpoint."}
	}
	if x.r.Method == http.MethodOptions {
		return x.preflight(bucket)
	}
	x.bodyLeft = x.r.ContentLength != 0
	if err := x.authenticate(); err != nil {
		return err
	}
	o, failed := operation.S3(&operation.Request{
		Method: x.r.Method, Path: x.r.URL.EscapedPath(), Query: x.r.URL.RawQuery, Header: x.r.Header,
		Bucket: bucket, PathKeys: x.gateway.config.Backend.PathKeys,
	})
	if failed != nil {
		return failed
	}
	x.operation = o
	x.event.Operation, x.event.Bucket, x.event.Key = o.Name, o.Bucket, o.Key
	if o.Name == "DeleteObjects" {
		return x.deleteObjects()
	}
	if err := x.authorize(o.Checks); err != nil {
		return err
	}
	if len(o.TagChecks) > 0 && x.authorize(o.TagChecks) != nil {
		// The copy has no tags, rather than tags that the caller may not read or set.
		o.Header.Set("X-Amz-Tagging-Directive", "REPLACE")
	}
	return x.forward()
}

// authenticate finds the caller and verifies the signature, in AWS's order.
func (x *exchange) authenticate() error {
	s, err := sigv4.ParseHTTP(x.r)
	if err != nil {
		return err
	}
	x.event.ClaimedKey = s.AccessKeyID
	c, err := x.gateway.config.Authority.Caller(x.r.Context(), s.AccessKeyID, s.SessionToken)
	if err != nil {
		return err
	}
	if c == nil {
		return ErrUnknownKey
	}
	if err := s.CheckClock(x.now); err != nil {
		return err
	}
	if err := s.CheckService("s3"); err != nil {
		return err
	}
	if want := x.gateway.config.Region; want != "" {
		if err := s.CheckRegion(want); err != nil {
			return err
		}
	}
	body, err := s.Open(sigv4.Request{
		Method: x.r.Method, Path: x.r.URL.EscapedPath(), Query: x.r.URL.RawQuery, Host: x.r.Host, Header: x.r.Header,
		ContentLength: x.r.ContentLength, TransferEncoding: x.r.TransferEncoding,
	}, string(c.Secret), x.r.Body)
	if err != nil {
		return err
	}
	x.signature, x.caller, x.body = s, c, body
	x.event.AccessKeyID, x.event.Principal = s.AccessKeyID, c.arn()
	return nil
}

// readBody reads and verifies a body of at most limit bytes.
func (x *exchange) readBody(limit int64) ([]byte, error) {
	if x.body.Length() > limit {
		return nil, &s3Error{status: 400, code: "MaxMessageLengthExceeded", message: "Your request was too big."}
	}
	body := make([]byte, x.body.Length())
	if _, err := io.ReadFull(x.body, body); err != nil {
		return nil, bodyReadError(err)
	}
	// A body without bytes has checks, too.
	if _, err := x.body.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return nil, bodyReadError(err)
	}
	x.bodyLeft = false
	return body, nil
}

// bodyReadError returns the error to answer for a body that cannot be read. An error of
// the client's connection is the client's.
func bodyReadError(err error) error {
	if _, ok := errors.AsType[*sigv4.BodyError](err); ok {
		return err
	}
	return &s3Error{
		status: 400, code: "RequestTimeout", cause: err,
		message: "Your socket connection to the server was not read from or written to within the timeout period.",
	}
}
