package token

import (
	"net/netip"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// ClientContextOf returns the address and the user agent that an administrator's call states
// for the user. The call itself comes from the administrator's server. It returns nil if the
// call has no data, or if the address is malformed.
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
