package development

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"cognate/internal/server/edge"
)

// discoveryPath is the end of the paths of discovery documents.
const discoveryPath = "/.well-known/openid-configuration"

// Discovery returns a handler that passes requests on, except those for a discovery document at
// another host than the issuer's. The issuer in the document must be the URL that the client has
// asked (OpenID Connect Discovery 1.0 §4.3), and the tokens carry the issuer. So another name of this
// machine is redirected to the issuer, and for other names the answer says how to set the issuer.
func Discovery(issuerBase string, next http.Handler) http.Handler {
	issuer, err := url.Parse(issuerBase)
	if err != nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasSuffix(r.URL.Path, discoveryPath) || strings.EqualFold(r.Host, issuer.Host):
			next.ServeHTTP(w, r)
		case isThisMachine(r.Host):
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, issuerBase+r.URL.RequestURI(), http.StatusTemporaryRedirect) //nolint:gosec // to the host of the issuer, whatever the request says
		default:
			edge.WriteStatus(w, http.StatusMisdirectedRequest, "the issuer of this server is "+issuerBase+"/<pool id>, and its tokens carry it. "+
				"Ask there, or start the server with --issuer-base http://"+edge.Clip(r.Host, 200)+" for clients that use this name")
		}
	})
}

// isThisMachine reports whether a host is localhost or a loopback address.
func isThisMachine(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}
