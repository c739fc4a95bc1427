// Package outbound has the parts that calls of other servers share: errors whose texts show
// no secret of an address, and the HTTP clients of the AWS SDK. It makes no call itself.
package outbound
