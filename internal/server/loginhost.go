package server

import (
	"net/netip"
	"net/url"
	"strings"
)

// loginHost gives what the prefix domains of a region's pools are below: "auth."
// and the issuer's host, or AWS's own name where tokens carry AWS's issuer. It
// is "" where the host is an address, below which there are no names.
func loginHost(setting string) func(region string) string {
	if setting == issuerAWS {
		return func(region string) string { return "auth." + region + ".amazoncognito.com" }
	}
	host := ""
	if u, err := url.Parse(setting); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		host = "auth." + host
	} else {
		host = ""
	}
	return func(string) string { return host }
}
