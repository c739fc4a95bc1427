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
	// ACR and AMR say how the user signed in.
	ACR string
	AMR []string

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
	// Version 2 adds acr and amr at the end of version 1.
	refreshVersion, refreshVersion2 = 1, 2

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
	version := byte(refreshVersion)
	if r.ACR != "" || len(r.AMR) > 0 {
		version = refreshVersion2
	}
	b := append(make([]byte, 0, 384), version, flags)
	for _, s := range [...]string{r.PoolID, r.ClientID, r.UserID, r.Username, r.Family, r.TokenID, r.EventID, r.DeviceKey, r.Resource} {
		b = appendText(b, s)
	}
	b = appendTexts(b, r.Scopes)
	for _, n := range [...]int64{r.AuthTime.Unix(), r.IssuedAt.UnixMilli(), r.ExpiresAt.Unix(), r.TokenEpoch} {
		b = binary.AppendVarint(b, n)
	}
	if version == refreshVersion2 {
		b = appendTexts(appendText(b, r.ACR), r.AMR)
	}
	return b
}

func parseRefresh(b []byte) (*Refresh, error) {
	if len(b) < 2 || b[0] != refreshVersion && b[0] != refreshVersion2 || b[1]&^refreshFlags != 0 {
		return nil, errRefreshForm
	}
	r := &Refresh{OAuth: b[1]&refreshOAuth != 0}
	d := reader{b: b[2:]}
	for _, p := range [...]*string{&r.PoolID, &r.ClientID, &r.UserID, &r.Username, &r.Family, &r.TokenID, &r.EventID, &r.DeviceKey, &r.Resource} {
		*p = d.text()
	}
	r.Scopes = d.texts()
	r.AuthTime = time.Unix(d.varint(), 0).UTC()
	r.IssuedAt = time.UnixMilli(d.varint()).UTC()
	r.ExpiresAt = time.Unix(d.varint(), 0).UTC()
	r.TokenEpoch = d.varint()
	if b[0] == refreshVersion2 {
		r.ACR, r.AMR = d.text(), d.texts()
	}
	if d.bad || len(d.b) != 0 {
		return nil, errRefreshForm
	}
	return r, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTexts(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
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

// texts reads a list, nil if it is empty. A text takes at least one byte, so the length of the
// input bounds the list.
func (d *reader) texts() []string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad = true
	}
	if d.bad || n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.text()
	}
	return list
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
