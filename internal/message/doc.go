// Package message delivers codes, invitations and links to people.
//
// A message is a row of the outbox. It is written in the transaction of the change
// that caused it. So no code is sent for a user who was not stored, and no code of a
// stored user is lost. A worker hands due rows to a [Sender], with retries and
// backoff, until the message is of no more use. In development the rows themselves
// are the inbox.
//
// The package may use the store and the key ring. It knows nothing of pools and
// people: the caller has chosen the text of a message.
package message
