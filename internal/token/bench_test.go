package token

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func benchmark(b *testing.B, run func(r *rig, set *Set, g Grant) error) {
	r := sqlite(b)
	sn := r.pool(b)
	g := r.grant(b, sn, r.client(b, sn, nil), r.user(b, sn, "alice"))
	g.Subject.Attributes = map[string]string{"email": "alice@example.com", "email_verified": "true", "name": "Alice", "custom:plan": "7"}
	g.Subject.Groups = []Group{{Name: "staff"}, {Name: "admins"}}
	set := r.issue(b, g)
	b.ReportAllocs()
	for b.Loop() {
		if err := run(r, set, g); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIssue(b *testing.B) {
	benchmark(b, func(r *rig, _ *Set, g Grant) error {
		_, err := r.Issue(context.Background(), g)
		return err
	})
}

// BenchmarkClaims is what Issue costs beside its two signatures.
func BenchmarkClaims(b *testing.B) {
	benchmark(b, func(r *rig, _ *Set, g Grant) error {
		m, err := r.newIssueData(&g)
		if err != nil {
			return err
		}
		_, _ = accessClaims(&g, m), idClaims(&g, m, "")
		_, err = r.sealRefresh(&g, m)
		return err
	})
}

func BenchmarkAuthenticateSeen(b *testing.B) {
	benchmark(b, func(r *rig, set *Set, _ Grant) error {
		_, err := r.Authenticate(context.Background(), set.AccessToken)
		return err
	})
}

func BenchmarkAuthenticateFresh(b *testing.B) {
	benchmark(b, func(r *rig, set *Set, _ Grant) error {
		r.verified.cache.InvalidateAll()
		_, err := r.Authenticate(context.Background(), set.AccessToken)
		return err
	})
}

func BenchmarkRejectGarbage(b *testing.B) {
	benchmark(b, func(r *rig, set *Set, _ Grant) error {
		_, _ = r.Authenticate(context.Background(), set.IDToken)
		return nil
	})
}

// BenchmarkFloor is a bare JSON handler, what a request costs without us.
func BenchmarkFloor(b *testing.B) {
	h := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var in map[string]string
		if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if _, err := w.Write([]byte(`{"Username":"alice"}`)); err != nil {
			b.Error(err)
		}
	})
	server := httptest.NewServer(h)
	defer server.Close()
	b.ReportAllocs()
	for b.Loop() {
		resp, err := server.Client().Post(server.URL, "application/json", strings.NewReader(`{"AccessToken":"x"}`))
		if err != nil {
			b.Fatal(err)
		}
		if err := json.NewDecoder(resp.Body).Decode(&map[string]string{}); err != nil {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}
