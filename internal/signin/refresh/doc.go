// Package refresh exchanges refresh tokens for new tokens, for the API and for the
// token endpoint of domains.
package refresh
