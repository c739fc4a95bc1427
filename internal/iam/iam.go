// Package iam knows who may act as an administrator: access keys, sessions, the policies that
// apply to them, and whether these allow an operation.
//
// It knows nothing of what the operations do. Package sigv4 below it verifies
// signatures by the secrets that [Service.Lookup] returns. The package that receives
// a request uses both. Secrets of users are sealed in the store. They are shown once, when
// they are made.
//
// Packages that hand out temporary credentials verify a login themselves. They describe it by
// [IdentityLogin] or [WebLogin], and call [Service.AssumeRole], which asks the role's trust
// policy. [Service.EvaluateTrust] only asks. [Service.Issue] makes credentials without asking.
package iam

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"cognate/internal/iam/policy"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// Why Lookup returns no principal. Any other error is the server's fault.
var (
	// ErrUnknownKey means that no key of that id can be used: it does not exist, it is
	// switched off, or the session token is not the key's.
	ErrUnknownKey = errors.New("iam: no such access key")
	// ErrForeignKey is an ErrUnknownKey: this server never made a key of that id.
	ErrForeignKey = fmt.Errorf("%w: another server may have it", ErrUnknownKey)
	// ErrExpiredToken means that the session token is too old. Long-term keys have
	// no session token.
	ErrExpiredToken = errors.New("iam: expired session token")
)

// Deps are what a Service is built from.
type Deps struct {
	Store     *store.Store
	Ring      *keys.Ring
	Now       func() time.Time
	Rand      io.Reader // nil is crypto/rand
	AccountID string
	// ResourceTags returns the tags of the resource with this ARN, for policies
	// that ask for aws:ResourceTag. Nil: no resource has tags.
	ResourceTags func(ctx context.Context, arn string) (map[string]string, error)
	// IdentityExists reports whether an identity of an identity pool still exists, with its
	// pool. What it returns is used for a second. Nil: no session of an identity is valid.
	IdentityExists func(ctx context.Context, poolID, identityID string) (bool, error)
	// Root is true for a server that accepts unknown keys as keys of the root user. Only
	// then are sessions of the root user valid.
	Root bool
}

// Service manages access keys and decides by policies.
type Service struct {
	deps       Deps
	principals cache[*Principal]
	roles      cache[*Role]
	policies   cache[*policy.Document]
	providers  cache[*OIDCProvider]
	identities cache[bool]
	sessions   sessionCache
}

// New makes a Service.
func New(d Deps) *Service {
	if d.Rand == nil {
		d.Rand = rand.Reader
	}
	return &Service{
		deps: d, principals: newCache[*Principal](d.Now), roles: newCache[*Role](d.Now),
		policies: newCache[*policy.Document](d.Now), providers: newCache[*OIDCProvider](d.Now),
		identities: newCache[bool](d.Now), sessions: newSessionCache(),
	}
}
