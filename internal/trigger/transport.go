package trigger

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// An Invocation is one call of a function.
type Invocation struct {
	// ID is the same for all attempts.
	ID  string
	ARN string
	// Folder names a function in a folder; the router sets it.
	Folder  string
	Payload []byte // the event
	// Async is true if no caller needs the answer, as for custom senders. The
	// transport may then return once the event is accepted.
	Async bool
}

// A Result is the outcome of a function that ran.
type Result struct {
	// Payload is the answer, or the error object if the function failed.
	Payload []byte
	// Failed is true if the function threw.
	Failed bool
}

// A Transport runs functions. Invoke returns when the function has answered or ctx
// is done, and leaves nothing running. An error means that the function could not be
// run, or that its answer did not arrive. It is an [*InvokeError] if the cause has a
// name.
type Transport interface {
	Invoke(ctx context.Context, in Invocation) (Result, error)
}

// An InvokeError means that a function could not be run. The caller of the operation
// sees its name; the cause is for the log.
type InvokeError struct {
	Name string
	// Retry is true if the function has not run, or may not have run: another attempt
	// may help.
	Retry bool
	Err   error
}

// Error returns the name and the cause.
func (e *InvokeError) Error() string {
	if e.Err == nil {
		return e.Name
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *InvokeError) Unwrap() error { return e.Err }

// Names of the errors on the way to a function and back. The first five are the
// Lambda API's own.
const (
	NameAccessDenied     = "AccessDeniedException"
	NameNotFound         = "ResourceNotFoundException"
	NameTooManyRequests  = "TooManyRequestsException"
	NameRequestTooLarge  = "RequestTooLargeException"
	NameService          = "ServiceException"
	NameUnreachable      = "SdkClientException"
	NameResponseTooLarge = "Function.ResponseSizeTooLarge"
)

// MaxPayload is the largest size of an event and of an answer (Lambda quotas:
// synchronous payload, 6 MB).
const MaxPayload = 6 << 20

func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}
