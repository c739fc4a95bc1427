// Package proxies runs the proxies of docs/examples before two servers on this machine, by exactly those files: only
// addresses, files' names and rates are others. It runs Apache as a relying party, too. A proxy ends with Close.
package proxies

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"cognate/test/patience"
)

// Node is a server: the addresses of its main listener and of its health checks.
type Node struct{ Main, Health string }

// Proxy is a running proxy.
type Proxy struct {
	URL   string         // https://127.0.0.1:port
	Roots *x509.CertPool // trusts its certificate
	Env   []string       // more of the program's environment

	cmd   *exec.Cmd
	ended chan struct{}
	out   output
}

// output is what a program prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// Output returns what the proxy has printed.
func (p *Proxy) Output() string {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	return p.out.b.String()
}

// HAProxy starts HAProxy by docs/examples/haproxy.cfg. Examples is that folder, dir an empty one for files of its own.
func HAProxy(ctx context.Context, examples, dir string, nodes [2]Node) (*Proxy, error) {
	p, port, err := prepare(ctx, dir)
	if err != nil {
		return nil, err
	}
	checked := func(n Node) string {
		_, health, _ := net.SplitHostPort(n.Health)
		return n.Main + " port " + health
	}
	err = example(examples, dir, "haproxy.cfg", map[string]string{
		"0.0.0.0:443": "127.0.0.1:" + port, "/etc/haproxy/cognate.pem": filepath.Join(dir, "both.pem"), "gt 200": "gt 1000000",
		"10.0.0.5:9229 port 9231": checked(nodes[0]), "10.0.0.6:9229 port 9231": checked(nodes[1]),
	})
	if err != nil {
		return nil, err
	}
	return p, p.Run(ctx, port, "haproxy", "-db", "-f", filepath.Join(dir, "haproxy.cfg"))
}

// Nginx starts nginx by docs/examples/nginx.conf.
func Nginx(ctx context.Context, examples, dir string, nodes [2]Node) (*Proxy, error) {
	return nginx(ctx, examples, dir, "nginx.conf", map[string]string{
		"rate=20r/s": "rate=10000r/s", "server 10.0.0.5:9229": "server " + nodes[0].Main, "server 10.0.0.6:9229": "server " + nodes[1].Main,
	})
}

// NginxGateway starts nginx by docs/examples/nginx-gateway.conf before the gateway of a server. Its certificate is cert.pem in
// dir.
func NginxGateway(ctx context.Context, examples, dir, gateway string) (*Proxy, error) {
	return nginx(ctx, examples, dir, "nginx-gateway.conf", map[string]string{
		"10.0.0.5:9232 max_fails": gateway + " max_fails", "    server 10.0.0.6:9232 max_fails=1 fail_timeout=5s;\n": "", "server_name s3.example.com *.s3.example.com": "server_name _",
	})
}

// nginx starts nginx by a file of docs/examples with other values.
func nginx(ctx context.Context, examples, dir, name string, values map[string]string) (*Proxy, error) {
	p, port, err := prepare(ctx, dir)
	if err != nil {
		return nil, err
	}
	values["listen 0.0.0.0:443"] = "listen 127.0.0.1:" + port
	values["/etc/nginx/cognate.pem"], values["/etc/nginx/cognate.key"] = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if err := example(examples, dir, name, values); err != nil {
		return nil, err
	}
	// What the distribution's nginx.conf has around a file of conf.d.
	var b strings.Builder
	if os.Getuid() == 0 {
		b.WriteString("user root;\n")
	}
	fmt.Fprintf(&b, "worker_processes 1;\npid %s;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n", filepath.Join(dir, "pid"))
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	fmt.Fprintf(&b, "include %s;\n}\n", filepath.Join(dir, name))
	whole := filepath.Join(dir, "whole.conf")
	if err := os.WriteFile(whole, []byte(b.String()), 0o600); err != nil {
		return nil, err
	}
	return p, p.Run(ctx, port, "nginx", "-p", dir, "-e", "stderr", "-g", "daemon off;", "-c", whole)
}

// prepare makes a certificate in dir and finds a free port.
func prepare(ctx context.Context, dir string) (p *Proxy, port string, err error) {
	port, err = FreePort(ctx)
	if err != nil {
		return nil, "", err
	}
	p = &Proxy{URL: "https://127.0.0.1:" + port, Roots: x509.NewCertPool()}
	return p, port, p.certificate(dir)
}

// FreePort returns a port of this machine that no program listens on. The caller's program takes it later, so it is below
// the range from which the system chooses ports by itself (32768 and more on Linux, 49152 and more elsewhere): a listener on
// port 0 never gets it in between.
func FreePort(ctx context.Context) (string, error) {
	const first, end, tries = 20000, 32768, 100
	var busy error
	for range tries {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(first+mathrand.IntN(end-first))))
		if err != nil {
			busy = err
			continue
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		return port, errors.Join(err, l.Close())
	}
	return "", fmt.Errorf("proxies: no free port in %d tries: %w", tries, busy)
}

func (p *Proxy) certificate(dir string) error {
	cert, key, err := Certificate()
	if err != nil {
		return err
	}
	p.Roots.AppendCertsFromPEM(cert)
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "cert.pem"), cert, 0o600), os.WriteFile(filepath.Join(dir, "key.pem"), key, 0o600),
		os.WriteFile(filepath.Join(dir, "both.pem"), append(cert, key...), 0o600))
}

// Certificate returns a certificate of this machine's addresses and names, with its key, both as PEM.
func Certificate() (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost", "*.s3.localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), err
}

// example copies a file of docs/examples with values of this machine in the place of its own.
func example(examples, dir, name string, values map[string]string) error {
	text, err := os.ReadFile(filepath.Join(examples, name))
	if err != nil {
		return err
	}
	s := string(text)
	for from, to := range values {
		if !strings.Contains(s, from) {
			return fmt.Errorf("docs/examples/%s does not say %q", name, from)
		}
		s = strings.ReplaceAll(s, from, to)
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(s), 0o600)
}

// Run starts the program and returns when it listens.
func (p *Proxy) Run(ctx context.Context, port, name string, args ...string) error {
	path, err := exec.LookPath(name)
	if err != nil { // Debian keeps them where only root's PATH leads.
		if path, err = exec.LookPath(filepath.Join("/usr/sbin", name)); err != nil {
			return fmt.Errorf("%s is not installed: make deps installs it", name)
		}
	}
	p.cmd = exec.Command(path, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.Env = append(os.Environ(), p.Env...)
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.ended = make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // Its status is our signal.
		close(p.ended)
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience.Limit)
	for {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port); err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("%s ended:\n%s", name, p.Output())
		case <-late:
			return errors.Join(fmt.Errorf("%s does not listen:\n%s", name, p.Output()), p.Close())
		}
	}
}

// Close ends the proxy.
func (p *Proxy) Close() error {
	if p.ended == nil {
		return nil
	}
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.ended
	return err
}
