package providers

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/pem"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"cognate/test/proxies"
)

//go:embed simplesamlphp
var simpleSAMLFiles embed.FS

// SimpleSAML is a running SimpleSAMLphp. It is two SAML providers, and the second one encrypts
// its assertions.
type SimpleSAML struct {
	*proxies.Proxy

	Plain, Encrypting string // URLs
	// Folder has its key and certificate, idp.key and idp.crt. Its folder sp takes the metadata
	// of service providers, as XML files.
	Folder string
}

// SimpleSAMLphp starts Debian's SimpleSAMLphp in PHP's own server, with an empty folder of its
// own for settings, sessions and a new key.
func SimpleSAMLphp(ctx context.Context, dir string) (*SimpleSAML, error) {
	port, err := proxies.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	files, err := fs.Sub(simpleSAMLFiles, "simplesamlphp")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return nil, err
	}
	for _, folder := range []string{"sp", "sessions", "temporary"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			return nil, err
		}
	}
	if err := writeKey(dir); err != nil {
		return nil, err
	}
	p := &SimpleSAML{
		Proxy: &proxies.Proxy{URL: "http://127.0.0.1:" + port, Env: []string{"SIMPLESAMLPHP_CONFIG_DIR=" + dir}},
		Plain: "http://127.0.0.1:" + port, Encrypting: "http://localhost:" + port, Folder: dir,
	}
	return p, p.Run(ctx, port, "php", "-S", "127.0.0.1:"+port, "-t", "/usr/share/simplesamlphp/www")
}

// writeKey writes the key that signs assertions, and its certificate.
func writeKey(dir string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SimpleSAMLphp"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"idp.key": {Type: "PRIVATE KEY", Bytes: private}, "idp.crt": {Type: "CERTIFICATE", Bytes: certificate}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
