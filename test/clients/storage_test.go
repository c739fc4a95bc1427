package clients_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"cognate/test/proxies"
	"cognate/test/stores"
)

// TestIdentityPoolStorage runs the SDK's credential providers, and Amplify's Storage in Chromium, with
// an identity pool: guests and people use the gateway with the credentials that they get.
func TestIdentityPoolStorage(t *testing.T) {
	t.Parallel()
	store := startVersity(t)
	dir := t.TempDir()
	cert, key, err := proxies.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	err = errors.Join(os.WriteFile(certFile, cert, 0o600), os.WriteFile(keyFile, key, 0o600), os.Mkdir(filepath.Join(store.Dir, "data"), 0o750))
	if err != nil {
		t.Fatal(err)
	}
	addresses := launchUntil(t, regexp.MustCompile(`"msg":"listening",(.*)`), []string{"COGNATE_GATEWAY_SECRET_KEY=" + stores.SecretKey},
		"dev", "--data", filepath.Join(dir, "data"), "--log-format", "json", "--listen", "127.0.0.1:0", "--private-listen", "off",
		"--tls-cert", certFile, "--tls-key", keyFile, "--gateway-listen", "127.0.0.1:0", "--gateway-host", "s3.localhost", "--gateway-host", "localhost",
		"--gateway-origin", "*", "--gateway-store", store.URL, "--gateway-access-key", stores.AccessKey)
	var at struct{ Main, Gateway string }
	if err := json.Unmarshal([]byte("{"+addresses), &at); err != nil {
		t.Fatalf("%s: %v", addresses, err)
	}
	node(t, "storage.test.mjs", "COGNATE_ENDPOINT=https://"+at.Main, "COGNATE_TEST_GATEWAY="+at.Gateway, "NODE_EXTRA_CA_CERTS="+certFile, chromium())
}

// TestIdentitiesExample runs the programs of examples/identities before the store of examples/store.sh.
func TestIdentitiesExample(t *testing.T) {
	t.Parallel()
	endpoint, gateway := devBefore(t, exampleStore(t))
	node(t, "identities.test.mjs", "COGNATE_ENDPOINT="+endpoint, "COGNATE_GATEWAY="+gateway)
}

// exampleStore runs examples/store.sh.
func exampleStore(t *testing.T) *stores.Store {
	t.Helper()
	path, err := buildVersity()
	if err != nil {
		t.Fatal(err)
	}
	store, err := stores.Example(t.Context(), filepath.Join("..", ".."), path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
