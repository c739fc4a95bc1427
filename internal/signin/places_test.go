package signin

import (
	"context"
	"fmt"
	"maps"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
)

// from returns the context of a request from the address.
func from(ctx context.Context, address string) context.Context {
	return api.WithRequest(ctx, &api.Request{SourceIP: address, Anonymous: true})
}

// TestStrangersDoNotLockOut: whoever guesses a password from many addresses and at
// two nodes is locked out soon. The owner is not, at an address of former sign-ins
// and at a device, where guesses have limits of their own.
func TestStrangersDoNotLockOut(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(false, true))
		c := r.client(t, sn, choosing, hiding)
		r.have(t, sn, "alice", person{password: right})
		const home = "192.0.2.1"
		device, _ := r.registeredDevice(t, c, "alice")
		other := *r.Service
		other.lockouts = risk.New(risk.Deps{Store: r.store, Now: r.now})
		nodes := []*Service{r.Service, &other}
		signIn := func(s *Service, address, password, device string) string {
			params := map[string]string{"USERNAME": "alice", "PASSWORD": password}
			if device != "" {
				params["DEVICE_KEY"] = device
			}
			return said(s.InitiateAuth(from(t.Context(), address), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: "USER_PASSWORD_AUTH", AuthParameters: params}))
		}
		wantSays(t, signIn(r.Service, home, right, ""), "tokens")

		looked := 0
		for i := range 100 {
			s := nodes[i%2]
			if signIn(s, fmt.Sprintf("198.51.100.%d", i), wrong, "") == sayIncorrect {
				looked++
			}
			if err := s.lockouts.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if looked != 5 {
			t.Errorf("%d guesses were looked at", looked)
		}
		for i, s := range nodes {
			away := fmt.Sprintf("203.0.113.%d", i)
			wantSays(t, signIn(s, away, right, ""), sayLocked)
			wantSays(t, signIn(s, away, right, "us-east-1_00000000-0000-4000-8000-000000000000"), sayLocked)
			wantSays(t, signIn(s, home, right, ""), "tokens")
		}
		// The ways that look at the lock before the proof.
		at := from(t.Context(), home)
		for _, row := range []struct {
			flow idp.AuthFlowType
			more map[string]string
		}{
			{"USER_SRP_AUTH", nil},
			{"USER_AUTH", map[string]string{"PREFERRED_CHALLENGE": "PASSWORD_SRP"}},
		} {
			params := map[string]string{"USERNAME": "alice", "SRP_A": strangersA}
			maps.Copy(params, row.more)
			in := &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: row.flow, AuthParameters: params}
			wantSays(t, said(r.InitiateAuth(at, in)), askProof)
			wantSays(t, said(r.InitiateAuth(from(t.Context(), "203.0.113.1"), in)), sayLocked)
		}
		// At home, guesses lock the home: not the device.
		for range 5 {
			wantSays(t, signIn(r.Service, home, wrong, ""), sayIncorrect)
		}
		for _, s := range nodes {
			wantSays(t, signIn(s, home, right, ""), sayLocked)
		}
		wantSays(t, signIn(&other, "203.0.113.9", right, device.key), "tokens")
	})
}

// TestCodesOfStrangers: whoever has sign-in codes sent in somebody's name uses up
// the codes of strangers, not those of the owner.
func TestCodesOfStrangers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.choicePool(t, "EMAIL_OTP", idp.UserPoolMfaTypeOff, false)
		c := r.client(t, sn, choosing)
		u := r.have(t, sn, "alice", reachable(right))
		const home = "192.0.2.1"
		r.users.NoteAddress(t.Context(), sn, u, home, nil)
		const sayMany = "TooManyRequestsException: Attempt limit exceeded, please try after some time."
		ask := func(c *pool.Client, address string) string {
			return said(r.choose(from(t.Context(), address), c, "alice", "PREFERRED_CHALLENGE", askMail))
		}
		for i := range 20 {
			wantSays(t, ask(c, fmt.Sprintf("198.51.100.%d", i)), askMail)
		}
		wantSays(t, ask(c, "203.0.113.1"), sayMany)
		for range 20 {
			wantSays(t, ask(c, home), askMail)
		}
		wantSays(t, ask(c, home), sayMany)
	})
}
