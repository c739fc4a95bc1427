package user

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/user/codes"
	"cognate/test/services"
)

// from returns the context of a request from the address.
func from(ctx context.Context, address string) context.Context {
	return api.WithRequest(ctx, &api.Request{SourceIP: address, Anonymous: true})
}

// TestStrangersAskForCodes: whoever asks for codes in somebody's name, and guesses
// at them, does not make the owner's right and newest code fail, and cannot guess
// without end. Each call goes to the other one of two nodes, from another address.
func TestStrangersAskForCodes(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, nil)
		client := r.clientWith(t, sn, hiding)
		u := r.have(t, sn, "alice", idp.UserStatusTypeConfirmed, verified("alice@example.com"))
		const home = "192.0.2.1"
		r.NoteAddress(t.Context(), sn, u, home)
		nodes := []*Service{r.Service, New(r.deps)}
		calls := 0
		elsewhere := func() (*Service, context.Context) {
			calls++
			return nodes[calls%2], from(t.Context(), fmt.Sprintf("198.51.%d.%d", calls/200, calls%200+1))
		}
		ask := func(s *Service, ctx context.Context) error {
			r.Clock.Pass(time.Millisecond)
			_, err := s.ForgotPassword(ctx, &idp.ForgotPasswordRequest{ClientId: client, Username: "alice"})
			return err
		}
		give := func(s *Service, ctx context.Context, code string) error {
			_, err := s.ConfirmForgotPassword(ctx, &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: "alice", ConfirmationCode: code, Password: goodPassword + "2"})
			return err
		}
		// Requests alone.
		for range codes.QuotaReset.Limit {
			s, ctx := elsewhere()
			wantSays(t, ask(s, ctx), "")
		}
		s, ctx := elsewhere()
		wantSays(t, ask(s, ctx), sayLimit)
		s, ctx = elsewhere()
		wantSays(t, give(s, ctx, r.lastCode(t, sn)), "")

		// Requests are used up, and the newest code's tries: the owner is at home.
		wantSays(t, ask(r.Service, from(t.Context(), home)), "")
		wrong := services.OtherCode(r.lastCode(t, sn))
		for range codes.TriesResetPassword.Limit {
			s, ctx := elsewhere()
			wantSays(t, give(s, ctx, wrong), sayMismatch)
		}
		s, ctx = elsewhere()
		wantSays(t, give(s, ctx, r.lastCode(t, sn)), sayLimit)
		wantSays(t, give(r.Service, from(t.Context(), home), r.lastCode(t, sn)), "")

		// A day of guesses, as many as are looked at. It is part of two days that are
		// counted.
		guesses := 0
		for range 24 {
			r.Clock.Pass(time.Hour)
			for range codes.QuotaReset.Limit + 1 {
				s, ctx := elsewhere()
				if ask(s, ctx) != nil {
					break
				}
				wrong := services.OtherCode(r.lastCode(t, sn))
				for range codes.TriesResetPassword.Limit + 1 {
					if s, ctx := elsewhere(); says(give(s, ctx, wrong)) == sayMismatch {
						guesses++
					}
				}
			}
		}
		if most := 2 * (codes.WrongAnswers + codes.TriesResetPassword.Limit); guesses < 50 || guesses > most {
			t.Errorf("%d guesses in a day, want at most %d", guesses, most)
		}
		// At home, too, the tries come to an end.
		at := from(t.Context(), home)
		guesses = 0
		for range 2 * codes.QuotaReset.Limit {
			if ask(r.Service, at) != nil {
				break
			}
			for range codes.TriesResetPassword.Limit + 1 {
				if says(give(r.Service, at, services.OtherCode(r.lastCode(t, sn)))) == sayMismatch {
					guesses++
				}
			}
		}
		if most := 2 * codes.QuotaReset.Limit * codes.TriesResetPassword.Limit; guesses > most {
			t.Errorf("%d guesses at home in an hour, want at most %d", guesses, most)
		}
	})
}

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
				r.NoteAddress(t.Context(), sn, u, row.noted)
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
			r.NoteAddress(t.Context(), sn, u, "192.0.2.1")
			if got := seen(); !got.Equal(first) {
				t.Errorf("written at %v again", got)
			}
			r.Clock.Pass(time.Millisecond)
			r.NoteAddress(t.Context(), sn, u, "192.0.2.1")
			if got := seen(); !got.Equal(r.Clock.Now()) {
				t.Errorf("noted at %v", got)
			}
		})
		t.Run("a few", func(t *testing.T) {
			for i := range maxAddresses {
				r.Clock.Pass(time.Second)
				r.NoteAddress(t.Context(), sn, u, fmt.Sprint("203.0.113.", i))
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
