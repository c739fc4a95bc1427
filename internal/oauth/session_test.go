package oauth

import (
	"cmp"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
)

// TestServes: a session is reused within its limits. One that began in the future, by the
// clock of another node, passes no limit of 0.
func TestServes(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_750_000_000_000)
	for _, row := range []struct {
		name   string
		age    time.Duration
		since  time.Duration // of the first sign-in; 0: the same
		tracks bool
		reuse  time.Duration
		maxAge time.Duration
		prompt []string
		want   bool
	}{
		{name: "fresh", age: time.Second, maxAge: -1, want: true},
		{name: "at the end of the hour", age: time.Hour, maxAge: -1},
		{name: "the client's limit", age: 2 * time.Minute, tracks: true, reuse: 2 * time.Minute, maxAge: -1},
		{name: "below the client's limit", age: 90 * time.Minute, tracks: true, reuse: 2 * time.Hour, maxAge: -1, want: true},
		{name: "a client that never reuses", tracks: true, maxAge: -1},
		{name: "a client that never reuses, a session of the future", age: -5 * time.Second, tracks: true, maxAge: -1},
		{name: "a step-up does not renew it", age: 10 * time.Second, since: time.Hour, maxAge: -1},
		{name: "max_age of a step-up", age: 10 * time.Second, since: 20 * time.Minute, maxAge: time.Minute, want: true},
		{name: "max_age", age: 10 * time.Second, maxAge: 9 * time.Second},
		{name: "max_age=0", maxAge: 0},
		{name: "max_age=0, a session of the future", age: -5 * time.Second, maxAge: 0},
		{name: "prompt=login", age: time.Second, maxAge: -1, prompt: []string{"login"}},
	} {
		sn := &pool.Snapshot{}
		sn.Tracking.On = row.tracks
		a := &Authorization{Client: &pool.Client{SSOReuse: row.reuse}, maxAge: row.maxAge, prompt: row.prompt}
		a.Client.Config = idp.UserPoolClientType{SupportedIdentityProviders: []string{localProvider}}
		b := &browserSession{At: now.Add(-row.age).UnixMilli(), Began: now.Add(-cmp.Or(row.since, row.age)).UnixMilli()}
		if got := b.serves(&Site{Pool: sn}, a, now); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}
