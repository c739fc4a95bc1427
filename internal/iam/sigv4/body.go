package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// A Body is the decoded body of a request of Amazon S3. It verifies the body while it is
// read, and returns the last bytes only when all of the body was verified. So a reader
// that copies a Body with its length to a server never completes a wrong body.
type Body struct {
	source  source
	left    int64
	length  int64
	trailer string
	hash    string
	mode    payloadMode
	err     error
}

// A source reads the data of a body. finish checks what is known only at the end.
type source interface {
	io.Reader
	finish() error
}

// Open verifies the signature of a request of Amazon S3 and returns its body, which is
// not read yet. The body may be in chunks.
func (s *Signature) Open(r Request, secret string, body io.Reader) (*Body, error) {
	if !s.isS3() {
		return nil, invalid("Credential should be scoped to correct service: 's3'.").because(BadScope)
	}
	p, err := s.payloadOf(&r)
	if err != nil {
		return nil, err
	}
	if err := s.checkCoverage(r.Header); err != nil {
		return nil, err
	}
	key := signingKey(secret, s.Date, s.Region, s.Service)
	if err := s.verify(&r, p.text, key); err != nil {
		return nil, err
	}
	b := &Body{left: p.length, length: p.length, trailer: p.trailer, mode: p.mode}
	if p.mode == hashedPayload {
		b.hash = p.text
	}
	if p.mode.chunked() {
		b.source = newChunks(p, s, key, body)
	} else {
		b.source = newPlain(p, body)
	}
	return b, nil
}

// Length returns the length of the decoded body.
func (b *Body) Length() int64 { return b.length }

// Hash returns the SHA-256 that the client signed, in hexadecimal digits, or "". Until the
// body was read to its end, the hash is not verified.
func (b *Body) Hash() string { return b.hash }

// Unsigned reports whether the client has not protected the body in any way.
func (b *Body) Unsigned() bool { return b.mode == unsignedPayload }

// TrailerName returns the name of the announced trailing checksum, such as
// "x-amz-checksum-crc32", or "".
func (b *Body) TrailerName() string { return b.trailer }

// Trailer returns the verified trailing checksum after the body was read to its end. It is
// "" if the client sent no trailer.
func (b *Body) Trailer() string {
	if c, ok := b.source.(*chunks); ok && errors.Is(b.err, io.EOF) {
		return c.checksum
	}
	return ""
}

// Read returns decoded data, or a [*BodyError]. It never returns the last bytes of a body
// that fails a check.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n := 0
	if b.left > 0 {
		if len(p) == 0 {
			return 0, nil
		}
		n, b.err = b.source.Read(p[:min(int64(len(p)), b.left)])
		if b.left -= int64(n); b.err != nil && (b.left > 0 || !errors.Is(b.err, io.EOF)) {
			if errors.Is(b.err, io.EOF) {
				b.err = truncated()
			}
			return 0, b.err
		}
	}
	if b.left > 0 {
		return n, nil
	}
	if b.err = b.source.finish(); b.err != nil {
		return 0, b.err
	}
	b.err = io.EOF
	return n, io.EOF
}

func truncated() error {
	return bodyFault(Truncated, "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

// plain is a body that is not in chunks.
type plain struct {
	body io.Reader
	hash hash.Hash // nil if the body is not signed
	want [sha256.Size]byte
}

func newPlain(p *payload, body io.Reader) *plain {
	b := &plain{body: body, want: p.hash}
	if p.mode == hashedPayload {
		b.hash = sha256.New()
	}
	return b
}

func (b *plain) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.hash != nil {
		b.hash.Write(p[:n])
	}
	return n, err
}

func (b *plain) finish() error {
	if err := expectEnd(b.body); err != nil {
		return err
	}
	if b.hash != nil && !hmac.Equal(b.hash.Sum(nil), b.want[:]) {
		return bodyFault(HashMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}

// expectEnd rejects a body that goes on.
func expectEnd(r io.Reader) error {
	var one [1]byte
	n, err := io.ReadFull(r, one[:])
	switch {
	case n > 0:
		return bodyFault(Truncated, "The request body is longer than its length says.")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}
