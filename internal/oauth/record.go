package oauth

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"

	"cognate/internal/audit/trail"
)

// recorded returns a handler that sends the answer of a page or an endpoint after its record is
// stored.
func (s *Service) recorded(next http.Handler) http.Handler {
	if s.deps.Trail == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := SiteOf(r.Context())
		name := trail.PageEvent(r.URL.Path, r.Method, site.Domain.Managed)
		if name == "" {
			next.ServeHTTP(w, r)
			return
		}
		form := &formCopy{ReadCloser: r.Body}
		r.Body = form
		held := &heldAnswer{ResponseWriter: w}
		record := func() {
			s.deps.Trail.RecordPage(r.Context(), &trail.Page{
				Name: name, Method: r.Method, PoolID: site.Pool.ID, Region: site.Pool.Region, Domain: domainOf(r, site),
				Status: held.code(), Parameters: form.parameters(r), TLS: r.TLS,
			})
		}
		defer func() {
			if p := recover(); p != nil {
				held.status = http.StatusInternalServerError
				record()
				panic(p)
			}
		}()
		next.ServeHTTP(held, r)
		record()
		held.send()
	})
}

// domainOf returns the host of a site, or its name if the site is below a path.
func domainOf(r *http.Request, site *Site) string {
	if site.Base != "" {
		return site.Domain.Name
	}
	return hostOf(r)
}

// heldAnswer keeps an answer back. Answers of domains are short. It has no Unwrap: nothing may be
// sent past it.
type heldAnswer struct {
	http.ResponseWriter

	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *heldAnswer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements io.Writer.
func (a *heldAnswer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

func (a *heldAnswer) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

func (a *heldAnswer) send() {
	a.ResponseWriter.WriteHeader(a.code())
	_, _ = a.ResponseWriter.Write(a.body.Bytes()) // An error means that the client has gone.
}

// maxFormCopy is the longest form of which a record shows the parameters. The longest lawful field
// is an answer of a SAML provider, which a record hides anyway.
const maxFormCopy = 64 << 10

// formCopy keeps what a handler reads of a form.
type formCopy struct {
	io.ReadCloser

	read    []byte
	tooLong bool
}

// Read implements io.Reader.
func (f *formCopy) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if f.tooLong = f.tooLong || len(f.read)+n > maxFormCopy; !f.tooLong {
		f.read = append(f.read, p[:n]...)
	}
	return n, err
}

// parameters returns the parameters of the query and of the form.
func (f *formCopy) parameters(r *http.Request) url.Values {
	all := r.URL.Query()
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" || f.tooLong {
		return all
	}
	form, _ := url.ParseQuery(string(f.read)) // Of a broken form it has what can be read.
	for name, values := range form {
		all[name] = append(all[name], values...)
	}
	return all
}
