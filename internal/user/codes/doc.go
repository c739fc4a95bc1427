// Package codes keeps the verification codes of users: it draws, stores, sends,
// checks and spends them. It limits how many codes a user is sent and how many wrong
// answers a code accepts.
//
// It knows a user by pool and id alone, and must not import package user: package
// user and the packages below it call it. It writes codes and counters in the
// caller's transaction, so that a code is never sent to a user who was not stored.
// It stores a code only as its keyed hash. A code never appears in a log, an error
// or a trace.
package codes
