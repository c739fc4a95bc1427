package keys

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPageTokens(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	pages := NewPageTokens(func() [32]byte { return [32]byte{1} })
	rapid.Check(t, func(t *rapid.T) {
		op := rapid.SampledFrom([]string{"ListUsers", "ListGroups"}).Draw(t, "op")
		bind := rapid.SliceOf(rapid.String()).Draw(t, "bind")
		cursor := rapid.SliceOf(rapid.Byte()).Draw(t, "cursor")
		token := pages.Encode(op, bind, cursor, now.Add(time.Hour))
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("%s is not safe in a URL", token)
		}
		got, err := pages.Decode(op, bind, token, now)
		if err != nil || !bytes.Equal(got, cursor) {
			t.Fatalf("Decode = %x, %v", got, err)
		}
		for _, refused := range []struct {
			name  string
			pages *PageTokens
			op    string
			bind  []string
			token string
			now   time.Time
			err   error
		}{
			{"late", pages, op, bind, token, now.Add(time.Hour), ErrPageTokenExpired},
			{"other operation", pages, op + "x", bind, token, now, ErrPageToken},
			{"more bound", pages, op, append(slices.Clip(bind), ""), token, now, ErrPageToken},
			{"bound otherwise", pages, op, append([]string{"x"}, bind...), token, now, ErrPageToken},
			{"other key", NewPageTokens(func() [32]byte { return [32]byte{2} }), op, bind, token, now, ErrPageToken},
			{"cut", pages, op, bind, token[:len(token)-1], now, ErrPageToken},
			{"longer", pages, op, bind, token + "AAAA", now, ErrPageToken},
			{"short", pages, op, bind, "AAAA", now, ErrPageToken},
			{"none", pages, op, bind, "", now, ErrPageToken},
		} {
			if _, err := refused.pages.Decode(refused.op, refused.bind, refused.token, refused.now); !errors.Is(err, refused.err) {
				t.Fatalf("%s: %v", refused.name, err)
			}
		}
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		changed := []byte(token)
		changed[at] = rapid.SampledFrom([]byte("ABwxyz012-_")).Draw(t, "c")
		if string(changed) != token {
			if _, err := pages.Decode(op, bind, string(changed), now); err == nil {
				t.Fatal("a changed token was opened")
			}
		}
	})
}

func FuzzPageToken(f *testing.F) {
	pages := NewPageTokens(func() [32]byte { return [32]byte{1} })
	f.Add(pages.Encode("ListUsers", nil, []byte("x"), time.Unix(1, 0)))
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := pages.Decode("ListUsers", []string{"other"}, token, time.Unix(0, 0)); err == nil {
			t.Error("a token for another request was opened")
		}
	})
}
