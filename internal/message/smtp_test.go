package message_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"cognate/internal/message"
	"cognate/test/patience"
)

// mailServer is a submission server on loopback that wants STARTTLS, then
// authentication.
type mailServer struct {
	addr     string
	roots    *x509.CertPool
	received chan string // whole messages
	refuse   func(to string) error
}

func startMailServer(t *testing.T) *mailServer {
	t.Helper()
	cert, roots := selfSigned(t)
	m := &mailServer{roots: roots, received: make(chan string, 10)}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{server: m, conn: c}, nil
	}))
	srv.Domain = "mail.example.com"
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	srv.ErrorLog = discard{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.addr = ln.Addr().String()
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return m
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	authed bool
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if _, isTLS := s.conn.TLSConnectionState(); !isTLS {
			return errors.New("no TLS")
		}
		if user != "cognate" || password != "p@ss:word" {
			return smtp.ErrAuthFailed
		}
		s.authed = true
		return nil
	}), nil
}

func (s *mailSession) Mail(string, *smtp.MailOptions) error {
	if !s.authed {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.refuse != nil {
		return s.server.refuse(to)
	}
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	s.server.received <- string(b)
	return err
}
func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func TestSMTP(t *testing.T) {
	t.Parallel()
	trusting := func(m *mailServer) *tls.Config { return &tls.Config{RootCAs: m.roots, ServerName: "127.0.0.1"} }
	tests := []struct {
		name      string
		url       string // ADDR stands for the server
		tls       func(*mailServer) *tls.Config
		refuse    func(string) error
		subject   string
		want      []string // in the message
		not       []string
		permanent bool
		temporary bool
	}{
		{
			name: "ok/STARTTLS and authentication", url: "smtp://cognate:p%40ss%3Aword@ADDR", tls: trusting,
			subject: "Your verification code",
			want: []string{
				"Subject: Your verification code\r\n", "To: <alice@example.com>", "From: <no-reply@example.com>",
				"Auto-Submitted: auto-generated", "text/plain", "text/html", "Your code is 123456 & more", "<b>123456</b>",
			},
		},
		{
			name: "ok/a line break in the subject starts no header", url: "smtp://cognate:p%40ss%3Aword@ADDR", tls: trusting,
			subject: "Hello\r\nBcc: mallory@example.com",
			not:     []string{"\nBcc:"},
		},
		{name: "fail/wrong password is kept for a retry", url: "smtp://cognate:wrong@ADDR", tls: trusting, temporary: true},
		{name: "fail/unknown certificate", url: "smtp://cognate:p%40ss%3Aword@ADDR", temporary: true},
		{
			name: "fail/refused for good", url: "smtp://cognate:p%40ss%3Aword@ADDR", tls: trusting, permanent: true,
			refuse: func(string) error {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
			},
		},
		{
			name: "fail/refused for now", url: "smtp://cognate:p%40ss%3Aword@ADDR", tls: trusting, temporary: true,
			refuse: func(string) error {
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted"}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startMailServer(t)
			server.refuse = tt.refuse
			var cfg *tls.Config
			if tt.tls != nil {
				cfg = tt.tls(server)
			}
			sender, err := message.ParseSMTP(strings.Replace(tt.url, "ADDR", server.addr, 1), "no-reply@example.com", cfg)
			if err != nil {
				t.Fatal(err)
			}
			err = sender.Send(t.Context(), message.Message{
				ID: "0f8fad5b-d9cb-469f-a165-70867728950e", Medium: message.Email, To: "alice@example.com",
				Subject: tt.subject, Body: "Your code is <b>123456</b> &amp; more", CreatedAt: time.Unix(1_700_000_000, 0),
			})
			if tt.permanent || tt.temporary {
				var permanent message.PermanentError
				if err == nil || errors.As(err, &permanent) != tt.permanent {
					t.Fatalf("error %v, want permanent %v", err, tt.permanent)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := <-server.received
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("message lacks %q:\n%s", w, got)
				}
			}
			for _, n := range tt.not {
				if strings.Contains(got, n) {
					t.Errorf("message has %q:\n%s", n, got)
				}
			}
		})
	}
}

func TestParseSMTPRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, url, from string }{
		{"no host", "smtp://", "a@example.com"},
		{"other scheme", "http://mail.example.com", "a@example.com"},
		{"no sender address", "smtp://mail.example.com", ""},
		{"clear text to another machine", "smtp://mail.example.com?starttls=none", "a@example.com"},
		{"unknown mode", "smtp://mail.example.com?starttls=maybe", "a@example.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := message.ParseSMTP(tt.url, tt.from, nil); err == nil {
				t.Error("accepted")
			}
		})
	}
	_, err := message.ParseSMTP("smtp://user:s3cret%zz@mail.example.com", "a@example.com", nil)
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}

var _ message.Sender = (*message.SMTP)(nil)

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	t.Cleanup(cancel)
	return ctx
}
