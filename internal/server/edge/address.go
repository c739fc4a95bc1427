package edge

import (
	"io"
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the address blocks whose word about a request is believed.
type proxies []netip.Prefix

// client is who sent a request, as far as that can be known.
type client struct {
	// address is the client's IP address.
	address string
	// host is the name that the client used, where a trusted proxy tells it.
	host string
	// secure: the client's connection is TLS. Of one that comes through a proxy,
	// only the proxy can say so.
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

// client reads the forwarding headers if the peer is a trusted proxy; from
// anybody else they mean nothing.
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

// forwardedFor walks the list from its end, over the proxies that are trusted,
// to the first address that is not: what stands before it anybody may have
// written.
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

// last returns the last element of a list header: what the nearest proxy wrote.
func last(values []string) string {
	s := strings.Join(values, ",")
	return strings.TrimSpace(s[strings.LastIndexByte(s, ',')+1:])
}

// countingBody counts what was read of a request's body.
type countingBody struct {
	io.ReadCloser
	n int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}
