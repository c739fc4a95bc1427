package gateway

import (
	"bytes"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/sigv4"
)

// An s3Error is an answer that the Gateway makes itself.
type s3Error struct {
	status        int
	code, message string
	// more are further elements of the answer.
	more  []element
	cause error
}

// An element is a name and a text of XML.
type element struct{ name, text string }

func (e *s3Error) Error() string { return "gateway: " + e.code + ": " + e.message }

func accessDenied(message string) *s3Error {
	return &s3Error{status: http.StatusForbidden, code: "AccessDenied", message: message}
}

func internalError(cause error) *s3Error {
	return &s3Error{
		status: http.StatusInternalServerError, code: "InternalError",
		message: "We encountered an internal error. Please try again.", cause: cause,
	}
}

// asS3Error returns the answer for an error.
func (x *exchange) asS3Error(err error) *s3Error {
	if e, ok := errors.AsType[*s3Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*operation.Error](err); ok {
		return &s3Error{status: e.Status, code: e.Code, message: e.Message}
	}
	if e, ok := errors.AsType[*sigv4.Error](err); ok {
		return x.signatureError(e)
	}
	if e, ok := errors.AsType[*sigv4.BodyError](err); ok {
		return bodyError(e)
	}
	switch {
	case errors.Is(err, ErrUnknownKey):
		return &s3Error{status: 403, code: "InvalidAccessKeyId", message: "The AWS Access Key Id you provided does not exist in our records."}
	case errors.Is(err, ErrInvalidToken):
		return &s3Error{status: 400, code: "InvalidToken", message: "The provided token is malformed or otherwise invalid."}
	case errors.Is(err, ErrExpiredToken):
		return &s3Error{status: 400, code: "ExpiredToken", message: "The provided token has expired."}
	}
	return internalError(err)
}

const iso = "2006-01-02T15:04:05Z"

// signatureError returns S3's answer for a signature that does not hold.
func (x *exchange) signatureError(e *sigv4.Error) *s3Error {
	malformed := "AuthorizationHeaderMalformed"
	if e.Kind == sigv4.Incomplete && x.r.Header.Get("Authorization") == "" {
		malformed = "AuthorizationQueryParametersError"
	}
	now := element{"ServerTime", x.now.UTC().Format(iso)}
	switch e.Reason {
	case sigv4.OtherAlgorithm:
		return &s3Error{status: 400, code: "InvalidRequest", message: e.Message}
	case sigv4.TwoForms, sigv4.BadPayloadHash:
		return &s3Error{status: 400, code: "InvalidArgument", message: e.Message}
	case sigv4.NoPayloadHash:
		return &s3Error{status: 400, code: "InvalidRequest", message: e.Message}
	case sigv4.BadScope:
		return &s3Error{status: 400, code: malformed, message: "The authorization header is malformed; " + e.Message}
	case sigv4.OtherRegion:
		want := x.gateway.config.Region
		return &s3Error{
			status: 400, code: malformed, more: []element{{"Region", want}},
			message: "The authorization header is malformed; the region is wrong; expecting '" + want + "'",
		}
	case sigv4.Skewed:
		return &s3Error{
			status: 403, code: "RequestTimeTooSkewed", message: "The difference between the request time and the current time is too large.",
			more: []element{now, {"MaxAllowedSkewMilliseconds", strconv.FormatInt(sigv4.SkewS3.Milliseconds(), 10)}},
		}
	case sigv4.Expired:
		return &s3Error{status: 403, code: "AccessDenied", message: "Request has expired", more: []element{now}}
	case sigv4.NotYetValid:
		return &s3Error{status: 403, code: "AccessDenied", message: "Request is not valid yet", more: []element{now}}
	case sigv4.BadExpiry:
		return &s3Error{status: 400, code: "AuthorizationQueryParametersError", message: e.Message}
	case sigv4.UnsignedHeader:
		return accessDenied("There were headers present in the request which were not signed")
	}
	switch e.Kind {
	case sigv4.Missing:
		return accessDenied("Access Denied")
	case sigv4.Incomplete:
		return &s3Error{status: 400, code: malformed, message: e.Message}
	}
	return signatureMismatch()
}

func signatureMismatch() *s3Error {
	return &s3Error{
		status: 403, code: "SignatureDoesNotMatch",
		message: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
	}
}

// bodyError returns S3's answer for a body that does not match its request.
func bodyError(e *sigv4.BodyError) *s3Error {
	code, status := "InvalidRequest", http.StatusBadRequest
	switch e.Fault {
	case sigv4.HashMismatch:
		code = "XAmzContentSHA256Mismatch"
	case sigv4.ChunkMismatch:
		return signatureMismatch()
	case sigv4.ChecksumMismatch:
		code = "BadDigest"
	case sigv4.Truncated:
		code = "IncompleteBody"
	case sigv4.BadChunk:
		code = "IncompleteBody"
	case sigv4.SmallChunk:
		code, status = "InvalidChunkSizeError", http.StatusForbidden
	case sigv4.BadTrailer:
		code = "MalformedTrailerError"
	case sigv4.NoLength:
		code, status = "MissingContentLength", http.StatusLengthRequired
	}
	return &s3Error{status: status, code: code, message: e.Message}
}

// refuse answers with an error, unless the answer has begun.
func (x *exchange) refuse(err error) {
	e := x.asS3Error(err)
	x.event.Code, x.event.Cause = e.code, e.cause
	if x.event.Status != 0 {
		// The status has been sent. Only the end of the connection can say that the
		// answer is not complete.
		panic(http.ErrAbortHandler)
	}
	x.event.Status = e.status
	if x.bodyLeft {
		// The rest of the body is not read: the connection cannot be used again.
		x.w.Header().Set("Connection", "close")
	}
	h := x.w.Header()
	if x.r.Method == http.MethodHead {
		x.w.WriteHeader(e.status)
		return
	}
	body := e.render(x.r.URL.EscapedPath(), x.event.RequestID)
	h.Set("Content-Type", "application/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(e.status)
	_, _ = x.w.Write(body)
}

// render writes the error as S3 does.
func (e *s3Error) render(resource, requestID string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error>")
	for _, el := range append([]element{{"Code", e.code}, {"Message", e.message}, {"Resource", resource}}, e.more...) {
		writeElement(&b, el)
	}
	writeElement(&b, element{"RequestId", requestID})
	b.WriteString("<HostId></HostId></Error>")
	return b.Bytes()
}

func writeElement(b *bytes.Buffer, e element) {
	b.WriteString("<" + e.name + ">")
	_ = xml.EscapeText(b, []byte(e.text)) // a Buffer has no errors
	b.WriteString("</" + e.name + ">")
}
