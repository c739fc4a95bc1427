package keys

import (
	"encoding/base64"
	"errors"
	"strings"
)

// Shape is how a sealed value is spelled as a token.
type Shape uint8

const (
	// ShapeRefreshToken looks like the compact JWE that Cognito's refresh tokens
	// are: five parts, the first of them Cognito's header.
	ShapeRefreshToken Shape = iota
	// ShapeSession is URL-safe Base64 without padding, 20 to 2048 characters:
	// Session of the API, page tokens, cookies.
	ShapeSession
	// ShapeSecretBlock is standard Base64 with padding, which clients decode to
	// sign it.
	ShapeSecretBlock
)

// jweHeader is {"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}, then a dot.
const jweHeader = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ."

// A sealed value as a JWE: the key's id and the half of the nonce that derives
// the message's key stand for the encrypted key, the other half is the
// initialization vector.
const jweKeyEnd = sealHeader + nonceSize/2

var (
	// ErrToken says that a token is malformed or not authentic.
	ErrToken = errors.New("keys: invalid token")
	// ErrTooLong says that a plaintext does not fit into a token of its shape.
	ErrTooLong = errors.New("keys: too long for a token")
)

// MaxLen is the length in characters of the longest token of the shape.
func (s Shape) MaxLen() int {
	if s == ShapeSession {
		return 2048 // constraint of the API's Session
	}
	return 4096
}

// MaxPlaintext is the length in bytes of the longest plaintext that fits.
func (s Shape) MaxPlaintext() int {
	switch s {
	case ShapeRefreshToken:
		// Five parts: the header, three of fixed length, the ciphertext.
		fixed := len(jweHeader) + raw.EncodedLen(jweKeyEnd) + raw.EncodedLen(nonceSize/2) + raw.EncodedLen(tagSize) + 3
		return raw.DecodedLen(s.MaxLen() - fixed)
	case ShapeSession:
		return raw.DecodedLen(s.MaxLen()) - sealOverhead
	default:
		return s.MaxLen()/4*3 - sealOverhead
	}
}

var (
	raw = base64.RawURLEncoding.Strict()
	std = base64.StdEncoding.Strict()
)

// SealToken seals plaintext as [Ring.Seal] does and spells it as a token.
func (r *Ring) SealToken(shape Shape, purpose Purpose, ad, plaintext []byte) (string, error) {
	if len(plaintext) > shape.MaxPlaintext() {
		return "", ErrTooLong
	}
	sealed := r.Seal(purpose, ad, plaintext)
	switch shape {
	case ShapeSession:
		return raw.EncodeToString(sealed), nil
	case ShapeSecretBlock:
		return std.EncodeToString(sealed), nil
	}
	nonceEnd, tag := sealHeader+nonceSize, len(sealed)-tagSize
	b := make([]byte, 0, len(jweHeader)+raw.EncodedLen(len(sealed))+8)
	b = append(b, jweHeader...)
	b = append(raw.AppendEncode(b, sealed[:jweKeyEnd]), '.')
	b = append(raw.AppendEncode(b, sealed[jweKeyEnd:nonceEnd]), '.')
	b = append(raw.AppendEncode(b, sealed[nonceEnd:tag]), '.')
	return string(raw.AppendEncode(b, sealed[tag:])), nil
}

// OpenToken opens a token that SealToken made for the same shape, purpose and
// ad. One sealed value has exactly one spelling: any other is refused, so that a
// token's hash names it.
func (r *Ring) OpenToken(shape Shape, purpose Purpose, ad []byte, token string) ([]byte, error) {
	sealed, err := decodeToken(shape, token)
	if err != nil {
		return nil, err
	}
	plaintext, err := r.Open(purpose, ad, sealed)
	if errors.Is(err, errOpen) {
		return nil, ErrToken
	}
	return plaintext, err
}

func decodeToken(shape Shape, token string) ([]byte, error) {
	if len(token) > shape.MaxLen() || hasLineEnd(token) { // the decoder skips line ends
		return nil, ErrToken
	}
	switch shape {
	case ShapeSession:
		return decodeBase64(raw, nil, token)
	case ShapeSecretBlock:
		return decodeBase64(std, nil, token)
	}
	body, ok := strings.CutPrefix(token, jweHeader)
	if !ok {
		return nil, ErrToken
	}
	sealed := make([]byte, 0, raw.DecodedLen(len(body)))
	var err error
	for _, length := range []int{jweKeyEnd, nonceSize / 2, -1, tagSize} {
		part, rest, more := strings.Cut(body, ".")
		start := len(sealed)
		if sealed, err = decodeBase64(raw, sealed, part); err != nil {
			return nil, err
		}
		if length >= 0 && len(sealed)-start != length || more == (length == tagSize) {
			return nil, ErrToken
		}
		body = rest
	}
	return sealed, nil
}

// decodeBase64 appends to dst what s encodes. The encodings are strict, so that
// the bits past the last byte must be 0.
func decodeBase64(enc *base64.Encoding, dst []byte, s string) ([]byte, error) {
	b, err := enc.AppendDecode(dst, []byte(s))
	if err != nil {
		return nil, ErrToken
	}
	return b, nil
}
