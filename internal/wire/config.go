package wire

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"cognate/internal/api"
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

// Secret is a secret access key.
type Secret string

// LogValue keeps the secret out of logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// String keeps the secret out of printed text.
func (Secret) String() string { return "[redacted]" }

// GoString keeps the secret out of text printed with %#v.
func (Secret) GoString() string { return "[redacted]" }

// Credential is what an access key stands for.
type Credential struct {
	AccessKeyID string
	Secret      Secret
	// PrincipalARN is who the key belongs to.
	PrincipalARN string
	// Principal is the server's own record of it, passed through to Authorize.
	Principal any
}

// Access is a question of policy.
type Access struct {
	Credential Credential
	// Action is "cognito-idp:AdminGetUser", Resource an ARN or "*".
	Action, Resource string
	Region           string
	SourceIP         string
}

// Denied is Authorize's no.
type Denied struct {
	// Explicit says that a statement denies it, not merely that none allows it.
	Explicit bool
}

func (d *Denied) Error() string {
	if d.Explicit {
		return "wire: denied by a statement"
	}
	return "wire: no statement allows it"
}

// Why Lookup does not give a credential. Any other error is the server's fault.
var (
	ErrUnknownKey   = errors.New("wire: unknown access key or session token")
	ErrExpiredToken = errors.New("wire: expired session token")
)

// Authority is where credentials and policies come from.
type Authority struct {
	Mode Mode
	// AllowUnsigned lets unsigned calls of signed operations through (AcceptAny only).
	AllowUnsigned bool
	// Screen refuses requests of signed operations by what carries them, before
	// their signature is looked at; may be nil.
	Screen func(*http.Request) error
	// Lookup finds the credential of an access key; sessionToken is "" for long-term keys.
	Lookup func(ctx context.Context, accessKeyID, sessionToken string) (Credential, error)
	// Authorize answers nil, *Denied, or a fault.
	Authorize func(ctx context.Context, a Access) error
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
