package api

import "context"

// Caller is what is known of a request's sender.
type Caller struct {
	// RequestID is the UUID answered in x-amzn-RequestId.
	RequestID string
	// Operation is the operation's name.
	Operation string
	// Region is the one that the call is for, from the signature's scope or the
	// resource's id; "" where neither names one.
	Region    string
	AccountID string
	// AccessKeyID and PrincipalARN are set where a signature was accepted.
	AccessKeyID  string
	PrincipalARN string
	SourceIP     string
	UserAgent    string
	// Anonymous is true where the operation is public or carries its own token.
	Anonymous bool
}

type callerKey struct{}

var nobody Caller

// WithCaller gives a context that carries c.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom gives the caller that ctx carries, or an empty one; never nil.
// What it gives must not be changed.
func CallerFrom(ctx context.Context) *Caller {
	if c, ok := ctx.Value(callerKey{}).(*Caller); ok && c != nil {
		return c
	}
	c := nobody
	return &c
}
