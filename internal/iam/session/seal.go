package session

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"cognate/internal/keys"
)

// Credentials are temporary credentials.
type Credentials struct {
	AccessKeyID string
	Secret      keys.Secret
	Token       string
	Expires     time.Time
}

// MaxTokenLen is the length of the longest session token.
var MaxTokenLen = keys.ShapeCredentials.MaxLen()

// Utilization returns the percentage of the longest session token that the token has.
func (c *Credentials) Utilization() int { return (100*len(c.Token) + MaxTokenLen - 1) / MaxTokenLen }

// ErrTooLarge means that a session's policies and tags do not fit into a session token.
var ErrTooLarge = errors.New("session: the description is too large")

// sealed is the JSON form of a description.
type sealed struct {
	*Description
	Issued  int64 `json:"i"`
	Expires int64 `json:"e"`
}

// The plaintext of a token is: the format (1 byte), the JSON, and bytes of 0 up to the size that
// was asked for.
const (
	formatDeflate = 1 // the JSON is compressed by DEFLATE
	formatPlain   = 2
)

// maxPlain is the length of the longest JSON that is not compressed. To compress costs as much as
// half a signature check, and the token of a short JSON is short in any case.
const maxPlain = 768

// maxJSON bounds the JSON of a description. The longest policies and tags of STS are shorter.
const maxJSON = 64 << 10

// dictionary has texts that most descriptions have, the most frequent ones last. It belongs
// to the format.
var dictionary = []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}` +
	`arn:aws:iam::aws:policy/arn:aws:iam::123456789012:oidc-provider/:CognitoSignIn:CognitoIdentityCredentials` +
	`{"k":1,"n":"","r":"arn:aws:iam::role/","ri":"AROA","pk":"AKIA","ui":"AIDA","p":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":` +
	`\"Resource\":\"*\"}]}","pa":["t":{"tt":["si":"","l":{"p":"cognito-identity.amazonaws.com","k":{"cognito-identity.amazonaws.com:amr":["unauthenticated"],` +
	`["authenticated","cognito-idp.us-east-1.amazonaws.com/us-east-1_","cognito-identity.amazonaws.com:aud":["us-east-1:"],"cognito-identity.amazonaws.com:sub":["us-east-1:"]}},` +
	`"ip":"us-east-1:","id":"us-east-1:","i":17,"e":17}`)

var (
	writers = sync.Pool{New: func() any {
		w, err := flate.NewWriterDict(nil, flate.DefaultCompression, dictionary)
		if err != nil {
			panic(err) // The level is valid.
		}
		return w
	}}
	readers = sync.Pool{New: func() any { return flate.NewReaderDict(strings.NewReader(""), dictionary) }}
)

// New makes credentials for a session. The token has minSize characters at least. The error is
// ErrTooLarge if the description does not fit.
func New(ring *keys.Ring, random io.Reader, d *Description, minSize int) (*Credentials, error) {
	id, err := newKeyID(ring, random)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(sealed{d, d.Issued.Unix(), d.Expires.Unix()})
	if err != nil {
		return nil, err
	}
	if len(text) > maxJSON {
		return nil, ErrTooLarge
	}
	plaintext, err := encode(text)
	if err != nil {
		return nil, err
	}
	token, err := ring.SealToken(keys.TokenCredentials, []byte(id), plaintext)
	if missing := minSize - len(token); err == nil && missing > 0 {
		padding := min(base64.RawURLEncoding.DecodedLen(missing)+2, keys.TokenCredentials.MaxPlaintext()-len(plaintext))
		token, err = ring.SealToken(keys.TokenCredentials, []byte(id), append(plaintext, make([]byte, padding)...))
	}
	if errors.Is(err, keys.ErrTooLong) {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, err
	}
	return &Credentials{AccessKeyID: id, Secret: secretOf(ring, id, token), Token: token, Expires: d.Expires}, nil
}

// Open verifies that a session token belongs to an access key id, and returns the session with
// its secret. The error is keys.ErrToken for every fault of the token. Any other error is a
// fault of the server. Open does not check the expiry.
func Open(ctx context.Context, ring *keys.Ring, id, token string) (*Description, keys.Secret, error) {
	plaintext, err := ring.OpenToken(ctx, keys.TokenCredentials, []byte(id), token)
	if err != nil {
		return nil, "", err
	}
	text, err := decode(plaintext)
	if err != nil {
		return nil, "", err
	}
	d := sealed{Description: &Description{}}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, "", fmt.Errorf("session: %w", err)
	}
	d.Description.Issued, d.Description.Expires = time.Unix(d.Issued, 0).UTC(), time.Unix(d.Expires, 0).UTC()
	return d.Description, secretOf(ring, id, token), nil
}

// encode returns the plaintext of a token.
func encode(text []byte) ([]byte, error) {
	if len(text) <= maxPlain {
		return append([]byte{formatPlain}, text...), nil
	}
	var b bytes.Buffer
	b.WriteByte(formatDeflate)
	w := writers.Get().(*flate.Writer)
	defer writers.Put(w)
	w.Reset(&b)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// decode returns the JSON of a plaintext.
func decode(plaintext []byte) ([]byte, error) {
	switch {
	case len(plaintext) > 0 && plaintext[0] == formatPlain:
		return bytes.TrimRight(plaintext[1:], "\x00"), nil
	case len(plaintext) == 0 || plaintext[0] != formatDeflate:
		// A newer version of this program made the token.
		return nil, keys.ErrToken
	}
	r := readers.Get().(io.ReadCloser)
	defer readers.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(plaintext[1:]), dictionary); err != nil {
		return nil, err
	}
	// The padding follows the end of the compressed data, and is not read.
	text, err := io.ReadAll(io.LimitReader(r, maxJSON))
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return text, nil
}
