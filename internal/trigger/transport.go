package trigger

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// Invocation is one call of a function.
type Invocation struct {
	// ID is the same for all attempts.
	ID  string
	ARN string
	// Folder names a function in a folder; the router sets it.
	Folder  string
	Payload []byte // the event
	// Async says that nobody waits for the answer, as for custom senders: the
	// transport may return once the event is accepted.
	Async bool
}

// Result is what became of a function that ran.
type Result struct {
	// Payload is the answer, or the error object if the function failed.
	Payload []byte
	// Failed says that the function threw.
	Failed bool
}

// Transport runs functions. Invoke returns when the function has answered or
// ctx is done, and leaves nothing behind. An error says that the function could
// not be run, or that its answer did not arrive; it is an [*InvokeError] where
// there is a name for it.
type Transport interface {
	Invoke(ctx context.Context, in Invocation) (Result, error)
}

// InvokeError is a function that could not be run. The caller of the operation
// is told its name; the cause is for the log.
type InvokeError struct {
	Name string
	// Retry says that the function has not run, or that it is not known to
	// have: another attempt may help.
	Retry bool
	Err   error
}

// Error tells name and cause.
func (e *InvokeError) Error() string {
	if e.Err == nil {
		return e.Name
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *InvokeError) Unwrap() error { return e.Err }

// Names of what goes wrong on the way to a function and back. The first five
// are the Lambda API's own.
const (
	NameAccessDenied     = "AccessDeniedException"
	NameNotFound         = "ResourceNotFoundException"
	NameTooManyRequests  = "TooManyRequestsException"
	NameRequestTooLarge  = "RequestTooLargeException"
	NameService          = "ServiceException"
	NameUnreachable      = "SdkClientException"
	NameResponseTooLarge = "Function.ResponseSizeTooLarge"
)

// MaxPayload is the most that an event and an answer may have (Lambda quotas:
// synchronous payload, 6 MB).
const MaxPayload = 6 << 20

func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	n, ok := errors.AsType[net.Error](err)
	return ok && n.Timeout()
}
