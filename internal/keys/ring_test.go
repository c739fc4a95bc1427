package keys

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func testKEK(t testing.TB) *KEK {
	t.Helper()
	k, err := ParseKEK(GenerateKEK())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func testRing(t testing.TB) (*Ring, *KEK, []WrappedKey) {
	t.Helper()
	kek := testKEK(t)
	r, records, err := OpenRing(t.Context(), kek, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	return r, kek, records
}

// TestXAES has the two vectors of the C2SP specification.
func TestXAES(t *testing.T) {
	t.Parallel()
	nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
	for _, tt := range []struct {
		name    string
		key     byte
		ad, out string
	}{
		{"MSB of L is 0", 1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{"MSB of L is 1", 3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := newXAES(bytes.Repeat([]byte{tt.key}, 32))
			got := x.Seal(nil, nonce, []byte("XAES-256-GCM"), []byte(tt.ad))
			if diff := cmp.Diff(tt.out, hex.EncodeToString(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			plain, err := x.Open(nil, nonce, got, []byte(tt.ad))
			if err != nil || string(plain) != "XAES-256-GCM" {
				t.Errorf("open: %q, %v", plain, err)
			}
		})
	}
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	r, _, records := testRing(t)
	other, _, _ := testRing(t)
	const purpose = PurposeTOTP
	ad, plain := []byte("us-east-1_AbCdEf123/alice"), []byte("secret")
	sealed := r.Seal(purpose, ad, plain)
	if len(records) != len(Purposes())+1 {
		t.Errorf("%d records, want one for each purpose and the hash key", len(records))
	}
	if got, err := r.Open(purpose, ad, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("open: %q, %v", got, err)
	}
	if bytes.Equal(sealed, r.Seal(purpose, ad, plain)) {
		t.Error("the same twice")
	}
	flip := func(i int) []byte {
		b := bytes.Clone(sealed)
		b[(i+len(b))%len(b)] ^= 1
		return b
	}
	for _, tt := range []struct {
		name    string
		ring    *Ring
		purpose Purpose
		ad      []byte
		sealed  []byte
	}{
		{"other row", r, purpose, []byte("us-east-1_AbCdEf123/bob"), sealed},
		{"no row", r, purpose, nil, sealed},
		{"other purpose", r, PurposeMessage, ad, sealed},
		{"the hash key's purpose", r, purposeHash, ad, sealed},
		{"unknown purpose", r, "nothing", ad, sealed},
		{"other ring", other, purpose, ad, sealed},
		{"version", r, purpose, ad, flip(0)},
		{"key id", r, purpose, ad, flip(4)},
		{"derived half of the nonce", r, purpose, ad, flip(6)},
		{"other half of the nonce", r, purpose, ad, flip(20)},
		{"ciphertext", r, purpose, ad, flip(sealHeader + nonceSize)},
		{"tag", r, purpose, ad, flip(-1)},
		{"cut", r, purpose, ad, sealed[:len(sealed)-1]},
		{"longer", r, purpose, ad, append(bytes.Clone(sealed), 0)},
		{"short", r, purpose, ad, sealed[:sealOverhead-1]},
		{"empty", r, purpose, ad, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := tt.ring.Open(tt.purpose, tt.ad, tt.sealed); err == nil {
				t.Errorf("opens to %q", got)
			}
		})
	}
}

func TestSealEmptyAndLong(t *testing.T) {
	t.Parallel()
	r, _, _ := testRing(t)
	for _, n := range []int{0, 1, 15, 16, 17, 1 << 20} {
		plain := bytes.Repeat([]byte{7}, n)
		got, err := r.Open(PurposeMessage, plain, r.Seal(PurposeMessage, plain, plain))
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestSealPanicsOnUndeclaredPurpose(t *testing.T) {
	t.Parallel()
	r, _, _ := testRing(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	r.Seal("undeclared", nil, nil)
}

func TestRotation(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, kek, records := testRing(t)
	sealedBy := func(r *Ring) uint32 { return uint32(r.Seal(PurposeMessage, nil, nil)[4]) }
	old := r.Seal(PurposeMessage, nil, []byte("old"))
	hash := r.Hash("x", []byte("token"))

	now := start.Add(time.Hour)
	added, err := r.Rotate(ctx, now, PurposeMessage, PurposeTOTP)
	if err != nil || len(added) != 2 || added[0].ID != 2 {
		t.Fatalf("rotate: %+v, %v", added, err)
	}
	if got := sealedBy(r); got != 1 {
		t.Errorf("sealed by %d before the new key is loaded", got)
	}
	records = append(added, records...)
	if err := r.Load(ctx, records, now.Add(SealDelay-1)); err != nil {
		t.Fatal(err)
	}
	if got := sealedBy(r); got != 1 {
		t.Errorf("sealed by %d within SealDelay, when other nodes may lack it", got)
	}
	if err := r.Load(ctx, records, now.Add(SealDelay)); err != nil {
		t.Fatal(err)
	}
	if got := sealedBy(r); got != 2 {
		t.Errorf("sealed by %d after SealDelay", got)
	}
	if got, err := r.Open(PurposeMessage, nil, old); err != nil || string(got) != "old" {
		t.Errorf("value of the old key: %q, %v", got, err)
	}
	if r.Hash("x", []byte("token")) != hash {
		t.Error("rotation changes hashes")
	}

	// A node that has not loaded the new key says so, and opens after it has.
	behind, added, err := OpenRing(ctx, kek, records[2:], now)
	if err != nil || len(added) != 0 {
		t.Fatalf("added %d, %v", len(added), err)
	}
	young := r.Seal(PurposeMessage, nil, []byte("young"))
	if _, err := behind.Open(PurposeMessage, nil, young); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("err = %v, want ErrUnknownKey", err)
	}
	if err := behind.Load(ctx, records, now); err != nil {
		t.Fatal(err)
	}
	if got, err := behind.Open(PurposeMessage, nil, young); err != nil || string(got) != "young" {
		t.Errorf("after load: %q, %v", got, err)
	}
	if _, err := r.Rotate(ctx, now, purposeHash); err == nil {
		t.Error("the hash key rotates")
	}
}

func TestRewrap(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, from, records := testRing(t)
	to := testKEK(t)
	sealed := r.Seal(PurposeTOTP, nil, []byte("secret"))

	if _, _, err := OpenRing(ctx, to, records, start); !errors.Is(err, ErrWrongKEK) {
		t.Errorf("err = %v, want ErrWrongKEK", err)
	}
	changed, err := Rewrap(ctx, from, to, records)
	if err != nil || len(changed) != len(records) {
		t.Fatalf("%d changed, %v", len(changed), err)
	}
	// As after an interruption: half of the records are done.
	half := append(changed[:3:3], records[3:]...)
	rest, err := Rewrap(ctx, from, to, half)
	if err != nil || len(rest) != len(records)-3 {
		t.Fatalf("%d changed, %v", len(rest), err)
	}
	again, added, err := OpenRing(ctx, to, append(half[:3], rest...), start)
	if err != nil || len(added) != 0 {
		t.Fatalf("added %d, %v", len(added), err)
	}
	if got, err := again.Open(PurposeTOTP, nil, sealed); err != nil || string(got) != "secret" {
		t.Errorf("open: %q, %v", got, err)
	}
	if again.Hash("x") != r.Hash("x") {
		t.Error("hashes differ")
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	r, _, records := testRing(t)
	change := func(f func(w *WrappedKey)) []WrappedKey {
		out := append([]WrappedKey(nil), records...)
		out[0].Wrapped = bytes.Clone(out[0].Wrapped)
		f(&out[0])
		return out
	}
	for _, tt := range []struct {
		name    string
		records []WrappedKey
	}{
		{"none", nil},
		{"hash key missing", records[:len(records)-1]},
		{"twice", slices.Concat(records, records[:1])},
		{"id 0", change(func(w *WrappedKey) { w.ID = 0 })},
		{"moved to another id", change(func(w *WrappedKey) { w.ID = 9 })},
		{"moved to another purpose", change(func(w *WrappedKey) { w.Purpose = PurposeImport; w.ID = 2 })},
		{"altered", change(func(w *WrappedKey) { w.Wrapped[len(w.Wrapped)-1] ^= 1 })},
		{"cut", change(func(w *WrappedKey) { w.Wrapped = w.Wrapped[:10] })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := r.Load(context.Background(), tt.records, start); err == nil {
				t.Error("loads")
			}
		})
	}
	newer := slices.Concat(records, []WrappedKey{{Purpose: "of a newer version", ID: 1}})
	if err := r.Load(t.Context(), newer, start); err != nil {
		t.Errorf("unknown purpose: %v", err)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	r, _, _ := testRing(t)
	other, _, _ := testRing(t)
	b := func(s ...string) (out [][]byte) {
		for _, p := range s {
			out = append(out, []byte(p))
		}
		return out
	}
	base := r.Hash("code", b("ab", "c")...)
	if base != r.Hash("code", b("ab", "c")...) {
		t.Error("not stable")
	}
	for _, tt := range []struct {
		name string
		got  [32]byte
	}{
		{"parts shifted", r.Hash("code", b("a", "bc")...)},
		{"parts joined", r.Hash("code", b("abc")...)},
		{"empty part", r.Hash("code", b("ab", "c", "")...)},
		{"no part", r.Hash("code")},
		{"other purpose", r.Hash("session", b("ab", "c")...)},
		{"derive", r.Derive("code", b("ab", "c")...)},
		{"other ring", other.Hash("code", b("ab", "c")...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.got == base {
				t.Error("same hash")
			}
		})
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if r.Hash("code", b("ab", "c")...) != base {
					t.Error("differs when called from several goroutines")
				}
			}
		})
	}
	wg.Wait()
}

func TestKEKFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "kek")
	if _, err := ReadKEKFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("err = %v, want not-exist", err)
	}
	// Several processes at once get one key, and one of them made it.
	var mu sync.Mutex
	ids, made := map[string]bool{}, 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			k, created, err := EnsureKEKFile(path)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			ids[k.ID()] = true
			if created {
				made++
			}
		})
	}
	wg.Wait()
	if len(ids) != 1 || made != 1 {
		t.Errorf("%d keys, %d made; want 1 and 1", len(ids), made)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files in the folder, %v; want the key alone", len(entries), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, _, err := EnsureKEKFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %o: err = %v", mode, err)
		}
	}
	if _, err := ReadKEKFile(dir); err == nil {
		t.Error("reads a folder")
	}
}

func TestParseKEK(t *testing.T) {
	t.Parallel()
	good := GenerateKEK()
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"good", good, true},
		{"line end", good + "\n", true},
		{"empty", "", false},
		{"short", "c2hvcnQ=", false},
		{"zeros", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
		{"33 bytes", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", false},
		{"not base64", strings.Repeat("!", 44), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseKEK(tt.in)
			if (err == nil) != tt.ok {
				t.Errorf("err = %v, want ok %v", err, tt.ok)
			}
			if err != nil && tt.in != "" && strings.Contains(err.Error(), tt.in) {
				t.Error("the error quotes the key")
			}
		})
	}
}

func TestRedaction(t *testing.T) {
	t.Parallel()
	ring, kek, _ := testRing(t)
	pool := NewSigningKeyPool(1)
	defer pool.Close()
	for _, v := range []any{ring, kek, testKey(t), pool} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
			if got := fmt.Sprintf(verb, v); got != redacted {
				t.Errorf("%T %s prints %.80s", v, verb, got)
			}
		}
		var out bytes.Buffer
		for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
			out.Reset()
			slog.New(h).Info("m", "v", v)
			if !strings.Contains(out.String(), redacted) {
				t.Errorf("%T logs %.120s", v, out.String())
			}
		}
	}
}
