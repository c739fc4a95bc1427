package server_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// Idle connections of the default transport, which SDK clients share.
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
	)
}

// engines runs a test on a development server with each database.
func engines(t *testing.T, f func(t *testing.T, r serving.Rig)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, serving.Start(t, serving.Dev(t)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := serving.Dev(t)
		c.Database = server.Secret(pgtest.Database(t))
		f(t, serving.Start(t, c))
	})
}

// call is one request as no SDK would write it.
func call(t *testing.T, r serving.Rig, operation, body string, header http.Header) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	maps.Copy(req.Header, header)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%d %s: %v", res.StatusCode, text, err)
		}
	}
	return res.StatusCode, out
}
