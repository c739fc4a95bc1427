package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

// A Request holds the parts of a request that a signature covers.
type Request struct {
	Method string
	// Path and Query are as in the request line, not decoded.
	Path, Query string
	// Host is the host that the client used, with its port.
	Host string
	// Header is the request's; Go's server keeps Host, Content-Length and Transfer-Encoding elsewhere.
	Header           http.Header
	ContentLength    int64
	TransferEncoding []string
	// BodyHash is the SHA-256 of the body.
	BodyHash [sha256.Size]byte
}

// FromHTTP describes r, whose body is body.
func FromHTTP(r *http.Request, body []byte) Request {
	return Request{
		Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Host: r.Host,
		Header: r.Header, ContentLength: r.ContentLength, TransferEncoding: r.TransferEncoding,
		BodyHash: sha256.Sum256(body),
	}
}

// CheckService refuses signatures made for another service.
func (s *Signature) CheckService(service string) error {
	if s.Service != service {
		return invalid("Credential should be scoped to correct service: '" + service + "'.").because(BadScope)
	}
	return nil
}

// CheckRegion refuses signatures made for another Region.
func (s *Signature) CheckRegion(region string) error {
	if s.Region != region {
		return invalid("Credential should be scoped to a valid region.").because(OtherRegion)
	}
	return nil
}

// Verify reports whether s is r's signature with the given secret access key.
func (s *Signature) Verify(r Request, secret string) error {
	if err := s.checkCoverage(r.Header); err != nil {
		return err
	}
	hash := hex.EncodeToString(r.BodyHash[:])
	// Other values are not allowed: UNSIGNED-PAYLOAD and streaming belong to S3.
	if sent := r.Header.Values("X-Amz-Content-Sha256"); len(sent) > 0 {
		if len(sent) != 1 || subtle.ConstantTimeCompare([]byte(sent[0]), []byte(hash)) != 1 {
			return invalid(mismatch)
		}
	}
	return s.verify(&r, hash, signingKey(secret, s.Date, s.Region, s.Service))
}

// verify compares the signature, which covers the text bodyHash for the body.
func (s *Signature) verify(r *Request, bodyHash string, key [sha256.Size]byte) error {
	canonical, ok := s.canonical(r, bodyHash)
	if !ok {
		return invalid(mismatch)
	}
	want := sign(key, s.stringToSign(canonical))
	if !hmac.Equal(want[:], s.mac[:]) {
		return invalid(mismatch)
	}
	return nil
}

// checkCoverage requires that the headers that matter are signed. CloudFront adds its
// own X-Amz-Cf-Id on the way.
func (s *Signature) checkCoverage(h http.Header) error {
	if !s.signs("host") {
		return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.").because(UnsignedHeader)
	}
	for name := range h {
		if len(name) > 6 && strings.EqualFold(name[:6], "x-amz-") && !strings.EqualFold(name, "X-Amz-Cf-Id") && !s.signs(strings.ToLower(name)) {
			return invalid("'" + printable(name) + "' must be a 'SignedHeader' in the AWS Authorization.").because(UnsignedHeader)
		}
	}
	return nil
}

// canonical returns the canonical request, or false if a signed header is absent.
func (s *Signature) canonical(r *Request, bodyHash string) ([]byte, bool) {
	b := make([]byte, 0, 1024)
	b = append(append(b, r.Method...), '\n')
	if s.isS3() {
		b = appendPathOnce(b, r.Path)
	} else {
		b = appendPath(b, r.Path)
	}
	b = append(appendQuery(append(b, '\n'), r.Query, s.Presigned), '\n')
	for _, name := range s.SignedHeaders {
		values := r.header(name)
		if values == nil {
			return nil, false
		}
		b = append(append(b, name...), ':')
		for i, v := range values {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFolded(b, v)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(append(b, s.signed...), '\n')
	return append(b, bodyHash...), true
}

// header returns a header's lines, also those that Go's server takes out.
func (r *Request) header(name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if r.ContentLength >= 0 {
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		return nil
	case "transfer-encoding":
		return r.TransferEncoding
	}
	return r.Header.Values(name)
}

// appendFolded trims a value and folds runs of blanks.
func appendFolded(b []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	blank := false
	for i := range len(v) {
		if v[i] == ' ' || v[i] == '\t' {
			if !blank {
				b = append(b, ' ')
			}
			blank = true
			continue
		}
		blank = false
		b = append(b, v[i])
	}
	return b
}

// isS3 reports whether the rules of Amazon S3 apply.
func (s *Signature) isS3() bool { return s.Service == "s3" }

func (s *Signature) stringToSign(canonical []byte) []byte {
	sum := sha256.Sum256(canonical)
	return hex.AppendEncode(s.appendPreamble(make([]byte, 0, 192), algorithm), sum[:])
}

// appendPreamble writes the lines that all strings to sign begin with.
func (s *Signature) appendPreamble(b []byte, title string) []byte {
	b = append(append(b, title...), '\n')
	b = s.Time.AppendFormat(b, isoBasic)
	return append(b, "\n"+s.Date+"/"+s.Region+"/"+s.Service+"/"+terminator+"\n"...)
}

func sign(key [sha256.Size]byte, text []byte) (mac [sha256.Size]byte) {
	h := hmac.New(sha256.New, key[:])
	h.Write(text)
	h.Sum(mac[:0])
	return mac
}

// signingKey derives the key of one day, Region and service.
func signingKey(secret, date, region, service string) (key [sha256.Size]byte) {
	h := hmac.New(sha256.New, []byte("AWS4"+secret))
	h.Write([]byte(date))
	h.Sum(key[:0])
	for _, part := range []string{region, service, terminator} {
		key = sign(key, []byte(part))
	}
	return key
}
