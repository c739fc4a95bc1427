package development

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The files of the authority in the data folder.
const (
	authorityFile = "tls-authority.pem"
	authorityKey  = "tls-authority.key"
)

// An authority lives for ten years, and is replaced in its last year. A certificate lives
// as long as browsers accept (CA/Browser Forum: 398 days).
const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	authorityLast   = 365 * 24 * time.Hour
	certificateLife = 397 * 24 * time.Hour
)

// loopback are the addresses of this machine.
var loopback = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}

// Certificate returns a certificate for localhost, the domains of pools below
// auth.localhost, this machine's loopback addresses, and the names. An authority in the
// folder signs it, which is made at the first call; file is its certificate, which clients
// must trust. The authority can sign for these names alone (RFC 5280 §4.2.1.10), so that a
// stolen key is of little use. If it cannot sign for a name, it is made again.
func Certificate(folder string, names []string, now time.Time) (_ *tls.Certificate, file string, err error) {
	names = append([]string{"localhost"}, names...)
	file = filepath.Join(folder, authorityFile)
	authority, key, err := readAuthority(folder)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !serves(authority, names, now) {
		authority, key, err = makeAuthority(folder, names, now)
	}
	if err != nil {
		return nil, "", fmt.Errorf("TLS authority: %w", err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	leaf := &x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, DNSNames: slices.Concat(names, []string{"*.auth.localhost"}), IPAddresses: loopback,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := sign(leaf, authority, own.Public(), key)
	if err != nil {
		return nil, "", err
	}
	return &tls.Certificate{Certificate: [][]byte{der, authority.Raw}, PrivateKey: own}, file, nil
}

// serves reports whether the authority can sign for the names for another year.
func serves(authority *x509.Certificate, names []string, now time.Time) bool {
	for _, name := range names {
		if !slices.Contains(authority.PermittedDNSDomains, name) {
			return false
		}
	}
	return now.After(authority.NotBefore) && now.Before(authority.NotAfter.Add(-authorityLast))
}

func readAuthority(folder string) (*x509.Certificate, crypto.Signer, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, authorityFile), filepath.Join(folder, authorityKey))
	if err != nil {
		return nil, nil, err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, nil, fmt.Errorf("%s is not an authority", filepath.Join(folder, authorityFile))
	}
	return pair.Leaf, key, nil
}

func makeAuthority(folder string, names []string, now time.Time) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, nil, err
	}
	authority := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Cognate development authority on " + host},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife), KeyUsage: x509.KeyUsageCertSign,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: names,
		PermittedIPRanges: []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)}},
	}
	der, err := sign(authority, authority, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, nil, err
	}
	// A stop in between leaves no certificate, and so no authority.
	if err := os.Remove(filepath.Join(folder, authorityFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if err := replaceFile(filepath.Join(folder, authorityKey), "PRIVATE KEY", secret, 0o600); err != nil {
		return nil, nil, err
	}
	if err := replaceFile(filepath.Join(folder, authorityFile), "CERTIFICATE", der, 0o644); err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParseCertificate(der)
	return parsed, key, err
}

func sign(certificate, authority *x509.Certificate, public crypto.PublicKey, key crypto.Signer) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	certificate.SerialNumber = serial
	return x509.CreateCertificate(rand.Reader, certificate, authority, public, key)
}

// replaceFile writes a PEM file in one step.
func replaceFile(name, kind string, der []byte, mode os.FileMode) error {
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".tls-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
