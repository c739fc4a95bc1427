package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A Signer has the credential and the scope of requests that it signs. It is safe for
// concurrent use, and its fields must not change after the first one.
type Signer struct {
	AccessKeyID, Secret string
	SessionToken        string // "" for long-term keys
	Region, Service     string

	today atomic.Pointer[dayKey]
}

// A dayKey is the signing key of a day.
type dayKey struct {
	date string
	key  [sha256.Size]byte
}

// key returns the signing key of a day, which is derived once.
func (k *Signer) key(date string) [sha256.Size]byte {
	if d := k.today.Load(); d != nil && d.date == date {
		return d.key
	}
	d := &dayKey{date, signingKey(k.Secret, date, k.Region, k.Service)}
	k.today.Store(d)
	return d.key
}

// Sign adds the signature of a request to its headers. payload is the hexadecimal SHA-256
// of the body or, for Amazon S3, a value such as [UnsignedPayload]. The signature covers
// the host, the content type and every header of AWS. With the payload [StreamingPayload],
// the chunks are signed by the chain that Sign returns.
func (k *Signer) Sign(r *Request, payload string, now time.Time) *Chain {
	now = now.UTC()
	h := r.Header
	h.Set(paramDate, now.Format(isoBasic))
	if k.SessionToken != "" {
		h.Set(paramToken, k.SessionToken)
	}
	s := &Signature{Date: now.Format("20060102"), Region: k.Region, Service: k.Service, Time: now}
	if s.isS3() {
		h.Set(paramContentHash, payload)
	}
	s.SignedHeaders = signedNames(h)
	s.signed = strings.Join(s.SignedHeaders, ";")
	canonical, _ := s.canonical(r, payload)
	key := k.key(s.Date)
	s.mac = sign(key, s.stringToSign(canonical))
	h.Set("Authorization", algorithm+" Credential="+k.AccessKeyID+"/"+s.Date+"/"+s.Region+"/"+s.Service+"/"+terminator+
		", SignedHeaders="+s.signed+", Signature="+hex.EncodeToString(s.mac[:]))
	return &Chain{signature: s, key: key, previous: s.mac}
}

// A Chain signs the chunks of a body. Each signature covers the previous one.
type Chain struct {
	signature     *Signature
	key, previous [sha256.Size]byte
}

// AppendNext appends the signature of the next chunk, in hexadecimal digits. The last chunk is
// empty.
func (c *Chain) AppendNext(b, data []byte) []byte {
	sum := sha256.Sum256(data)
	c.previous = sign(c.key, c.signature.chunkToSign(c.previous, sum[:]))
	return hex.AppendEncode(b, c.previous[:])
}

// signedNames returns the headers that a signature covers, sorted and in lower case.
func signedNames(h http.Header) []string {
	names := []string{"host"}
	for name := range h {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-amz-") || name == "content-type" || name == "content-md5" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
