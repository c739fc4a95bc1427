// Package identities decides what becomes of a person who another identity provider vouches
// for: which user it is, and what the provider's claims change. It also links people of
// providers to users.
//
// It imports package user, and user must not import it. How a provider proves who somebody
// is, packages federation and pool/providers know.
package identities
