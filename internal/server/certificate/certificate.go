// Package certificate holds the TLS certificate of a listener, and reads it again when its files
// change. It reads no clock.
package certificate

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// A Certificate is the main listener's certificate. It is read again when its files
// change. If the new certificate cannot be used, the old one stays: a failed renewal
// must not stop the service before the old certificate expires.
type Certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu       sync.RWMutex
	current  *tls.Certificate
	modified [2]time.Time
}

// New reads a certificate. It returns an error if the certificate cannot be used.
func New(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, now: now, log: log}
	return c, c.load()
}

// Read reads a certificate and its key. It rejects a key that belongs to
// another certificate, and a certificate that has expired or is not valid yet. It does
// not check the issuer and the names.
func Read(certFile, keyFile string, now time.Time) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	switch leaf := pair.Leaf; {
	case now.After(leaf.NotAfter):
		return nil, fmt.Errorf("%s expired on %s", certFile, leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return nil, fmt.Errorf("%s is not valid before %s", certFile, leaf.NotBefore.UTC().Format(time.RFC3339))
	}
	return &pair, nil
}

func (c *Certificate) load() error {
	modified, err := c.times()
	if err != nil {
		return err
	}
	pair, err := Read(c.certFile, c.keyFile, c.now())
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current, c.modified = pair, modified
	return nil
}

func (c *Certificate) times() (t [2]time.Time, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return t, fmt.Errorf("TLS certificate: %w", err)
		}
		t[i] = info.ModTime()
	}
	return t, nil
}

// Refresh loads the files if they have changed since they were loaded.
func (c *Certificate) Refresh(context.Context) error {
	now, err := c.times()
	if err != nil {
		return err
	}
	c.mu.RLock()
	same := now == c.modified
	c.mu.RUnlock()
	if same {
		return nil
	}
	if err := c.load(); err != nil {
		return err
	}
	c.log.Info("TLS certificate loaded again", slog.Time("expires", c.Expires()))
	return nil
}

// Expires returns when the certificate expires.
func (c *Certificate) Expires() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.current == nil || c.current.Leaf == nil {
		return time.Time{}
	}
	return c.current.Leaf.NotAfter
}

// Config returns a configuration of TLS with the certificate.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.mu.RLock()
			defer c.mu.RUnlock()
			return c.current, nil
		},
	}
}
