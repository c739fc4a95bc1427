package keys

import (
	"bytes"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

var shapes = []struct {
	name  string
	shape Shape
	form  *regexp.Regexp
}{
	{"refresh token", ShapeRefreshToken, regexp.MustCompile(`^eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ(\.[A-Za-z0-9_-]*){4}$`)},
	{"session", ShapeSession, regexp.MustCompile(`^[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*$`)},
	{"page state", ShapePageState, regexp.MustCompile(`^[A-Za-z0-9_-]{20}[A-Za-z0-9_-]*$`)},
	{"secret block", ShapeSecretBlock, regexp.MustCompile(`^[A-Za-z0-9+/]+={0,2}$`)},
}

func TestTokens(t *testing.T) {
	t.Parallel()
	r, _, _ := testRing(t)
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			longest := s.shape.MaxPlaintext()
			for _, n := range []int{0, 1, 2, 3, 100, longest - 2, longest - 1, longest} {
				plain := bytes.Repeat([]byte{0xa5}, n)
				token, err := r.SealToken(newToken("session", s.shape, time.Hour), []byte("ad"), plain)
				if err != nil {
					t.Fatal(err)
				}
				if len(token) > s.shape.MaxLen() || !s.form.MatchString(token) {
					t.Fatalf("%d bytes: token of %d characters: %.60s", n, len(token), token)
				}
				got, err := r.OpenToken(t.Context(), newToken("session", s.shape, time.Hour), []byte("ad"), token)
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("%d bytes: %v", n, err)
				}
				if _, err := r.OpenToken(t.Context(), newToken("session", s.shape, time.Hour), []byte("other"), token); !errors.Is(err, ErrToken) {
					t.Errorf("other ad: %v", err)
				}
				if _, err := r.OpenToken(t.Context(), newToken("secret-block", s.shape, time.Hour), []byte("ad"), token); err == nil {
					t.Error("opens for another purpose")
				}
			}
			if _, err := r.SealToken(newToken("session", s.shape, time.Hour), nil, make([]byte, longest+1)); !errors.Is(err, ErrTooLong) {
				t.Errorf("too long: %v", err)
			}
		})
	}
}

// TestTokensAreNotMalleable changes, adds and removes every character.
func TestTokensAreNotMalleable(t *testing.T) {
	t.Parallel()
	r, _, _ := testRing(t)
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for n := range 4 { // each number of unused bits at the end
				token, err := r.SealToken(newToken("session", s.shape, time.Hour), nil, make([]byte, n))
				if err != nil {
					t.Fatal(err)
				}
				try := func(what, changed string) {
					if changed == token {
						return
					}
					if _, err := r.OpenToken(t.Context(), newToken("session", s.shape, time.Hour), nil, changed); err == nil {
						t.Errorf("%s opens: %q for %q", what, changed, token)
					}
				}
				for i := 0; i <= len(token); i++ {
					for _, c := range "AQgwBZ09+/-_=. \r\n\x00" {
						try("inserted", token[:i]+string(c)+token[i:])
						if i < len(token) {
							try("replaced", token[:i]+string(c)+token[i+1:])
						}
					}
					if i < len(token) {
						try("removed", token[:i]+token[i+1:])
					}
				}
				try("doubled", token+token)
				try("empty", "")
				try("only the header", jweHeader)
			}
		})
	}
}

func FuzzOpenToken(f *testing.F) {
	r, _, _ := testRing(f)
	for _, s := range shapes {
		token, err := r.SealToken(newToken("session", s.shape, time.Hour), nil, []byte("seed"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(s.shape), token)
	}
	f.Add(uint8(ShapeRefreshToken), jweHeader+"...")
	f.Fuzz(func(t *testing.T, s uint8, token string) {
		shape := Shape(s % 4)
		sealed, err := decodeToken(shape, token)
		if err != nil {
			return
		}
		// What decodes spells back to the same token.
		var again string
		switch shape {
		case ShapeSession, ShapePageState:
			again = base64.RawURLEncoding.EncodeToString(sealed)
		case ShapeSecretBlock:
			again = base64.StdEncoding.EncodeToString(sealed)
		default:
			e := base64.RawURLEncoding.EncodeToString
			end := len(sealed) - tagSize
			again = jweHeader + strings.Join([]string{e(sealed[:17]), e(sealed[17:29]), e(sealed[29:end]), e(sealed[end:])}, ".")
		}
		if again != token {
			t.Errorf("%q decodes, its spelling is %q", token, again)
		}
	})
}
