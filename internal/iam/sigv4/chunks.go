package sigv4

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
)

const (
	// chunkBuffer is the memory of a reader of chunks. It bounds the length of a line.
	chunkBuffer = 32 << 10
	// maxChunkLine is the longest line of a chunk's size or of the trailer.
	maxChunkLine = 512
	// minSignedChunk is the smallest signed chunk that is not the last (S3: "Signature
	// Calculations for the Authorization Header: Transferring Payload in Multiple Chunks").
	minSignedChunk = 8 << 10
	// maxTrailerLines bounds the trailer: the checksum, the signature and empty lines.
	maxTrailerLines = 6
)

// emptyHash is the SHA-256 of no data.
var emptyHash = sha256.Sum256(nil)

// chunks decodes the aws-chunked encoding and verifies its signatures and checksum.
type chunks struct {
	body *bufio.Reader
	mode payloadMode
	left int64 // of the chunk
	size int64 // of the chunk

	// total is the declared length of the data; seen is the sum of the sizes of chunks.
	total, seen int64

	signature *Signature
	key       [sha256.Size]byte
	previous  [sha256.Size]byte // the signature of the previous chunk
	claimed   [sha256.Size]byte // the signature of this chunk
	data      hash.Hash         // of this chunk, nil without signatures

	trailer  string    // the announced name
	sum      hash.Hash // of the whole body, nil without a trailer
	checksum string    // as sent
}

func newChunks(p *payload, s *Signature, key [sha256.Size]byte, body io.Reader) *chunks {
	c := &chunks{
		body: bufio.NewReaderSize(body, chunkBuffer), mode: p.mode, total: p.length,
		signature: s, key: key, previous: s.mac, trailer: p.trailer,
	}
	if p.mode.signed() {
		c.data = sha256.New()
	}
	if p.trailer != "" {
		c.sum = checksums[p.trailer]()
	}
	return c
}

// Read returns data of the current chunk, or of the next one. It is not called after
// total bytes.
func (c *chunks) Read(p []byte) (int, error) {
	if c.left == 0 {
		if err := c.startChunk(); err != nil {
			return 0, err
		}
		if c.size == 0 {
			return 0, bodyFault(Truncated, "The request body has fewer bytes than x-amz-decoded-content-length says.")
		}
	}
	n, err := c.body.Read(p[:min(int64(len(p)), c.left)])
	if c.data != nil {
		c.data.Write(p[:n])
	}
	if c.sum != nil {
		c.sum.Write(p[:n])
	}
	if c.left -= int64(n); c.left == 0 && n > 0 {
		return n, c.endChunk()
	}
	if errors.Is(err, io.EOF) {
		err = truncated()
	}
	return n, err
}

// startChunk reads the line before a chunk.
func (c *chunks) startChunk() error {
	line, err := c.line()
	if err != nil {
		return readError(err)
	}
	digits, extension, extended := bytes.Cut(line, []byte(";"))
	size, ok := parseChunkSize(digits)
	if !ok {
		return badChunk()
	}
	if c.data != nil {
		mac, found := bytes.CutPrefix(extension, []byte("chunk-signature="))
		if !found || !decodeMAC(&c.claimed, string(mac)) {
			return badChunk()
		}
		c.data.Reset()
	} else if extended {
		return badChunk()
	}
	if size > c.total-c.seen {
		return bodyFault(Truncated, "The request body has more bytes than x-amz-decoded-content-length says.")
	}
	c.seen += size
	if c.data != nil && size > 0 && size < minSignedChunk && c.seen < c.total {
		return bodyFault(SmallChunk, "Only the last chunk is allowed to have a size less than 8192 bytes")
	}
	c.left, c.size = size, size
	if size == 0 {
		return c.verifyChunk()
	}
	return nil
}

func badChunk() error {
	return bodyFault(BadChunk, "The request body is not in the aws-chunked encoding.")
}

// parseChunkSize reads up to 15 hexadecimal digits. Signs and blanks are not digits.
func parseChunkSize(digits []byte) (int64, bool) {
	if len(digits) == 0 || len(digits) > 15 {
		return 0, false
	}
	for _, d := range digits {
		if unhex(d) < 0 {
			return 0, false
		}
	}
	size, err := strconv.ParseInt(string(digits), 16, 64)
	return size, err == nil
}

// endChunk reads the line end after the data of a chunk.
func (c *chunks) endChunk() error {
	var end [2]byte
	if _, err := io.ReadFull(c.body, end[:]); err != nil {
		return readError(err)
	}
	if string(end[:]) != "\r\n" {
		return badChunk()
	}
	return c.verifyChunk()
}

// verifyChunk compares the signature of the chunk that was read.
func (c *chunks) verifyChunk() error {
	if c.data == nil {
		return nil
	}
	var sum [sha256.Size]byte
	return c.compare(c.signature.chunkToSign(c.previous, c.data.Sum(sum[:0])))
}

// chunkToSign returns the string to sign of a chunk with a hash.
func (s *Signature) chunkToSign(previous [sha256.Size]byte, hash []byte) []byte {
	b := s.appendPreamble(make([]byte, 0, 384), algorithm+"-PAYLOAD")
	b = append(hex.AppendEncode(b, previous[:]), '\n')
	b = append(hex.AppendEncode(b, emptyHash[:]), '\n')
	return hex.AppendEncode(b, hash)
}

func (c *chunks) compare(stringToSign []byte) error {
	want := sign(c.key, stringToSign)
	if !hmac.Equal(want[:], c.claimed[:]) {
		return bodyFault(ChunkMismatch, mismatch)
	}
	c.previous = want
	return nil
}

// finish reads the last chunk, which is empty, and the trailer.
func (c *chunks) finish() error {
	if err := c.startChunk(); err != nil {
		return err
	}
	if c.size != 0 {
		return badChunk()
	}
	if !c.mode.trailer() {
		// The last chunk has a line end, too. Some clients leave it out.
		switch line, err := c.line(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(line) > 0:
			return badChunk()
		}
		return expectEnd(c.body)
	}
	if err := c.readTrailer(); err != nil {
		return err
	}
	return expectEnd(c.body)
}

// readTrailer reads lines to the empty line or to the end of the body.
func (c *chunks) readTrailer() error {
	signed := false
	for range maxTrailerLines {
		line, err := c.line()
		if errors.Is(err, io.EOF) || err == nil && len(line) == 0 && (signed || !c.mode.signed()) {
			return c.checkTrailer(signed)
		}
		if err != nil {
			return err
		}
		if len(line) == 0 {
			continue // AWS's documentation has an empty line before the signature.
		}
		name, value, ok := strings.Cut(string(line), ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case ok && name == "x-amz-trailer-signature" && c.mode.signed() && !signed:
			if !decodeMAC(&c.claimed, value) {
				return bodyFault(ChunkMismatch, mismatch)
			}
			signed = true
		case ok && name == c.trailer && c.checksum == "" && value != "" && !signed:
			c.checksum = value
		default:
			return badTrailer()
		}
	}
	return badTrailer()
}

func badTrailer() error {
	return bodyFault(BadTrailer, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
}

// checkTrailer verifies the signature of the trailer and the checksum.
func (c *chunks) checkTrailer(signed bool) error {
	if c.mode.signed() {
		if !signed {
			return bodyFault(ChunkMismatch, mismatch)
		}
		trailer := ""
		if c.checksum != "" {
			trailer = c.trailer + ":" + c.checksum + "\n"
		}
		sum := sha256.Sum256([]byte(trailer))
		b := c.signature.appendPreamble(make([]byte, 0, 384), algorithm+"-TRAILER")
		b = append(hex.AppendEncode(b, c.previous[:]), '\n')
		if err := c.compare(hex.AppendEncode(b, sum[:])); err != nil {
			return err
		}
	}
	switch {
	case c.trailer == "":
		return nil
	case c.checksum == "":
		return badTrailer()
	}
	if want := base64.StdEncoding.EncodeToString(c.sum.Sum(nil)); want != c.checksum {
		name := strings.ToUpper(strings.TrimPrefix(c.trailer, "x-amz-checksum-"))
		return bodyFault(ChecksumMismatch, "The "+name+" you specified did not match the calculated checksum.")
	}
	return nil
}

// line reads a line without its end. A line may end with LF alone. The error is io.EOF
// only where the body ends before the line.
func (c *chunks) line() ([]byte, error) {
	line, err := c.body.ReadSlice('\n')
	switch {
	case err == nil && len(line) <= maxChunkLine:
		return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
	case err == nil, errors.Is(err, bufio.ErrBufferFull), errors.Is(err, io.EOF) && len(line) > 0:
		return nil, badChunk()
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	}
	return nil, readError(err)
}

func readError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return truncated()
	}
	return err
}
