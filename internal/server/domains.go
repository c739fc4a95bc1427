package server

import (
	"net/url"

	"cognate/internal/pool"
	"cognate/internal/server/edge"
)

// domainBase returns the function that returns the base URL of a pool's domain; "" for a
// pool without one. A custom domain goes before a prefix domain. In development it is a
// path of the issuer's host if clients may not resolve names below that host.
func domainBase(c *Config) func(*pool.Snapshot) string {
	address := domainURL(c)
	return func(sn *pool.Snapshot) string {
		if sn.CustomDomain != "" {
			return address(sn.Region, sn.CustomDomain, true)
		}
		return address(sn.Region, sn.Domain, false)
	}
}

// domainURL returns the function that returns the base URL of a domain of a Region.
func domainURL(c *Config) func(region, name string, custom bool) string {
	loginHost := edge.LoginHost(c.IssuerBase, c.Mode == Dev)
	u, err := url.Parse(c.IssuerBase)
	if err != nil {
		u = &url.URL{}
	}
	byPath := c.Mode == Dev && !edge.HasSubdomains(u.Hostname())
	return func(region, name string, custom bool) string {
		switch host := loginHost(region); {
		case name == "":
			return ""
		case byPath:
			return c.IssuerBase + "/_domain/" + name
		case custom:
			return "https://" + name
		case host == "":
			return ""
		case c.IssuerBase == edge.AWSIssuer:
			return "https://" + name + "." + host
		default:
			if port := u.Port(); port != "" {
				host += ":" + port
			}
			return u.Scheme + "://" + name + "." + host
		}
	}
}
