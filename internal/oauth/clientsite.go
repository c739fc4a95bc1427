package oauth

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/pool"
)

// clientPath begins the paths of a development server at which each pool has the routes of a domain,
// also a pool without a domain. LocalStack has these paths. The app client that a request names is the
// one of the pool.
const clientPath = "/_aws/cognito-idp"

// maxNamingForm is the longest form in which the app client is looked for.
const maxNamingForm = 64 << 10

// serveClientSite serves a request below clientPath by the routes of a domain.
func (s *Service) serveClientSite(w http.ResponseWriter, r *http.Request, routes http.Handler) {
	SecureHeaders(w, r)
	id := namedClient(r)
	sn, _, err := s.deps.Pools.LoadClient(r.Context(), id)
	switch {
	case api.CodeOf(err) == "ResourceNotFoundException":
		http.Error(w, "There is no such app client. Below "+clientPath+" a request names its app client: client_id in the query or the form, or HTTP Basic.", http.StatusNotFound)
		return
	case err != nil:
		writeOutage(w, r, err)
		return
	}
	audit.From(r.Context()).SetExistingPool(sn.ID)
	// No domain has a name with an underscore.
	site := &Site{Pool: sn, Domain: &pool.LoginDomain{Name: sn.ID, PoolID: sn.ID}, Base: clientPath, Secure: api.RequestFrom(r.Context()).Secure()}
	http.StripPrefix(clientPath, routes).ServeHTTP(w, r.WithContext(WithSite(r.Context(), site)))
}

// namedClient returns the id of the app client that a request names. The body of the request can be
// read again.
func namedClient(r *http.Request) string {
	if id := r.URL.Query().Get("client_id"); id != "" {
		return id
	}
	if id, _, ok := r.BasicAuth(); ok {
		return id
	}
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return ""
	}
	start, err := io.ReadAll(io.LimitReader(r.Body, maxNamingForm))
	r.Body = &rereadBody{Reader: io.MultiReader(bytes.NewReader(start), r.Body), Closer: r.Body}
	if err != nil {
		return ""
	}
	form, _ := url.ParseQuery(string(start)) // The endpoint says what is wrong with a form.
	return form.Get("client_id")
}

// A rereadBody is a body whose start was read already.
type rereadBody struct {
	io.Reader
	io.Closer
}
