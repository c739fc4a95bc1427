package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/serving"
)

// trusting returns a client that trusts an authority's file alone, and reaches every host
// at an address.
func trusting(t *testing.T, file, addr string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("%s has no certificate", file)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestDevHTTPS calls the second listener of cognate dev with clients that trust its
// authority.
func TestDevHTTPS(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.HTTPS, c.HTTPSListen, c.HTTPSName = true, "127.0.0.1:0", []string{"id.example.test"}
	var out strings.Builder
	c.Out = &out
	r := serving.Start(t, c)
	file := filepath.Join(c.Data, "tls-authority.pem")
	if !strings.Contains(out.String(), "NODE_EXTRA_CA_CERTS="+file) {
		t.Errorf("the authority is not announced:\n%s", out.String())
	}
	for name, mode := range map[string]os.FileMode{"tls-authority.pem": 0o644, "tls-authority.key": 0o600} {
		if info, err := os.Stat(filepath.Join(c.Data, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	client := trusting(t, file, r.HTTPSAddr())

	sdk := r.Client("dev", "dev", func(o *cip.Options) { o.BaseEndpoint, o.HTTPClient = aws.String("https://localhost"), client })
	pool, err := sdk.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
	if err != nil {
		t.Fatal(err)
	}
	made, err := sdk.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{UserPoolId: pool.UserPool.Id, Domain: aws.String("shop"), ManagedLoginVersion: aws.Int32(2)})
	serving.Must(t, made, err)
	get := func(client *http.Client, url string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		if sent := res.Header.Get("Strict-Transport-Security"); sent != "" {
			t.Errorf("%s: a browser would keep to TLS for every program of this machine: %s", url, sent)
		}
		return res.Proto + " " + strings.Join(res.Header.Values("Set-Cookie"), "\n"), err
	}
	for _, url := range []string{"https://shop.auth.localhost/error", "https://id.example.test/healthz", "https://127.0.0.1/", "https://[::1]/"} {
		if got, err := get(client, url); err != nil || !strings.HasPrefix(got, "HTTP/2.0") {
			t.Errorf("%s: %q, %v", url, got, err)
		}
	}
	if got, err := get(client, "https://shop.auth.localhost/error?lang=de"); err != nil || !strings.Contains(got, "lang=de;") || !strings.Contains(got, "; Secure") {
		t.Errorf("a cookie is not secure: %q, %v", got, err)
	}
	for _, url := range []string{"https://example.com/", "https://a.b.auth.localhost/", "https://10.0.0.1/"} {
		if _, err := get(client, url); err == nil {
			t.Errorf("%s: the certificate is good for it", url)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	// The authority stays, so that clients need to trust it once; for another name it is made again.
	again := serving.Start(t, c)
	if _, err := get(trusting(t, file, again.HTTPSAddr()), "https://localhost/"); err != nil {
		t.Error(err)
	}
	old := trusting(t, file, "")
	_ = again.Close()
	c.HTTPSName = []string{"other.example.test"}
	renewed := serving.Start(t, c)
	if _, err := get(trusting(t, file, renewed.HTTPSAddr()), "https://other.example.test/"); err != nil {
		t.Error(err)
	}
	old.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, renewed.HTTPSAddr())
	}
	if _, err := get(old, "https://localhost/"); err == nil {
		t.Error("the certificate of the old authority was used again")
	}
	_ = renewed.Close()

	if err := os.WriteFile(filepath.Join(c.Data, "tls-authority.key"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := server.Start(t.Context(), c); err == nil {
		_ = s.Close()
		t.Error("a damaged authority was used")
	}
}
