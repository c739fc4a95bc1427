package api

import (
	"context"
	"net/netip"
	"time"
)

// Request describes one request. The server's edge makes it for every route,
// before it knows the operation. Package wire then adds the operation and the
// principal. Operations only read it, without a lock.
type Request struct {
	// ID is the UUID in the answer's x-amzn-RequestId.
	ID string
	// Time is when the request arrived, by the clock of the machine.
	Time time.Time
	// SourceIP is the client's address: that of the peer, or as trusted proxies send it.
	SourceIP string
	// UserAgent is the header's text; "" if it was missing.
	UserAgent string
	// Scheme is "https" if the client's connection uses TLS, else "http".
	Scheme string
	// Proxied is true if a trusted proxy passed the request on.
	Proxied bool
	// Development is true for requests to a development server.
	Development bool
	// Host is the name that the client used, with a port if it named one.
	Host string

	// Service and Operation are "" if the request names no operation.
	Service, Operation string
	// Region is the Region of the request, from the signature's scope or the resource's
	// id, or "".
	Region    string
	AccountID string
	// AccessKeyID and PrincipalARN are set if a signature was accepted.
	AccessKeyID  string
	PrincipalARN string
	// Anonymous is true if the operation is public or carries its own token.
	Anonymous bool
}

// Secure reports whether the client's connection uses TLS.
func (r *Request) Secure() bool { return r.Scheme == "https" }

type requestKey struct{}

// WithRequest returns a context that carries r.
func WithRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestFrom returns the request that ctx carries, or an empty one; never nil.
func RequestFrom(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok && r != nil {
		return r
	}
	return &Request{}
}

// Network returns the address of an IPv4 client, and the first address of the network of 64
// bits of an IPv6 client: a household or a server has all addresses of such a network. ok is
// false for a text that is not an address.
func Network(address string) (network netip.Addr, ok bool) { return masked(address, 32, 64) }

// NetworkOf returns the text of Network.
func NetworkOf(address string) (network string, ok bool) {
	a, ok := Network(address)
	if !ok {
		return "", false
	}
	return a.String(), true
}

// BlockOf returns the text of the block around a client's network: 24 bits of an IPv4
// address, and 48 bits of an IPv6 address.
func BlockOf(address string) (block string, ok bool) {
	a, ok := masked(address, 24, 48)
	if !ok {
		return "", false
	}
	return a.String(), true
}

// masked returns the first address of a client's block.
func masked(address string, bits4, bits6 int) (netip.Addr, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}, false
	}
	a = a.Unmap().WithZone("")
	bits := bits4
	if a.Is6() {
		bits = bits6
	}
	return netip.PrefixFrom(a, bits).Masked().Addr(), true
}
