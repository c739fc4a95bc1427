package edge

import (
	"net/netip"
	"net/url"
	"strings"
)

// AWSIssuer is the issuer base that stands for AWS's own names.
const AWSIssuer = "aws"

// PrefixOf returns the prefix of a host that is a prefix domain of the server: a name
// directly below one of the hosts that LoginHost returns. For other hosts it returns
// "". In development hosts below auth.localhost are prefix domains, too.
func PrefixOf(issuerBase string, development bool) func(host string) string {
	parent := ""
	if issuerBase != AWSIssuer {
		parent = LoginHost(issuerBase)("")
	}
	return func(host string) string {
		prefix, rest, _ := strings.Cut(host, ".")
		switch {
		case prefix == "" || rest == "":
		case rest == parent, development && rest == "auth.localhost":
			return prefix
		case issuerBase == AWSIssuer:
			if region, ok := strings.CutPrefix(rest, "auth."); ok {
				if region, ok = strings.CutSuffix(region, ".amazoncognito.com"); ok && !strings.Contains(region, ".") {
					return prefix
				}
			}
		}
		return ""
	}
}

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
