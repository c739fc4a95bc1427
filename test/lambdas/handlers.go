package lambdas

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"cognate/internal/trigger"
	"cognate/internal/trigger/process"
	"cognate/test/patience"
)

// Serve runs the handlers in a folder behind the Lambda API's Invoke, which
// wants signed requests, and returns its URL. It ends with the test.
func Serve(t testing.TB, dir string) string {
	t.Helper()
	f, err := process.Open(process.Options{Dir: dir, Environ: os.Environ(), InitTimeout: patience.Limit})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{arn}/invocations", func(w http.ResponseWriter, r *http.Request) {
		name, err := url.PathUnescape(r.PathValue("arn"))
		payload, _ := io.ReadAll(r.Body)
		if err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") || !json.Valid(payload) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		res, err := f.Invoke(r.Context(), trigger.Invocation{ID: r.Header.Get("Amz-Sdk-Invocation-Id"), ARN: name, Payload: payload})
		if err != nil {
			t.Error(err)
		}
		if res.Failed {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		_, _ = w.Write(res.Payload)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.Close()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}
