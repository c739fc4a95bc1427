package wire_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/wire"
)

// discard is a response that is thrown away.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkHandler is what the edge adds to an operation, the network apart.
func BenchmarkHandler(b *testing.B) {
	h := wire.New(wire.Config{
		Bindings: idp.Bind(directory{}), AccountID: "123456789012", Authority: wire.Authority{Mode: wire.AcceptAny}, Now: func() time.Time { return now },
	})
	body := `{"AccessToken":"` + strings.Repeat("eyJ.", 250) + `"}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header["Content-Type"] = []string{"application/x-amz-json-1.1"}
		r.Header["X-Amz-Target"] = []string{"AWSCognitoIdentityProviderService.GetUser"}
		h.ServeHTTP(discard{http.Header{}}, r)
	}
}
