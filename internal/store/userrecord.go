package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"
)

// The record of a user, in its first and so far only format: the format's number, then the fields in the order of
// fields, each a varint or a length and bytes. The pool is not in it: the reader of a user knows it.
const userFormat = 1

var errUserRecord = errors.New("store: a user's record is damaged or of a newer version")

func encodeUser(u User) ([]byte, error) {
	if err := checkText(u.Username); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 256+len(u.Profile)+len(u.Credential))
	b = append(b, userFormat)
	b = appendBytes(b, u.ID)
	b = appendBytes(b, u.Username)
	b = appendBytes(b, u.UsernameKey)
	b = appendBytes(b, u.Status)
	enabled := int64(0)
	if u.Enabled {
		enabled = 1
	}
	for _, v := range [...]int64{enabled, u.Version, millis(u.CreatedAt), millis(u.ModifiedAt), millis(u.TokensValidAfter)} {
		b = binary.AppendVarint(b, v)
	}
	for _, s := range [...]*string{u.Email, u.PhoneNumber, u.Name, u.GivenName, u.FamilyName, u.PreferredUsername} {
		if s = searchable(s); s == nil {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(*s))+1) // 0: none
		b = append(b, *s...)
	}
	b = appendBytes(b, u.Profile)
	return appendBytes(b, u.Credential), nil
}

func appendBytes[T string | []byte](b []byte, v T) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

// decodeUser fills all but the pool. The user keeps parts of b.
func decodeUser(b []byte, u *User) error {
	r := recordReader{rest: b}
	if r.byte() != userFormat {
		return errUserRecord
	}
	u.ID, u.Username, u.UsernameKey, u.Status = string(r.bytes()), string(r.bytes()), string(r.bytes()), string(r.bytes())
	u.Enabled, u.Version = r.varint() != 0, r.varint()
	u.CreatedAt, u.ModifiedAt, u.TokensValidAfter = r.time(), r.time(), r.time()
	for _, s := range [...]**string{&u.Email, &u.PhoneNumber, &u.Name, &u.GivenName, &u.FamilyName, &u.PreferredUsername} {
		*s = r.optional()
	}
	u.Profile, u.Credential = r.bytes(), r.bytes()
	if r.broken || len(r.rest) != 0 {
		return errUserRecord
	}
	return nil
}

// A recordReader takes fields off a record; broken tells in the end whether one was missing.
type recordReader struct {
	rest   []byte
	broken bool
}

func (r *recordReader) byte() byte {
	if v := r.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *recordReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.broken, r.rest = true, nil
		return nil
	}
	v := r.rest[:n:n]
	r.rest = r.rest[n:]
	return v
}

func (r *recordReader) length() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.broken, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *recordReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.broken, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *recordReader) time() time.Time { return fromMillis(r.varint()) }

// bytes returns nil for an empty field.
func (r *recordReader) bytes() []byte {
	if n := r.length(); n > 0 {
		return r.take(n)
	}
	return nil
}

func (r *recordReader) optional() *string {
	n := r.length()
	if n == 0 {
		return nil
	}
	return new(string(r.take(n - 1)))
}

// A UserSample is the record of a user who is in no pool. Reading it costs what reading a user costs beside the query. It
// is for callers whose time must not reveal whether a user exists.
type UserSample struct{ record []byte }

// NewUserSample encodes a user.
func NewUserSample(u User) (*UserSample, error) {
	record, err := encodeUser(u)
	return &UserSample{record}, err
}

// Read decodes the user, as the row of a query is decoded.
func (s *UserSample) Read() (User, error) {
	var u User
	err := decodeUser(bytes.Clone(s.record), &u)
	return u, err
}
