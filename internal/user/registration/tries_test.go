package registration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/user/codes"
	"cognate/test/lambdas"
	"cognate/test/people"
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
		client := r.clientWith(t, sn, services.Hiding)
		u := r.Have(t, sn, "alice", idp.UserStatusTypeConfirmed, people.Verified("alice@example.com"))
		const home = "192.0.2.1"
		r.NoteAddress(t.Context(), sn, u, home, nil)
		nodes := []*Service{r.Service, r.anotherNode()}
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
			_, err := s.ConfirmForgotPassword(ctx, &idp.ConfirmForgotPasswordRequest{ClientId: client, Username: "alice", ConfirmationCode: code, Password: people.Password + "2"})
			return err
		}
		// Requests alone.
		for range codes.QuotaReset.Limit {
			s, ctx := elsewhere()
			people.WantError(t, ask(s, ctx), "")
		}
		s, ctx := elsewhere()
		people.WantError(t, ask(s, ctx), sayLimit)
		s, ctx = elsewhere()
		people.WantError(t, give(s, ctx, r.lastCode(t, sn)), "")

		// Requests are used up, and the newest code's tries: the owner is at home.
		people.WantError(t, ask(r.Service, from(t.Context(), home)), "")
		wrong := services.OtherCode(r.lastCode(t, sn))
		for range codes.TriesResetPassword.Limit {
			s, ctx := elsewhere()
			people.WantError(t, give(s, ctx, wrong), sayMismatch)
		}
		s, ctx = elsewhere()
		people.WantError(t, give(s, ctx, r.lastCode(t, sn)), sayLimit)
		people.WantError(t, give(r.Service, from(t.Context(), home), r.lastCode(t, sn)), "")

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
					if s, ctx := elsewhere(); lambdas.Says(give(s, ctx, wrong)) == sayMismatch {
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
				if lambdas.Says(give(r.Service, at, services.OtherCode(r.lastCode(t, sn)))) == sayMismatch {
					guesses++
				}
			}
		}
		if most := 2 * codes.QuotaReset.Limit * codes.TriesResetPassword.Limit; guesses > most {
			t.Errorf("%d guesses at home in an hour, want at most %d", guesses, most)
		}
	})
}
