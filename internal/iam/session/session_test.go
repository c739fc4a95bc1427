package session_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/iam/session"
	"cognate/internal/keys"
	"cognate/test/fresh"
)

var start = time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)

func newRing(t testing.TB) *keys.Ring {
	t.Helper()
	ring, _ := fresh.Ring(t, func() time.Time { return start })
	return ring
}

// guest is a session as an identity pool makes it.
func guest() *session.Description {
	const pool, identity = "eu-central-1:11111111-1111-4111-8111-111111111111", "eu-central-1:22222222-2222-4222-8222-222222222222"
	const key = "cognito-identity.amazonaws.com"
	return &session.Description{
		Kind: session.AssumedRole, Name: "CognitoIdentityCredentials", Role: "arn:aws:iam::123456789012:role/app/guests", RoleID: "AROAABCDEFGHIJKLMNOPQ",
		Issued: start, Expires: start.Add(time.Hour), IdentityPool: pool, Identity: identity, Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","dynamodb:*"],"Resource":"*"}]}`,
		Tags: map[string]string{"team": "red"}, TransitiveKeys: []string{"team"}, SourceIdentity: "dora", PolicyARNs: []string{"arn:aws:iam::aws:policy/AmazonS3FullAccess"},
		Login: &session.Login{Provider: key, Keys: map[string][]string{key + ":aud": {pool}, key + ":sub": {identity}, key + ":amr": {"authenticated", "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abcdefghi"}}},
	}
}

// short returns a session whose token is not compressed.
func short() *session.Description {
	d := guest()
	d.Policy, d.PolicyARNs, d.Login.Keys = "", nil, nil
	return d
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	t.Run("long", func(t *testing.T) { roundTrip(t, guest()) })
	t.Run("short", func(t *testing.T) { roundTrip(t, short()) })
}

func roundTrip(t *testing.T, want *session.Description) {
	t.Helper()
	t.Parallel()
	ring := newRing(t)
	c, err := session.New(ring, rand.Reader, want, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(c.AccessKeyID, "ASIA") || len(c.AccessKeyID) != 20 || len(c.Secret) != 40 || !c.Expires.Equal(want.Expires) {
		t.Errorf("key %s with a secret of %d letters until %s", c.AccessKeyID, len(c.Secret), c.Expires)
	}
	if len(c.Token) > 1000 {
		t.Errorf("the token has %d characters", len(c.Token))
	}
	if !session.IsKeyID(ring, c.AccessKeyID) {
		t.Error("the key is not recognized")
	}
	got, secret, err := session.Open(t.Context(), ring, c.AccessKeyID, c.Token)
	if err != nil || secret != c.Secret {
		t.Fatalf("Open: %v, same secret %v", err, secret == c.Secret)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text := fmt.Sprintf("%v %+v", c, *c); strings.Contains(text, string(c.Secret)) {
		t.Error("the secret is printed")
	}
}

// TestOpenRefuses wants a token to open for its own key on its own server only.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	create := func(r *keys.Ring) *session.Credentials {
		c, err := session.New(r, rand.Reader, guest(), 0)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, another, foreign := create(ring), create(ring), create(newRing(t))
	middle := len(c.Token) / 2
	flipped := c.Token[:middle] + string(c.Token[middle]^1) + c.Token[middle+1:]
	tests := []struct{ name, key, token string }{
		{"key of another session", another.AccessKeyID, c.Token},
		{"token of another session", c.AccessKeyID, another.Token},
		{"flipped bit", c.AccessKeyID, flipped},
		{"cut", c.AccessKeyID, c.Token[:len(c.Token)-4]},
		{"longer", c.AccessKeyID, c.Token + "AAAA"},
		{"line end", c.AccessKeyID, c.Token + "\n"},
		{"empty", c.AccessKeyID, ""},
		{"garbage", c.AccessKeyID, "IQoJb3JpZ2luX2VjE"},
		{"other server", foreign.AccessKeyID, foreign.Token},
		{"too long", c.AccessKeyID, strings.Repeat("A", 1<<16)},
	}
	for _, tt := range tests {
		if d, _, err := session.Open(t.Context(), ring, tt.key, tt.token); !errors.Is(err, keys.ErrToken) {
			t.Errorf("%s: %v, %v", tt.name, d, err)
		}
	}
	if session.IsKeyID(ring, foreign.AccessKeyID) {
		t.Error("another server's key is recognized")
	}
	if c.Secret == another.Secret {
		t.Error("two sessions have one secret")
	}
}

func TestMinimumSize(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	for _, size := range []int{0, 1, 900, 1500, 1501, 1502, 1503, 4096} {
		for _, d := range []*session.Description{guest(), short()} {
			c, err := session.New(ring, rand.Reader, d, size)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(c.Token); n < size || n > max(size+8, 1000) || n > session.MaxTokenLen {
				t.Errorf("a token of %d characters for %d", n, size)
			}
			if got, _, err := session.Open(t.Context(), ring, c.AccessKeyID, c.Token); err != nil || !cmp.Equal(got, d) {
				t.Errorf("size %d: %v, %v", size, got, err)
			}
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	ring := newRing(t)
	d := guest()
	d.Tags = map[string]string{}
	for i := range 50 {
		d.Tags[fmt.Sprint(i)] = rand.Text() + rand.Text() + rand.Text() + rand.Text()
	}
	if _, err := session.New(ring, rand.Reader, d, 0); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("error = %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	ring := newRing(f)
	c, err := session.New(ring, rand.Reader, guest(), 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.AccessKeyID, "x")
	f.Add("ASIA", c.Token[:40])
	f.Fuzz(func(t *testing.T, id, token string) {
		session.IsKeyID(ring, id)
		if _, _, err := session.Open(t.Context(), ring, id, token); err == nil && (id != c.AccessKeyID || token != c.Token) {
			t.Errorf("opened %q", token)
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	ring := newRing(b)
	c, err := session.New(ring, rand.Reader, guest(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(c.Token)), "token-bytes")
	for b.Loop() {
		if _, _, err := session.Open(b.Context(), ring, c.AccessKeyID, c.Token); err != nil {
			b.Fatal(err)
		}
	}
}
