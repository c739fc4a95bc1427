package signin

import (
	"context"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys/srp"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/test/srpclient"
)

const (
	askDevice      = "DEVICE_SRP_AUTH"
	askDeviceProof = "DEVICE_PASSWORD_VERIFIER"

	sayNoDevice       = "ResourceNotFoundException: Device does not exist."
	sayInvalidA       = "InvalidParameterException: Invalid SRP_A: srp: A is not a hexadecimal number in 0 < A mod N, A < 2^3072"
	sayInvalidRefresh = "NotAuthorizedException: Invalid Refresh Token."
)

// tracking makes a pool track devices.
func tracking(replaceMFA, onPrompt bool) func(*idp.CreateUserPoolRequest) {
	return func(in *idp.CreateUserPoolRequest) {
		in.DeviceConfiguration = &idp.DeviceConfigurationType{ChallengeRequiredOnNewDevice: &replaceMFA, DeviceOnlyRememberedOnUserPrompt: &onPrompt}
	}
}

// track changes the pool's setting; nil turns it off.
func (r *rig) track(t testing.TB, sn *pool.Snapshot, c *idp.DeviceConfigurationType) {
	t.Helper()
	now, err := r.pools.Load(t.Context(), sn.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.pools.UpdateUserPool(t.Context(), &idp.UpdateUserPoolRequest{
		UserPoolId: sn.ID, DeviceConfiguration: c, SmsConfiguration: now.Config.SmsConfiguration, EmailConfiguration: now.Config.EmailConfiguration,
		MfaConfiguration: now.Config.MfaConfiguration, LambdaConfig: now.Config.LambdaConfig,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Clock.Pass(2 * time.Second)
}

// device is a client's side of a device.
type device struct{ key, group, secret string }

// newDevice returns the device that tokens came with.
func newDevice(t testing.TB, result *idp.AuthenticationResultType) device {
	t.Helper()
	m := result.NewDeviceMetadata
	if m == nil {
		t.Fatal("no NewDeviceMetadata")
	}
	return device{key: *m.DeviceKey, group: *m.DeviceGroupKey, secret: "secret of " + *m.DeviceKey}
}

// confirm registers a device.
func (r *rig) confirm(t testing.TB, accessToken string, d device) {
	t.Helper()
	salt := srp.NewSalt()
	_, err := r.devices.ConfirmDevice(t.Context(), &idp.ConfirmDeviceRequest{
		AccessToken: accessToken, DeviceKey: d.key, DeviceName: new("laptop"),
		DeviceSecretVerifierConfig: &idp.DeviceSecretVerifierConfigType{
			Salt:             new(base64.StdEncoding.EncodeToString(salt)),
			PasswordVerifier: new(base64.StdEncoding.EncodeToString(srp.Verifier(d.group, d.key, d.secret, salt))),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) remember(t testing.TB, u *user.User, d device, status idp.DeviceRememberedStatusType) {
	t.Helper()
	_, err := r.devices.AdminUpdateDeviceStatus(t.Context(), &idp.AdminUpdateDeviceStatusRequest{
		UserPoolId: u.Rec.PoolID, Username: u.Username(), DeviceKey: d.key, DeviceRememberedStatus: status,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) forget(t testing.TB, u *user.User, d device) {
	t.Helper()
	if err := r.devices.AdminForgetDevice(t.Context(), &idp.AdminForgetDeviceRequest{UserPoolId: u.Rec.PoolID, Username: u.Username(), DeviceKey: d.key}); err != nil {
		t.Fatal(err)
	}
}

// registeredDevice signs a user in who needs no second factor, and confirms the device.
func (r *rig) registeredDevice(t testing.TB, c *pool.Client, name string) (device, *idp.AuthenticationResultType) {
	t.Helper()
	tokens := r.signIn(t, c, name)
	d := newDevice(t, tokens)
	r.confirm(t, *tokens.AccessToken, d)
	return d, tokens
}

// from signs in by password and the key of a device.
func (r *rig) from(ctx context.Context, c *pool.Client, name, key string) (*idp.InitiateAuthResponse, error) {
	return r.InitiateAuth(ctx, &idp.InitiateAuthRequest{
		ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": right, "DEVICE_KEY": key},
	})
}

// deviceProof is the two steps of a device under way.
type deviceProof struct {
	r      *rig
	c      *pool.Client
	name   string
	d      device
	client *srpclient.Client
}

func (r *rig) deviceProof(c *pool.Client, name string, d device) *deviceProof {
	return &deviceProof{r: r, c: c, name: name, d: d, client: srpclient.ForDevice(d.group)}
}

func (p *deviceProof) begin(ctx context.Context, session *string) (*idp.RespondToAuthChallengeResponse, error) {
	return p.r.respondTo(ctx, p.c, askDevice, session, p.name, "DEVICE_KEY", p.d.key, "SRP_A", p.client.Public())
}

// responses proves the device's secret.
func (p *deviceProof) responses(asked map[string]string, secret string) map[string]string {
	params := maps.Clone(asked)
	params["USER_ID_FOR_SRP"] = p.d.key
	out := p.client.Prove(params, secret, p.r.now())
	out["USERNAME"], out["DEVICE_KEY"] = p.name, p.d.key
	return out
}

func (p *deviceProof) end(ctx context.Context, session *string, responses map[string]string) (*idp.RespondToAuthChallengeResponse, error) {
	return p.r.RespondToAuthChallenge(ctx, &idp.RespondToAuthChallengeRequest{
		ClientId: p.c.ID, ChallengeName: askDeviceProof, Session: session, ChallengeResponses: responses,
	})
}

// upTo goes from a password to the question of DEVICE_PASSWORD_VERIFIER.
func (p *deviceProof) upTo(t testing.TB) *idp.RespondToAuthChallengeResponse {
	t.Helper()
	out, err := p.r.from(t.Context(), p.c, p.name, p.d.key)
	wantSays(t, said(out, err), askDevice)
	if err != nil {
		t.FailNow()
	}
	asked, err := p.begin(t.Context(), out.Session)
	wantSays(t, answered(asked, err), askDeviceProof)
	if err != nil {
		t.FailNow()
	}
	return asked
}

// walk signs in, answers what is asked, and tells what that was.
func (r *rig) walk(t testing.TB, c *pool.Client, u *user.User, d device) (string, *idp.AuthenticationResultType) {
	t.Helper()
	out, err := r.from(t.Context(), c, u.Username(), d.key)
	if err != nil {
		return err.Error(), nil
	}
	p := r.deviceProof(c, u.Username(), d)
	asked := &idp.RespondToAuthChallengeResponse{ChallengeName: out.ChallengeName, ChallengeParameters: out.ChallengeParameters, Session: out.Session, AuthenticationResult: out.AuthenticationResult}
	var steps []string
	for asked.AuthenticationResult == nil && len(steps) < 9 {
		steps = append(steps, string(asked.ChallengeName))
		switch asked.ChallengeName {
		case askSMS:
			asked, err = r.respondTo(t.Context(), c, askSMS, asked.Session, u.Username(), "SMS_MFA_CODE", r.code(t, u))
		case askDevice:
			asked, err = p.begin(t.Context(), asked.Session)
		case askDeviceProof:
			asked, err = p.end(t.Context(), asked.Session, p.responses(asked.ChallengeParameters, d.secret))
		default:
			t.Fatalf("asked for %s", asked.ChallengeName)
		}
		if err != nil {
			return strings.Join(append(steps, err.Error()), " "), nil
		}
	}
	last := "tokens"
	claim, _ := claims(t, *asked.AuthenticationResult.AccessToken)["device_key"].(string)
	switch m := asked.AuthenticationResult.NewDeviceMetadata; {
	case m != nil && *m.DeviceKey == claim && claim != d.key:
		last += " new"
	case m == nil && claim == d.key && claim != "":
		last += " known"
	case m != nil || claim != "":
		t.Errorf("metadata %+v, claim %q, given %q", m, claim, d.key)
	}
	return strings.Join(append(steps, last), " "), asked.AuthenticationResult
}

// TestDeviceOrder is the table of what is asked after a password: second factor
// and device.
func TestDeviceOrder(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		const deviceProof = askDevice + " " + askDeviceProof + " "
		phone := map[string]string{"phone_number": "+12065550100"}
		for _, row := range []struct {
			name string
			mfa  bool
			off  bool // tracking, at the sign-in
			// state of the device: "", "issued", "confirmed", "remembered", "forgotten", "unknown", "other"
			state      string
			replaceMFA bool
			want       string
		}{
			{name: "off", off: true, state: "remembered", want: "tokens"},
			{name: "off, unknown", off: true, state: "unknown", want: "tokens"},
			{name: "none", want: "tokens new"},
			{name: "none, replacing", replaceMFA: true, want: "tokens new"},
			{name: "remembered", state: "remembered", want: deviceProof + "tokens known"},
			{name: "remembered, replacing", state: "remembered", replaceMFA: true, want: deviceProof + "tokens known"},
			{name: "confirmed", state: "confirmed", want: "tokens known"},
			{name: "confirmed, replacing", state: "confirmed", replaceMFA: true, want: "tokens known"},
			{name: "issued", state: "issued", want: "tokens new"},
			{name: "unknown", state: "unknown", want: sayNoDevice},
			{name: "forgotten", state: "forgotten", want: sayNoDevice},
			{name: "someone else's", state: "other", want: sayNoDevice},
			{name: "second factor, off", mfa: true, off: true, state: "remembered", replaceMFA: true, want: askSMS + " tokens"},
			{name: "second factor, none", mfa: true, replaceMFA: true, want: askSMS + " tokens new"},
			{name: "second factor, issued", mfa: true, replaceMFA: true, state: "issued", want: askSMS + " tokens new"},
			{name: "second factor, confirmed", mfa: true, replaceMFA: true, state: "confirmed", want: askSMS + " tokens known"},
			{name: "second factor, remembered, replacing", mfa: true, replaceMFA: true, state: "remembered", want: deviceProof + "tokens known"},
			{name: "second factor, remembered", mfa: true, state: "remembered", want: askSMS + " " + deviceProof + "tokens known"},
			{name: "second factor, forgotten", mfa: true, replaceMFA: true, state: "forgotten", want: sayNoDevice},
		} {
			t.Run(row.name, func(t *testing.T) {
				sn := r.mfaPoolWith(t, "OPTIONAL", []string{askSMS}, tracking(row.replaceMFA, false))
				c := r.client(t, sn)
				u := r.have(t, sn, "alice", person{password: right, attrs: phone})
				r.have(t, sn, "bob", person{password: right})
				var d device
				switch row.state {
				case "":
				case "unknown":
					d.key = "us-east-1_00000000-0000-4000-8000-000000000000"
				case "issued":
					d = newDevice(t, r.signIn(t, c, "alice"))
				case "other":
					d, _ = r.registeredDevice(t, c, "bob")
				default:
					d, _ = r.registeredDevice(t, c, "alice")
				}
				switch row.state {
				case "forgotten":
					r.forget(t, u, d)
				case "confirmed":
					r.remember(t, u, d, "not_remembered")
				}
				if row.mfa {
					r.prefers(t, u, askSMS)
				}
				if row.off {
					r.track(t, sn, nil)
				}
				got, _ := r.walk(t, c, u, d)
				wantSays(t, got, row.want)
				if row.want == sayNoDevice && !row.mfa {
					got, _ = r.walk(t, c, u, device{})
					wantSays(t, got, "tokens new")
				}
			})
		}
	})
}

// TestDeviceKeyOfSRP sends keys at both steps of USER_SRP_AUTH: an unknown one
// is refused after the proof, and the same block works without it.
func TestDeviceKeyOfSRP(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, false))
		c, hides := r.client(t, sn), r.client(t, sn, hiding)
		r.have(t, sn, "alice", person{password: right})
		known, _ := r.registeredDevice(t, c, "alice")
		const unknown = "us-east-1_00000000-0000-4000-8000-000000000000"
		for _, row := range []struct {
			name, first, second, password, user, want, again string
			client                                           *pool.Client
		}{
			{name: "none", want: "tokens"},
			{name: "at the start", first: known.key, want: askDevice},
			{name: "with the proof", second: known.key, want: askDevice},
			{name: "unknown at the start", first: unknown, want: "tokens"},
			{name: "unknown with the proof", second: unknown, want: sayNoDevice, again: "tokens"},
			{name: "unknown at both", first: unknown, second: unknown, want: sayNoDevice, again: "tokens"},
			{name: "unknown, wrong password", second: unknown, password: wrong, want: sayIncorrect, again: sayIncorrect},
			{name: "known, wrong password", first: known.key, second: known.key, password: wrong, want: sayIncorrect, again: sayIncorrect},
			{name: "long", second: known.key + strings.Repeat("0", 100), want: sayNoDevice, again: "tokens"},
			{name: "nobody, known", client: hides, user: "nobody", first: known.key, second: known.key, want: sayIncorrect, again: sayIncorrect},
			{name: "nobody, unknown", client: hides, user: "nobody", first: unknown, second: unknown, want: sayIncorrect, again: sayIncorrect},
		} {
			t.Run(row.name, func(t *testing.T) {
				on, name, password := c, "alice", right
				if row.client != nil {
					on = row.client
				}
				if row.user != "" {
					name = row.user
				}
				if row.password != "" {
					password = row.password
				}
				client := srpclient.New(sn.ID)
				out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
					ClientId: on.ID, AuthFlow: idp.AuthFlowTypeUserSrpAuth,
					AuthParameters: map[string]string{"USERNAME": name, "SRP_A": client.Public(), "DEVICE_KEY": row.first},
				})
				wantSays(t, said(out, err), askProof)
				if err != nil {
					return
				}
				responses := client.Prove(out.ChallengeParameters, password, r.now())
				responses["DEVICE_KEY"] = row.second
				wantSays(t, answered(r.prove(t, on, responses)), row.want)
				delete(responses, "DEVICE_KEY")
				if row.again != "" {
					wantSays(t, answered(r.prove(t, on, responses)), row.again)
				}
			})
		}
	})
}

// TestDeviceKeyWithCode returns an unknown key with the code of a second factor:
// neither the session nor the code is used up.
func TestDeviceKeyWithCode(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPoolWith(t, "ON", []string{askSMS}, tracking(false, false))
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"phone_number": "+12065550100"}})
		out, err := r.plain(t.Context(), c, "alice", right)
		wantSays(t, said(out, err), askSMS)
		code := r.code(t, u)
		unknown := "us-east-1_00000000-0000-4000-8000-000000000000"
		wantSays(t, answered(r.respondTo(t.Context(), c, askSMS, out.Session, "alice", "SMS_MFA_CODE", code, "DEVICE_KEY", unknown)), sayNoDevice)
		done, err := r.respondTo(t.Context(), c, askSMS, out.Session, "alice", "SMS_MFA_CODE", code)
		wantSays(t, answered(done, err), "tokens")
		d := newDevice(t, done.AuthenticationResult)
		r.confirm(t, *done.AuthenticationResult.AccessToken, d)

		// A key that comes with the code counts.
		r.Clock.Pass(time.Second)
		out, err = r.plain(t.Context(), c, "alice", right)
		wantSays(t, said(out, err), askSMS)
		wantSays(t, answered(r.respondTo(t.Context(), c, askSMS, out.Session, "alice", "SMS_MFA_CODE", r.code(t, u), "DEVICE_KEY", d.key)), askDevice)
	})
}

// TestDeviceProof answers the last step in every wrong way.
func TestDeviceProof(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, false))
		c, other := r.client(t, sn), r.client(t, sn)
		for _, row := range []struct {
			name string
			// do changes the answer, or something else; what it gives is the session.
			do          func(t *testing.T, p *deviceProof, u *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string
			want, again string
		}{
			{name: "right", want: "tokens", again: sayUsed},
			{name: "a timestamp that cannot be parsed", do: func(_ *testing.T, _ *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				responses["TIMESTAMP"] = "2027-01-15T08:00:00Z"
				return asked.Session
			}, want: sayTimestamp, again: sayTimestamp},
			{name: "another secret", do: func(_ *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				maps.Copy(responses, p.responses(asked.ChallengeParameters, "another"))
				return asked.Session
			}, want: sayIncorrect, again: sayUsed},
			{name: "signature of another user's device", do: func(_ *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				maps.Copy(responses, p.responses(asked.ChallengeParameters, p.d.secret))
				responses["PASSWORD_CLAIM_SIGNATURE"] = base64.StdEncoding.EncodeToString(make([]byte, 32))
				return asked.Session
			}, want: sayIncorrect, again: sayUsed},
			{name: "block of another attempt", do: func(t *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				second := p.r.deviceProof(p.c, p.name, p.d)
				maps.Copy(responses, second.responses(second.upTo(t).ChallengeParameters, p.d.secret))
				return asked.Session
			}, want: sayIncorrect},
			{name: "garbage for a block", do: func(_ *testing.T, _ *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				responses["PASSWORD_CLAIM_SECRET_BLOCK"] = "AAAA"
				return asked.Session
			}, want: sayIncorrect},
			{name: "no session", do: func(*testing.T, *deviceProof, *user.User, *idp.RespondToAuthChallengeResponse, map[string]string) *string {
				return nil
			}, want: "InvalidParameterException: Missing required parameter Session"},
			{name: "session of the step before", do: func(t *testing.T, p *deviceProof, _ *user.User, _ *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				out, err := p.r.from(t.Context(), p.c, p.name, p.d.key)
				wantSays(t, said(out, err), askDevice)
				return out.Session
			}, want: sayInvalid},
			{name: "no key", do: func(_ *testing.T, _ *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				delete(responses, "DEVICE_KEY")
				return asked.Session
			}, want: "InvalidParameterException: Missing required parameter DEVICE_KEY"},
			{name: "another key of the user's", do: func(t *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				d, _ := p.r.registeredDevice(t, p.c, p.name)
				responses["DEVICE_KEY"] = d.key
				return asked.Session
			}, want: sayNoDevice},
			{name: "another user's key", do: func(t *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, responses map[string]string) *string {
				p.r.have(t, sn, "bob", person{password: right})
				d, _ := p.r.registeredDevice(t, p.c, "bob")
				responses["DEVICE_KEY"] = d.key
				return asked.Session
			}, want: sayNoDevice},
			{name: "forgotten", do: func(t *testing.T, p *deviceProof, u *user.User, asked *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				p.r.forget(t, u, p.d)
				return asked.Session
			}, want: sayNoDevice, again: sayNoDevice},
			{name: "not remembered any more", do: func(t *testing.T, p *deviceProof, u *user.User, asked *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				p.r.remember(t, u, p.d, "not_remembered")
				return asked.Session
			}, want: sayInvalid},
			{name: "tracking turned off", do: func(t *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				p.r.track(t, sn, nil)
				return asked.Session
			}, want: sayInvalid},
			{name: "disabled", do: func(t *testing.T, p *deviceProof, u *user.User, asked *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				p.r.change(t, u, func(rec *store.User) { rec.Enabled = false })
				return asked.Session
			}, want: sayDisabled},
			{name: "another password", do: func(t *testing.T, p *deviceProof, u *user.User, asked *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				p.r.Clock.Pass(time.Second)
				cred, err := p.r.users.SetPassword(t.Context(), sn, u, wrong, false, user.PolicySignUp)
				if err != nil {
					t.Fatal(err)
				}
				p.r.change(t, u, func(rec *store.User) { rec.Credential = cred })
				return asked.Session
			}, want: sayInvalid},
			{name: "too late", do: func(_ *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				p.r.Clock.Pass(4 * time.Minute)
				return asked.Session
			}, want: sayExpired},
			{name: "another client", do: func(_ *testing.T, p *deviceProof, _ *user.User, asked *idp.RespondToAuthChallengeResponse, _ map[string]string) *string {
				p.c = other
				return asked.Session
			}, want: sayInvalid},
		} {
			t.Run(row.name, func(t *testing.T) {
				if now, err := r.pools.Load(t.Context(), sn.ID); err != nil || !now.Devices.Tracked {
					r.track(t, sn, &idp.DeviceConfigurationType{ChallengeRequiredOnNewDevice: new(true)})
				}
				u := r.have(t, sn, "user "+row.name, person{password: right})
				defer r.remove(t, u)
				d, _ := r.registeredDevice(t, c, u.Username())
				p := r.deviceProof(c, u.Username(), d)
				asked := p.upTo(t)
				responses := p.responses(asked.ChallengeParameters, d.secret)
				session := asked.Session
				if row.do != nil {
					session = row.do(t, p, u, asked, responses)
				}
				wantSays(t, answered(p.end(t.Context(), session, responses)), row.want)
				if row.again != "" {
					wantSays(t, answered(p.end(t.Context(), session, responses)), row.again)
				}
			})
		}
	})
}

// TestDeviceProofAtOnce answers from many places: one gets tokens.
func TestDeviceProofAtOnce(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, false))
		c := r.client(t, sn)
		r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, c, "alice")
		p := r.deviceProof(c, "alice", d)
		asked := p.upTo(t)
		responses := p.responses(asked.ChallengeParameters, d.secret)
		got := make([]string, 8)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i] = answered(p.end(t.Context(), asked.Session, responses)) })
		}
		wg.Wait()
		slices.Sort(got)
		if got[0] != sayUsed || got[6] != sayUsed || got[7] != "tokens" {
			t.Errorf("%q", got)
		}
	})
}

// TestDeviceSessions: what the first step refuses, and keeps.
func TestDeviceSessions(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, false))
		c := r.client(t, sn)
		r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, c, "alice")
		p := r.deviceProof(c, "alice", d)
		out, err := r.from(t.Context(), c, "alice", d.key)
		wantSays(t, said(out, err), askDevice)
		for _, row := range []struct {
			name, want string
			pairs      []string
		}{
			{name: "no key", pairs: []string{"SRP_A", p.client.Public()}, want: "InvalidParameterException: Missing required parameter DEVICE_KEY"},
			{name: "no A", pairs: []string{"DEVICE_KEY", d.key}, want: "InvalidParameterException: Missing required parameter SRP_A"},
			{name: "A of nothing", pairs: []string{"DEVICE_KEY", d.key, "SRP_A", "0"}, want: sayInvalidA},
			{name: "A that is N", pairs: []string{"DEVICE_KEY", d.key, "SRP_A", srpclient.N}, want: sayInvalidA},
			{name: "another key", pairs: []string{"DEVICE_KEY", d.key + "0", "SRP_A", p.client.Public()}, want: sayNoDevice},
			{name: "right", pairs: []string{"DEVICE_KEY", d.key, "SRP_A", p.client.Public()}, want: askDeviceProof},
			{name: "used", pairs: []string{"DEVICE_KEY", d.key, "SRP_A", p.client.Public()}, want: sayUsed},
		} {
			t.Run(row.name, func(t *testing.T) {
				wantSays(t, answered(r.respondTo(t.Context(), c, askDevice, out.Session, "alice", row.pairs...)), row.want)
			})
		}
		if len(*out.Session) > 2048 {
			t.Errorf("the session has %d characters", len(*out.Session))
		}
	})
}

// TestDeviceUse: when and from where a device was used last.
func TestDeviceUse(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, true))
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, c, "alice")
		last := func() time.Time {
			out, err := r.devices.AdminGetDevice(t.Context(), &idp.AdminGetDeviceRequest{UserPoolId: sn.ID, Username: "alice", DeviceKey: d.key})
			if err != nil {
				t.Fatal(err)
			}
			return out.Device.DeviceLastAuthenticatedDate
		}
		registered := last()
		// Not remembered: a sign-in writes nothing, unless the note is old.
		r.Clock.Pass(time.Minute)
		got, _ := r.walk(t, c, u, d)
		wantSays(t, got, "tokens known")
		if at := last(); !at.Equal(registered) {
			t.Errorf("a sign-in wrote %v", at)
		}
		r.Clock.Pass(time.Hour)
		now := r.now().Truncate(time.Second)
		r.walk(t, c, u, d)
		if at := last(); !at.Equal(now) {
			t.Errorf("used at %v, not %v", at, now)
		}
		r.remember(t, u, d, "remembered")
		r.Clock.Pass(time.Minute)
		now = r.now().Truncate(time.Second)
		got, _ = r.walk(t, c, u, d)
		wantSays(t, got, askDevice+" "+askDeviceProof+" tokens known")
		if at := last(); !at.Equal(now) {
			t.Errorf("proven at %v, not %v", at, now)
		}
	})
}
