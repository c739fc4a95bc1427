package sink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// facility is "log audit", and severity is "informational" (RFC 5424 §6.2.1).
	facility = 13
	severity = 6
	// maxDatagram is the longest message by UDP: the payload of an IPv4 datagram.
	maxDatagram = 65_507
)

// A syslog takes each record as a message (RFC 5424). By TCP and TLS, messages are framed by
// their length (RFC 6587 §3.4.1, RFC 5425). The protocol has no acknowledgement: what the
// operating system has taken counts as sent.
type syslog struct {
	network, address string
	priority         int
	host             string
	tls              *tls.Config
	conn             net.Conn
	// gone is closed when the receiver has closed the connection. A write would not notice
	// that at once, and its records would be lost.
	gone chan struct{}
}

// openSyslog reads syslog+tcp://HOST:PORT?facility=13 and its kin.
func openSyslog(_ context.Context, u *url.URL, _ Options) (Sink, error) {
	number, err := number(u, "facility", facility, 0, 23)
	if err != nil {
		return nil, err
	}
	s := &syslog{network: strings.TrimPrefix(u.Scheme, "syslog+"), address: u.Host, priority: number*8 + severity}
	if s.host, err = os.Hostname(); err != nil || s.host == "" {
		s.host = "-"
	}
	if s.network == "unix" {
		if u.Host != "" || u.Path == "" {
			return nil, errors.New("the address must be syslog+unix:///PATH")
		}
		s.network, s.address = "unixgram", u.Path
		return s, nil
	}
	host, port, err := net.SplitHostPort(u.Host)
	if err != nil || host == "" || port == "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the address must be %s://HOST:PORT", u.Scheme)
	}
	if s.network == "tls" {
		s.network, s.tls = "tcp", &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
		if name := u.Query().Get("ca"); name != "" {
			pem, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			s.tls.RootCAs = x509.NewCertPool()
			if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
				return nil, errors.New("the file of ca has no certificate")
			}
		}
	}
	return s, nil
}

// Batch implements Sink.
func (s *syslog) Batch() Batch { return Batch{Records: 500, Bytes: 1 << 20} }

// Send implements Sink.
func (s *syslog) Send(ctx context.Context, records []Record) error {
	select {
	case <-s.gone:
		_ = s.Close()
	default:
	}
	if s.conn == nil {
		conn, err := s.dial(ctx)
		if err != nil {
			return err
		}
		s.conn, s.gone = conn, make(chan struct{})
		go watch(conn, s.gone)
	}
	end, _ := ctx.Deadline()
	_ = s.conn.SetWriteDeadline(end)
	conn := s.conn
	stop := context.AfterFunc(ctx, func() { _ = conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	err := s.write(records)
	if err != nil {
		_ = s.Close()
	}
	return err
}

// watch reads until the receiver closes the connection, or Close does. Receivers send nothing
// that matters.
func watch(conn net.Conn, gone chan<- struct{}) {
	defer close(gone)
	_, _ = io.Copy(io.Discard, conn)
}

func (s *syslog) dial(ctx context.Context) (net.Conn, error) {
	if s.tls != nil {
		return (&tls.Dialer{Config: s.tls}).DialContext(ctx, s.network, s.address)
	}
	return (&net.Dialer{}).DialContext(ctx, s.network, s.address)
}

// write sends each message: datagrams one by one, a stream's in one write.
func (s *syslog) write(records []Record) error {
	var stream []byte
	for _, r := range records {
		message := s.message(r)
		if s.network == "tcp" {
			stream = append(strconv.AppendInt(stream, int64(len(message)), 10), ' ')
			stream = append(stream, message...)
			continue
		}
		if len(message) > maxDatagram {
			message = message[:maxDatagram] // RFC 5424 §6.1: a receiver may do the same.
		}
		if _, err := s.conn.Write(message); err != nil {
			return err
		}
	}
	if len(stream) == 0 {
		return nil
	}
	_, err := s.conn.Write(stream)
	return err
}

func (s *syslog) message(r Record) []byte {
	return fmt.Appendf(nil, "<%d>1 %s %s cognate %d audit - %s", s.priority, r.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"), s.host, os.Getpid(), r.Body)
}

// Close implements Sink.
func (s *syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	<-s.gone
	s.conn, s.gone = nil, nil
	return err
}
