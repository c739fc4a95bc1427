// Package wire is the protocol's edge: it turns AWS JSON 1.1 requests into calls
// of the generated services and their results into responses, verifies SigV4
// signatures, and renders errors as AWS does. The request's description, which
// the server's edge has put into the context, gets the operation and the
// principal from it.
//
// The order is fixed: target, authentication, JSON, constraints, policy,
// operation. Public operations, and those that carry their own token, ignore a
// signature altogether.
//
// It decides nothing that an operation should decide, keeps no state but cached
// signing keys, and leaves access keys and policies to package iam.
package wire
