// Package providers has the identity providers of user pools: their operations, and the
// connection to each by which people sign in. It checks and stores settings. What a sign-in
// at a provider is, package federation knows.
//
// Secrets of a provider are sealed. Its SAML metadata is stored, so that sign-ins go on while
// the provider's metadata cannot be fetched.
package providers
