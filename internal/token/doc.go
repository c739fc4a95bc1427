// Package token issues, verifies and revokes the tokens of a sign-in: ID, access
// and refresh tokens. It holds the keys that sign them, and publishes the public
// keys (JWKS, RFC 7517; OpenID Connect Discovery 1.0).
//
// The package does not decide who may sign in: the caller of Issue has proven it.
// It reads users only as far as the validity of a token depends on them. It writes
// signing keys, revoked families, spent generations and users' token epochs. An
// ordinary sign-in or refresh writes nothing.
package token
