package fetch

import (
	"context"
	"errors"
	"net"
)

// RefusedError means that the policy forbids a call. Its text names no address, because a
// tenant may see it.
type RefusedError struct{ Text string }

// Error implements error.
func (e *RefusedError) Error() string { return e.Text }

var (
	// ErrBusy means that too many calls of the host are still running.
	ErrBusy = errors.New("too many calls of this host at a time")
	// ErrTooLarge means that an answer is longer than the limit.
	ErrTooLarge = errors.New("the answer is too long")
	// ErrRedirect means that an answer redirects more often than the limit allows.
	ErrRedirect = errors.New("too many redirects")
)

// StatusError means that a document was answered with another status than 200.
type StatusError struct{ Status int }

// Error implements error.
func (e *StatusError) Error() string { return "status " + statusText(e.Status) }

// IsTimeout reports whether a call failed because the server took too long.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// Outcome names how a call ended, for metrics.
func Outcome(err error) string {
	var refused *RefusedError
	var status *StatusError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refused):
		return "refused"
	case errors.As(err, &status):
		return "status"
	case errors.Is(err, ErrBusy):
		return "busy"
	case errors.Is(err, ErrTooLarge):
		return "too_large"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case IsTimeout(err):
		return "timeout"
	}
	return "failed"
}
