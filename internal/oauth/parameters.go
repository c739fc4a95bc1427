package oauth

import (
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxParameters bounds a query string and a form in bytes. The longest lawful
// parameters, a redirect URI, a state and fifty scopes, are shorter together.
const maxParameters = 32 << 10

// parameters are those of a request. A parameter may be repeated with the same value
// only (RFC 6749 §3.1: parameters must not be included more than once).
type parameters struct {
	values url.Values
	bad    map[string]bool // repeated with another value
}

func newParameters(values url.Values) parameters {
	p := parameters{values, map[string]bool{}}
	for name, list := range values {
		for _, v := range list[1:] {
			if v != list[0] {
				p.bad[name] = true
			}
		}
	}
	return p
}

// get returns a parameter; an empty one counts as absent (RFC 6749 §3.1).
func (p parameters) get(name string) string { return p.values.Get(name) }

// has reports whether the parameter came, even if it is empty.
func (p parameters) has(name string) bool { return p.values.Has(name) }

// query returns the parameters of the request's query string.
func query(r *http.Request) (parameters, error) {
	if len(r.URL.RawQuery) > maxParameters {
		return parameters{}, fault(codeInvalidRequest)
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return parameters{}, fault(codeInvalidRequest)
	}
	return newParameters(values), nil
}

// form returns the parameters of the request's body.
func form(r *http.Request) (parameters, error) {
	return formOf(r, maxParameters)
}

// formOf is form for a body of up to so many bytes.
func formOf(r *http.Request, most int64) (parameters, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return parameters{}, fault(codeInvalidRequest)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil || int64(len(body)) > most {
		return parameters{}, fault(codeInvalidRequest)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return parameters{}, fault(codeInvalidRequest)
	}
	p := newParameters(values)
	if len(p.bad) > 0 {
		return parameters{}, fault(codeInvalidRequest)
	}
	return p, nil
}
