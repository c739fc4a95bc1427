package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A FaultError is an error answer of an endpoint (RFC 6749 §5.2).
type FaultError struct {
	Code, Description string
	status            int
	reason            api.Reason
	cause             error // of a fault of ours; for the log only
	wait              time.Duration
}

// Error returns the fault for a log.
func (f *FaultError) Error() string {
	if f.Description == "" {
		return "oauth: " + f.Code
	}
	return "oauth: " + f.Code + ": " + f.Description
}

func fault(code string) *FaultError { return &FaultError{Code: code, status: http.StatusBadRequest} }

func (f *FaultError) because(reason api.Reason) *FaultError {
	f.reason = reason
	return f
}

// The codes of RFC 6749 §4.1.2.1 and §5.2, and OpenID Connect Core §3.1.2.6.
const (
	codeInvalidRequest     = "invalid_request"
	codeInvalidClient      = "invalid_client"
	codeInvalidGrant       = "invalid_grant"
	codeInvalidScope       = "invalid_scope"
	codeUnauthorizedClient = "unauthorized_client"
	codeUnsupportedGrant   = "unsupported_grant_type"
	codeUnsupportedToken   = "unsupported_token_type"
	codeLoginRequired      = "login_required"
	codeServerError        = "server_error"
	codeUnavailable        = "temporarily_unavailable"
)

// asFault returns the fault for an error of the packages below. An unexpected error is
// a server_error, whose cause only the log has. Its status is 503 while the database is
// away, so that clients and proxies try again.
func asFault(err error) *FaultError {
	if f, ok := errors.AsType[*FaultError](err); ok {
		return f
	}
	if errors.Is(err, keys.ErrBusy) {
		return &FaultError{Code: codeUnavailable, status: http.StatusTooManyRequests, reason: api.ReasonOverloaded}
	}
	switch code := api.CodeOf(err); code {
	case idp.CodeTooManyRequestsException:
		return &FaultError{Code: codeUnavailable, status: http.StatusTooManyRequests, reason: api.ReasonOf(err)}
	case idp.CodeUserLambdaValidationException, idp.CodeUnexpectedLambdaException, idp.CodeInvalidLambdaResponseException:
		e, _ := errors.AsType[*api.Error](err)
		return &FaultError{Code: codeInvalidGrant, Description: e.Message, status: http.StatusBadRequest, reason: api.ReasonOf(err)}
	case idp.CodeNotAuthorizedException, idp.CodeRefreshTokenReuseException, idp.CodeUserNotFoundException,
		idp.CodePasswordResetRequiredException, idp.CodeUserNotConfirmedException:
		return fault(codeInvalidGrant).because(api.ReasonOf(err))
	}
	f := &FaultError{Code: codeServerError, status: http.StatusInternalServerError, cause: err}
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull) {
		f.status = http.StatusServiceUnavailable
	}
	return f
}

// Limited returns a handler of a path that refuses requests beyond the limits of the
// request rate.
func (s *Service) Limited(path string, serve http.HandlerFunc) http.HandlerFunc {
	path = foldedPath(path)
	return func(w http.ResponseWriter, r *http.Request) {
		if wait := s.deps.Limits.Route(r, path, SiteOf(r.Context()).Pool.ID); wait > 0 {
			writeOutage(w, r, tooManyRequests(wait))
			return
		}
		serve(w, r)
	}
}

// tooManyRequests returns the fault of a request beyond a limit of the request rate.
func tooManyRequests(wait time.Duration) *FaultError {
	return &FaultError{Code: codeUnavailable, status: http.StatusTooManyRequests, reason: api.ReasonRateLimited, wait: wait}
}

// retryAfter sets the time after which the request is within its limit again.
func (f *FaultError) retryAfter(w http.ResponseWriter) {
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((f.wait+time.Second-1)/time.Second)))
	}
}

// note puts the fault into the request's log line, with its cause.
func (f *FaultError) note(r *http.Request) {
	event := audit.From(r.Context())
	event.SetCode(f.Code)
	if f.reason != "" {
		event.SetReason(f.reason)
	}
	if f.cause != nil {
		event.SetCause(f.cause)
	}
}

// writeFault answers with an error as JSON.
func writeFault(w http.ResponseWriter, r *http.Request, err error) {
	f := asFault(err)
	f.note(r)
	f.retryAfter(w)
	body := map[string]string{"error": f.Code}
	if f.Description != "" {
		body["error_description"] = f.Description
	}
	writeJSON(w, f.status, body)
}

// writeOutage answers a request whose domain cannot be read, or that is beyond a limit. A browser gets plain text, a
// program gets the JSON of the endpoints.
func writeOutage(w http.ResponseWriter, r *http.Request, err error) {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		writeFault(w, r, err)
		return
	}
	f := asFault(err)
	f.note(r)
	SecureHeaders(w, r)
	f.retryAfter(w)
	text := "Something went wrong."
	if f.reason == api.ReasonRateLimited {
		text = "Too many requests from your network at once."
	}
	http.Error(w, text+" Please try again in a moment.\n\nRequest "+api.RequestFrom(r.Context()).ID, f.status)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	text, err := json.Marshal(body)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has gone
}

// SecureHeaders sets the headers of every answer of a domain.
func SecureHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
	h.Set("Pragma", "no-cache")
	h.Set("Expires", "0")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-XSS-Protection", "1; mode=block")
	request := api.RequestFrom(r.Context())
	h.Set("X-Amz-Cognito-Request-Id", request.ID)
	// Browsers apply it to all ports of a host, and so to other programs of a developer.
	if request.Secure() && !request.Development {
		h.Set("Strict-Transport-Security", "max-age=31536000 ; includeSubDomains")
	}
}

// endpoint returns a handler for the methods. One that is open answers pages of every
// origin, without credentials of the browser (Fetch §3.2).
func endpoint(methods []string, open bool, serve http.HandlerFunc) http.Handler {
	allowed := slices.Clone(methods)
	if slices.Contains(methods, http.MethodGet) {
		allowed = append(allowed, http.MethodHead)
	}
	if open {
		allowed = append(allowed, http.MethodOptions)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		SecureHeaders(w, r)
		h := w.Header()
		if open {
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, x-amz-cognito-request-id")
		}
		switch {
		case !slices.Contains(allowed, r.Method):
			h.Set("Allow", strings.Join(allowed, ", "))
			writeJSON(w, http.StatusMethodNotAllowed, map[string]string{"error": codeInvalidRequest})
		case r.Method == http.MethodOptions:
			h.Set("Access-Control-Allow-Methods", "GET,POST,OPTIONS")
			if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && len(asked) <= maxHeaderList {
				h.Set("Access-Control-Allow-Headers", asked)
			}
			h.Set("Access-Control-Max-Age", "7200")
			w.WriteHeader(http.StatusNoContent)
		default:
			serve(w, r)
		}
	})
}

// maxHeaderList bounds what a preflight's answer repeats of its request.
const maxHeaderList = 1024
