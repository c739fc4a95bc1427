package edge

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"cognate/internal/api"
)

// An OriginPolicy decides which web pages may call administrators' operations of a
// development server. That server accepts any credentials, every browser on the machine
// reaches it, and it allows all origins by CORS, as Cognito does. Without the policy, any
// page that a developer visits could administer the server.
type OriginPolicy struct {
	origins map[string]bool
	hosts   map[string]bool
	// plainNames: names without a dot are names of this server, too. Services have such
	// names in a network of containers, and public DNS does not resolve them.
	plainNames bool
}

// NewOriginPolicy returns the policy that admits this machine's own pages and those of
// origins. hosts are further names of this server. With plainNames, names without a dot are
// names of this server, too.
func NewOriginPolicy(origins, hosts []string, plainNames bool) *OriginPolicy {
	p := &OriginPolicy{origins: map[string]bool{}, hosts: map[string]bool{}, plainNames: plainNames}
	for _, host := range hosts {
		p.hosts[strings.ToLower(host)] = true
	}
	for _, s := range origins {
		if u, err := parseOrigin(s); err == nil {
			p.origins[originOf(u)] = true
			p.hosts[strings.ToLower(u.Hostname())] = true
		}
	}
	return p
}

// parseOrigin reads "scheme://host[:port]".
func parseOrigin(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not an origin such as https://app.example.com:8443", s)
	}
	return u, nil
}

// CheckOrigin reports what is wrong with an origin of a setting.
func CheckOrigin(s string) error {
	u, err := parseOrigin(s)
	if err != nil {
		return err
	}
	if u.Path != "" {
		return fmt.Errorf("%q has a path; an origin is scheme, host and port", s)
	}
	return nil
}

// originOf serialises an origin as browsers do (RFC 6454 §6.2).
func originOf(u *url.URL) string {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port != "" && !(u.Scheme == "http" && port == "80") && !(u.Scheme == "https" && port == "443") {
		host += ":" + port
	}
	return strings.ToLower(u.Scheme) + "://" + host
}

// admitsHost reports whether a host is a name of this server. Anyone can point a name of
// their own at this machine (DNS rebinding). A page of attacker.example, whose name now
// resolves to 127.0.0.1, then has the same origin as this server and reads every answer.
// Addresses are admitted, since they cannot be rebound. So is an absent host, which
// only HTTP/1.0 has, and no browser.
func (p *OriginPolicy) admitsHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if host == "" || isLocalName(host) || p.hosts[host] || p.plainNames && !strings.Contains(host, ".") {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	// Login domains are below the issuer's host.
	_, parent, _ := strings.Cut(host, ".auth.")
	return parent != "" && p.hosts[parent]
}

// isLocalName reports whether a name can only be this machine's: RFC 6761 §6.3, and the
// names that container engines use for the machine (.internal is not delegated).
func isLocalName(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") ||
		host == "host.docker.internal" || host == "host.containers.internal"
}

// Screen rejects administrators' calls from pages of other machines. Programs other than
// browsers send no Origin.
func (p *OriginPolicy) Screen(r *http.Request) error {
	for _, origin := range r.Header.Values("Origin") {
		if !p.admitsOrigin(origin, r.Host) {
			return api.NewError("AccessDeniedException", "cognate dev takes any credentials, so administrators' operations are not for web pages of other machines: "+
				"the page's origin "+Clip(origin, 200)+" is not allowed. Add it with --allow-origin if the page is yours.")
		}
	}
	return nil
}

func (p *OriginPolicy) admitsOrigin(origin, host string) bool {
	u, err := parseOrigin(origin)
	if err != nil || u.Path != "" {
		return false // "null" too: a file, a frame without an origin, a redirect
	}
	if p.origins[originOf(u)] || isLocalName(strings.ToLower(u.Hostname())) {
		return true
	}
	if a, err := netip.ParseAddr(u.Hostname()); err != nil || a.IsLoopback() {
		return err == nil
	}
	// An address cannot be rebound, so a page that this server has sent is its own.
	return strings.EqualFold(u.Host, host)
}

// Guard returns a handler that rejects requests for other hosts.
func (p *OriginPolicy) Guard(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.admitsHost(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		log.WarnContext(r.Context(), "refused a request for another host", slog.String("host", Clip(r.Host, 200)))
		h := w.Header()
		h["x-amzn-RequestId"] = []string{api.RequestFrom(r.Context()).ID}
		h["x-amzn-ErrorType"] = []string{"AccessDeniedException:"}
		h["Content-Type"] = []string{"application/x-amz-json-1.1"}
		h["x-cognate-hint"] = []string{"Start the server with --host-name and the name, if it is a name of this server."}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"__type":"AccessDeniedException","Message":%q}`,
			"cognate dev answers to localhost and to addresses only, not to other names, which anybody could point here. Add this one with --host-name <name> if it is yours.")
	})
}
