package drain

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// TestCloseLosesNoConnection closes a listener while connections wait, of which
// each has sent a request. All are answered.
func TestCloseLosesNoConnection(t *testing.T) {
	t.Parallel()
	inner, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Listener{TCPListener: inner.(*net.TCPListener)}
	clients := make([]net.Conn, 20)
	for i := range clients {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: id.example.com\r\nConnection: close\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		clients[i] = c
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	unanswered := &unansweredConns{conns: map[net.Conn]http.ConnState{}}
	server := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		ConnState: unanswered.changed,
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(l); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve returned %v", err)
		}
	}()
	(&Server{http: server, listener: l, ended: ended, unanswered: unanswered}).Drain(t.Context())
	if err := server.Shutdown(t.Context()); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("Shutdown returned %v", err)
	}
	for _, c := range clients {
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNoContent {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second Close returned %v", err)
	}
}
