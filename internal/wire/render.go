package wire

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/awsjson"
	"cognate/internal/audit"
)

const contentType = "application/x-amz-json-1.1"

// frontEndCodes are the codes that every operation may answer, although its model does not list
// them.
var frontEndCodes = map[string]bool{
	api.CodeSerialization: true, api.CodeUnknownOperation: true,
	api.CodeUnsupportedOperation: true, // Operations that docs/compatibility.md lists as missing.
	"ValidationException":        true, // The answer of identity pools to constraint violations.
	errTooLarge.Code:             true,
	codeMissingToken:             true, codeIncompleteSignature: true, codeInvalidSignature: true,
	codeUnrecognizedClient: true, codeExpiredToken: true, codeAccessDenied: true,

	codeInvalidAction: true, codeMissingAction: true, codeMalformedInput: true, codeQueryTooLarge: true,
	"ValidationError": true, "MissingAuthenticationToken": true, "IncompleteSignature": true, "SignatureDoesNotMatch": true,
	"InvalidClientTokenId": true, "ExpiredToken": true, "AccessDenied": true, codeQueryThrottling: true, codeThrottling: true,
}

// capitalMessageCodes are the codes whose text AWS's front end writes as "Message".
var capitalMessageCodes = map[string]bool{api.CodeSerialization: true, codeAccessDenied: true}

// respond writes the response of an exchange. Header names have the service's own
// spelling, which Header.Set would change.
func (x *exchange) respond(out *[]byte, err error) {
	header := x.w.Header()
	header["x-amzn-RequestId"] = []string{x.request.ID}
	header["Content-Type"] = []string{x.contentType()}
	header["Access-Control-Allow-Origin"] = []string{"*"}
	header["Access-Control-Expose-Headers"] = []string{exposedHeaders}
	status := http.StatusOK
	code := ""
	var body []byte
	var e *api.Error
	if err != nil {
		e = x.visible(x.queryError(err))
	}
	if api.ReasonOf(err) == api.ReasonRateLimited {
		x.event.SetReason(api.ReasonRateLimited)
	}
	if recordErr := x.record(e); recordErr != nil {
		e, err, out = x.internal(), recordErr, nil
	}
	if e != nil {
		code = e.Code
		header["x-amzn-ErrorType"] = []string{e.Code + ":"}
		if e.Message != "" {
			header["x-amzn-ErrorMessage"] = []string{headerSafe(e.Message)}
		}
		status, body = statusOf(e), x.errorBody(e)
		x.hint(e.Code, err)
	} else if out != nil {
		body = *out
	}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	if status == http.StatusRequestEntityTooLarge {
		header["Connection"] = []string{"close"} // The rest of the body is not read.
	}
	x.w.WriteHeader(status)
	if _, writeErr := x.w.Write(body); err == nil {
		err = writeErr
	}
	x.note(status, code, err)
}

// hintHeader says what to do about a refusal by a development server.
const hintHeader = "x-cognate-hint"

// hint adds what to do about a refusal to the answer and to the log.
func (x *exchange) hint(code string, err error) {
	if x.config.Hint == nil {
		return
	}
	f := x.event.Facts()
	f.Code, f.Reason = code, api.ReasonOf(err)
	if text := x.config.Hint(x.request, f, x.in); text != "" {
		x.w.Header()[hintHeader] = []string{headerSafe(text)}
		x.event.SetHint(text)
	}
}

// note adds the outcome to the request's event, with the cause that the client does not
// see.
func (x *exchange) note(status int, code string, cause error) {
	told := code
	if cause != nil && clientGone(x.r.Context(), cause) {
		code = audit.CodeClientGone
	}
	x.event.SetAnswer(code)
	if code != "" && code != audit.CodeClientGone && status < http.StatusInternalServerError {
		if reason := api.ReasonOf(cause); reason != "" {
			x.event.SetReason(reason)
		}
	}
	if cause != nil && (status >= http.StatusInternalServerError || api.CodeOf(cause) != told || concernsOperator(cause)) {
		x.event.SetCause(cause)
	}
}

// concernsOperator reports whether an error has a cause that the operator can mend: a setting, or
// another server.
func concernsOperator(err error) bool {
	e, ok := errors.AsType[*api.Error](err)
	if !ok || e.Unwrap() == nil {
		return false
	}
	reason := api.ReasonOf(err)
	return reason == api.ReasonProvider || reason == api.ReasonNotConfigured
}

// clientGone reports whether a request failed because its client went away,
// while the body was read or later.
func clientGone(ctx context.Context, cause error) bool {
	if _, panicked := errors.AsType[panicError](cause); panicked {
		return false
	}
	return errors.Is(cause, io.ErrUnexpectedEOF) && api.CodeOf(cause) == api.CodeSerialization ||
		audit.ClientLeft(ctx) && (errors.Is(cause, context.Canceled) || api.CodeOf(cause) == "")
}

// visible returns the error that the client may see: an error that the operation's model
// lists, or one of the front end.
func (x *exchange) visible(err error) *api.Error {
	e, ok := errors.AsType[*api.Error](err)
	switch {
	case !ok:
		return x.internal()
	case x.binding == nil || x.binding.Declares(e.Code) || frontEndCodes[e.Code]:
		return e
	case e.Code == codeTooManyRequests:
		return api.NewError(codeThrottling, e.Message)
	}
	x.config.Log.Error("an operation answered a code that its model does not list",
		slog.String("operation", x.binding.Name), slog.String("code", e.Code))
	return x.internal()
}

// internal returns the error for a fault of the server, by the name in the operation's
// model.
func (x *exchange) internal() *api.Error {
	if x.query {
		return x.internalQuery()
	}
	code := api.CodeInternalError
	if x.binding != nil && !x.binding.Declares(code) && x.binding.Declares("InternalServerException") {
		code = "InternalServerException"
	}
	return api.NewFault(code, "Something went wrong")
}

func statusOf(e *api.Error) int {
	switch {
	case e.Status != 0:
		return e.Status
	case e.Fault:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func (x *exchange) errorBody(e *api.Error) []byte {
	if x.query {
		return x.queryErrorBody(e)
	}
	b := awsjson.String([]byte(`{"__type":`), e.Code)
	switch {
	case e.Message == "" && e.Code == api.CodeUnknownOperation:
	case capitalMessageCodes[e.Code]:
		b = awsjson.String(append(b, `,"Message":`...), e.Message)
	default:
		b = awsjson.String(append(b, `,"message":`...), e.Message)
	}
	return append(b, '}')
}

// maxHeaderMessage is the longest copy of the text in a header: clients limit all headers
// together (Node.js: 16 KiB).
const maxHeaderMessage = 2048

// headerSafe returns the text as a header can carry it: one line of printable ASCII.
func headerSafe(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n':
			return -1
		case r < ' ' || r > '~':
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxHeaderMessage)]
}
