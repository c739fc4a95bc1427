package token

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/keys"
)

func exampleRefresh() *Refresh {
	return &Refresh{
		PoolID: "us-east-1_AbCdEf123", ClientID: "7abcdefghijklmnopqrstuvwx1", UserID: keys.NewUUID(), Username: "älice",
		Family: keys.NewUUID(), TokenID: keys.NewUUID(), EventID: keys.NewUUID(), DeviceKey: "us-east-1_x", Resource: "https://api.example.com",
		Scopes: []string{"openid", "a/b"}, OAuth: true, TokenEpoch: 1_800_000_000_001,
		AuthTime: time.Unix(1_800_000_000, 0).UTC(), IssuedAt: time.UnixMilli(1_800_000_000_123).UTC(), ExpiresAt: time.Unix(1_900_000_000, 0).UTC(),
	}
}

func TestRefreshRoundTrip(t *testing.T) {
	t.Parallel()
	rated := exampleRefresh()
	rated.ACR, rated.AMR = "urn:cognito:loa:4", []string{"pwd", "otp", "mfa"}
	for _, want := range []*Refresh{exampleRefresh(), rated, {AuthTime: time.Unix(0, 0).UTC(), IssuedAt: time.Unix(0, 0).UTC(), ExpiresAt: time.Unix(0, 0).UTC()}} {
		b := encodeRefresh(want)
		got, err := parseRefresh(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for n := range b {
			if _, err := parseRefresh(b[:n]); err == nil {
				t.Errorf("the first %d of %d bytes parse", n, len(b))
			}
		}
		if _, err := parseRefresh(append(b, 0)); err == nil {
			t.Error("a surplus byte parses")
		}
	}
}

func FuzzParseRefresh(f *testing.F) {
	f.Add(encodeRefresh(exampleRefresh()))
	f.Add(encodeRefresh(&Refresh{ACR: "a", AMR: []string{"pwd", "sms"}}))
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRefresh(b)
		if err != nil {
			return
		}
		again, err := parseRefresh(encodeRefresh(r))
		if err != nil || !cmp.Equal(r, again) {
			t.Errorf("%+v is not read back: %v", r, err)
		}
	})
}

func TestOpenRefresh(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.pool(t)
	c, second := r.client(t, sn, nil), r.client(t, sn, nil)
	other := r.pool(t)
	otherClient := r.client(t, other, nil)
	u := r.user(t, sn, "alice")
	set := r.issue(t, r.grant(t, sn, c, u))
	if !strings.HasPrefix(set.RefreshToken, "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ.") || strings.Count(set.RefreshToken, ".") != 4 {
		t.Errorf("refresh token looks like %s", set.RefreshToken)
	}
	got, err := r.OpenRefresh(t.Context(), sn, c, set.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if got.UserID != u.ID || got.Username != "alice" || got.Family != set.Origin || !got.ExpiresAt.Equal(r.now().Add(30*24*time.Hour).Truncate(time.Second)) || !got.Alive(u.TokensValidAfter) {
		t.Errorf("%+v", got)
	}
	for _, test := range []struct {
		name  string
		open  func(raw string) (*Refresh, error)
		token string
	}{
		{"other client", func(raw string) (*Refresh, error) { return r.OpenRefresh(t.Context(), sn, second, raw) }, set.RefreshToken},
		{"other pool", func(raw string) (*Refresh, error) { return r.OpenRefresh(t.Context(), other, otherClient, raw) }, set.RefreshToken},
		{"access token", func(raw string) (*Refresh, error) { return r.OpenRefresh(t.Context(), sn, c, raw) }, set.AccessToken},
		{"changed", func(raw string) (*Refresh, error) { return r.OpenRefresh(t.Context(), sn, c, raw) }, flip(set.RefreshToken)},
		{"empty", func(raw string) (*Refresh, error) { return r.OpenRefresh(t.Context(), sn, c, raw) }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.open(test.token); !errors.Is(err, ErrRefresh) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// flip changes one character in the middle of a token.
func flip(token string) string {
	b := []byte(token)
	i := bytes.LastIndexByte(b, '.') - 8
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}
