// Package policy is IAM's policy language: reading identity policies and
// deciding whether they allow a request.
//
// The package is pure: it reads no clock and no store. A decision depends only on the
// documents and the [Request]. A document with a condition that cannot be evaluated is
// rejected, so that no condition is ever ignored.
package policy
