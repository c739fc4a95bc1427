package signin

import (
	"strings"
	"sync"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/user"
)

// TestDeviceOfAnotherPool: a device, with its secret, stands for nothing in
// another pool or for another user, where both are called the same.
func TestDeviceOfAnotherPool(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		phone := map[string]string{"phone_number": "+12065550100"}
		there := r.poolWith(t, tracking(true, false))
		r.have(t, there, "alice", person{password: right})
		abroad, _ := r.registeredDevice(t, r.client(t, there), "alice")
		here := r.mfaPoolWith(t, "ON", []string{askSMS}, tracking(true, false))
		c := r.client(t, here)
		alice := r.have(t, here, "alice", person{password: right, attrs: phone})
		r.have(t, here, "bob", person{password: right, attrs: phone})
		own := r.deviceByCode(t, c, "alice")
		others := r.deviceByCode(t, c, "bob")
		for name, d := range map[string]device{"another pool's": abroad, "another user's": others} {
			t.Run(name, func(t *testing.T) {
				out, err := r.from(t.Context(), c, "alice", d.key)
				wantSays(t, said(out, err), sayNoDevice)

				// In place of the user's own, in the middle.
				out, err = r.from(t.Context(), c, "alice", own.key)
				wantSays(t, said(out, err), askDevice)
				p := r.deviceProof(c, "alice", d)
				wantSays(t, answered(p.begin(t.Context(), out.Session)), sayNoDevice)
				p = r.deviceProof(c, "alice", own)
				asked, err := p.begin(t.Context(), out.Session)
				wantSays(t, answered(asked, err), askDeviceProof)
				params := p.responses(asked.ChallengeParameters, own.secret)
				params["DEVICE_KEY"] = d.key
				wantSays(t, answered(p.end(t.Context(), asked.Session, params)), sayNoDevice)
				p.d = device{key: d.key, group: d.group, secret: d.secret}
				p.client.Group = d.group
				params = p.responses(asked.ChallengeParameters, d.secret)
				params["DEVICE_KEY"] = own.key
				wantSays(t, answered(p.end(t.Context(), asked.Session, params)), sayIncorrect)
			})
		}
		got, _ := r.walk(t, c, alice, own)
		wantSays(t, got, askDevice+" "+askDeviceProof+" tokens known")
	})
}

// deviceByCode registers a device where a second factor is asked for.
func (r *rig) deviceByCode(t testing.TB, c *pool.Client, name string) device {
	t.Helper()
	sn, err := r.pools.Load(t.Context(), c.PoolID)
	if err != nil {
		t.Fatal(err)
	}
	u, err := r.users.Resolve(t.Context(), sn, name)
	if err != nil {
		t.Fatal(err)
	}
	_, tokens := r.walk(t, c, u, device{})
	if tokens == nil {
		t.Fatal("no tokens")
	}
	d := newDevice(t, tokens)
	r.confirm(t, *tokens.AccessToken, d)
	r.Clock.Pass(time.Second)
	return d
}

// TestMixedPairs: a Session and a SECRET_BLOCK of two sign-ins of one user from
// one device prove nothing together, and leave the other pair alone.
func TestMixedPairs(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, false))
		c := r.client(t, sn)
		r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, c, "alice")
		p := r.deviceProof(c, "alice", d) // Both with the same A.
		first, second := p.upTo(t), p.upTo(t)
		ofFirst, ofSecond := p.responses(first.ChallengeParameters, d.secret), p.responses(second.ChallengeParameters, d.secret)
		wantSays(t, answered(p.end(t.Context(), second.Session, ofFirst)), sayIncorrect)
		wantSays(t, answered(p.end(t.Context(), first.Session, ofSecond)), sayIncorrect)
		wantSays(t, answered(p.end(t.Context(), first.Session, ofFirst)), "tokens")
		wantSays(t, answered(p.end(t.Context(), first.Session, ofSecond)), sayUsed)
		wantSays(t, answered(p.end(t.Context(), second.Session, ofFirst)), sayIncorrect)
		wantSays(t, answered(p.end(t.Context(), second.Session, ofSecond)), "tokens")

		// The block of the password's SRP is not one of the device's.
		out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
			ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserSrpAuth,
			AuthParameters: map[string]string{"USERNAME": "alice", "SRP_A": p.client.Public(), "DEVICE_KEY": d.key},
		})
		wantSays(t, said(out, err), askProof)
		third := p.upTo(t)
		swapped := p.responses(third.ChallengeParameters, d.secret)
		swapped["PASSWORD_CLAIM_SECRET_BLOCK"] = out.ChallengeParameters["SECRET_BLOCK"]
		wantSays(t, answered(p.end(t.Context(), third.Session, swapped)), sayIncorrect)
		wantSays(t, answered(r.prove(t, c, p.responses(third.ChallengeParameters, d.secret))), sayIncorrect)
	})
}

// TestDeviceEndsAtOnce: what takes a device away, at the same time as its last
// proof, comes before or after it. A second factor that the device stood for is
// asked for from then on, and no refresh token of a forgotten device works.
func TestDeviceEndsAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPoolWith(t, "ON", []string{askSMS}, tracking(true, false))
		c := r.client(t, sn)
		for _, row := range []struct {
			name string
			end  func(u *user.User, d device) error
			// refused are the answers where it came first.
			refused       []string
			openNextState string
		}{
			{"forgotten", func(u *user.User, d device) error {
				return r.devices.AdminForgetDevice(t.Context(), &idp.AdminForgetDeviceRequest{UserPoolId: sn.ID, Username: u.Username(), DeviceKey: d.key})
			}, []string{sayNoDevice}, sayNoDevice},
			{"not remembered", func(u *user.User, d device) error {
				_, err := r.devices.AdminUpdateDeviceStatus(t.Context(), &idp.AdminUpdateDeviceStatusRequest{
					UserPoolId: sn.ID, Username: u.Username(), DeviceKey: d.key, DeviceRememberedStatus: "not_remembered",
				})
				return err
			}, []string{sayInvalid, sayNoDevice}, askSMS + " tokens known"},
		} {
			t.Run(row.name, func(t *testing.T) {
				for i := range 8 {
					u := r.have(t, sn, row.name+string(rune('a'+i)), person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
					d := r.deviceByCode(t, c, u.Username())
					p := r.deviceProof(c, u.Username(), d)
					asked := p.upTo(t)
					responses := p.responses(asked.ChallengeParameters, d.secret)
					var out *idp.RespondToAuthChallengeResponse
					var err, endErr error
					var wg sync.WaitGroup
					wg.Go(func() { out, err = p.end(t.Context(), asked.Session, responses) })
					wg.Go(func() { endErr = row.end(u, d) })
					wg.Wait()
					if endErr != nil {
						t.Fatal(endErr)
					}
					if got := answered(out, err); got != "tokens" && !strings.Contains(strings.Join(row.refused, "\n"), got) {
						t.Errorf("got %q", got)
					}
					if err == nil && row.name == "forgotten" {
						_, err := r.renewed(t, c, out.AuthenticationResult.RefreshToken, d.key)
						wantErr(t, err, sayInvalidRefresh)
					}
					r.Clock.Pass(time.Second)
					got, _ := r.walk(t, c, u, d)
					wantSays(t, got, row.openNextState)
				}
			})
		}
	})
}

// TestTrackingOffInTheMiddle: a sign-in whose device stood for the second factor
// comes to nothing, and the next asks for the factor.
func TestTrackingOffInTheMiddle(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		for _, row := range []struct {
			name string
			set  *idp.DeviceConfigurationType
			want string // of the proof
		}{
			{"off", nil, sayInvalid},
			{"not in place of the factor", &idp.DeviceConfigurationType{ChallengeRequiredOnNewDevice: new(false)}, askSMS},
		} {
			t.Run(row.name, func(t *testing.T) {
				sn := r.mfaPoolWith(t, "ON", []string{askSMS}, tracking(true, false))
				c := r.client(t, sn)
				u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
				d := r.deviceByCode(t, c, "alice")
				p := r.deviceProof(c, "alice", d)
				asked := p.upTo(t)
				responses := p.responses(asked.ChallengeParameters, d.secret)
				r.track(t, sn, row.set)
				next, err := p.end(t.Context(), asked.Session, responses)
				wantSays(t, answered(next, err), row.want)
				if row.want == askSMS {
					// Proven before the factor: nothing is asked twice, and there is
					// no way back to a state without it.
					again, err := p.begin(t.Context(), next.Session)
					wantSays(t, answered(again, err), sayInvalid)
					done, err := r.respondTo(t.Context(), c, askSMS, next.Session, "alice", "SMS_MFA_CODE", r.code(t, u), "DEVICE_KEY", d.key)
					wantSays(t, answered(done, err), "tokens")
				}
			})
		}
	})
}
