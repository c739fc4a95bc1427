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
		parent = LoginHost(issuerBase, development)("")
	}
	return func(host string) string {
		prefix, rest, _ := strings.Cut(host, ".")
		switch {
		case prefix == "" || rest == "":
		case rest == parent, development && rest == localLoginHost:
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

// localLoginHost is the parent host of prefix domains in development, besides that of the
// issuer base. Browsers resolve it to this machine.
const localLoginHost = "auth.localhost"

// LoginHost returns the parent host of a Region's prefix domains: "auth." and the
// host of the issuer base, or AWS's own name for AWSIssuer. If the host is an address,
// which has no subdomains, it is auth.localhost in development, and else "".
func LoginHost(issuerBase string, development bool) func(region string) string {
	if issuerBase == AWSIssuer {
		return func(region string) string { return "auth." + region + ".amazoncognito.com" }
	}
	host := ""
	if u, err := url.Parse(issuerBase); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		host = "auth." + host
	} else if host = ""; development {
		host = localLoginHost
	}
	return func(string) string { return host }
}

// HasSubdomains reports whether names below a host resolve. Not all clients resolve names below
// localhost. A service in a network of containers has a name without a dot, and no names below it.
// The host of the issuer base "aws" is empty.
func HasSubdomains(host string) bool {
	_, err := netip.ParseAddr(host)
	return host == "" || err != nil && strings.Contains(host, ".") && !isLocalName(host)
}
