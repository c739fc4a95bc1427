package edge

import (
	"net/netip"
	"net/url"
	"strings"
)

// AWSIssuer is the issuer base that stands for AWS's own names.
const AWSIssuer = "aws"

// LoginHost returns the parent host of a Region's prefix domains: "auth." and the
// host of the issuer base, or AWS's own name for AWSIssuer. It is "" if the host is an
// address, which has no subdomains.
func LoginHost(issuerBase string) func(region string) string {
	if issuerBase == AWSIssuer {
		return func(region string) string { return "auth." + region + ".amazoncognito.com" }
	}
	host := ""
	if u, err := url.Parse(issuerBase); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		host = "auth." + host
	} else {
		host = ""
	}
	return func(string) string { return host }
}
