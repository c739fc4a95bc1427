package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/sigv4"
)

// maxServiceBody is the longest request of a service: the limit of Amazon SQS.
const maxServiceBody = 1 << 20

// ServicesConfig are the settings of [Services].
type ServicesConfig struct {
	// Backends are the services by their signing name, such as "sqs". Of a Backend, the
	// URL, the Region, the key and the Transport count.
	Backends  map[string]Backend
	Authority Authority
	Now       func() time.Time
	// Secure, SourceIP, RequestID and Observe are as in [Config].
	Secure    func(*http.Request) bool
	SourceIP  func(*http.Request) string
	RequestID func(*http.Request) string
	Observe   func(context.Context, *Event)
}

// Services is a reverse proxy before services with AWS's JSON or Query protocol. It is
// safe for concurrent use.
type Services struct {
	config  ServicesConfig
	signers map[string]*sigv4.Signer
}

// NewServices makes Services.
func NewServices(c ServicesConfig) (*Services, error) {
	if c.Authority == nil || c.Now == nil {
		return nil, errors.New("gateway: no authority or no clock")
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
	s := &Services{config: c, signers: map[string]*sigv4.Signer{}}
	backends := map[string]Backend{}
	for name, b := range c.Backends {
		if !operation.KnownService(name) {
			return nil, errors.New("gateway: the service " + strconv.Quote(name) + " is not known")
		}
		if err := b.check(); err != nil {
			return nil, err
		}
		if b.Transport == nil {
			b.Transport = NewTransport()
		}
		backends[name], s.signers[name] = b, b.signer(name)
	}
	s.config.Backends = backends
	return s, nil
}

// A call is one request to a service with its answer.
type call struct {
	*Services
	w     http.ResponseWriter
	r     *http.Request
	now   time.Time
	event Event
	query bool // the Query protocol
	*signed
}

// ServeHTTP answers one request.
func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Services: s, w: w, r: r, now: s.config.Now(), event: Event{RequestID: s.config.RequestID(r)}, query: r.Header.Get("X-Amz-Target") == ""}
	if s.config.Observe != nil {
		defer func() { s.config.Observe(r.Context(), &c.event) }()
	}
	w.Header().Set("X-Amzn-Requestid", c.event.RequestID)
	if err := c.serve(); err != nil {
		c.refuse(err)
	}
}

func (c *call) serve() error {
	if c.r.Method != http.MethodPost || c.r.URL.EscapedPath() != "/" || c.r.URL.RawQuery != "" || len(c.r.Header.Values("X-Amz-Target")) > 1 {
		return &serviceError{http.StatusBadRequest, "InvalidRequest", "A request is a POST of / without a query.", nil}
	}
	var err error
	c.signed, err = readSigned(c.w, c.r, c.config.Authority, c.now, maxServiceBody, &c.event, func(s *sigv4.Signature) error {
		if _, ok := c.config.Backends[s.Service]; !ok {
			return &serviceError{http.StatusBadRequest, "InvalidSignatureException", "Credential should be scoped to correct service.", nil}
		}
		return nil
	})
	if err != nil {
		return err
	}
	o, failed := operation.Service(&operation.ServiceRequest{
		Service: c.signature.Service, Target: c.r.Header.Get("X-Amz-Target"), Body: c.body,
		Region: c.signature.Region, Account: c.caller.Principal.Account,
	})
	if failed != nil {
		return &serviceError{failed.Status, failed.Code, failed.Message, nil}
	}
	c.event.Operation = o.Name
	conditions := commonContext(c.r, c.now, c.signature, c.config.Secure(c.r), c.config.SourceIP(c.r), c.caller)
	if err := c.authorize(o.Checks, conditions, &c.event, http.StatusBadRequest); err != nil {
		return err
	}
	return c.forward()
}

// forward sends the request to the service and its answer to the client.
func (c *call) forward() error {
	b := c.config.Backends[c.signature.Service]
	h := http.Header{"User-Agent": {c.r.UserAgent()}}
	for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amzn-Query-Mode", "Accept"} {
		if v := c.r.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: b.URL.Scheme, Host: b.URL.Host, Path: "/"}, Host: b.URL.Host, Header: h,
		Body: io.NopCloser(bytes.NewReader(c.body)), ContentLength: int64(len(c.body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(c.r.Context())
	c.signers[c.signature.Service].Sign(&sigv4.Request{Method: req.Method, Path: "/", Host: req.Host, Header: h}, hashOf(c.body), c.now)
	res, err := b.Transport.RoundTrip(req)
	if err != nil {
		return &serviceError{http.StatusServiceUnavailable, "ServiceUnavailable", "Service is unable to handle request.", err}
	}
	defer res.Body.Close()
	copyHeaders(c.w.Header(), res.Header)
	c.event.Status = res.StatusCode
	c.w.WriteHeader(res.StatusCode)
	if _, err := io.Copy(c.w, res.Body); err != nil {
		return internalError(err)
	}
	return nil
}

// A serviceError is an answer that the proxy makes itself. Its code is that of the JSON
// protocol.
type serviceError struct {
	status        int
	code, message string
	cause         error
}

func (e *serviceError) Error() string { return "gateway: " + e.code + ": " + e.message }

// queryCodes are the codes and the status of the Query protocol for those of JSON.
var queryCodes = map[string]struct {
	code   string
	status int
}{
	"MissingAuthenticationTokenException": {"MissingAuthenticationToken", http.StatusForbidden},
	"UnrecognizedClientException":         {"InvalidClientTokenId", http.StatusForbidden},
	"ExpiredTokenException":               {"ExpiredToken", http.StatusForbidden},
	"InvalidSignatureException":           {"SignatureDoesNotMatch", http.StatusForbidden},
	"IncompleteSignatureException":        {"IncompleteSignature", http.StatusBadRequest},
	"AccessDeniedException":               {"AccessDenied", http.StatusForbidden},
	"UnknownOperationException":           {"InvalidAction", http.StatusBadRequest},
	"ValidationException":                 {"ValidationError", http.StatusBadRequest},
	"SerializationException":              {"MalformedQueryString", http.StatusBadRequest},
}

func asServiceError(err error) *serviceError {
	if e, ok := errors.AsType[*serviceError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		code := "InvalidSignatureException"
		switch e.Kind {
		case sigv4.Missing:
			code = "MissingAuthenticationTokenException"
		case sigv4.Incomplete:
			code = "IncompleteSignatureException"
		}
		return &serviceError{http.StatusBadRequest, code, e.Message, nil}
	}
	switch {
	case errors.Is(err, ErrUnknownKey), errors.Is(err, ErrInvalidToken):
		return &serviceError{http.StatusBadRequest, "UnrecognizedClientException", "The security token included in the request is invalid.", nil}
	case errors.Is(err, ErrExpiredToken):
		return &serviceError{http.StatusBadRequest, "ExpiredTokenException", "The security token included in the request is expired", nil}
	}
	return &serviceError{http.StatusInternalServerError, "InternalFailure", "The request processing has failed because of an unknown error.", err}
}

// refuse answers with an error, unless the answer has begun.
func (c *call) refuse(err error) {
	if c.event.Status != 0 {
		c.event.Cause = err
		panic(http.ErrAbortHandler)
	}
	e := asServiceError(err)
	code, status := e.code, e.status
	var body []byte
	h := c.w.Header()
	if c.query {
		if q, ok := queryCodes[code]; ok {
			code, status = q.code, q.status
		}
		body = renderQueryError(status, code, e.message, c.event.RequestID)
		h.Set("Content-Type", "text/xml")
	} else {
		// Text always has a form in JSON.
		body, _ = json.Marshal(map[string]string{"__type": code, "message": e.message})
		h.Set("Content-Type", "application/x-amz-json-1.1")
		h.Set("X-Amzn-Errortype", code)
	}
	c.event.Status, c.event.Code, c.event.Cause = status, code, e.cause
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

func renderQueryError(status int, code, message, requestID string) []byte {
	kind := "Sender"
	if status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	var b bytes.Buffer
	b.WriteString(xml.Header + "<ErrorResponse><Error>")
	writeElement(&b, element{"Type", kind})
	writeElement(&b, element{"Code", code})
	writeElement(&b, element{"Message", message})
	b.WriteString("</Error>")
	writeElement(&b, element{"RequestId", requestID})
	b.WriteString("</ErrorResponse>")
	return b.Bytes()
}
