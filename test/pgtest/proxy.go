package pgtest

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Proxy puts a stretch of network before a database, and returns the URL of the
// database behind it. Before each piece that a client sends goes on to the
// server, before is called with it, which may hold it back.
func Proxy(t testing.TB, databaseURL string, before func(piece []byte)) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	const socket = ".s.PGSQL.5432"
	server := filepath.Join(q.Get("host"), socket)
	dir, err := os.MkdirTemp("", "pgproxy") //nolint:usetesting // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{server: server, before: before}
	p.running.Go(func() { p.accept(l) })
	t.Cleanup(func() {
		_ = l.Close()
		p.end()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	q.Set("host", dir)
	u.RawQuery = q.Encode()
	return u.String()
}

type proxy struct {
	server  string
	before  func([]byte)
	running sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
	ended bool
}

func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		if p.ended {
			_, _ = client.Close(), server.Close()
		}
		p.mu.Unlock()
		hangUp := sync.OnceFunc(func() { _, _ = client.Close(), server.Close() })
		p.running.Go(func() {
			defer hangUp()
			p.forward(server, client)
		})
		p.running.Go(func() {
			defer hangUp()
			_, _ = io.Copy(client, server)
		})
	}
}

func (p *proxy) forward(server, client net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		k, err := client.Read(buf)
		if k > 0 {
			p.before(buf[:k])
			if _, err := server.Write(buf[:k]); err != nil {
				return
			}
		}
		if err != nil && !errors.Is(err, io.ErrNoProgress) {
			return
		}
	}
}

// end cuts the connections and waits until all is quiet.
func (p *proxy) end() {
	p.mu.Lock()
	p.ended = true
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}
