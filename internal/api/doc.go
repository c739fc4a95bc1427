// Package api is the language that the parts of Cognate speak with each other
// at the protocol's edge: errors with a wire code, operations and their tables, and
// the description of a request. The shapes of each service are
// generated from the interface tables into the packages idp, identity and sts.
//
// It holds no behaviour of any operation, reads no clock, touches no store and
// imports nothing of Cognate.
package api

//go:generate go run ./gen -tables tables -out .
