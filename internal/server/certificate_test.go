package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/serving"
)

// writeCertificate makes a self-signed pair for 127.0.0.1 with a serial number, which is good for an hour.
func writeCertificate(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	return writeCertificateFor(t, dir, serial, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

func writeCertificateFor(t *testing.T, dir string, serial int64, from, to time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: from, NotAfter: to,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Duration(serial) * time.Second) // File systems may keep whole seconds.
		if err := os.Chtimes(name, later, later); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLS(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	dir := t.TempDir()
	c.PlainHTTP = false
	c.TLSCert, c.TLSKey = writeCertificate(t, dir, 1)
	r := serving.Start(t, c)
	serial := func() string {
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		conn, err := d.DialContext(t.Context(), "tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	if got := serial(); got != "1" {
		t.Errorf("serial %s", got)
	}
	writeCertificate(t, dir, 2)
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != "2" {
		t.Errorf("after a renewal: serial %s", got)
	}
	if err := os.WriteFile(c.TLSCert, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(t.Context()); err == nil {
		t.Error("a broken certificate was taken")
	}
	if got := serial(); got != "2" {
		t.Errorf("after a renewal gone wrong: serial %s", got)
	}
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}
	if conn, err := d.DialContext(t.Context(), "tcp", r.Addr()); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 was taken")
	}
	if got := raw(t, r.Addr(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); !strings.Contains(got, "400") {
		t.Errorf("plain HTTP: %q", got)
	}
}

// TestBadCertificates starts with certificates that clients refuse, and renews a good one by each of them.
func TestBadCertificates(t *testing.T) {
	t.Parallel()
	hour := time.Hour
	c := serving.Serve(t)
	c.PlainHTTP = false
	dir := t.TempDir()
	c.TLSCert, c.TLSKey = writeCertificate(t, dir, 1)
	good := serving.Start(t, c)
	_, metrics := serving.Get(t, "http://"+good.PrivateAddr()+"/metrics")
	var expires float64
	for line := range strings.Lines(metrics) {
		_, _ = fmt.Sscanf(line, "cognate_tls_certificate_expiry_timestamp_seconds %g", &expires)
	}
	if left := time.Until(time.Unix(int64(expires), 0)); left <= 0 || left > hour {
		t.Errorf("the metric says that the certificate is good for %v, want an hour", left)
	}
	for i, tt := range []struct {
		name  string
		write func(serial int64)
		want  string
	}{
		{"expired", func(serial int64) {
			writeCertificateFor(t, dir, serial, time.Now().Add(-2*hour), time.Now().Add(-hour))
		}, "expired on"},
		{"not yet valid", func(serial int64) { writeCertificateFor(t, dir, serial, time.Now().Add(hour), time.Now().Add(2*hour)) }, "not valid before"},
		{"another's key", func(serial int64) {
			writeCertificate(t, dir, serial)
			_, key := writeCertificate(t, t.TempDir(), serial+1)
			if err := os.Rename(key, c.TLSKey); err != nil {
				t.Fatal(err)
			}
		}, "does not match"},
	} {
		tt.write(int64(10 * (i + 2)))
		if err := good.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: reload: %v", tt.name, err)
		}
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		conn, err := d.DialContext(t.Context(), "tcp", good.Addr())
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != 1 {
			t.Errorf("%s: it took the place of a good one", tt.name)
		}
		_ = conn.Close()
		fresh := c
		fresh.Data = t.TempDir()
		if s, err := server.Start(t.Context(), fresh); err == nil {
			_ = s.Close()
			t.Errorf("%s: a server started with it", tt.name)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: start: %v", tt.name, err)
		}
		_, out, _ := serving.Command(t, nil, "doctor", "--data", c.Data, "--kek-file", c.KEKFile, "--issuer-base", c.IssuerBase,
			"--tls-cert", c.TLSCert, "--tls-key", c.TLSKey)
		if !strings.Contains(out, "FAIL") || !strings.Contains(out, tt.want) {
			t.Errorf("%s: doctor says:\n%s", tt.name, out)
		}
	}
}

// TestHealthListener answers health checks, and nothing else, on a listener of their own.
func TestHealthListener(t *testing.T) {
	t.Parallel()
	c := serving.Serve(t)
	c.HealthListen = "127.0.0.1:0"
	r := serving.Start(t, c)
	base := "http://" + r.HealthAddr()
	for path, want := range map[string]int{"/readyz": 200, "/healthz": 200, "/metrics": 404, "/debug/pprof/": 404, "/": 404} {
		if res, _ := serving.Ready(t, base+path); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	patience.Until(t, "the health check succeeds", func() bool {
		code, _, _ := serving.Command(t, nil, "healthcheck", "--private-listen", "off", "--health-listen", r.HealthAddr())
		return code == 0
	})
}
