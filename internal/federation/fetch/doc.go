// Package fetch calls the servers of identity providers: metadata, discovery documents, key
// sets, token and user-info endpoints.
//
// Tenants choose the URLs, and providers choose the answers. So each call has limits of time,
// size and number, and reaches only addresses that the operator permits. A name is resolved
// once, and the connection goes to an address that was checked. The package reads no proxy
// from the environment, keeps no cookies, and never sends a credential to a second host.
package fetch
