// Package keys holds the server's secrets and the cryptography that needs them:
//   - the key-encryption key and the ring of data keys,
//   - sealed values, tokens and page tokens,
//   - keyed hashes, and hashes of passwords,
//   - RS256 signing keys and tokens,
//   - random codes and identifiers,
//   - the gate that heavy cryptography passes.
//
// Every AEAD of the server is built here. SRP is in a package below.
//
// It may use the standard library, golang.org/x/crypto and the file of the
// key-encryption key. It knows no database, no clock and no user pool. Records are
// passed as values; the caller stores them and passes the time. It never logs. Each type
// that holds a secret prints as [redacted].
package keys
