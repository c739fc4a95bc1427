package token

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"time"
)

// Refresh is the content of a refresh token. It is sealed, so a token that opens
// was issued by this service and needs no row in the store.
type Refresh struct {
	PoolID, ClientID string
	UserID, Username string
	// Family is shared by all refresh tokens of one sign-in (origin_jti).
	Family  string
	TokenID string
	EventID string
	// DeviceKey is the device that the sign-in was bound to, or "".
	DeviceKey string
	Scopes    []string
	Resource  string
	OAuth     bool

	AuthTime, IssuedAt, ExpiresAt time.Time
	// TokenEpoch is the user's token epoch at issue, in milliseconds.
	TokenEpoch int64
}

// LogValue names the token without anything that would make one.
func (r *Refresh) LogValue() slog.Value {
	return slog.GroupValue(slog.String("pool", r.PoolID), slog.String("client", r.ClientID), slog.String("family", r.Family))
}

// Alive reports whether the user's token epoch is still that of the token.
func (r *Refresh) Alive(validAfter time.Time) bool { return r.TokenEpoch == tokenEpochOf(validAfter) }

const (
	refreshVersion = 1

	refreshOAuth = 1 << 0
	// refreshFlags are the flags that tokens in circulation may have. 1<<1 meant
	// that the client rotated its tokens at issue; it is ignored now.
	refreshFlags = refreshOAuth | 1<<1
)

var errRefreshForm = errors.New("token: malformed refresh token body")

// encodeRefresh writes the sealed body: version, flags, texts with their
// lengths, times. A new layout is a new version.
func encodeRefresh(r *Refresh) []byte {
	var flags byte
	if r.OAuth {
		flags |= refreshOAuth
	}
	b := append(make([]byte, 0, 384), refreshVersion, flags)
	for _, s := range [...]string{r.PoolID, r.ClientID, r.UserID, r.Username, r.Family, r.TokenID, r.EventID, r.DeviceKey, r.Resource} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Scopes)))
	for _, s := range r.Scopes {
		b = appendText(b, s)
	}
	for _, n := range [...]int64{r.AuthTime.Unix(), r.IssuedAt.UnixMilli(), r.ExpiresAt.Unix(), r.TokenEpoch} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func parseRefresh(b []byte) (*Refresh, error) {
	if len(b) < 2 || b[0] != refreshVersion || b[1]&^refreshFlags != 0 {
		return nil, errRefreshForm
	}
	r := &Refresh{OAuth: b[1]&refreshOAuth != 0}
	d := reader{b: b[2:]}
	for _, p := range [...]*string{&r.PoolID, &r.ClientID, &r.UserID, &r.Username, &r.Family, &r.TokenID, &r.EventID, &r.DeviceKey, &r.Resource} {
		*p = d.text()
	}
	// A scope takes a byte at least, which bounds the list by what was sent.
	if n := d.uvarint(); n > 0 && n <= uint64(len(d.b)) {
		r.Scopes = make([]string, n)
		for i := range r.Scopes {
			r.Scopes[i] = d.text()
		}
	} else if n > 0 {
		return nil, errRefreshForm
	}
	r.AuthTime = time.Unix(d.varint(), 0).UTC()
	r.IssuedAt = time.UnixMilli(d.varint()).UTC()
	r.ExpiresAt = time.Unix(d.varint(), 0).UTC()
	r.TokenEpoch = d.varint()
	if d.bad || len(d.b) != 0 {
		return nil, errRefreshForm
	}
	return r, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader reads what the appenders wrote; bad stays true after the first fault.
type reader struct {
	b   []byte
	bad bool
}

func (d *reader) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
	}
	if d.bad {
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *reader) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	return take(d, v, n)
}

func (d *reader) varint() int64 {
	v, n := binary.Varint(d.b)
	return take(d, v, n)
}

func take[T int64 | uint64](d *reader, v T, n int) T {
	if n <= 0 || d.bad {
		d.bad = true
		return 0
	}
	d.b = d.b[n:]
	return v
}
