package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/sigv4"
	"cognate/internal/keys"
)

// ServiceAPI is the signing name of an [API].
const ServiceAPI = "execute-api"

// maxAPIBody is the longest request of an API: the limit of Amazon API Gateway.
const maxAPIBody = 10 << 20

// callerPrefix begins the headers about the caller, which only the proxy may send.
const callerPrefix = "x-cognate-"

// APIConfig are the settings of an [API].
type APIConfig struct {
	// URL is the API's address, without a path.
	URL *url.URL
	// Secret proves to the API that the proxy sent a request: Authorization: Bearer.
	Secret keys.Secret
	// Name and Stage are those of the API in ARNs. Empty, they are "api" and "$default".
	Name, Stage string
	// Origins are the web origins that may call the API, or "*".
	Origins   []string
	Authority Authority
	Now       func() time.Time
	// Transport sends the requests. Nil is [NewTransport].
	Transport http.RoundTripper
	// Secure, SourceIP, RequestID and Observe are as in [Config].
	Secure    func(*http.Request) bool
	SourceIP  func(*http.Request) string
	RequestID func(*http.Request) string
	Observe   func(context.Context, *Event)
}

// An API is a reverse proxy before an HTTP server of the operator's own. It verifies the
// signature, asks the policies for execute-api:Invoke, and tells the server who calls. It is
// safe for concurrent use.
type API struct{ config APIConfig }

// NewAPI makes an API.
func NewAPI(c APIConfig) (*API, error) {
	if err := (&Backend{URL: c.URL}).check(); err != nil {
		return nil, err
	}
	if c.Authority == nil || c.Now == nil || c.Secret == "" {
		return nil, errors.New("gateway: no authority, no clock or no secret")
	}
	if c.Transport == nil {
		c.Transport = NewTransport()
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
	c.Name, c.Stage = cmp.Or(c.Name, "api"), cmp.Or(c.Stage, "$default")
	return &API{c}, nil
}

// An invocation is one request of an API with its answer.
type invocation struct {
	*API
	w     http.ResponseWriter
	r     *http.Request
	now   time.Time
	event Event
	*signed
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &invocation{API: a, w: w, r: r, now: a.config.Now(), event: Event{RequestID: a.config.RequestID(r)}}
	if a.config.Observe != nil {
		defer func() { a.config.Observe(r.Context(), &v.event) }()
	}
	w.Header().Set("X-Amzn-Requestid", v.event.RequestID)
	allowOrigin(w.Header(), r, a.config.Origins, "*")
	if err := v.serve(); err != nil {
		v.refuse(err)
	}
}

func (v *invocation) serve() error {
	if v.r.Method == http.MethodOptions && len(v.config.Origins) > 0 {
		v.event.Operation = "Preflight"
		if v.w.Header().Get("Access-Control-Allow-Origin") == "" || v.r.Header.Get("Access-Control-Request-Method") == "" {
			return &serviceError{http.StatusForbidden, "ForbiddenException", "This CORS request is not allowed.", nil}
		}
		allowRequest(v.w.Header(), v.r, "GET, HEAD, POST, PUT, PATCH, DELETE")
		v.event.Status = http.StatusNoContent
		v.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	var err error
	v.signed, err = readSigned(v.w, v.r, v.config.Authority, v.now, maxAPIBody, &v.event, func(s *sigv4.Signature) error { return s.CheckService(ServiceAPI) })
	if err != nil {
		return err
	}
	check, failed := operation.Invoke(&operation.InvokeRequest{
		Method: v.r.Method, Path: v.r.URL.EscapedPath(), Region: v.signature.Region, Account: v.caller.Principal.Account,
		API: v.config.Name, Stage: v.config.Stage,
	})
	if failed != nil {
		return &serviceError{failed.Status, failed.Code, failed.Message, nil}
	}
	v.event.Operation = "Invoke"
	conditions := commonContext(v.r, v.now, v.signature, v.config.Secure(v.r), v.config.SourceIP(v.r), v.caller)
	if err := v.authorize([]operation.Check{check}, conditions, &v.event, http.StatusForbidden); err != nil {
		return err
	}
	return v.forward()
}

// notForwarded are headers of the signature, of the connection or of a proxy. A header that
// replaces the method would pass by the policies.
const notForwarded = " authorization x-amz-date x-amz-security-token x-amz-content-sha256 content-length forwarded x-forwarded-for x-forwarded-host " +
	"x-forwarded-proto x-forwarded-port x-forwarded-prefix x-real-ip x-original-url x-rewrite-url x-http-method-override x-http-method x-method-override expect "

// header returns the headers for the API. Some servers take an underscore for a hyphen.
func (v *invocation) header() http.Header {
	h := http.Header{"User-Agent": {v.r.UserAgent()}}
	named := strings.ToLower(strings.Join(v.r.Header.Values("Connection"), ","))
	for name, values := range v.r.Header {
		plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		word := " " + plain + " "
		if strings.HasPrefix(plain, callerPrefix) || strings.Contains(notForwarded, word) || strings.Contains(hopHeaders, word) ||
			named != "" && strings.Contains(named, plain) {
			continue
		}
		h[name] = values
	}
	scheme := "http"
	if v.config.Secure(v.r) {
		scheme = "https"
	}
	for name, value := range map[string]string{
		"Authorization":              "Bearer " + string(v.config.Secret),
		"X-Forwarded-For":            v.config.SourceIP(v.r),
		"X-Forwarded-Host":           v.r.Host,
		"X-Forwarded-Proto":          scheme,
		"X-Cognate-Request-Id":       v.event.RequestID,
		"X-Cognate-Principal":        v.caller.arn(),
		"X-Cognate-Account":          v.caller.Principal.Account,
		"X-Cognate-User-Id":          v.caller.key("aws:userid"),
		"X-Cognate-Username":         v.caller.key("aws:username"),
		"X-Cognate-Identity-Id":      v.caller.identity("sub"),
		"X-Cognate-Identity-Pool-Id": v.caller.identity("aud"),
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	return h
}

// key returns the value of a condition key of the caller, or "".
func (c *Caller) key(name string) string {
	for _, k := range c.Keys {
		if strings.EqualFold(k.Name, name) && len(k.Values) == 1 {
			return k.Values[0]
		}
	}
	return ""
}

// identity returns the value of a condition key of identity pools, in every partition, or "".
func (c *Caller) identity(name string) string {
	for _, k := range c.Keys {
		if provider, ok := strings.CutSuffix(k.Name, ":"+name); ok && policy.IsIdentityPools(provider) && len(k.Values) == 1 {
			return k.Values[0]
		}
	}
	return ""
}

// forward sends the request to the API and its answer to the client, as it comes.
func (v *invocation) forward() error {
	b := v.config.URL
	req, err := http.NewRequestWithContext(v.r.Context(), v.r.Method, b.Scheme+"://"+b.Host, http.NoBody)
	if err != nil {
		return err
	}
	req.URL.Path, req.URL.RawPath, req.URL.RawQuery = v.r.URL.Path, v.r.URL.RawPath, v.r.URL.RawQuery
	req.Header = v.header()
	if len(v.body) > 0 {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(string(v.body))), int64(len(v.body))
	}
	res, err := v.config.Transport.RoundTrip(req)
	if err != nil {
		return &serviceError{http.StatusServiceUnavailable, "ServiceUnavailableException", "Service Unavailable", err}
	}
	defer res.Body.Close()
	if len(v.config.Origins) > 0 {
		for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Allow-Credentials"} {
			res.Header.Del(name)
		}
	}
	copyHeaders(v.w.Header(), res.Header)
	v.event.Status = res.StatusCode
	v.w.WriteHeader(res.StatusCode)
	flusher := http.NewResponseController(v.w)
	buffer := make([]byte, 32<<10)
	for {
		n, err := res.Body.Read(buffer)
		if n > 0 {
			if _, failed := v.w.Write(buffer[:n]); failed != nil {
				return failed
			}
			_ = flusher.Flush() // A writer without it sends at the end.
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// refuse answers with an error as Amazon API Gateway does, unless the answer has begun.
func (v *invocation) refuse(err error) {
	if v.event.Status != 0 {
		v.event.Code, v.event.Cause = "InternalFailure", err
		panic(http.ErrAbortHandler)
	}
	e := asServiceError(err)
	if _, own := err.(*serviceError); !own && e.status == http.StatusBadRequest { //nolint:errorlint // serviceErrors are never wrapped
		e.status = http.StatusForbidden
	}
	if e.code == "MissingAuthenticationTokenException" {
		e.message = "Missing Authentication Token"
	}
	v.event.Status, v.event.Code, v.event.Cause = e.status, e.code, e.cause
	body, _ := json.Marshal(map[string]string{"message": e.message}) // Text always has a form in JSON.
	h := v.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", e.code)
	v.w.WriteHeader(e.status)
	_, _ = v.w.Write(body)
}
