package store

import (
	"path/filepath"
	"testing"
	"time"
)

// TestKeepAddresses: an address is forgotten when the user has not signed in from it for Options.KeepAddresses.
func TestKeepAddresses(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_750_000_000_000)
	for _, tt := range []struct{ keep, want time.Duration }{{0, 90 * 24 * time.Hour}, {10 * 24 * time.Hour, 10 * 24 * time.Hour}} {
		s := openForPlans(t, Options{Path: filepath.Join(t.TempDir(), "x.db"), KeepAddresses: tt.keep})
		if err := s.Update(t.Context(), func(tx *Tx) error {
			if err := tx.InsertUser(t.Context(), User{PoolID: "p", ID: "u", Username: "u", UsernameKey: "u"}, nil); err != nil {
				return err
			}
			return tx.PutKnownAddress(t.Context(), KnownAddress{PoolID: "p", UserID: "u", SeenAt: at}, 8)
		}); err != nil {
			t.Fatal(err)
		}
		for _, sweep := range []struct {
			after time.Duration
			want  int
		}{{tt.want - time.Millisecond, 1}, {tt.want, 0}} {
			if _, err := s.Sweep(t.Context(), at.Add(sweep.after), 1000); err != nil {
				t.Fatal(err)
			}
			if list, err := s.KnownAddressesOf(t.Context(), "p", "u"); err != nil || len(list) != sweep.want {
				t.Errorf("%d addresses after %v, want %d (%v)", len(list), sweep.after, sweep.want, err)
			}
		}
	}
}
