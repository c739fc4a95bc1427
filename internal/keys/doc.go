// Package keys holds the server's secrets and does what needs them: the
// key-encryption key and the ring of data keys below it, sealed values, tokens and
// page tokens, keyed hashes, RS256 signing keys and tokens, password hashes, random
// codes and identifiers, and the gate that heavy cryptography passes. Every AEAD
// of the server is built here. SRP is in its sub-package.
//
// It may use the standard library, golang.org/x/crypto and the file of the
// key-encryption key. It knows no database, no clock and no user pool: records
// come in and go out as values, and the caller persists them and says what time
// it is. It never logs; each type that bears a secret prints as [redacted].
package keys
