package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/audit/trail"
	"cognate/internal/pool"
	"cognate/internal/pool/providers"
	"cognate/internal/scim/resource"
	"cognate/internal/store"
	"cognate/internal/user/groups"
	"cognate/internal/user/identities"
)

// Deps is what the service works with.
type Deps struct {
	Store      *store.Store
	Pools      *pool.Service
	Providers  *providers.Service
	Identities *identities.Service
	Groups     *groups.Service
	// Trail records the requests of directories; nil records nothing.
	Trail *trail.Trail
	// Limits are the limits of requests with a wrong token.
	Limits Limits
	Now    func() time.Time
}

// Limits are the limits of requests with a wrong token, by the client's address and the pool.
type Limits interface {
	// Blocked returns how long a client has to wait that sent many wrong tokens.
	Blocked(ctx context.Context, poolID string) (wait time.Duration)
	// WrongToken counts a wrong token.
	WrongToken(ctx context.Context, poolID string)
}

// Service serves directories.
type Service struct{ deps Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{deps: d} }

// Path is the path of the endpoints of directories. The id of the pool follows it.
const Path = "/scim/v2/"

// maxBody is the largest body of a request, in bytes. ServiceProviderConfig shows it as the limit of
// /Bulk.
const maxBody = 1 << 20

// Mount adds the endpoints.
func (s *Service) Mount(mux *http.ServeMux) {
	mux.HandleFunc(Path+"{pool}/{rest...}", s.serve)
}

// A call is one request of a directory: of HTTP, or one operation of a bulk request.
type call struct {
	method, path string // path begins after the pool's id: "/Users"
	header       http.Header
	query        url.Values
	body         []byte

	// base is the URL of the directory's endpoints, without a slash at the end.
	base     string
	pool     *pool.Snapshot
	dir      store.Directory
	settings settings
}

// An answer is what a call returns. A nil Body has no content.
type answer struct {
	status   int
	version  string // ETag
	location string
	id       string // of a resource that was made
	body     any
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	a, c, err := s.answer(w, r)
	if err != nil {
		a = s.refuse(r, err)
	}
	s.record(r, c, a.status)
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="scim"`)
	}
	if a.version != "" {
		h.Set("ETag", a.version)
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	text, err := json.Marshal(a.body)
	if err != nil {
		audit.From(r.Context()).SetCause(err)
		a.status, text = http.StatusInternalServerError, []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"500"}`)
	}
	h.Set("Content-Type", "application/scim+json;charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(a.status)
	_, _ = w.Write(text) // An error means that the client has gone.
}

// answer answers a request. The call is nil if the directory did not prove itself.
func (s *Service) answer(w http.ResponseWriter, r *http.Request) (*answer, *call, error) {
	poolID := r.PathValue("pool")
	if s.deps.Limits.Blocked(r.Context(), poolID) > 0 {
		return nil, nil, errTooManyRequests
	}
	c, err := s.authenticate(r)
	if errors.Is(err, errUnauthorized) {
		s.deps.Limits.WrongToken(r.Context(), poolID)
	}
	if err != nil {
		return nil, nil, err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	c.body, err = io.ReadAll(r.Body)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return nil, c, resource.Errorf(http.StatusRequestEntityTooLarge, "The body is longer than %d bytes.", maxBody)
	}
	if err != nil {
		return nil, c, resource.InvalidSyntaxf("The body could not be read.")
	}
	c.method, c.path, c.header, c.query = r.Method, "/"+r.PathValue("rest"), r.Header, r.URL.Query()
	a, err := s.dispatch(r.Context(), c)
	return a, c, err
}

// recordedNames are the parts of paths that have records of their own. A stranger's path must not
// become the name of an event.
var recordedNames = []string{"Users", "Groups", "Bulk", "ServiceProviderConfig", "ResourceTypes", "Schemas"}

// record stores the record of a request by a directory, before its answer.
func (s *Service) record(r *http.Request, c *call, status int) {
	if s.deps.Trail == nil || c == nil {
		return
	}
	part, _, _ := strings.Cut(r.PathValue("rest"), "/")
	if !slices.Contains(recordedNames, part) {
		part = "Other"
	}
	s.deps.Trail.RecordPage(r.Context(), &trail.Page{
		Name: "SCIM_" + part + "_" + method(r), Method: r.Method, PoolID: c.pool.ID, Region: c.pool.Region, Status: status, TLS: r.TLS,
	})
}

// method returns the method of a request, or OTHER.
func method(r *http.Request) string {
	if slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, r.Method) {
		return r.Method
	}
	return "OTHER"
}

// authenticate finds the directory of a token. Every failure looks the same.
func (s *Service) authenticate(r *http.Request) (*call, error) {
	ctx := r.Context()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(token, tokenPrefix) {
		return nil, errUnauthorized
	}
	sn, err := s.deps.Pools.Load(ctx, r.PathValue("pool"))
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, errUnauthorized
	}
	if err != nil {
		return nil, err
	}
	t, err := s.deps.Store.DirectoryToken(ctx, sn.ID, hashOf(token))
	if errors.Is(err, store.ErrNotFound) || err == nil && !t.ExpiresAt.IsZero() && !s.deps.Now().Before(t.ExpiresAt) {
		return nil, errUnauthorized
	}
	if err != nil {
		return nil, err
	}
	d, err := s.deps.Store.Directory(ctx, sn.ID, t.DirectoryID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errUnauthorized
	}
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetPool(sn.ID)
	in := api.RequestFrom(ctx)
	c := &call{base: in.Scheme + "://" + in.Host + strings.TrimSuffix(Path, "/") + "/" + sn.ID, pool: sn, dir: d}
	if err := json.Unmarshal(d.Doc, &c.settings); err != nil {
		return nil, fmt.Errorf("scim: settings of %s: %w", d.ID, err)
	}
	return c, nil
}

// errUnauthorized answers a request without a valid token.
var errUnauthorized = &resource.Error{Status: http.StatusUnauthorized, Detail: "The bearer token is missing, wrong, expired or revoked."}

// errTooManyRequests answers a client that sent many wrong tokens.
var errTooManyRequests = &resource.Error{Status: http.StatusTooManyRequests, Detail: "Too many requests with a wrong bearer token."}

// kindOf returns the type of resources at a path, and the id that follows. ok is false for another
// path.
func kindOf(path string) (t *resource.Type, id string, ok bool) {
	for _, t := range []*resource.Type{resource.User, resource.Group} {
		if path == t.Endpoint() {
			return t, "", true
		}
		if id, found := strings.CutPrefix(path, t.Endpoint()+"/"); found && id != "" && !strings.Contains(id, "/") {
			return t, id, true
		}
	}
	return nil, "", false
}

// discover returns the document at a path that describes the service (RFC 7644 §4).
func (c *call) discover() (doc map[string]any, ok bool) {
	of, name, named := strings.Cut(strings.TrimPrefix(c.path, "/"), "/")
	switch {
	case of == "ServiceProviderConfig" && !named:
		return resource.ServiceProviderConfig(c.base, maxBody), true
	case of == "ResourceTypes" && !named:
		return resource.ResourceTypes(c.base), true
	case of == "ResourceTypes":
		return resource.ResourceType(c.base, name)
	case of == "Schemas" && !named:
		return resource.Schemas(c.base), true
	case of == "Schemas":
		return resource.Schema(c.base, name)
	}
	return nil, false
}

// dispatch answers a call.
func (s *Service) dispatch(ctx context.Context, c *call) (*answer, error) {
	if c.method == http.MethodGet {
		if doc, ok := c.discover(); ok {
			return &answer{status: http.StatusOK, body: doc}, nil
		}
	}
	if c.path == "/Bulk" && c.method == http.MethodPost {
		return s.bulk(ctx, c)
	}
	t, id, ok := kindOf(c.path)
	switch {
	case c.path == "/Me":
		return nil, resource.Errorf(http.StatusNotImplemented, "A directory is not a user, so /Me does not exist.")
	case !ok:
		return nil, resource.Errorf(http.StatusNotFound, "There is no endpoint at this path.")
	case id == ".search" && c.method == http.MethodPost:
		q, err := resource.ParseSearch(t, c.body)
		if err != nil {
			return nil, err
		}
		return s.list(ctx, c, t, &q)
	case id == "" && c.method == http.MethodGet:
		q, err := resource.ParseQuery(t, c.query)
		if err != nil {
			return nil, err
		}
		return s.list(ctx, c, t, &q)
	case id == "" && c.method == http.MethodPost:
		return s.create(ctx, c, t)
	case id != "" && c.method == http.MethodGet:
		return s.get(ctx, c, t, id)
	case id != "" && (c.method == http.MethodPut || c.method == http.MethodPatch):
		return s.change(ctx, c, t, id)
	case id != "" && c.method == http.MethodDelete:
		return s.remove(ctx, c, t, id)
	}
	return nil, resource.Errorf(http.StatusMethodNotAllowed, "The endpoint does not allow %s.", c.method)
}
