// Package wire implements the AWS protocols: it turns AWS JSON 1.1 requests into calls of
// the generated services and their results into responses, verifies SigV4 signatures, and
// renders errors as AWS does. It adds the operation and the principal to the request's
// description, which the server's edge has put into the context.
//
// The order is fixed: target, authentication, JSON, constraints, policy, operation.
// Public operations, and those that carry their own token, ignore a signature.
//
// The package decides nothing that an operation should decide. Its only state is a cache
// of signing keys. Access keys and policies are those of package iam.
package wire
