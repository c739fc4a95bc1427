package outbound

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hidden replaces a secret in a text.
const hidden = "[hidden]"

// cleanError is an error whose text shows no secret of a URL. The wrapped error is only for
// errors.Is and errors.As.
type cleanError struct {
	text string
	err  error
}

// Error implements error.
func (e *cleanError) Error() string { return e.text }

// Unwrap returns the error as it was.
func (e *cleanError) Unwrap() error { return e.err }

// Clean returns err with a text that can be logged and stored. Of each URL in the text it
// leaves only scheme and host. It hides the passwords, paths and queries of addresses, and
// of the URLs that the error itself carries, everywhere in the text.
func Clean(err error, addresses ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := cleanText(text, append(carried(err, nil), addresses...))
	if clean == text {
		return err
	}
	return &cleanError{clean, err}
}

// Address returns scheme and host of a URL.
func Address(rawURL string) string {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	if !ok {
		return hidden
	}
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#\\"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if strings.Contains(path, "@") {
		// The part before the "@" may be a password with a slash in it.
		return scheme + "://" + hidden
	}
	host = host[strings.LastIndexByte(host, '@')+1:]
	if !hostPort.MatchString(host) {
		return scheme + "://" + hidden
	}
	return scheme + "://" + host
}

var (
	hostPort = regexp.MustCompile(`^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.%]+\])(?::[0-9]*)?$`)
	// quotedURL and plainURL find URLs in texts; %q escapes quotes within.
	quotedURL = regexp.MustCompile("\"[A-Za-z][A-Za-z0-9+.-]*://(?:[^\"\\\\]|\\\\.)*\"|`[A-Za-z][A-Za-z0-9+.-]*://[^`]*`")
	plainURL  = regexp.MustCompile("[A-Za-z][A-Za-z0-9+.-]*://[^\\s\"'`<>]+")
)

func cleanText(text string, addresses []string) string {
	for _, a := range addresses {
		if a != "" {
			text = strings.ReplaceAll(text, a, Address(a))
		}
	}
	text = quotedURL.ReplaceAllStringFunc(text, func(u string) string {
		return u[:1] + Address(u[1:len(u)-1]) + u[len(u)-1:]
	})
	text = plainURL.ReplaceAllStringFunc(text, func(u string) string {
		end := strings.TrimRight(u, ".,:;)]}")
		return Address(end) + u[len(end):]
	})
	for _, secret := range secrets(addresses) {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

// carried lists the URLs of the url.Errors within err.
func carried(err error, list []string) []string {
	switch e := err.(type) { //nolint:errorlint // this walks the chain itself
	case *cleanError:
		return list // its text is clean, and what was said around it is not the URL's
	case *url.Error:
		return carried(e.Err, append(list, e.URL))
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			list = carried(inner, list)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			list = carried(inner, list)
		}
	}
	return list
}

// Parts of URLs that are shorter are words of any text, and no secrets.
const (
	leastPassword = 4
	leastValue    = 6
	leastSegment  = 8
)

// secrets lists the parts of URLs that may be secrets, the longest first.
func secrets(addresses []string) []string {
	var list []string
	add := func(least int, parts ...string) {
		for _, p := range parts {
			if len(p) >= least {
				list = append(list, p)
			}
		}
	}
	for _, a := range addresses {
		u, err := url.Parse(a)
		if err != nil {
			continue // only its own place in the text is known
		}
		if u.User != nil {
			password, set := u.User.Password()
			if !set {
				password = u.User.Username() // a token
			}
			add(leastPassword, password, url.QueryEscape(password), url.PathEscape(password))
		}
		add(leastSegment, strings.Split(u.EscapedPath(), "/")...)
		add(leastSegment, strings.Split(u.Path, "/")...)
		for key, values := range u.Query() {
			for _, v := range values {
				add(leastValue, v, url.QueryEscape(v))
			}
			if len(values) == 1 && values[0] == "" {
				add(leastValue, key, url.QueryEscape(key)) // "?token" alone
			}
		}
		add(leastValue, u.Fragment)
	}
	slices.SortFunc(list, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(list)
}
