// Package outbound is what calls of other servers have in common: errors whose
// texts show no secret of an address, and the HTTP clients of the AWS SDK. It
// makes no call itself, and decides nothing about what is called.
package outbound
