package signin

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/test/lambdas"
	"cognate/test/srpclient"
)

// TestDeviceRefresh is the table of refresh tokens and devices.
func TestDeviceRefresh(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, false))
		c, rotates := r.client(t, sn), r.client(t, sn, rotating(0))
		u := r.have(t, sn, "alice", person{password: right})
		issued, unconfirmed := r.signIn(t, c, "alice"), r.signIn(t, rotates, "alice")
		known, tokens := r.registeredDevice(t, c, "alice")
		second, _ := r.registeredDevice(t, c, "alice")
		gone, dead := r.registeredDevice(t, c, "alice")
		r.forget(t, u, gone)
		rotated, rotating := r.registeredDevice(t, rotates, "alice")
		for _, row := range []struct {
			name   string
			client *pool.Client
			token  string
			key    string
			want   string
		}{
			{"its device", c, *tokens.RefreshToken, known.key, "tokens"},
			{"no device", c, *tokens.RefreshToken, "", sayInvalidRefresh},
			{"another device", c, *tokens.RefreshToken, second.key, sayInvalidRefresh},
			{"forgotten", c, *dead.RefreshToken, gone.key, sayInvalidRefresh},
			{"never confirmed", c, *issued.RefreshToken, *issued.NewDeviceMetadata.DeviceKey, sayInvalidRefresh},
			{"never confirmed, no device", c, *issued.RefreshToken, "", sayInvalidRefresh},
			{"rotating, never confirmed", rotates, *unconfirmed.RefreshToken, *unconfirmed.NewDeviceMetadata.DeviceKey, sayInvalidRefresh},
			{"rotating, no device", rotates, *rotating.RefreshToken, "", sayInvalidRefresh},
			{"rotating", rotates, *rotating.RefreshToken, rotated.key, "tokens"},
		} {
			t.Run(row.name, func(t *testing.T) {
				out, err := r.GetTokensFromRefreshToken(t.Context(), &idp.GetTokensFromRefreshTokenRequest{
					ClientId: row.client.ID, RefreshToken: row.token, DeviceKey: &row.key,
				})
				got := "tokens"
				if err != nil {
					got = err.Error()
				}
				wantSays(t, got, row.want)
				if err == nil {
					if out.AuthenticationResult.NewDeviceMetadata != nil {
						t.Error("a refresh gave a new device")
					}
					if claim := claims(t, *out.AuthenticationResult.AccessToken)["device_key"]; claim != row.key {
						t.Errorf("device_key %v", claim)
					}
				}
				if row.client == rotates {
					return
				}
				params := map[string]string{"REFRESH_TOKEN": row.token, "DEVICE_KEY": row.key}
				for _, flow := range []idp.AuthFlowType{idp.AuthFlowTypeRefreshTokenAuth, idp.AuthFlowTypeRefreshToken} {
					wantSays(t, said(r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: flow, AuthParameters: params})), row.want)
					admin, err := r.AdminInitiateAuth(t.Context(), &idp.AdminInitiateAuthRequest{UserPoolId: sn.ID, ClientId: c.ID, AuthFlow: flow, AuthParameters: params})
					if err == nil {
						err = errors.New(comesTo(admin.ChallengeName, admin.AuthenticationResult, nil))
					}
					wantSays(t, err.Error(), row.want)
				}
			})
		}
		t.Run("confirmed since", func(t *testing.T) {
			d := newDevice(t, unconfirmed)
			r.confirm(t, *unconfirmed.AccessToken, d)
			_, err := r.renewed(t, rotates, unconfirmed.RefreshToken, d.key)
			wantErr(t, err, "")
		})
		r.track(t, sn, nil)
		t.Run("tracking off", func(t *testing.T) {
			refresh := func(token *string) error {
				_, err := r.GetTokensFromRefreshToken(t.Context(), &idp.GetTokensFromRefreshTokenRequest{ClientId: c.ID, RefreshToken: *token})
				return err
			}
			wantErr(t, refresh(tokens.RefreshToken), "")
			wantErr(t, refresh(dead.RefreshToken), sayInvalidRefresh)
		})
	})
}

// TestDevicesStay: a global sign-out and a new password leave devices.
func TestDevicesStay(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.poolWith(t, tracking(true, false))
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right})
		d, tokens := r.registeredDevice(t, c, "alice")
		if _, err := r.tokens.GlobalSignOut(t.Context(), &idp.GlobalSignOutRequest{AccessToken: *tokens.AccessToken}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.users.AdminSetUserPassword(t.Context(), &idp.AdminSetUserPasswordRequest{UserPoolId: sn.ID, Username: "alice", Password: right, Permanent: new(true)}); err != nil {
			t.Fatal(err)
		}
		got, _ := r.walk(t, c, u, d)
		wantSays(t, got, askDevice+" "+askDeviceProof+" tokens known")
		r.remove(t, u)
		r.have(t, sn, "alice", person{password: right})
		out, err := r.from(t.Context(), c, "alice", d.key)
		wantSays(t, said(out, err), sayNoDevice)
	})
}

// TestDeviceOtherFlows: an administrator's sign-in and a code as the first
// factor lead to the device, too.
func TestDeviceOtherFlows(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.mfaPoolWith(t, "OPTIONAL", []string{askSMS}, func(in *idp.CreateUserPoolRequest) {
			tracking(true, false)(in)
			in.Policies = &idp.UserPoolPolicyType{SignInPolicy: &idp.SignInPolicyType{AllowedFirstAuthFactors: []idp.AuthFactorType{"PASSWORD", "EMAIL_OTP"}}}
		})
		c := r.client(t, sn, func(in *idp.CreateUserPoolClientRequest) {
			in.ExplicitAuthFlows = append(in.ExplicitAuthFlows, "ALLOW_USER_AUTH")
		})
		u := r.have(t, sn, "alice", person{password: right, attrs: map[string]string{"email": "alice@example.com", "email_verified": "true"}})
		d, _ := r.registeredDevice(t, c, "alice")
		admin, err := r.AdminInitiateAuth(t.Context(), &idp.AdminInitiateAuthRequest{
			UserPoolId: sn.ID, ClientId: c.ID, AuthFlow: idp.AuthFlowTypeAdminUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": right, "DEVICE_KEY": d.key},
		})
		if err != nil || admin.ChallengeName != askDevice {
			t.Fatal(admin, err)
		}
		p := r.deviceProof(c, "alice", d)
		begun, err := r.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeRequest{
			UserPoolId: sn.ID, ClientId: c.ID, ChallengeName: askDevice, Session: admin.Session,
			ChallengeResponses: map[string]string{"USERNAME": "alice", "DEVICE_KEY": d.key, "SRP_A": p.client.Public()},
		})
		if err != nil {
			t.Fatal(err)
		}
		ended, err := r.AdminRespondToAuthChallenge(t.Context(), &idp.AdminRespondToAuthChallengeRequest{
			UserPoolId: sn.ID, ClientId: c.ID, ChallengeName: askDeviceProof, Session: begun.Session,
			ChallengeResponses: p.responses(begun.ChallengeParameters, d.secret),
		})
		if err != nil || ended.AuthenticationResult == nil {
			t.Fatal(ended, err)
		}

		chosen, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{
			ClientId: c.ID, AuthFlow: idp.AuthFlowTypeUserAuth,
			AuthParameters: map[string]string{"USERNAME": "alice", "PREFERRED_CHALLENGE": "EMAIL_OTP", "DEVICE_KEY": d.key},
		})
		wantSays(t, said(chosen, err), askMail)
		p = r.deviceProof(c, "alice", d)
		asked, err := r.respondTo(t.Context(), c, askMail, chosen.Session, "alice", "EMAIL_OTP_CODE", r.code(t, u))
		wantSays(t, answered(asked, err), askDevice)
		asked, err = p.begin(t.Context(), asked.Session)
		wantSays(t, answered(asked, err), askDeviceProof)
		wantSays(t, answered(p.end(t.Context(), asked.Session, p.responses(asked.ChallengeParameters, d.secret))), "tokens")
	})
}

// TestDeviceEvents: what functions are told of devices.
func TestDeviceEvents(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		var fresh []any
		var sources []string
		r.Functions.On("post", func(e *lambdas.Event) string {
			fresh = append(fresh, e.Request["newDeviceUsed"])
			return ""
		})
		r.Functions.On("token", func(e *lambdas.Event) string {
			sources = append(sources, e.TriggerSource)
			return ""
		})
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			tracking(true, false)(in)
			in.LambdaConfig = &idp.LambdaConfigType{PostAuthentication: lambdas.ARN("post"), PreTokenGeneration: lambdas.ARN("token")}
		})
		c := r.client(t, sn)
		u := r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, c, "alice")
		r.walk(t, c, u, d)
		r.remember(t, u, d, "not_remembered")
		r.walk(t, c, u, d)
		r.track(t, sn, nil)
		r.walk(t, c, u, d)
		if !slices.Equal(fresh, []any{true, false, true, false}) {
			t.Errorf("newDeviceUsed %v", fresh)
		}
		const plain = "TokenGeneration_Authentication"
		if !slices.Equal(sources, []string{plain, "TokenGeneration_AuthenticateDevice", plain, plain}) {
			t.Errorf("sources %v", sources)
		}
	})
}

// TestDeviceInCustomAuth: the device comes before Define where a password was
// proven, and after Define said that tokens may be issued where none was.
func TestDeviceInCustomAuth(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		var seen []string
		r.Functions.On("define", func(e *lambdas.Event) string {
			session, _ := e.Request["session"].([]any)
			names := ""
			for _, one := range session {
				names += one.(map[string]any)["challengeName"].(string) + " "
			}
			seen = append(seen, names)
			switch {
			case names == "SRP_A ":
				e.Response["challengeName"] = "PASSWORD_VERIFIER"
			case strings.HasSuffix(names, "CUSTOM_CHALLENGE "):
				e.Response["issueTokens"] = true
			default:
				e.Response["challengeName"] = "CUSTOM_CHALLENGE"
			}
			return ""
		})
		r.Functions.On("create", func(*lambdas.Event) string { return "" })
		r.Functions.On("verify", func(e *lambdas.Event) string {
			e.Response["answerCorrect"] = true
			return ""
		})
		sn := r.poolWith(t, func(in *idp.CreateUserPoolRequest) {
			tracking(true, false)(in)
			in.LambdaConfig = &idp.LambdaConfigType{
				DefineAuthChallenge: lambdas.ARN("define"), CreateAuthChallenge: lambdas.ARN("create"), VerifyAuthChallengeResponse: lambdas.ARN("verify"),
			}
		})
		c := r.client(t, sn)
		r.have(t, sn, "alice", person{password: right})
		d, _ := r.registeredDevice(t, c, "alice")
		start := func(params map[string]string) *idp.InitiateAuthResponse {
			params["USERNAME"], params["DEVICE_KEY"] = "alice", d.key
			out, err := r.InitiateAuth(t.Context(), &idp.InitiateAuthRequest{ClientId: c.ID, AuthFlow: idp.AuthFlowTypeCustomAuth, AuthParameters: params})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		prove := func(session *string, want string) *idp.RespondToAuthChallengeResponse {
			p := r.deviceProof(c, "alice", d)
			asked, err := p.begin(t.Context(), session)
			wantSays(t, answered(asked, err), askDeviceProof)
			done, err := p.end(t.Context(), asked.Session, p.responses(asked.ChallengeParameters, d.secret))
			wantSays(t, answered(done, err), want)
			return done
		}

		out := start(map[string]string{})
		wantSays(t, string(out.ChallengeName), "CUSTOM_CHALLENGE")
		asked, err := r.respondTo(t.Context(), c, "CUSTOM_CHALLENGE", out.Session, "alice", "ANSWER", "5")
		wantSays(t, answered(asked, err), askDevice)
		prove(asked.Session, "tokens")
		if want := []string{"", "CUSTOM_CHALLENGE "}; !slices.Equal(seen, want) {
			t.Errorf("Define saw %q, not %q", seen, want)
		}

		seen = nil
		client := srpclient.New(sn.ID)
		out = start(map[string]string{"SRP_A": client.Public(), "CHALLENGE_NAME": "SRP_A"})
		wantSays(t, string(out.ChallengeName), askProof)
		asked, err = r.RespondToAuthChallenge(t.Context(), &idp.RespondToAuthChallengeRequest{
			ClientId: c.ID, ChallengeName: idp.ChallengeNameTypePasswordVerifier, Session: out.Session,
			ChallengeResponses: client.Prove(out.ChallengeParameters, right, r.now()),
		})
		wantSays(t, answered(asked, err), askDevice)
		asked = prove(asked.Session, "CUSTOM_CHALLENGE")
		asked, err = r.respondTo(t.Context(), c, "CUSTOM_CHALLENGE", asked.Session, "alice", "ANSWER", "5")
		wantSays(t, answered(asked, err), "tokens")
		before := "SRP_A PASSWORD_VERIFIER DEVICE_SRP_AUTH DEVICE_PASSWORD_VERIFIER "
		if want := []string{"SRP_A ", before, before + "CUSTOM_CHALLENGE "}; !slices.Equal(seen, want) {
			t.Errorf("Define saw %q, not %q", seen, want)
		}
	})
}
