package api

import (
	"errors"
	"fmt"
)

// Error is a failure that a client may see. Code is the exception's name on the
// wire and Message its text; both leave the process. The cause, if any, is for
// the log only: it never reaches a client.
type Error struct {
	Code    string
	Message string
	// Fault says that the server is to blame (a 5xx), not the client.
	Fault bool
	// Status is the HTTP status where it is not the protocol's usual one
	// (400 for the client's errors, 500 for faults); 0 means the usual one.
	Status int

	cause  error
	reason Reason
}

// NewError makes a client error. Operations use the generated constructors of
// their service instead, so that only modelled codes are written.
func NewError(code, message string) *Error { return &Error{Code: code, Message: message} }

// NewFault makes a server fault.
func NewFault(code, message string) *Error { return &Error{Code: code, Message: message, Fault: true} }

// Error tells all of it, cause included, and so is meant for logs.
func (e *Error) Error() string {
	s := e.Code
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an *Error of the same code. A target with a
// message must agree in that too.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Message == "" || t.Message == e.Message)
}

// WithCause returns a copy that carries why it happened.
func (e *Error) WithCause(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// CodeOf returns the code of the *Error in err's chain, or "".
func CodeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// SerializationError says that the body is not what the operation's input can
// be read from. The front end of AWS answers it before any operation runs.
func SerializationError(format string, args ...any) *Error {
	return NewError(CodeSerialization, fmt.Sprintf(format, args...))
}

// NotBuilt returns the one answer of operations that this version does not have.
func NotBuilt(operation string) *Error {
	return NewError(CodeUnsupportedOperation, operation+" is not available in this version of Cognate")
}

// Codes that the front end answers, which no operation's model lists.
const (
	CodeSerialization        = "SerializationException"
	CodeUnknownOperation     = "UnknownOperationException"
	CodeUnsupportedOperation = "UnsupportedOperationException"
	CodeInternalError        = "InternalErrorException"
)
