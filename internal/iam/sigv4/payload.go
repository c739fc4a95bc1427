package sigv4

import (
	"crypto/sha256"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A payloadMode is how a request of Amazon S3 protects its body.
type payloadMode uint8

const (
	// hashedPayload is the mode of a body whose SHA-256 is signed.
	hashedPayload payloadMode = iota
	// unsignedPayload is the mode of a body that nothing protects.
	unsignedPayload
	// signedChunks is the mode of a body in chunks with a signature each.
	signedChunks
	// signedChunksTrailer is the same with a signed trailer.
	signedChunksTrailer
	// unsignedChunksTrailer is the mode of chunks without signatures and a trailer.
	unsignedChunksTrailer
)

// Values of X-Amz-Content-Sha256 that are no hash.
const (
	// UnsignedPayload is the value for a body that is not signed.
	UnsignedPayload = "UNSIGNED-PAYLOAD"
	// UnsignedTrailer is the value for chunks that are not signed, with a trailing checksum.
	UnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	// StreamingPayload is the value for signed chunks.
	StreamingPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
)

var payloadModes = map[string]payloadMode{
	UnsignedPayload:  unsignedPayload,
	StreamingPayload: signedChunks,
	"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": signedChunksTrailer,
	UnsignedTrailer: unsignedChunksTrailer,
}

func (m payloadMode) chunked() bool { return m >= signedChunks }
func (m payloadMode) signed() bool  { return m == signedChunks || m == signedChunksTrailer }
func (m payloadMode) trailer() bool { return m == signedChunksTrailer || m == unsignedChunksTrailer }

// A payload is what the headers of a request say about its body.
type payload struct {
	mode payloadMode
	// text is what the canonical request has in the place of the hash.
	text string
	hash [sha256.Size]byte // of hashedPayload
	// length is the length of the decoded body.
	length int64
	// trailer is the name of the trailing checksum in lower case, or "".
	trailer string
}

// payloadOf reads the headers about a body of Amazon S3.
func (s *Signature) payloadOf(r *Request) (*payload, error) {
	text, err := s.payloadText(r)
	if err != nil {
		return nil, err
	}
	p := &payload{text: text, length: r.ContentLength}
	mode, known := payloadModes[text]
	p.mode = mode
	if !known && !decodeMAC(&p.hash, text) {
		return nil, invalid("x-amz-content-sha256 must be " + UnsignedPayload + ", " + UnsignedTrailer + ", STREAMING-AWS4-HMAC-SHA256-PAYLOAD, " +
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.").because(BadPayloadHash)
	}
	if err := p.checkEncoding(r.Header); err != nil {
		return nil, err
	}
	if p.mode.chunked() {
		if err := p.parseDecodedLength(r.Header); err != nil {
			return nil, err
		}
	}
	if p.length < 0 {
		return nil, bodyFault(NoLength, "You must provide the Content-Length HTTP header.")
	}
	return p, nil
}

// payloadText returns the text that stands for the body in the canonical request.
func (s *Signature) payloadText(r *Request) (string, error) {
	sent := r.Header.Values(paramContentHash)
	if s.Presigned {
		// The query was checked by ParseHTTP: a parameter occurs once.
		if q, err := url.ParseQuery(r.Query); err == nil && q.Has(paramContentHash) {
			sent = append(sent, q.Get(paramContentHash))
		}
		if len(sent) == 0 {
			return UnsignedPayload, nil
		}
	}
	switch len(sent) {
	case 0:
		return "", invalid("Missing required header for this request: x-amz-content-sha256").because(NoPayloadHash)
	case 1:
		return sent[0], nil
	}
	return "", invalid("x-amz-content-sha256 must be sent once.").because(BadPayloadHash)
}

// checkEncoding rejects headers that would let two readers of the request see two bodies.
func (p *payload) checkEncoding(h http.Header) error {
	if !p.mode.chunked() && hasChunkedEncoding(h) {
		return bodyFault(BadHeader, "The aws-chunked content encoding needs a streaming value of x-amz-content-sha256.")
	}
	names := h.Values("X-Amz-Trailer")
	switch {
	case len(names) == 0:
		return nil
	case len(names) > 1 || !p.mode.trailer():
		return bodyFault(BadHeader, "The x-amz-trailer header needs a value of x-amz-content-sha256 that ends with -TRAILER.")
	}
	p.trailer = strings.ToLower(strings.TrimSpace(names[0]))
	if checksums[p.trailer] == nil {
		return bodyFault(BadTrailer, "The value specified in the x-amz-trailer header is not supported")
	}
	return nil
}

// hasChunkedEncoding reports whether the Content-Encoding lists aws-chunked.
func hasChunkedEncoding(h http.Header) bool {
	for _, line := range h.Values("Content-Encoding") {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), "aws-chunked") {
				return true
			}
		}
	}
	return false
}

func (p *payload) parseDecodedLength(h http.Header) error {
	values := h.Values("X-Amz-Decoded-Content-Length")
	if len(values) != 1 {
		return bodyFault(NoLength, "You must provide the x-amz-decoded-content-length HTTP header.")
	}
	n, err := strconv.ParseUint(values[0], 10, 62)
	if err != nil {
		return bodyFault(BadHeader, "The x-amz-decoded-content-length header is not a length.")
	}
	p.length = int64(n)
	return nil
}
