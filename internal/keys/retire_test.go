package keys

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestTokensOfOldKeys opens a token of each kind at the end of its longest life
// after its key was superseded, and a row at any time.
func TestTokensOfOldKeys(t *testing.T) {
	t.Parallel()
	for _, kind := range Tokens() {
		t.Run(kind.Name(), func(t *testing.T) {
			t.Parallel()
			r, _, records := testRing(t)
			old := must(r.SealToken(kind, nil, []byte("old")))
			row := r.Seal(PurposeTOTP, nil, []byte("row"))
			rotated := start.Add(time.Hour)
			for _, p := range Purposes() {
				records = append(records, must(r.Rotate(t.Context(), rotated, p))...)
			}
			end := rotated.Add(SealDelay + sealLinger + kind.Life())
			for _, at := range []struct {
				name string
				now  time.Time
				err  error
			}{{"while it may live", end, nil}, {"after", end.Add(time.Nanosecond), ErrToken}} {
				if err := r.Load(t.Context(), records, at.now); err != nil {
					t.Fatal(err)
				}
				if _, err := r.OpenToken(t.Context(), kind, nil, old); !errors.Is(err, at.err) {
					t.Errorf("%s: err = %v, want %v", at.name, err, at.err)
				}
				if _, err := r.Open(PurposeTOTP, nil, row); err != nil {
					t.Errorf("%s: the row: %v", at.name, err)
				}
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestTokenKinds: a kind without a life or a data key of its own would be a token
// that no rotation ends.
func TestTokenKinds(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	r, _, _ := testRing(t)
	for _, kind := range Tokens() {
		if kind.Life() <= 0 || kind.Life() > RefreshLife || seen[kind.Name()] {
			t.Errorf("%s: life %s, twice %v", kind.Name(), kind.Life(), seen[kind.Name()])
		}
		seen[kind.Name()] = true
		if _, err := r.SealToken(kind, nil, nil); err != nil {
			t.Error(err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a row is sealed as %s", kind.Name())
				}
			}()
			r.Seal(kind.purpose, nil, nil)
		}()
	}
}

func TestRetire(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, _, records := testRing(t)
	stale, thief := must(open(r, records)), must(open(r, records))
	row, hash := r.Seal(PurposeSigningKey, nil, []byte("row")), r.Hash("code")
	next := testKEK(t)
	now := start.Add(time.Minute)
	retired := must(r.Retire(ctx, next, records, now))
	if err := r.Load(ctx, retired, now); !errors.Is(err, ErrWrongKEK) || r.Usable() {
		t.Fatalf("without the new key-encryption key: %v, usable %v", err, r.Usable())
	}
	refused := func(name string, r *Ring) {
		t.Helper()
		for _, kind := range Tokens() {
			if _, err := r.OpenToken(ctx, kind, nil, must(thief.SealToken(kind, nil, nil))); !errors.Is(err, ErrToken) {
				t.Errorf("%s: forged %s: %v", name, kind.Name(), err)
			}
		}
		if got, err := r.Open(PurposeSigningKey, nil, row); err != nil || string(got) != "row" || !r.Retired(PurposeSigningKey, row) {
			t.Errorf("%s: the row: %q, %v, retired %v", name, got, err, r.Retired(PurposeSigningKey, row))
		}
	}
	refused("without the new key-encryption key", r)
	if _, err := r.SealToken(TokenRefresh, nil, nil); err == nil {
		t.Error("seals a token with a retired key")
	}
	r.UseKEK(next)
	if err := r.Load(ctx, retired, now); err != nil || !r.Usable() {
		t.Fatalf("with it: %v, usable %v", err, r.Usable())
	}
	refused("with the new key-encryption key", r)
	if r.Hash("code") == hash || r.Epoch() != 1 {
		t.Errorf("the hash root stays, epoch %d", r.Epoch())
	}
	fresh := must(r.SealToken(TokenSession, nil, []byte("fresh")))
	if got, err := r.OpenToken(ctx, TokenSession, nil, fresh); err != nil || string(got) != "fresh" {
		t.Errorf("a new token: %q, %v", got, err)
	}
	if _, err := stale.OpenToken(ctx, TokenSession, nil, fresh); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a node that is behind: %v", err)
	}
	// An older reading of the records brings nothing back.
	if err := r.Load(ctx, records, now); err == nil && r.Usable() {
		refused("after an older reading", r)
	}

	again := must(r.Retire(ctx, nil, retired, now.Add(time.Minute)))
	if err := r.Load(ctx, again, now.Add(time.Minute)); err != nil || r.Epoch() != 2 {
		t.Fatalf("again: %v, epoch %d", err, r.Epoch())
	}
	if _, err := r.OpenToken(ctx, TokenSession, nil, fresh); !errors.Is(err, ErrToken) {
		t.Errorf("a token of the first retirement: %v", err)
	}
	for _, w := range again {
		if w.ID == 1 && !w.RetiredAt.Equal(now) {
			t.Errorf("%s: the time of the first retirement is lost", w.Purpose)
		}
	}
}

func open(r *Ring, records []WrappedKey) (*Ring, error) {
	out, _, err := OpenRing(context.Background(), r.kek.Load(), records, start)
	return out, err
}

// TestUnknownKey shows tokens of keys that a ring has not loaded, and of none.
func TestUnknownKey(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	ahead, _, records := testRing(t)
	stored, reads, now := records, 0, start
	var down error
	behind := must(open(ahead, records))
	behind.Follow(func(context.Context) ([]WrappedKey, error) { reads++; return stored, down }, nil, func() time.Time { return now })
	var waited time.Duration
	behind.follow.wait = func(_ context.Context, d time.Duration) error {
		waited += d
		now = now.Add(d)
		return nil
	}
	rotate := func() string {
		t.Helper()
		stored = append(stored, must(ahead.Rotate(ctx, now, TokenRefresh.purpose))...)
		now = now.Add(SealDelay)
		if err := ahead.Load(ctx, stored, now); err != nil {
			t.Fatal(err)
		}
		return must(ahead.SealToken(TokenRefresh, nil, []byte("x")))
	}
	opens := func(name, token string, want error, wantReads int, wantWait time.Duration) {
		t.Helper()
		reads, waited = 0, 0
		if _, err := behind.OpenToken(ctx, TokenRefresh, nil, token); !errors.Is(err, want) || reads != wantReads || waited != wantWait {
			t.Errorf("%s: %v after %d reads and %v, want %v after %d and %v", name, err, reads, waited, want, wantReads, wantWait)
		}
	}
	second := rotate()
	down = errors.New("away")
	opens("the database is away", second, ErrUnknownKey, 1, 0)
	now = now.Add(reloadInterval / 4)
	opens("still away", second, ErrUnknownKey, 1, reloadInterval*3/4)
	down = nil
	opens("within the second", second, nil, 1, reloadInterval)
	opens("known", second, nil, 0, 0)

	forged := func(id byte) string {
		sealed := ahead.seal(TokenRefresh.purpose, nil, nil)
		sealed[4] = id
		return encodeToken(ShapeRefreshToken, sealed)
	}
	now = now.Add(reloadInterval)
	opens("a key that never existed", forged(3), ErrToken, 1, 0)
	opens("the same within the second", forged(3), ErrToken, 1, reloadInterval)
	opens("far ahead", forged(200), ErrToken, 0, 0)
	opens("no id", forged(0), ErrToken, 0, 0)
	now = now.Add(reloadInterval)
	row := ahead.Seal(PurposeTOTP, nil, nil)
	row[4] = 2
	if _, err := behind.Open(PurposeTOTP, nil, row); err == nil || errors.Is(err, ErrUnknownKey) {
		t.Errorf("a row of no key: %v", err)
	}
}

// TestForgedKeysAtOnce: however many values name keys that never existed, they
// share a load, and none is taken for a fault of the server. A client that leaves
// spoils the load for nobody.
func TestForgedKeysAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ring, _, records := testRing(t)
		reads, goOn := 0, make(chan struct{})
		ring.Follow(func(ctx context.Context) ([]WrappedKey, error) {
			if reads++; reads == 1 {
				<-goOn
			}
			return records, ctx.Err()
		}, nil, time.Now)
		sealed := ring.seal(TokenSession.purpose, nil, nil)
		sealed[4] = 2
		forged := encodeToken(ShapeSession, sealed)
		show := func(ctx context.Context) {
			if _, err := ring.OpenToken(ctx, TokenSession, nil, forged); !errors.Is(err, ErrToken) {
				t.Errorf("a forged token: %v", err)
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		go show(leaving)
		synctest.Wait()
		for range 40 {
			go show(t.Context())
		}
		synctest.Wait()
		leave()
		close(goOn)
		time.Sleep(reloadInterval)
		synctest.Wait()
		if reads != 2 {
			t.Errorf("%d loads", reads)
		}
	})
}

func TestFollowsTheConfiguredKEK(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, from, records := testRing(t)
	to := testKEK(t)
	stored, configured := records, from
	r.Follow(func(context.Context) ([]WrappedKey, error) { return stored, nil }, func() (*KEK, error) { return configured, nil }, func() time.Time { return start })
	stored = must(r.Retire(ctx, to, records, start))
	if err := r.Refresh(ctx); !errors.Is(err, ErrWrongKEK) || r.Usable() {
		t.Errorf("with the old file: %v, usable %v", err, r.Usable())
	}
	configured = testKEK(t)
	if err := r.Refresh(ctx); !errors.Is(err, ErrWrongKEK) || r.Usable() {
		t.Errorf("with a wrong file: %v, usable %v", err, r.Usable())
	}
	configured = to
	if err := r.Refresh(ctx); err != nil || !r.Usable() {
		t.Errorf("with the new file: %v, usable %v", err, r.Usable())
	}
}

func TestCheckSettled(t *testing.T) {
	t.Parallel()
	r, _, records := testRing(t)
	if err := CheckSettled(records, start); err != nil {
		t.Errorf("the first keys: %v", err)
	}
	records = append(records, must(r.Rotate(t.Context(), start.Add(time.Hour), PurposeTOTP))...)
	if err := CheckSettled(records, start.Add(time.Hour+SealDelay-1)); !errors.Is(err, ErrYoungKey) {
		t.Errorf("a young key: %v", err)
	}
	if err := CheckSettled(records, start.Add(time.Hour+SealDelay)); err != nil {
		t.Errorf("an older key: %v", err)
	}
}
