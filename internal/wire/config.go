package wire

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/audit/trail"
	"cognate/internal/iam"
)

// DefaultMaxBody is the largest body of a request. The largest input of the model,
// branding with its assets, fits. Cognito has the same limit.
const DefaultMaxBody = 5 << 19 // 2.5 MiB

// Mode says which signatures are accepted.
type Mode uint8

const (
	// Verify accepts signatures of known access keys only.
	Verify Mode = iota
	// AcceptAny accepts any well-formed signature of an unknown access key, as one of the root
	// user: for development. Keys of IAM must match their secrets.
	AcceptAny
)

// Authority is the rule by which requests of signed operations are accepted.
type Authority struct {
	Mode Mode
	// AllowUnsigned lets unsigned calls of signed operations through (AcceptAny only).
	AllowUnsigned bool
	// Screen rejects requests of signed operations by their headers, before the signature
	// is checked. It may be nil.
	Screen func(*http.Request) error
	// IAM has the access keys and their policies. With AcceptAny it may be nil.
	IAM *iam.Service
}

// Limits are the limits of the request rate. Their errors are the answers to requests beyond
// a limit.
type Limits interface {
	// Arrived counts a request for an operation, before its body is decoded.
	Arrived(ctx context.Context, op *api.Operation) error
	// Failed counts a request whose signature or access token is not valid. It returns the
	// error to answer: err, or another one if there were too many such requests.
	Failed(ctx context.Context, err error) error
	// Called counts a request that may run.
	Called(ctx context.Context, op *api.Operation, in any, resource api.Resource) error
}

// noLimits has no limits.
type noLimits struct{}

func (noLimits) Arrived(context.Context, *api.Operation) error                   { return nil }
func (noLimits) Failed(_ context.Context, err error) error                       { return err }
func (noLimits) Called(context.Context, *api.Operation, any, api.Resource) error { return nil }

// Config builds a Handler.
type Config struct {
	// Bindings are the operations of all services, from the generated Bind functions.
	Bindings  []api.Binding
	Authority Authority
	// Limits may be nil.
	Limits    Limits
	AccountID string
	// MaxBody is the largest body; 0 means DefaultMaxBody.
	MaxBody int64
	// Now is the clock for signatures.
	Now func() time.Time
	// Hint returns what to do about a refusal, or "". It may be nil: production sends no hints.
	Hint func(r *api.Request, f audit.Facts, in any) string
	// Trail records the operations; nil records nothing.
	Trail *trail.Trail
	// Log is for panics and for errors that an operation may not answer.
	Log *slog.Logger
}
