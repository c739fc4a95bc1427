// Package token is what a sign-in gets: ID, access and refresh tokens, the keys
// that sign them, their verification and their revocation, and the documents
// that publish the keys (JWKS, RFC 7517; OpenID Connect Discovery 1.0).
//
// It decides nothing about who may sign in: whoever calls Issue has proven it.
// It reads users only as far as a token's life depends on them, and writes
// signing keys, revoked families, spent generations and a user's sign-out mark;
// an ordinary sign-in or refresh writes nothing at all.
package token
