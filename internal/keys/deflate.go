package keys

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// Values that travel with a client are compressed before they are sealed, so that they fit into a
// header or a cookie. A value must not hold both a secret and what a stranger chooses, since its
// length would tell of the secret.

// deflaters are used again, because a new one takes much memory.
var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(io.Discard, flate.BestSpeed) // The level is a valid one.
	return w
}}

// Deflate compresses a value (RFC 1951).
func Deflate(value []byte) []byte {
	var b bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&b)
	_, _ = w.Write(value) // A buffer takes everything.
	_ = w.Close()
	return b.Bytes()
}

// ErrInflate means that a compressed value is not valid, or too long.
var ErrInflate = errors.New("keys: not a compressed value, or too long")

// Inflate is the inverse of [Deflate]. It refuses values of more than maxBytes.
func Inflate(body []byte, maxBytes int) ([]byte, error) {
	value, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body)), int64(maxBytes)+1))
	if err != nil || len(value) > maxBytes {
		return nil, ErrInflate
	}
	return value, nil
}
