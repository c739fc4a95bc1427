package drain

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// A Listener loses no connection when it is closed. The kernel completes
// connections before the server accepts them, and resets the waiting ones when a
// listener is closed. A proxy without health checks would lose a request that it has
// sent, and must not send it again. So Close accepts the waiting connections first, and
// Accept returns them before its error.
type Listener struct {
	*net.TCPListener
	mu   sync.Mutex
	left []net.Conn
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	conn, err := l.TCPListener.Accept()
	if err == nil {
		return conn, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.left) == 0 {
		return nil, err
	}
	conn, l.left = l.left[0], l.left[1:]
	return conn, nil
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := acceptWaiting(l.TCPListener)
	err := l.TCPListener.Close()
	for _, f := range waiting {
		conn, err := net.FileConn(f)
		_ = f.Close() // conn has a descriptor of its own
		if err == nil {
			l.left = append(l.left, conn)
		}
	}
	return err
}

// unansweredConns are the connections of a server that have a request under way,
// or have sent none yet. Its changed is the server's ConnState.
type unansweredConns struct {
	mu    sync.Mutex
	conns map[net.Conn]http.ConnState
}

func (u *unansweredConns) changed(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew || state == http.StateActive {
		u.conns[c] = state
	} else {
		delete(u.conns, c)
	}
}

// count returns how many connections have sent nothing, and how many have a
// request.
func (u *unansweredConns) count() (silent, active int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, state := range u.conns {
		if state == http.StateNew {
			silent++
		} else {
			active++
		}
	}
	return silent, active
}

// silentTime is how long a stopping server waits for the first request of a
// connection. Browsers open some that they never use.
const silentTime = time.Second

// A Server loses no request when it is stopped.
type Server struct {
	http       *http.Server
	listener   net.Listener
	ended      <-chan struct{} // It serves no more.
	unanswered *unansweredConns
}

// Serve serves until Drain is called. serve starts h on l, and returns a channel that is closed when
// h serves no more.
func Serve(h *http.Server, l net.Listener, serve func() <-chan struct{}) *Server {
	d := &Server{http: h, listener: l, unanswered: &unansweredConns{conns: map[net.Conn]http.ConnState{}}}
	h.ConnState = d.unanswered.changed
	d.ended = serve()
	return d
}

// HTTP returns the server of d, or nil if d is nil.
func (d *Server) HTTP() *http.Server {
	if d == nil {
		return nil
	}
	return d.http
}

// Drain takes no more connections, answers the requests of the open ones, and closes
// idle ones. http.Server.Shutdown drops a request whose header is read after its call,
// so it may be called only after Drain.
func (d *Server) Drain(ctx context.Context) {
	_ = d.listener.Close()
	select {
	case <-d.ended: // Serve has taken the last connection.
	case <-ctx.Done():
		return
	}
	d.http.SetKeepAlivesEnabled(false)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	silence := time.NewTimer(silentTime)
	defer silence.Stop()
	for patient := true; ; {
		if silent, active := d.unanswered.count(); active == 0 && (silent == 0 || !patient) {
			return
		}
		select {
		case <-tick.C:
		case <-silence.C:
			patient = false
		case <-ctx.Done():
			return
		}
	}
}
