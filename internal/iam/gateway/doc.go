// Package gateway is a reverse proxy before an S3-compatible store, or before another
// service of AWS's protocols, that knows nothing of roles, sessions and policies.
//
// A [Gateway] verifies the signature of a request, finds out what the request does, asks
// the policies of the caller, and sends the request to the store with the store's own
// credential. Bodies are streamed in both directions and verified on the way. The store
// gets the last bytes of a body only after all of it was verified, so that a wrong body
// never becomes an object.
//
// [Services] does the same for a few services with AWS's JSON or Query protocol, whose
// requests are short. [API] does it for an HTTP server of the operator's own, and tells it who
// calls.
//
// The package knows no users, roles or sessions: an [Authority] does.
package gateway
