package api

import (
	"errors"
	"fmt"
)

// An Error is a failure that a client may see. Code is the exception's name on the wire,
// and Message its text. The cause, if any, is only for the log and never reaches a client.
type Error struct {
	Code    string
	Message string
	// Fault is true for a fault of the server (5xx), not of the client.
	Fault bool
	// Status is the HTTP status if it differs from the protocol's usual one (400 for the
	// client's errors, 500 for faults). 0 means the usual status.
	Status int

	cause  error
	reason Reason
}

// NewError makes a client error. Operations use the generated constructors of
// their service instead, so that only modelled codes are written.
func NewError(code, message string) *Error { return &Error{Code: code, Message: message} }

// NewFault makes a server fault.
func NewFault(code, message string) *Error { return &Error{Code: code, Message: message, Fault: true} }

// Error returns the code, the text and the cause. It is for logs.
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

// Is reports whether target is an *Error of the same code. If target has a message, the
// messages must be equal, too.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && (t.Message == "" || t.Message == e.Message)
}

// WithCause returns a copy with the cause.
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

// SerializationError returns the error for a body that cannot be read as the operation's
// input. AWS's front end answers it before any operation runs.
func SerializationError(format string, args ...any) *Error {
	return NewError(CodeSerialization, fmt.Sprintf(format, args...))
}

// Unimplemented returns the error of operations that this version does not have.
func Unimplemented(operation string) *Error {
	return NewError(CodeUnsupportedOperation, operation+" is not available in this version of Cognate")
}

// Codes of the front end, which no operation's model lists.
const (
	CodeSerialization        = "SerializationException"
	CodeUnknownOperation     = "UnknownOperationException"
	CodeUnsupportedOperation = "UnsupportedOperationException"
	CodeInternalError        = "InternalErrorException"
)
