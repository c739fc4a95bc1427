package keys

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Token is a kind of sealed value that leaves the server and comes back. There is no row
// to check, so the data key decides. A retired key opens no token, and a superseded key
// opens tokens only as long as the kind may live. Only this package makes kinds, and each
// has a longest life.
type Token struct {
	purpose Purpose
	shape   Shape
	life    time.Duration
}

// The longest lives of tokens.
const (
	// SessionLife is the longest AuthSessionValidity (Cognito: 15 minutes).
	SessionLife = 15 * time.Minute
	// RefreshLife is the longest RefreshTokenValidity (Cognito: 10 years).
	RefreshLife = 3650 * 24 * time.Hour
	// BrowserSessionLife is the longest MaxValidityMinutes of an SSO session
	// (Cognito: 90 days).
	BrowserSessionLife = 90 * 24 * time.Hour
	// PageStateLife is how long a person has for a step on a login page (Cognito: five
	// minutes).
	PageStateLife = 5 * time.Minute
	// AttemptLife is how long a person has at another identity provider (Cognito: five
	// minutes).
	AttemptLife = 5 * time.Minute
	// CredentialsLife is the longest session of a federated user (STS: 36 hours).
	CredentialsLife = 36 * time.Hour
	// FeedbackLife is how long a person can say whether a sign-in was theirs.
	FeedbackLife = 30 * 24 * time.Hour
	// DenialLife is how long an authorization failure message can be decoded.
	DenialLife = 24 * time.Hour
)

// The kinds of tokens.
var (
	// TokenSession is the Session of a sign-in.
	TokenSession = newToken("session", ShapeSession, SessionLife)
	// TokenSignUp is the Session of a sign-up.
	TokenSignUp = newToken("sign-up-session", ShapeSession, SessionLife)
	// TokenSecretBlock is the SECRET_BLOCK of an SRP exchange.
	TokenSecretBlock = newToken("secret-block", ShapeSecretBlock, SessionLife)
	// TokenRefresh is a refresh token.
	TokenRefresh = newToken("refresh-token", ShapeRefreshToken, RefreshLife)
	// TokenBrowserSession is the cookie of a browser that has signed in on a domain.
	TokenBrowserSession = newToken("browser-session", ShapeSession, BrowserSessionLife)
	// TokenPageState is what a login page remembers between two requests.
	TokenPageState = newToken("page-state", ShapePageState, PageStateLife)
	// TokenAttempt is a part of a sign-in at another identity provider.
	TokenAttempt = newToken("sign-in-attempt", ShapePageState, AttemptLife)
	// TokenCredentials is the session token of temporary credentials.
	TokenCredentials = newToken("session-credentials", ShapeCredentials, CredentialsLife)
	// TokenFeedback lets its holder say whether one sign-in was theirs.
	TokenFeedback = newToken("auth-event-feedback", ShapeSession, FeedbackLife)
	// TokenDenial is the encoded message about a request that policies deny.
	TokenDenial = newToken("authorization-message", ShapeCredentials, DenialLife)
)

// Tokens lists the kinds. It is the only list of them: a missing kind has no data key, and
// SealToken panics for it.
func Tokens() []Token {
	return []Token{TokenSession, TokenSignUp, TokenSecretBlock, TokenRefresh, TokenBrowserSession, TokenPageState, TokenAttempt, TokenCredentials, TokenDenial, TokenFeedback}
}

func newToken(purpose Purpose, shape Shape, life time.Duration) Token {
	return Token{purpose: purpose, shape: shape, life: life}
}

// Name returns the name of the kind.
func (t Token) Name() string { return string(t.purpose) }

// Life returns how long a token of the kind can be valid.
func (t Token) Life() time.Duration { return t.life }

// MaxPlaintext is the length in bytes of the longest plaintext that fits.
func (t Token) MaxPlaintext() int { return t.shape.MaxPlaintext() }

func isTokenPurpose(p Purpose) bool {
	return slices.ContainsFunc(Tokens(), func(t Token) bool { return t.purpose == p })
}

// A Shape is the text form of a sealed value.
type Shape uint8

const (
	// ShapeRefreshToken looks like a compact JWE, as Cognito's refresh tokens do: five
	// parts, of which the first is Cognito's header.
	ShapeRefreshToken Shape = iota
	// ShapeSession is URL-safe Base64 without padding, 20 to 2048 characters:
	// Session of the API, page tokens, cookies.
	ShapeSession
	// ShapeSecretBlock is standard Base64 with padding, which clients decode to
	// sign it.
	ShapeSecretBlock
	// ShapePageState is URL-safe Base64 without padding, up to 3800 characters: it has
	// room for a Session, and fits into a cookie (RFC 6265 §6.1: 4096 bytes).
	ShapePageState
	// ShapeCredentials is URL-safe Base64 without padding, up to 4096 characters: it travels
	// in a header or in the query of a presigned address (STS: the most that
	// MinimumSessionTokenSize can ask for).
	ShapeCredentials
)

// jweHeader is {"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}, then a dot.
const jweHeader = "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ."

// A sealed value as a JWE: the part of the encrypted key holds the data key's id, and the
// half of the nonce that derives the message's key. The other half is the initialization
// vector.
const jweKeyEnd = sealHeader + nonceSize/2

var (
	// ErrToken means that a token is malformed or not authentic.
	ErrToken = errors.New("keys: invalid token")
	// ErrTooLong means that a plaintext does not fit into a token of its shape.
	ErrTooLong = errors.New("keys: too long for a token")
)

// MaxLen is the length in characters of the longest token of the shape.
func (s Shape) MaxLen() int {
	switch s {
	case ShapeSession:
		return 2048 // constraint of the API's Session
	case ShapePageState:
		return 3800
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
	case ShapeSession, ShapePageState, ShapeCredentials:
		return raw.DecodedLen(s.MaxLen()) - sealOverhead
	default:
		return s.MaxLen()/4*3 - sealOverhead
	}
}

var (
	raw = base64.RawURLEncoding.Strict()
	std = base64.StdEncoding.Strict()
)

// SealToken seals a token and returns its text. It binds the token to ad, as [Ring.Seal]
// does.
func (r *Ring) SealToken(kind Token, ad, plaintext []byte) (string, error) {
	if len(plaintext) > kind.MaxPlaintext() {
		return "", ErrTooLong
	}
	if !r.Usable() {
		return "", errRetired
	}
	return encodeToken(kind.shape, r.seal(kind.purpose, ad, plaintext)), nil
}

// errRetired means that the server has no key that may seal a token.
var errRetired = errors.New("keys: the data keys are retired; the server needs the new key-encryption key")

func encodeToken(shape Shape, sealed []byte) string {
	switch shape {
	case ShapeSession, ShapePageState, ShapeCredentials:
		return raw.EncodeToString(sealed)
	case ShapeSecretBlock:
		return std.EncodeToString(sealed)
	}
	nonceEnd, tag := sealHeader+nonceSize, len(sealed)-tagSize
	b := make([]byte, 0, len(jweHeader)+raw.EncodedLen(len(sealed))+8)
	b = append(b, jweHeader...)
	b = append(raw.AppendEncode(b, sealed[:jweKeyEnd]), '.')
	b = append(raw.AppendEncode(b, sealed[jweKeyEnd:nonceEnd]), '.')
	b = append(raw.AppendEncode(b, sealed[nonceEnd:tag]), '.')
	return string(raw.AppendEncode(b, sealed[tag:]))
}

// OpenToken opens a token that SealToken made for the same kind and ad. A sealed value has
// exactly one text, and OpenToken rejects any other. So a token's hash identifies it. The
// error is ErrToken for every fault of the token. Any other error is a fault of the server,
// such as [ErrUnknownKey].
func (r *Ring) OpenToken(ctx context.Context, kind Token, ad []byte, token string) ([]byte, error) {
	sealed, err := decodeToken(kind.shape, token)
	if err != nil {
		return nil, err
	}
	id, ok := SealedBy(sealed)
	if !ok {
		return nil, ErrToken
	}
	held, err := r.find(ctx, keyRef{kind.purpose, id})
	if err == nil && held.expired(r.state.Load().at, kind.life) {
		return nil, ErrToken
	}
	var plaintext []byte
	if err == nil {
		plaintext, err = held.open(kind.purpose, ad, sealed)
	}
	switch {
	case errors.Is(err, errOpen):
		return nil, ErrToken
	case err != nil:
		return nil, fmt.Errorf("%s: %w", kind.purpose, err)
	}
	return plaintext, nil
}

// expired reports whether no token of the key can be valid at now.
func (h heldKey) expired(now time.Time, life time.Duration) bool {
	return h.retired || !h.supersededAt.IsZero() && now.After(h.supersededAt.Add(life))
}

func decodeToken(shape Shape, token string) ([]byte, error) {
	if len(token) > shape.MaxLen() || hasLineEnd(token) { // the decoder skips line ends
		return nil, ErrToken
	}
	switch shape {
	case ShapeSession, ShapePageState, ShapeCredentials:
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

// decodeBase64 appends the decoded bytes of s to dst. The encodings are strict: the bits
// after the last byte must be 0.
func decodeBase64(enc *base64.Encoding, dst []byte, s string) ([]byte, error) {
	b, err := enc.AppendDecode(dst, []byte(s))
	if err != nil {
		return nil, ErrToken
	}
	return b, nil
}
