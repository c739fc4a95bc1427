package wire

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/awsjson"
)

const contentType = "application/x-amz-json-1.1"

// frontEnd are the codes that may be answered whatever the operation's model lists.
var frontEnd = map[string]bool{
	api.CodeSerialization: true, api.CodeUnknownOperation: true,
	"UnsupportedOperationException": true, // What is not built yet.
	"ValidationException":           true, // Identity pools' answer to constraint violations.
	errTooLarge.Code:                true,
	codeMissingToken:                true, codeIncompleteSignature: true, codeInvalidSignature: true,
	codeUnrecognizedClient: true, codeExpiredToken: true, codeAccessDenied: true,
}

// capitalMessage are the codes whose text AWS's front end writes as "Message".
var capitalMessage = map[string]bool{api.CodeSerialization: true, codeAccessDenied: true}

// respond writes the one response of an exchange. Names of headers are in the
// real service's letters, which Header.Set would change.
func (x *exchange) respond(out *[]byte, err error) {
	header := x.w.Header()
	header["x-amzn-RequestId"] = []string{x.request.ID}
	header["Content-Type"] = []string{contentType}
	header["Access-Control-Allow-Origin"] = []string{"*"}
	header["Access-Control-Expose-Headers"] = []string{exposedHeaders}
	status := http.StatusOK
	var body []byte
	if err != nil {
		e := x.visible(err)
		x.outcome.Code, x.outcome.Cause = e.Code, err
		header["x-amzn-ErrorType"] = []string{e.Code + ":"}
		if e.Message != "" {
			header["x-amzn-ErrorMessage"] = []string{headerSafe(e.Message)}
		}
		status, body = statusOf(e), errorBody(e)
	} else if out != nil {
		body = *out
	}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	if status == http.StatusRequestEntityTooLarge {
		header["Connection"] = []string{"close"} // The rest of the body is not read.
	}
	x.w.WriteHeader(status)
	n, writeErr := x.w.Write(body)
	x.outcome.Status, x.outcome.BytesOut = status, n
	if writeErr != nil && x.outcome.Cause == nil {
		x.outcome.Cause = writeErr
	}
}

// visible is the error that the client may see: only what the operation's model
// lists, and what the front end itself answers.
func (x *exchange) visible(err error) *api.Error {
	e, ok := errors.AsType[*api.Error](err)
	switch {
	case !ok:
		return x.internal()
	case x.binding == nil || x.binding.Declares(e.Code) || frontEnd[e.Code]:
		return e
	}
	if x.config.OnUndeclared != nil {
		x.config.OnUndeclared(x.binding.Operation, e)
	}
	return x.internal()
}

// internal is the server's fault by the name that the operation's model has for it.
func (x *exchange) internal() *api.Error {
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

func errorBody(e *api.Error) []byte {
	b := awsjson.String([]byte(`{"__type":`), e.Code)
	switch {
	case e.Message == "" && e.Code == api.CodeUnknownOperation:
	case capitalMessage[e.Code]:
		b = awsjson.String(append(b, `,"Message":`...), e.Message)
	default:
		b = awsjson.String(append(b, `,"message":`...), e.Message)
	}
	return append(b, '}')
}

// maxHeaderMessage bounds the copy of the text in a header: clients bound all
// headers together (Node.js at 16 KiB).
const maxHeaderMessage = 2048

// headerSafe makes a text fit for a header: one line of printable ASCII.
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
