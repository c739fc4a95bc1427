// Package saml signs people in at SAML 2.0 identity providers: it is the service provider of
// the Web Browser SSO Profile and of the Single Logout Profile (SAML Profiles §4.1, §4.4).
//
// Its functions compute: they make no calls, keep nothing and serve no HTTP. The caller fetches
// the metadata, keeps the attempts, and stores [federation.Identity.Uses] so that no answer
// is accepted twice.
//
// The package consumes nothing but what a certificate of the provider's metadata signed. XML
// is parsed by package strictxml alone. Package xmldsig returns signed elements as they are in
// the signed bytes; package xmlenc decrypts.
package saml
