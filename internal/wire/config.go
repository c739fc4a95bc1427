package wire

import (
	"log/slog"
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

// Config builds a Handler.
type Config struct {
	// Bindings are the operations of all services, from the generated Bind functions.
	Bindings  []api.Binding
	Authority Authority
	AccountID string
	// MaxBody bounds bodies; 0 means DefaultMaxBody.
	MaxBody int64
	// Timeout bounds an operation's work; 0 means no bound.
	Timeout time.Duration
	// Now is the clock that signatures are read by.
	Now func() time.Time
	// Log is for panics and for errors that an operation may not answer.
	Log *slog.Logger
}
