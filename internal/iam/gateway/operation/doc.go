// Package operation finds out what a request to an AWS-compatible service does: the
// actions that a policy must allow, their resources, and the condition keys.
//
// [S3] reads a REST request of Amazon S3 by the table in rules.go. A request that the table
// does not have is refused, so that a policy never allows what it was not asked about: an
// unknown operation, an unknown parameter, two sub-resources in one request, or a header
// whose meaning is unknown. [Service] does the same for a few services with the JSON or
// the Query protocol.
//
// The package is pure: it reads no body, except those that its callers pass.
package operation
