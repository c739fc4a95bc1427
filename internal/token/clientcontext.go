package token

import (
	"net/netip"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// ClientContextOf returns the device that an administrator says the user has: the
// administrator's own address is that of a server. A text that is no address is
// ignored.
func ClientContextOf(d *idp.ContextDataType) *ClientContext {
	if d == nil {
		return nil
	}
	address, err := netip.ParseAddr(strings.TrimSpace(d.IpAddress))
	if err != nil {
		return nil
	}
	seen := &ClientContext{Address: address.Unmap().WithZone("").String()}
	for _, h := range d.HttpHeaders {
		if strings.EqualFold(api.Val(h.HeaderName), "User-Agent") {
			seen.UserAgent = api.Val(h.HeaderValue)
		}
	}
	return seen
}
