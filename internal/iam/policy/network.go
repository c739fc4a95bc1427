package policy

import (
	"fmt"
	"net/netip"
	"strings"
)

// mappedBits is the length of the prefix before an IPv4 address that is written
// as an IPv6 one (RFC 4291 §2.5.5.2).
const mappedBits = 96

// ParseBlock reads an address block; a single address is a block of one. A block of
// IPv4-mapped IPv6 addresses becomes the IPv4 block, since addresses are unmapped
// before they are compared. A block that reaches beyond the mapped addresses is
// rejected.
func ParseBlock(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an address or CIDR block such as 10.0.0.0/8", s)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < mappedBits {
			return netip.Prefix{}, fmt.Errorf("%q is neither a block of IPv4 addresses nor one of IPv6: write 0.0.0.0/0 for all of IPv4", s)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
	}
	return p.Masked(), nil
}

// parseAddress reads a request's address. The zone of an IPv6 address does not count.
func parseAddress(s string) (netip.Addr, bool) {
	if strings.IndexByte(s, ':') >= 0 {
		s, _, _ = strings.Cut(s, "%")
	}
	if s == "" || strings.Trim(s, "0123456789abcdefABCDEF:.") != "" {
		return netip.Addr{}, false // without the error that ParseAddr would allocate
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err == nil
}
