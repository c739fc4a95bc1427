package server_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

// TestGatewayTLS names the bucket in the host, with the certificate of the main listener.
func TestGatewayTLS(t *testing.T) {
	t.Parallel()
	store := startStore(t)
	c := before(serving.Serve(t), store.URL)
	c.PlainHTTP, c.GatewayHost = false, []string{"s3.example.com"}
	c.TLSCert, c.TLSKey = writeCertificate(t, t.TempDir(), 1)
	r := serving.Start(t, c)
	file := filepath.Join(t.TempDir(), "tls.json")
	const overTLS = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::data/a.txt",
		"Condition":{"Bool":{"aws:SecureTransport":"true"}}}}`
	if err := os.WriteFile(file, []byte(overTLS), 0o600); err != nil {
		t.Fatal(err)
	}
	id, secret := serving.NewKey(t, r, "ann", file)
	var protocol string
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, r.GatewayAddr())
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	client := func(endpoint string) *s3.Client {
		return s3.New(s3Client(r, id, secret).Options(), func(o *s3.Options) {
			o.BaseEndpoint, o.UsePathStyle = aws.String(endpoint), false
			o.HTTPClient = doer(func(req *http.Request) (*http.Response, error) {
				res, err := transport.RoundTrip(req)
				if err == nil {
					protocol = req.URL.Host + " " + res.Proto
				}
				return res, err
			})
		})
	}
	serving.Want(t, put(t, client("https://s3.example.com"), "a.txt", "hello"), "")
	if protocol != "data.s3.example.com HTTP/1.1" {
		t.Errorf("the request went to %s", protocol)
	}
	if object, err := os.ReadFile(filepath.Join(store.Dir, "data", "a.txt")); string(object) != "hello" {
		t.Errorf("the object: %q, %v", object, err)
	}
	serving.Want(t, put(t, client("https://s3.example.org"), "a.txt", "x"), "InvalidRequest")
}

type doer func(*http.Request) (*http.Response, error)

// Do implements s3.HTTPClient.
func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestGatewayRetired refuses all requests while the server lacks the keys that replaced the stolen ones.
func TestGatewayRetired(t *testing.T) {
	t.Parallel()
	store := startStore(t)
	c := before(serving.Serve(t), store.URL)
	c.Data, c.Database = "", server.Secret(pgtest.Database(t)) // The command itself works on this database.
	settings := []string{"--database", string(c.Database), "--kek-file", c.KEKFile}
	serving.Run(t, nil, append([]string{"migrate"}, settings...)...)
	r := serving.Start(t, c)
	id, secret := s3Key(t, r)
	fresh := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(fresh, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client := s3Client(r, id, secret)
	serving.Want(t, put(t, client, "a.txt", "x"), "")
	serving.Run(t, nil, append([]string{"keys", "retire", "--now", "--new-kek-file", fresh}, settings...)...)
	within(t, "ServiceUnavailable", func() error { return put(t, client, "a.txt", "x") })
}
