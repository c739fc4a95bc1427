// Package user keeps the users of a user pool: their attributes, which must conform to
// the pool's schema, their sign-in names and their passwords. It has the operations of
// administrators and of signed-in users on them.
//
// It is the core that the packages below it share, and it imports none of them but
// codes. They start from request.go (the user of a request), edit.go (a user who is
// changed in a transaction) and create.go (a user who is stored for the first time). A
// part of a user that has rows and operations of its own belongs in a package below.
//
// It reads a pool's settings only through snapshots of package pool, and it writes users
// only through package store. It issues no token and proves no sign-in. It asks package
// token for the user of an access token. Every message that it causes goes through
// package mailing, in the transaction of the change, so that no code is sent to a user
// who was not stored. Passwords, verifiers and codes never appear in a log, an error or
// a trace.
package user
