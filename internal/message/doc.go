// Package message gets codes, invitations and links to people.
//
// A message is a row of the outbox, written in the transaction of the change
// that caused it: a code is never sent for a user who was not stored, and a
// user is never stored whose code was lost. A worker hands due rows to a
// [Sender], with retries and backoff, until the message would be of no more
// use. In development the rows themselves are the inbox.
//
// The package may use the store and the key ring. It knows nothing of pools
// and people: whoever enqueues a message has chosen its text.
package message
