package pool_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// node is one server's service on a real database.
type node struct {
	*pool.Service
	deps  pool.Deps
	clock *fresh.Clock
}

// onEngines runs fn on both engines.
func onEngines(t *testing.T, fn func(t *testing.T, n *node)) {
	t.Helper()
	fresh.Engines(t, func(t *testing.T, o store.Options) {
		o.RunTwice = true
		fn(t, newNode(t, o))
	})
}

// onSQLite returns a node for what does not depend on the engine.
func onSQLite(t testing.TB) *node {
	t.Helper()
	return newNode(t, fresh.SQLite(t))
}

func newNode(t testing.TB, o store.Options) *node {
	t.Helper()
	c := fresh.NewClock(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	db := fresh.Store(t, o, c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	d := pool.Deps{Store: db, Ring: ring, Pages: fresh.PageTokens(), Now: c.Now, DomainTarget: "login.example.com"}
	return &node{Service: pool.New(d), deps: d, clock: c}
}

// another returns a second server on the same database.
func (n *node) another() *node { return &node{Service: pool.New(n.deps), deps: n.deps, clock: n.clock} }

// in returns a context of a call for a Region.
func in(t testing.TB, region string) context.Context {
	return api.WithRequest(t.Context(), &api.Request{Region: region})
}

// others stands for the operations that other packages do.
type others struct{ idp.Service }

type wholeService struct {
	*pool.Service
	others
}

// call runs an operation with a body as it comes over the wire, through the
// decoder and its validation. out is the answer's body.
func (n *node) call(ctx context.Context, op, body string) (out string, err error) {
	for _, b := range idp.Bind(wholeService{Service: n.Service}) {
		if b.Name != op {
			continue
		}
		input, err := b.Decode([]byte(body))
		if err != nil {
			return "", err
		}
		answer, err := b.Call(ctx, input)
		if err != nil || !b.HasOutput {
			return "", err
		}
		return string(b.Encode(nil, answer)), nil
	}
	panic("no operation " + op)
}

// do is call where it must succeed. Its answer is a tree of JSON.
func (n *node) do(t testing.TB, op, body string) map[string]any {
	t.Helper()
	out, err := n.call(t.Context(), op, body)
	if err != nil {
		t.Fatalf("%s %s: %v", op, body, err)
	}
	return tree(t, out)
}

func tree(t testing.TB, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// at follows a path of keys into a tree; nil where it ends.
func at(m map[string]any, path ...string) any {
	var v any = m
	for _, k := range path {
		inner, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = inner[k]
	}
	return v
}

// newPool makes a pool from the members of a request besides its name.
func (n *node) newPool(t testing.TB, members string) string {
	t.Helper()
	return at(n.do(t, "CreateUserPool", object(`"PoolName":"demo"`, members)), "UserPool", "Id").(string)
}

// newClient makes a client from the members of a request besides pool and name.
func (n *node) newClient(t testing.TB, poolID, members string) string {
	t.Helper()
	return at(n.do(t, "CreateUserPoolClient", object(`"UserPoolId":"`+poolID+`","ClientName":"c"`, members)), "UserPoolClient", "ClientId").(string)
}

func object(first, more string) string {
	if more == "" {
		return "{" + first + "}"
	}
	return "{" + first + "," + more + "}"
}

func (n *node) describe(t testing.TB, poolID string) map[string]any {
	t.Helper()
	return at(n.do(t, "DescribeUserPool", `{"UserPoolId":"`+poolID+`"}`), "UserPool").(map[string]any)
}

// wantError checks an error's code and text, "Code: message"; "" wants none. It
// also checks that the operation may answer that code at all.
func wantError(t testing.TB, op string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		e, ok := errors.AsType[*api.Error](err)
		if !ok {
			t.Fatalf("%s: not an answer for clients: %v", op, err)
		}
		got = e.Code + ": " + e.Message
		if !idp.Operations[op].Declares(e.Code) {
			t.Errorf("%s does not declare %s", op, e.Code)
		}
	}
	if got != want {
		t.Errorf("%s:\n got %q\nwant %q", op, got, want)
	}
}

// wantTree compares an answer with a file whose $NAMES are replaced.
func wantTree(t testing.TB, got map[string]any, file string, names ...string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	want := tree(t, strings.NewReplacer(names...).Replace(string(b)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
