package api

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// Why a page token was not accepted. Services answer both as
// InvalidParameterException; the difference is for the log.
var (
	ErrPageToken        = errors.New("api: page token is not ours, or is for another request")
	ErrPageTokenExpired = errors.New("api: page token has expired")
)

// PageTokens seals where a list goes on. A token is opaque, is good only for
// the operation and the parameters that it was made for, and expires.
type PageTokens struct {
	key  func() [32]byte
	rand io.Reader
}

// NewPageTokens makes page tokens under the key that the function returns at that
// time. Every node must share it; tokens under an earlier key are refused.
func NewPageTokens(key func() [32]byte) *PageTokens {
	return &PageTokens{key: key, rand: rand.Reader}
}

func (p *PageTokens) aead() cipher.AEAD {
	key := p.key()
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		panic(err) // The key's length is right by its type.
	}
	return aead
}

// Encode seals cursor for operation op with the parameters bind. XChaCha20's
// 192-bit nonce makes random nonces safe for the life of the key.
func (p *PageTokens) Encode(op string, bind []string, cursor []byte, expiry time.Time) string {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+8+len(cursor)+chacha20poly1305.Overhead)
	if _, err := io.ReadFull(p.rand, nonce); err != nil {
		panic(err) // crypto/rand never fails.
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(cursor)), uint64(expiry.UnixMilli()))
	plain = append(plain, cursor...)
	return base64.RawURLEncoding.EncodeToString(p.aead().Seal(nonce, nonce, plain, pageTokenContext(op, bind)))
}

// Decode opens token if it was made for the same op and bind and has not expired at now.
func (p *PageTokens) Decode(op string, bind []string, token string, now time.Time) (cursor []byte, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, ErrPageToken
	}
	nonce, box := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	plain, err := p.aead().Open(nil, nonce, box, pageTokenContext(op, bind))
	if err != nil || len(plain) < 8 {
		return nil, ErrPageToken
	}
	if !now.Before(time.UnixMilli(int64(binary.BigEndian.Uint64(plain)))) {
		return nil, ErrPageTokenExpired
	}
	return plain[8:], nil
}

// pageTokenContext writes op and bind so that no two lists of them read the same.
func pageTokenContext(op string, bind []string) []byte {
	b := append([]byte("cognate page token 1\x00"), op...)
	b = append(b, 0)
	for _, s := range bind {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return b
}
