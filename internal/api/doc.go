// Package api has the types that all packages share: errors with a wire code, operations
// and their tables, and the description of a request. The shapes of each service are
// generated from the interface tables into the packages idp, identity, sts, iamapi and cloudtrail.
//
// It implements no operation, reads no clock, uses no store and imports no other package of
// Cognate.
package api

//go:generate go run ./gen -tables tables -out .
