package wire

import (
	"context"
	"net/http"
	"time"

	"cognate/internal/api"
	"cognate/internal/iam"
)

// DefaultMaxBody bounds a request's body. The largest modelled input, branding
// with its assets, fits; the service itself draws the line at the same size.
const DefaultMaxBody = 5 << 19 // 2.5 MiB

// Mode says which signatures are accepted.
type Mode uint8

const (
	// Verify accepts signatures of known access keys only.
	Verify Mode = iota
	// AcceptAny accepts any well-formed signature without knowing its secret: for development.
	AcceptAny
)

// Authority is the rule by which requests of signed operations are accepted.
type Authority struct {
	Mode Mode
	// AllowUnsigned lets unsigned calls of signed operations through (AcceptAny only).
	AllowUnsigned bool
	// Screen refuses requests of signed operations by what carries them, before
	// their signature is looked at; may be nil.
	Screen func(*http.Request) error
	// IAM has the access keys and their policies (Verify only).
	IAM *iam.Service
}

// Outcome is what became of a request, told once when its response is written.
type Outcome struct {
	// Resource is what the input names, if it was decoded.
	Resource api.Resource
	// Code is the exception's name, "" for success.
	Code     string
	Status   int
	Duration time.Duration
	// ClaimedKey is the access key id of a signature that was refused: nobody
	// has shown that it is the sender's.
	ClaimedKey        string
	BytesIn, BytesOut int
	// Cause is the error with everything that the client was not told.
	Cause error
	// Stack is set where the operation panicked.
	Stack []byte
}

// Config builds a Handler.
type Config struct {
	// Bindings are the operations of all services, from the generated Bind functions.
	Bindings  []api.Binding
	Authority Authority
	AccountID string
	// DefaultRegion is for administrators' calls that name none: unsigned ones in development.
	DefaultRegion string
	// MaxBody bounds bodies; 0 means DefaultMaxBody.
	MaxBody int64
	// Timeout bounds an operation's work; 0 means no bound.
	Timeout time.Duration
	// Now is the clock that signatures and durations are read by.
	Now func() time.Time
	// Observe hears of every request; may be nil.
	Observe func(ctx context.Context, o Outcome)
	// OnUndeclared hears of an error whose code the operation's model does not
	// list, before it is answered as an internal error; may be nil.
	OnUndeclared func(op *api.Operation, err *api.Error)
}
