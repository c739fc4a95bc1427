package signin

import (
	"net/netip"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/token"
)

// clientContextOf returns where an administrator says that the user is: the
// administrator's own address is that of a server. A text that is no address is
// ignored.
func clientContextOf(d *idp.ContextDataType) *token.ClientContext {
	if d == nil {
		return nil
	}
	address, err := netip.ParseAddr(strings.TrimSpace(d.IpAddress))
	if err != nil {
		return nil
	}
	seen := &token.ClientContext{Address: address.Unmap().WithZone("").String()}
	for _, h := range d.HttpHeaders {
		if strings.EqualFold(api.Val(h.HeaderName), "User-Agent") {
			seen.UserAgent = api.Val(h.HeaderValue)
		}
	}
	return seen
}
