package keys

import (
	"encoding/binary"
	"errors"
	"time"
)

// Errors of page tokens. Services answer both with InvalidParameterException; the
// difference is for the log.
var (
	ErrPageToken        = errors.New("keys: page token is not ours, or is for another request")
	ErrPageTokenExpired = errors.New("keys: page token has expired")
)

// PageTokens seals the places at which lists go on. A token is opaque, is valid only for
// the operation and the parameters that it was made for, and expires.
type PageTokens struct {
	key func() [keySize]byte
}

// NewPageTokens returns page tokens under the key that the function returns at that
// time. Every node must share it; tokens under an earlier key are refused.
func NewPageTokens(key func() [keySize]byte) *PageTokens { return &PageTokens{key: key} }

// Encode seals cursor for operation op with the parameters bind.
func (p *PageTokens) Encode(op string, bind []string, cursor []byte, expiry time.Time) string {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(cursor)), uint64(expiry.UnixMilli()))
	plain = append(plain, cursor...)
	return raw.EncodeToString(sealRandom(newXChaCha(p.key()), nil, plain, pageTokenContext(op, bind)))
}

// Decode opens token if it was made for the same op and bind and has not expired at now.
func (p *PageTokens) Decode(op string, bind []string, token string, now time.Time) (cursor []byte, err error) {
	sealed, err := raw.DecodeString(token)
	if err != nil {
		return nil, ErrPageToken
	}
	plain, err := openRandom(newXChaCha(p.key()), sealed, pageTokenContext(op, bind))
	if err != nil || len(plain) < 8 {
		return nil, ErrPageToken
	}
	if !now.Before(time.UnixMilli(int64(binary.BigEndian.Uint64(plain)))) {
		return nil, ErrPageTokenExpired
	}
	return plain[8:], nil
}

// pageTokenContext encodes op and bind. Different lists have different encodings.
func pageTokenContext(op string, bind []string) []byte {
	b := append([]byte("cognate page token 1\x00"), op...)
	b = append(b, 0)
	for _, s := range bind {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}
