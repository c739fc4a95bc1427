package trigger

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

var errForbiddenAddress = errors.New("the address is not a public one")

// forbidden are address blocks that are not the public Internet, though net/netip
// does not know them as special, or whose addresses contain another address.
var forbidden = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),        // RFC 791 §3.2: this network
	netip.MustParsePrefix("100.64.0.0/10"),    // RFC 6598: shared address space
	netip.MustParsePrefix("192.0.0.0/24"),     // RFC 6890: protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),     // RFC 5737: documentation
	netip.MustParsePrefix("198.18.0.0/15"),    // RFC 2544: benchmarks
	netip.MustParsePrefix("198.51.100.0/24"),  // RFC 5737
	netip.MustParsePrefix("203.0.113.0/24"),   // RFC 5737
	netip.MustParsePrefix("240.0.0.0/4"),      // RFC 1112 §4: reserved, broadcast
	netip.MustParsePrefix("168.63.129.16/32"), // metadata of a cloud, at a public address
	netip.MustParsePrefix("::/96"),            // RFC 4291 §2.5.5.1: IPv4-compatible
	netip.MustParsePrefix("64:ff9b::/96"),     // RFC 6052: IPv4 behind a translator
	netip.MustParsePrefix("64:ff9b:1::/48"),   // RFC 8215
	netip.MustParsePrefix("100::/64"),         // RFC 6666: discard
	netip.MustParsePrefix("2001::/23"),        // RFC 2928: Teredo and other assignments
	netip.MustParsePrefix("2001:db8::/32"),    // RFC 3849: documentation
	netip.MustParsePrefix("2002::/16"),        // RFC 3056: 6to4
	netip.MustParsePrefix("fec0::/10"),        // RFC 3879: site-local
}

// reachable reports whether the server may connect to a.
func reachable(a netip.Addr, allowed []netip.Prefix) bool {
	a = a.Unmap().WithZone("")
	within := func(p netip.Prefix) bool { return p.Contains(a) }
	if slices.ContainsFunc(allowed, within) {
		return true
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(forbidden, within)
}

// guardedDialer returns a dialer that connects only to reachable addresses. It
// checks the address that is dialled, after the name was resolved: a name cannot
// point elsewhere between the check and the connection.
func guardedDialer(allowed []netip.Prefix) *net.Dialer {
	return &net.Dialer{
		Timeout: 5 * time.Second,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !reachable(to.Addr(), allowed) {
				return fmt.Errorf("%s: %w", address, errForbiddenAddress)
			}
			return nil
		},
	}
}
