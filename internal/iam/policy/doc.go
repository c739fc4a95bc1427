// Package policy is IAM's policy language: reading identity policies and
// deciding whether they allow a request.
//
// It is pure. It reads no clock, no store and no request of its own: all that a
// decision depends on is in the documents and in the [Request]. What it cannot
// evaluate it refuses to read, so that no condition is ever ignored.
package policy
