package user

import (
	"fmt"
	"testing"
	"time"

	"cognate/internal/api/idp"
)

// TestKnownAddresses: which addresses are known, and when their notes are written.
func TestKnownAddresses(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, nil)
		bob := r.have(t, sn, "bob", idp.UserStatusTypeConfirmed, nil)
		place := func(u *User, address string) string {
			t.Helper()
			p, err := r.Place(t.Context(), &r.deps.Store.Reader, sn, u, Caller{Address: address})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		for _, row := range []struct {
			name, noted, asked string
			known              bool
		}{
			{"the same", "192.0.2.1", "192.0.2.1", true},
			{"mapped into IPv6", "192.0.2.1", "::ffff:192.0.2.1", true},
			{"another", "192.0.2.1", "192.0.2.2", false},
			{"the same network", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
			{"another network", "2001:db8:1:2::1", "2001:db8:1:3::1", false},
			{"none", "", "", false},
			{"no address", "localhost", "localhost", false},
		} {
			t.Run(row.name, func(t *testing.T) {
				r.NoteAddress(t.Context(), sn, u, row.noted, nil)
				if got := place(u, row.asked); (got != "") != row.known {
					t.Errorf("place %q", got)
				}
				if got := place(bob, row.asked); got != "" {
					t.Errorf("place %q of somebody else", got)
				}
				if got := place(r.Decoy(sn, "nobody"), row.asked); got != "" {
					t.Errorf("place %q of nobody", got)
				}
			})
		}
		t.Run("written once in a week", func(t *testing.T) {
			hash, _ := r.addressHash(sn.ID, u.ID(), "192.0.2.1")
			seen := func() time.Time {
				a, err := r.deps.Store.KnownAddress(t.Context(), sn.ID, u.ID(), hash)
				if err != nil {
					t.Fatal(err)
				}
				return a.SeenAt
			}
			first := seen()
			r.Clock.Pass(addressAge - time.Millisecond)
			r.NoteAddress(t.Context(), sn, u, "192.0.2.1", nil)
			if got := seen(); !got.Equal(first) {
				t.Errorf("written at %v again", got)
			}
			r.Clock.Pass(time.Millisecond)
			r.NoteAddress(t.Context(), sn, u, "192.0.2.1", nil)
			if got := seen(); !got.Equal(r.Clock.Now()) {
				t.Errorf("noted at %v", got)
			}
		})
		t.Run("a few", func(t *testing.T) {
			for i := range maxAddresses {
				r.Clock.Pass(time.Second)
				r.NoteAddress(t.Context(), sn, u, fmt.Sprint("203.0.113.", i), nil)
			}
			if got := place(u, "192.0.2.1"); got != "" {
				t.Errorf("place %q beyond the limit", got)
			}
			if got := place(u, "203.0.113.0"); got == "" {
				t.Error("a newer address is not known")
			}
		})
	})
}
