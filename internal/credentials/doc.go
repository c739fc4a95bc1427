// Package credentials has the operations of STS: it makes temporary credentials for users, for
// roles, and for people who were signed in by an identity provider.
//
// Package iam decides by policies and seals the sessions. This package reads requests and proofs:
// web identity tokens of this server and of registered OpenID Connect providers, and SAML
// assertions. It stores nothing.
package credentials
