package operation

import (
	"path"
	"strings"
	"testing"
)

// TestInvoke refuses paths that an API could read in another way than the policies.
func TestInvoke(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ method, path, want string }{
		{"GET", "/orders/1", "GET/orders/1"},
		{"DELETE", "/orders/", "DELETE/orders/"},
		{"GET", "/", "GET/"},
		{"GET", "/a%20b/%C3%84", "GET/a b/Ä"},
		{"GET", "/100%25", "GET/100%"},
		{"GET", "/a/b.c/..d", "GET/a/b.c/..d"},
		{"GET", "", "! BadRequestException"},
		{"GET", "orders", "! BadRequestException"},
		{"GET", "//orders", "! BadRequestException"},
		{"GET", "/a//b", "! BadRequestException"},
		{"GET", "/a/./b", "! BadRequestException"},
		{"GET", "/public/../admin", "! BadRequestException"},
		{"GET", "/public/%2e%2e/admin", "! BadRequestException"},
		{"GET", "/public/%252e%252e/admin", "! BadRequestException"},
		{"GET", "/public%2F..%2Fadmin", "! BadRequestException"},
		{"GET", "/public%2fadmin", "! BadRequestException"},
		{"GET", "/public%5Cadmin", "! BadRequestException"},
		{"GET", `/public\admin`, "! BadRequestException"},
		{"GET", "/public/..;/admin", "! BadRequestException"},
		{"GET", "/admin;x=1", "! BadRequestException"},
		{"GET", "/admin%3Bx", "! BadRequestException"},
		{"GET", "/a%00", "! BadRequestException"},
		{"GET", "/a%0d%0ab", "! BadRequestException"},
		{"GET", "/a%FF", "! BadRequestException"},
		{"GET", "/a%zz", "! BadRequestException"},
		{"OPTIONS", "/", "! MethodNotAllowed"},
		{"get", "/", "! MethodNotAllowed"},
		{"CONNECT", "/", "! MethodNotAllowed"},
	} {
		check, failed := Invoke(&InvokeRequest{Method: tt.method, Path: tt.path, Region: "eu-central-1", Account: "123456789012", API: "shop", Stage: "prod"})
		got := strings.TrimPrefix(check.Resource, "arn:aws:execute-api:eu-central-1:123456789012:shop/prod/")
		if failed != nil {
			got = "! " + failed.Code
		}
		if got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, got, tt.want)
		}
	}
}

// FuzzInvoke wants every accepted path to be the path that a server sees after it has cleaned
// and decoded the path once more.
func FuzzInvoke(f *testing.F) {
	f.Add("/orders/1")
	f.Add("/public/%252e%252e/admin")
	f.Add("/a;b/")
	f.Fuzz(func(t *testing.T, raw string) {
		const prefix = "arn:aws:execute-api:r:1:a/s/GET"
		check, failed := Invoke(&InvokeRequest{Method: "GET", Path: raw, Region: "r", Account: "1", API: "a", Stage: "s"})
		if failed != nil {
			return
		}
		seen, ok := strings.CutPrefix(check.Resource, prefix)
		if !ok || path.Clean(seen) != strings.TrimSuffix(seen, "/") && seen != "/" {
			t.Errorf("%q is accepted as %q", raw, seen)
		}
		if again, ok := unescape(seen, false); ok && again != seen {
			t.Errorf("%q can be decoded twice: %q", raw, seen)
		}
	})
}
