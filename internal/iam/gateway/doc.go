// Package gateway is a reverse proxy before an S3-compatible store that knows nothing of
// roles, sessions and policies.
//
// A [Gateway] verifies the signature of a request, finds out what the request does, asks
// the policies of the caller, and sends the request to the store with the store's own
// credential. Bodies are streamed in both directions and verified on the way. The store
// gets the last bytes of a body only after all of it was verified, so that a wrong body
// never becomes an object.
//
// The package knows no users, roles or sessions: an [Authority] does.
package gateway
