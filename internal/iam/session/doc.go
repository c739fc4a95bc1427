// Package session makes and reads temporary credentials: an access key id, a secret and a
// session token.
//
// There is no row for a session. The session token is the sealed [Description] of the
// session, and is bound to the access key id. The secret is derived from both. So each node
// can verify the credentials that another node made, and making them writes nothing.
//
// The package reads no clock and no store. It does not know which sessions are still
// permitted: package iam checks the expiry, and whether the role, the user or the identity
// of the session still exists.
package session
