package signin

import (
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/services"
)

// afterCode is a sign-in from a remembered device that has come to its second
// factor, in a pool that asks for both.
type afterCode struct {
	*deviceProof
	u *user.User
	// code is the Session of the second factor, next the one after it.
	code, next *string
	app        app
}

func (r *rig) asksBoth(t testing.TB) *pool.Snapshot {
	return r.mfaPoolWith(t, "OPTIONAL", []string{askSMS, askTOTP, askMail}, tracking(false, false))
}

// toCode signs in up to the question of the second factor.
func (r *rig) toCode(t testing.TB, sn *pool.Snapshot, c *pool.Client, name, factor string) *afterCode {
	t.Helper()
	u := r.have(t, sn, name, person{password: right, attrs: map[string]string{"phone_number": "+12065550100", "email": "alice@example.com", "email_verified": "true"}})
	d, _ := r.registeredDevice(t, c, name)
	a := &afterCode{deviceProof: r.deviceProof(c, name, d), u: u}
	if factor == askTOTP {
		a.app = r.enrolled(t, sn, c, u)
	}
	r.prefers(t, u, factor)
	r.Clock.Pass(time.Minute)
	out, err := r.from(t.Context(), c, name, d.key)
	wantSays(t, said(out, err), factor)
	if err != nil {
		t.FailNow()
	}
	a.code = out.Session
	return a
}

// give answers the second factor.
func (a *afterCode) give(t testing.TB, factor string) {
	t.Helper()
	key := factor + "_CODE"
	var code string
	if factor == askTOTP {
		code = a.app.code(0)
	} else {
		code = a.r.code(t, a.u)
	}
	asked, err := a.r.respondTo(t.Context(), a.c, factor, a.code, a.name, key, code, "DEVICE_KEY", a.d.key)
	wantSays(t, answered(asked, err), askDevice)
	if err != nil {
		t.FailNow()
	}
	a.next = asked.Session
}

// finish goes on with a Session, and tells what that came to.
func (a *afterCode) finish(t testing.TB, session *string) string {
	asked, err := a.begin(t.Context(), session)
	if got := answered(asked, err); got != askDeviceProof {
		return got
	}
	return answered(a.end(t.Context(), asked.Session, a.responses(asked.ChallengeParameters, a.d.secret)))
}

// TestDeviceAfterSecondFactor: the Session that the code was given with leads to
// DEVICE_SRP_AUTH as the one that came back does, and both together once.
func TestDeviceAfterSecondFactor(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.asksBoth(t)
		c, other := r.client(t, sn), r.client(t, sn)
		r.have(t, sn, "bob", person{password: right})
		type step func(t *testing.T, a *afterCode) string
		with := func(session func(a *afterCode) *string) step {
			return func(t *testing.T, a *afterCode) string { return a.finish(t, session(a)) }
		}
		before := with(func(a *afterCode) *string { return a.code })
		openNextState := with(func(a *afterCode) *string { return a.next })
		for _, row := range []struct {
			name, factor string
			early        bool // the code is not given
			do           func(t *testing.T, a *afterCode)
			steps        []step
			want         []string
		}{
			{name: "the session before, SMS", steps: []step{before, before, openNextState}, want: []string{"tokens", sayUsed, sayUsed}},
			{name: "the session before, app", factor: askTOTP, steps: []step{before, before, openNextState}, want: []string{"tokens", sayUsed, sayUsed}},
			{name: "the session after", steps: []step{openNextState, before, openNextState}, want: []string{"tokens", sayUsed, sayUsed}},
			{name: "the session before, mail", factor: askMail, steps: []step{before, openNextState}, want: []string{sayUsed, "tokens"}},
			{name: "no code yet", early: true, steps: []step{before}, want: []string{sayInvalid}},
			{name: "a wrong code", early: true, do: func(t *testing.T, a *afterCode) {
				_, err := r.respondTo(t.Context(), c, askSMS, a.code, a.name, "SMS_MFA_CODE", services.OtherCode(r.code(t, a.u)), "DEVICE_KEY", a.d.key)
				wantErr(t, err, "CodeMismatchException: Invalid code or auth state for the user.")
			}, steps: []step{before}, want: []string{sayInvalid}},
			{name: "another client", do: func(_ *testing.T, a *afterCode) { a.c = other }, steps: []step{before, openNextState}, want: []string{sayUsed, sayInvalid}},
			{name: "another user", do: func(_ *testing.T, a *afterCode) { a.name = "bob" }, steps: []step{before}, want: []string{sayInvalid}},
			{name: "another device", do: func(t *testing.T, a *afterCode) {
				_, err := r.factors.AdminSetUserMFAPreference(t.Context(), &idp.AdminSetUserMFAPreferenceRequest{
					UserPoolId: sn.ID, Username: a.u.Username(), SMSMfaSettings: &idp.SMSMfaSettingsType{Enabled: new(false)},
				})
				if err != nil {
					t.Fatal(err)
				}
				a.d, _ = r.registeredDevice(t, c, a.name)
			}, steps: []step{before}, want: []string{sayNoDevice}},
			{name: "for another challenge", steps: []step{func(t *testing.T, a *afterCode) string {
				return answered(r.respondTo(t.Context(), c, askSMS, a.code, a.name, "SMS_MFA_CODE", r.code(t, a.u)))
			}, before}, want: []string{sayUsed, "tokens"}},
			{name: "for the proof", steps: []step{func(t *testing.T, a *afterCode) string {
				asked, err := a.begin(t.Context(), a.code)
				if err != nil {
					return err.Error()
				}
				return answered(a.end(t.Context(), a.code, a.responses(asked.ChallengeParameters, a.d.secret)))
			}}, want: []string{sayUsed}},
			{name: "forgotten", do: func(t *testing.T, a *afterCode) { r.forget(t, a.u, a.d) }, steps: []step{before}, want: []string{sayNoDevice}},
			{name: "not remembered any more", do: func(t *testing.T, a *afterCode) { r.remember(t, a.u, a.d, "not_remembered") }, steps: []step{before}, want: []string{sayInvalid}},
			{name: "disabled", do: func(t *testing.T, a *afterCode) {
				r.change(t, a.u, func(rec *store.User) { rec.Enabled = false })
			}, steps: []step{before}, want: []string{sayDisabled}},
			{name: "deleted", do: func(t *testing.T, a *afterCode) {
				r.remove(t, a.u)
				if n := r.kept(t, sn, a.u.ID()); n != 0 {
					t.Errorf("%d states are kept", n)
				}
			}, steps: []step{before}, want: []string{sayUsed}},
			{name: "too late", do: func(*testing.T, *afterCode) { r.Clock.Pass(c.SessionTTL) }, steps: []step{before, openNextState}, want: []string{sayExpired, sayExpired}},
		} {
			t.Run(row.name, func(t *testing.T) {
				if row.factor == "" {
					row.factor = askSMS
				}
				a := r.toCode(t, sn, c, "user "+row.name, row.factor)
				if !row.early {
					a.give(t, row.factor)
				}
				if row.do != nil {
					row.do(t, a)
				}
				for i, step := range row.steps {
					wantSays(t, step(t, a), row.want[i])
				}
			})
		}
		t.Run("both at once", func(t *testing.T) {
			a := r.toCode(t, sn, c, "alice", askSMS)
			a.give(t, askSMS)
			sessions := make(chan *string, 64)
			for range cap(sessions) / 2 {
				sessions <- a.code
				sessions <- a.next
			}
			won := r.atOnce(t, func() string {
				// Each tries with values of its own.
				mine := *a
				mine.deviceProof = r.deviceProof(c, "alice", a.d)
				return mine.finish(t, <-sessions)
			}, sayUsed)
			if won != 1 {
				t.Errorf("%d got tokens", won)
			}
		})
	})
}

// TestDeviceAfterIsSealed: the row of one Session serves no other.
func TestDeviceAfterIsSealed(t *testing.T) {
	t.Parallel()
	r := sqlite(t)
	sn := r.asksBoth(t)
	c := r.client(t, sn)
	first, second := r.toCode(t, sn, c, "alice", askSMS), r.toCode(t, sn, c, "bob", askSMS)
	first.give(t, askSMS)
	of := func(a *afterCode) *state {
		st, err := r.unsealSession(t.Context(), *a.code)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	st := of(first)
	rec, err := r.store.SignInState(t.Context(), sn.ID, st.UserID, r.nextStateHash(st))
	if err != nil {
		t.Fatal(err)
	}
	rec.UserID, rec.Hash = of(second).UserID, r.nextStateHash(of(second))
	r.update(t, func(tx *store.Tx) error { return tx.InsertSignInState(t.Context(), rec) })
	if got, err := second.begin(t.Context(), second.code); err == nil {
		t.Errorf("a row opened for another session: %v", got.ChallengeName)
	}
	wantSays(t, first.finish(t, first.code), "tokens")
}
