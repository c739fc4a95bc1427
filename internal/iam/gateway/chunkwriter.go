package gateway

import (
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"strconv"

	"cognate/internal/iam/sigv4"
)

const (
	// signedChunk is the size of the signed chunks that the store gets. Each chunk is in memory
	// before its signature is known.
	signedChunk = 64 << 10
	// plainChunk is the size of the chunks without signatures. Some stores refuse chunks of more
	// than 16 MiB.
	plainChunk = 1 << 20
)

// signatureExtension stands between the size and the signature of a chunk.
const signatureExtension = ";chunk-signature="

// chunkHead is the room for the line before a chunk.
const chunkHead = 16 + len(signatureExtension) + 64 + 2

// encodedLength returns the length of n bytes in chunks of a size. Extension is the length of
// what stands between the size and the end of a chunk's line.
func encodedLength(n, size int64, extension int) int64 {
	chunk := func(size int64) int64 {
		return int64(len(strconv.FormatInt(size, 16))+extension+len("\r\n")) + size + int64(len("\r\n"))
	}
	total := n/size*chunk(size) + chunk(0)
	if rest := n % size; rest > 0 {
		total += chunk(rest)
	}
	return total
}

// A chunkSigner encodes a body in signed chunks (aws-chunked). The length of the result is known
// from the start.
type chunkSigner struct {
	body    *sigv4.Body
	chain   func() *sigv4.Chain
	pending []byte // encoded and not read yet
	buffer  []byte
	left    int64
	done    bool
}

// newChunkSigner returns an encoder for a body. The chain is that of the request to the store, which
// is signed before the first read.
func newChunkSigner(body *sigv4.Body, chain func() *sigv4.Chain) *chunkSigner {
	return &chunkSigner{body: body, chain: chain, left: body.Length(), buffer: make([]byte, chunkHead+signedChunk+256)}
}

func (c *chunkSigner) length() int64 {
	return encodedLength(c.body.Length(), signedChunk, len(signatureExtension)+64)
}

func (c *chunkSigner) Read(p []byte) (int, error) {
	if len(c.pending) == 0 {
		if c.done {
			return 0, io.EOF
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// fill encodes the next chunk, and the end after the last one.
func (c *chunkSigner) fill() error {
	size := int(min(c.left, signedChunk))
	data := c.buffer[chunkHead : chunkHead+size]
	if _, err := io.ReadFull(c.body, data); err != nil {
		return err
	}
	c.left -= int64(size)
	if c.left == 0 {
		// The end of the body has been verified, or the store gets no end.
		if _, err := c.body.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			return err
		}
	}
	var room [chunkHead]byte
	head := c.appendHead(room[:0], data)
	start := chunkHead - len(head)
	copy(c.buffer[start:], head)
	c.pending = append(c.buffer[start:chunkHead+size], "\r\n"...)
	if c.left == 0 {
		c.done = true
		c.pending = append(c.appendHead(c.pending, nil), "\r\n"...)
	}
	return nil
}

// appendHead appends the line before a chunk.
func (c *chunkSigner) appendHead(b, data []byte) []byte {
	b = strconv.AppendInt(b, int64(len(data)), 16)
	b = append(b, signatureExtension...)
	return append(c.chain().AppendNext(b, data), "\r\n"...)
}

// A chunkTrailer encodes a body in chunks without signatures and with a trailing checksum
// (aws-chunked). The length of the result is known from the start. It has no buffer: the data goes
// where the reader wants it.
type chunkTrailer struct {
	body *sigv4.Body
	name string // of the checksum, such as "x-amz-checksum-crc32"
	// sum computes the checksum. It is nil if the client has sent one.
	sum   hash.Hash
	chunk int64  // left of the chunk
	left  int64  // left of the body
	frame []byte // what comes before the next data
	room  [256]byte
}

// newChunkTrailer returns an encoder for a body. The checksum is the client's, or a new one with a
// name if the client has sent none.
func newChunkTrailer(body *sigv4.Body, name string) *chunkTrailer {
	c := &chunkTrailer{body: body, name: body.TrailerName(), left: body.Length()}
	if c.name == "" {
		c.name, c.sum = name, sigv4.NewChecksum(name)
	}
	c.frame = c.appendHead(c.room[:0])
	return c
}

func (c *chunkTrailer) length() int64 {
	sum := base64.StdEncoding.EncodedLen(sigv4.NewChecksum(c.name).Size())
	return encodedLength(c.body.Length(), plainChunk, 0) + int64(len(c.name)+len(":")+sum+len("\r\n"))
}

// Read reads the body at most once after it has data, so that no data waits for a slow client.
func (c *chunkTrailer) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(c.frame) > 0 {
			m := copy(p[n:], c.frame)
			c.frame, n = c.frame[m:], n+m
			continue
		}
		if c.left == 0 {
			break
		}
		want := int(min(int64(len(p)-n), c.chunk))
		m, err := c.body.Read(p[n : n+want])
		if err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		if c.sum != nil {
			c.sum.Write(p[n : n+m])
		}
		c.chunk, c.left, n = c.chunk-int64(m), c.left-int64(m), n+m
		if c.chunk == 0 {
			c.frame = c.appendHead(append(c.room[:0], "\r\n"...))
		}
		if m < want {
			return n, nil
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// appendHead appends the line before the next chunk, or the end. The body was verified when its
// last byte was read, or the store gets no end.
func (c *chunkTrailer) appendHead(b []byte) []byte {
	c.chunk = min(c.left, plainChunk)
	b = append(strconv.AppendInt(b, c.chunk, 16), "\r\n"...)
	if c.chunk > 0 {
		return b
	}
	b = append(append(b, c.name...), ':')
	if c.sum != nil {
		b = base64.StdEncoding.AppendEncode(b, c.sum.Sum(nil))
	} else {
		b = append(b, c.body.Trailer()...)
	}
	return append(b, "\r\n\r\n"...)
}
