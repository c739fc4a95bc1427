package edge

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the address blocks of trusted proxies.
type proxies []netip.Prefix

// client describes the sender of a request, as far as it is known.
type client struct {
	// address is the client's IP address.
	address string
	// host is the name that the client used, if a trusted proxy sent it.
	host string
	// secure: the client's connection uses TLS. For a connection through a proxy, only
	// the proxy can say so.
	secure bool
	// proxied: a trusted proxy is the peer. loopback: the peer is this machine.
	proxied, loopback bool
}

func (c client) scheme() string {
	if c.secure {
		return "https"
	}
	return "http"
}

// client reads the forwarding headers if the peer is a trusted proxy. It ignores those
// of any other peer.
func (p proxies) client(r *http.Request) client {
	c := client{secure: r.TLS != nil}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return c
	}
	address := peer.Addr().Unmap().WithZone("")
	c.address, c.loopback = address.String(), address.IsLoopback()
	if !p.trust(address) {
		return c
	}
	c.proxied = true
	c.address = p.forwardedFor(r.Header.Values("X-Forwarded-For"), address).String()
	c.secure = strings.EqualFold(last(r.Header.Values("X-Forwarded-Proto")), "https")
	c.host = last(r.Header.Values("X-Forwarded-Host"))
	return c
}

// forwardedFor walks the list from its end, over the trusted proxies, to the first
// other address. Any client can write the addresses before it.
func (p proxies) forwardedFor(headers []string, peer netip.Addr) netip.Addr {
	list := strings.Split(strings.Join(headers, ","), ",")
	client := peer
	for i := len(list) - 1; i >= 0 && p.trust(client); i-- {
		a, ok := forwardedAddress(strings.TrimSpace(list[i]))
		if !ok {
			break
		}
		client = a
	}
	return client
}

// forwardedAddress reads an address, with a port if the proxy writes one.
func forwardedAddress(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

func (p proxies) trust(a netip.Addr) bool {
	for _, block := range p {
		if block.Contains(a) {
			return true
		}
	}
	return false
}

// last returns the last element of a list header, which the nearest proxy wrote.
func last(values []string) string {
	s := strings.Join(values, ",")
	return strings.TrimSpace(s[strings.LastIndexByte(s, ',')+1:])
}

// countingBody counts the bytes read of a request's body.
type countingBody struct {
	io.ReadCloser
	n int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}
