package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// NewTransport returns a transport for a Backend. It never decompresses answers: the
// caller gets the store's bytes.
func NewTransport() *http.Transport {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	return &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &backendConn{conn}, nil
		},
		DisableCompression:    true,
		MaxIdleConnsPerHost:   128,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 5 * time.Minute,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
	}
}

// A backendConn is a connection to a backend. The copy of a body to a connection of package net
// allocates a small buffer for each request.
type backendConn struct{ net.Conn }

// ReadFrom implements io.ReaderFrom.
func (c *backendConn) ReadFrom(r io.Reader) (int64, error) {
	return copyBody(c.Conn, r, uploadBuffers)
}

// Buffers for bodies. That of answers is smaller: a client must take a whole buffer in the time in
// which it must make progress.
var (
	uploadBuffers   = newBuffers(256 << 10)
	downloadBuffers = newBuffers(128 << 10)
)

func newBuffers(size int) *sync.Pool {
	return &sync.Pool{New: func() any {
		b := make([]byte, size)
		return &b
	}}
}

// copyBody copies a body by a buffer of the pool. It hides the ReadFrom of the writer, which would
// have a small buffer of its own.
func copyBody(w io.Writer, r io.Reader, pool *sync.Pool) (int64, error) {
	buffer := pool.Get().(*[]byte)
	defer pool.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{w}, r, *buffer)
}
