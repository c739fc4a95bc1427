package gateway

import (
	"encoding/base64"
	"errors"
	"io"
	"strconv"

	"cognate/internal/iam/sigv4"
)

// chunkSize is the size of the chunks that the store gets.
const chunkSize = 64 << 10

// signatureExtension stands between the size and the signature of a chunk.
const signatureExtension = ";chunk-signature="

// chunkHead is the room for the line before a chunk.
const chunkHead = 16 + len(signatureExtension) + 64 + 2

// A chunkWriter encodes a body in the aws-chunked encoding: with signed chunks, or with a
// trailing checksum. The length of the result is known from the start.
type chunkWriter struct {
	body    *sigv4.Body
	trailer string // the name of the checksum, or ""
	// sign returns the signature of a chunk. It is nil if there is a trailer.
	sign    func(data []byte) string
	pending []byte // encoded and not read yet
	buffer  []byte
	left    int64
	done    bool
}

func newChunkWriter(body *sigv4.Body, trailer string) *chunkWriter {
	return &chunkWriter{body: body, trailer: trailer, left: body.Length(), buffer: make([]byte, chunkHead+chunkSize+256)}
}

// length returns the length of the encoded body.
func (c *chunkWriter) length() int64 {
	extension := 0
	if c.trailer == "" {
		extension = len(signatureExtension) + 64
	}
	encoded := func(size int64) int64 {
		return int64(len(strconv.FormatInt(size, 16))+extension+2) + size + 2
	}
	n := c.body.Length()
	total := n / chunkSize * encoded(chunkSize)
	if rest := n % chunkSize; rest > 0 {
		total += encoded(rest)
	}
	total += encoded(0)
	if c.trailer != "" {
		sum := base64.StdEncoding.EncodedLen(sigv4.NewChecksum(c.trailer).Size())
		total += int64(len(c.trailer) + len(":") + sum + len("\r\n"))
	}
	return total
}

func (c *chunkWriter) Read(p []byte) (int, error) {
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
func (c *chunkWriter) fill() error {
	size := int(min(c.left, chunkSize))
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
	head := c.head(data)
	start := chunkHead - len(head)
	copy(c.buffer[start:], head)
	c.pending = append(c.buffer[start:chunkHead+size], "\r\n"...)
	if c.left > 0 {
		return nil
	}
	c.done = true
	c.pending = append(c.pending, c.head(nil)...)
	if c.trailer != "" {
		c.pending = append(c.pending, c.trailer+":"+c.body.Trailer()+"\r\n"...)
	}
	c.pending = append(c.pending, "\r\n"...)
	return nil
}

// head returns the line before a chunk.
func (c *chunkWriter) head(data []byte) string {
	line := strconv.FormatInt(int64(len(data)), 16)
	if c.sign != nil {
		line += signatureExtension + c.sign(data)
	}
	return line + "\r\n"
}
