package gateway

import (
	"context"
	"errors"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
	"cognate/internal/keys"
)

// Why an Authority returns no caller. Any other error is the server's fault.
var (
	// ErrUnknownKey means that the access key does not exist or is not active.
	ErrUnknownKey = errors.New("gateway: no such access key")
	// ErrInvalidToken means that the session token is not the key's.
	ErrInvalidToken = errors.New("gateway: invalid session token")
	// ErrExpiredToken means that the session has ended.
	ErrExpiredToken = errors.New("gateway: expired session token")
)

// An Authority knows the callers.
type Authority interface {
	// Caller returns the caller that signs with an access key. The session token is ""
	// if the request has no token. The Authority checks that the token belongs to the
	// key and is still valid; the Gateway then checks the signature.
	Caller(ctx context.Context, accessKeyID, sessionToken string) (*Caller, error)
}

// A Caller is a user, a role's session or another identity with an access key. It is not
// changed by the Gateway, so that requests may share it.
type Caller struct {
	Secret    keys.Secret
	Principal policy.Principal
	// Layers are the policies of the caller. With no policy at all, every request is
	// denied.
	Layers policy.Layers
	// Keys are the condition keys of the caller, such as aws:userid,
	// aws:PrincipalTag/team or cognito-identity.amazonaws.com:sub.
	Keys []operation.Key
	// ObjectTags reports whether the policies ask for tags that objects have: see
	// [NamesObjectTags]. The Gateway then reads the tags before it asks the policies.
	ObjectTags bool
}

// arn returns the ARN for messages.
func (c *Caller) arn() string {
	if c.Principal.Session != "" {
		return c.Principal.Session
	}
	return c.Principal.ARN
}
