package fetch

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

const (
	// maxURL is the length of the longest URL that is called.
	maxURL = 8 << 10
	// maxAddresses is how many addresses of a host are tried.
	maxAddresses = 4
)

// Check returns a [*RefusedError] if the policy forbids a URL: another scheme than https,
// a port other than 80 and 443, credentials in the URL, or an address that is not public.
// It resolves no name; a call checks the addresses of the name, too.
func (c *Client) Check(rawURL string) error {
	_, err := c.parse(rawURL)
	return err
}

func (c *Client) parse(rawURL string) (*url.URL, error) {
	if len(rawURL) > maxURL {
		return nil, &RefusedError{"the URL is too long"}
	}
	u, err := url.Parse(rawURL)
	if err != nil || u.Opaque != "" || u.Hostname() == "" {
		return nil, &RefusedError{"the URL is malformed"}
	}
	if u.User != nil {
		return nil, &RefusedError{"the URL has a user or password"}
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return nil, &RefusedError{"the scheme is not https"}
	}
	host := hostOf(u)
	local := c.development && isLocal(host)
	if u.Scheme == "http" && !local && !c.allowsHost(u) {
		return nil, &RefusedError{"the scheme is not https"}
	}
	if port := portOf(u); port != "443" && port != "80" && !local && !c.allowsHost(u) {
		return nil, &RefusedError{"the port is neither 443 nor 80"}
	}
	if a, err := netip.ParseAddr(host); err == nil && !c.permits(host, a) {
		return nil, &RefusedError{"the address is not public"}
	}
	return u, nil
}

// allowsHost reports whether the operator has listed the host: by name or by name and port
// for https, by an origin for http.
func (c *Client) allowsHost(u *url.URL) bool {
	host, port := hostOf(u), portOf(u)
	names := []string{host, net.JoinHostPort(host, port)}
	for _, name := range names {
		if u.Scheme == "http" {
			name = "http://" + name
		}
		if c.hosts[name] {
			return true
		}
	}
	return false
}

func hostOf(u *url.URL) string {
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

// isLocal reports whether a host is this machine by its name (RFC 6761 §6.3) or address.
func isLocal(host string) bool {
	if isLocalName(host) {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

func isLocalName(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// permits reports whether a connection to an address of a host is permitted.
func (c *Client) permits(host string, a netip.Addr) bool {
	a = a.Unmap()
	return isPublic(a) || a.Zone() == "" && within(c.blocks, a) || c.development && a.IsLoopback() && isLocal(host)
}

// addresses resolves a host once and returns the addresses to which a connection is permitted.
func (c *Client) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	var all []netip.Addr
	if a, err := netip.ParseAddr(host); err == nil {
		all = []netip.Addr{a}
	} else if isLocalName(host) {
		all = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}
	} else if all, err = c.resolve(ctx, host); err != nil {
		return nil, err
	}
	permitted := make([]netip.Addr, 0, len(all))
	for _, a := range all {
		if c.permits(host, a) {
			permitted = append(permitted, a.Unmap())
		}
	}
	if len(permitted) == 0 {
		if len(all) == 0 {
			return nil, errors.New("the host has no address")
		}
		return nil, &RefusedError{"the host's address is not public"}
	}
	return permitted[:min(len(permitted), maxAddresses)], nil
}

// dial connects to an address that was checked. It never resolves the name again, so a name
// server cannot exchange the address after the check.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	list, err := c.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	var failures []error
	for i, a := range list {
		conn, err := c.dialOne(ctx, network, net.JoinHostPort(a.String(), port), i == len(list)-1)
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

// dialOne connects to one address. All but the last address have a part of the call's time,
// so that an address without an answer leaves time for the next one.
func (c *Client) dialOne(ctx context.Context, network, address string, last bool) (net.Conn, error) {
	if !last {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout/maxAddresses)
		defer cancel()
	}
	return c.dialer.DialContext(ctx, network, address)
}
