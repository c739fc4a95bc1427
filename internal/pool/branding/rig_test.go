package branding

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// rig is the service on a real database.
type rig struct {
	*Service
	store *store.Store
	pools *pool.Service
	deps  pool.Deps // of pools
	clock *fresh.Clock
}

func engines(t *testing.T, test func(t *testing.T, r *rig)) {
	fresh.Engines(t, func(t *testing.T, o store.Options) { test(t, newRig(t, o)) })
}

func newRig(t *testing.T, o store.Options) *rig {
	t.Helper()
	c := fresh.NewClock(time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC))
	db := fresh.Store(t, o, c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	r := &rig{store: db, deps: pool.Deps{Store: db, Ring: ring, Pages: fresh.PageTokens(), Now: c.Now}, clock: c}
	return r.another()
}

// another returns another server on the same database.
func (r *rig) another() *rig {
	pools := pool.New(r.deps)
	return &rig{New(Deps{Store: r.store, Pools: pools, BaseURL: "https://login.example.com/"}), r.store, pools, r.deps, r.clock}
}

// pool makes a user pool, with a domain of this name if it is not "".
func (r *rig) pool(t *testing.T, domain string) string {
	t.Helper()
	out, err := r.pools.CreateUserPool(t.Context(), &idp.CreateUserPoolRequest{PoolName: "people"})
	if err != nil {
		t.Fatal(err)
	}
	if domain != "" {
		_, err = r.pools.CreateUserPoolDomain(t.Context(), &idp.CreateUserPoolDomainRequest{UserPoolId: *out.UserPool.Id, Domain: domain})
		if err != nil {
			t.Fatal(err)
		}
	}
	return *out.UserPool.Id
}

func (r *rig) client(t *testing.T, poolID string) string {
	t.Helper()
	out, err := r.pools.CreateUserPoolClient(t.Context(), &idp.CreateUserPoolClientRequest{UserPoolId: poolID, ClientName: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserPoolClient.ClientId
}

func (r *rig) appearance(t *testing.T, poolID, clientID string) *Appearance {
	t.Helper()
	sn, err := r.pools.Load(t.Context(), poolID)
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.Appearance(t.Context(), sn, clientID)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// get requests an address of the service's routes.
func (r *rig) get(path string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	r.Mount(mux)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// wantError compares the answer of an operation with "Code: text", or "" for none. It also checks that the operation may
// answer that code.
func wantError(t *testing.T, op string, err error, want string) {
	t.Helper()
	got := ""
	if e, ok := errors.AsType[*api.Error](err); ok {
		got = e.Code + ": " + e.Message
		if !idp.Operations[op].Declares(e.Code) {
			t.Errorf("%s does not declare %s", op, e.Code)
		}
	} else if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", op, got, want)
	}
}
