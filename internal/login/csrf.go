package login

import (
	"crypto/subtle"
	"net/url"
	"strings"

	"cognate/internal/keys"
)

// csrfCookie holds a random value that every form sends back in a hidden field: another
// site can send the form but not read the cookie (OWASP: double-submit cookie). The name
// is Cognito's, which clients without a browser rely on.
const csrfCookie = "XSRF-TOKEN"

// checkCSRF reports whether the form carries the value of the cookie.
func (v *visit) checkCSRF() bool {
	sent := v.form.Get("_csrf")
	if sent == "" {
		sent = v.form.Get("csrf")
	}
	if sent == "" {
		return false
	}
	for _, c := range v.r.CookiesNamed(csrfCookie) {
		if subtle.ConstantTimeCompare([]byte(c.Value), []byte(sent)) == 1 {
			v.csrf = sent
			return true
		}
	}
	return false
}

// checkOrigin reports whether the form comes from a page of the same host, as far as
// the browser says (Fetch Metadata; RFC 6454 §7). Clients without a browser say nothing.
func (v *visit) checkOrigin() bool {
	switch v.r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	origin := v.r.Header.Get("Origin")
	if origin == "" || origin == "null" && v.r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, v.r.Host)
}

// token returns the value for the page's forms, and sets the cookie where there is none.
func (v *visit) token() string {
	if v.csrf != "" {
		return v.csrf
	}
	if c, err := v.r.Cookie(csrfCookie); err == nil && c.Value != "" && len(c.Value) <= 64 {
		v.csrf = c.Value
		return v.csrf
	}
	v.csrf = keys.NewUUID()
	v.setCookie(csrfCookie, v.csrf, 0)
	return v.csrf
}
