package ops_test

import (
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"cognate/test/srpclient"
)

func noDevice() error { return notFound("Device does not exist.") }

// trackingDevices makes a pool that knows devices; replacing says that a remembered one
// stands for a second factor.
func trackingDevices(replacing, onPrompt bool) func(*cip.CreateUserPoolInput) {
	return func(in *cip.CreateUserPoolInput) {
		in.DeviceConfiguration = &types.DeviceConfigurationType{ChallengeRequiredOnNewDevice: replacing, DeviceOnlyRememberedOnUserPrompt: onPrompt}
	}
}

// device is a client's side of a device.
type device struct{ key, group, secret string }

func deviceOf(t *testing.T, result *types.AuthenticationResultType) device {
	t.Helper()
	m := result.NewDeviceMetadata
	if m == nil {
		t.Fatal("no NewDeviceMetadata")
	}
	return device{*m.DeviceKey, *m.DeviceGroupKey, "a secret of the device"}
}

// verifier is what the device is registered with.
func (d device) verifier() *types.DeviceSecretVerifierConfigType {
	salt := new(big.Int).SetBytes([]byte("sixteen bytes ok"))
	v := srpclient.Verifier(d.group, d.key, d.secret, salt)
	return &types.DeviceSecretVerifierConfigType{
		Salt: aws.String(base64.StdEncoding.EncodeToString(srpclient.Padded(salt))), PasswordVerifier: aws.String(base64.StdEncoding.EncodeToString(srpclient.Padded(v))),
	}
}

// registered signs in and confirms the device of that.
func (r rig) registered(t *testing.T, client, name string) (device, *types.AuthenticationResultType) {
	t.Helper()
	tokens := r.signIn(t, client, name)
	d := deviceOf(t, tokens)
	must[*cip.ConfirmDeviceOutput](t)(r.ConfirmDevice(t.Context(), &cip.ConfirmDeviceInput{
		AccessToken: tokens.AccessToken, DeviceKey: &d.key, DeviceName: aws.String("laptop"), DeviceSecretVerifierConfig: d.verifier(),
	}))
	return d, tokens
}

// signInFrom signs in by password from a device, as far as it goes.
func (r rig) signInFrom(t *testing.T, client, name string, d device) (*cip.InitiateAuthOutput, error) {
	t.Helper()
	return r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password, "DEVICE_KEY": d.key},
	})
}

// prove answers both steps of a device.
func (d device) prove(t *testing.T, r rig, client, name string, session *string) (*cip.RespondToAuthChallengeOutput, error) {
	t.Helper()
	p := srpclient.ForDevice(d.group)
	asked, err := r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
		ClientId: &client, ChallengeName: types.ChallengeNameTypeDeviceSrpAuth, Session: session,
		ChallengeResponses: map[string]string{"USERNAME": name, "DEVICE_KEY": d.key, "SRP_A": p.Public()},
	})
	if err != nil {
		return nil, err
	}
	if asked.ChallengeName != types.ChallengeNameTypeDevicePasswordVerifier {
		t.Fatalf("asked for %s", asked.ChallengeName)
	}
	params := asked.ChallengeParameters
	params["USER_ID_FOR_SRP"] = d.key
	responses := p.Prove(params, d.secret, time.Now())
	responses["USERNAME"], responses["DEVICE_KEY"] = name, d.key
	return r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
		ClientId: &client, ChallengeName: types.ChallengeNameTypeDevicePasswordVerifier, Session: asked.Session, ChallengeResponses: responses,
	})
}

// TestDeviceSignIn registers a device, signs in from it without the second
// factor, and is asked for that again once the device is forgotten.
func TestDeviceSignIn(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.pool(t, withSMS, trackingDevices(true, false))
		must[*cip.SetUserPoolMfaConfigOutput](t)(r.SetUserPoolMfaConfig(ctx, &cip.SetUserPoolMfaConfigInput{
			UserPoolId: &pool, MfaConfiguration: types.UserPoolMfaTypeOptional, SmsMfaConfiguration: &types.SmsMfaConfigType{},
		}))
		client, name := r.client(t, pool), "alice"
		r.user(t, pool, name, "phone_number", "+12065550100")
		early := r.signIn(t, client, name)
		wantError(t, second(r.GetTokensFromRefreshToken(ctx, &cip.GetTokensFromRefreshTokenInput{
			ClientId: &client, RefreshToken: early.RefreshToken, DeviceKey: early.NewDeviceMetadata.DeviceKey, // before ConfirmDevice
		})), notAuthorized("Invalid Refresh Token."))
		d, tokens := r.registered(t, client, name)
		if !strings.HasPrefix(d.key, "us-east-1_") || len(d.key) != len("us-east-1_")+36 || len(d.group) != 9 {
			t.Errorf("device %+v", d)
		}
		if got := claims(t, *tokens.AccessToken)["device_key"]; got != d.key {
			t.Errorf("device_key %v", got)
		}
		must[*cip.SetUserMFAPreferenceOutput](t)(r.SetUserMFAPreference(ctx, &cip.SetUserMFAPreferenceInput{
			AccessToken: tokens.AccessToken, SMSMfaSettings: smsWish(true, true),
		}))
		out := must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, name, password))
		if out.ChallengeName != types.ChallengeNameTypeSmsMfa {
			t.Fatalf("without the device: %s", out.ChallengeName)
		}
		out = must[*cip.InitiateAuthOutput](t)(r.signInFrom(t, client, name, d))
		if out.ChallengeName != types.ChallengeNameTypeDeviceSrpAuth {
			t.Fatalf("from the device: %s", out.ChallengeName)
		}
		done := must[*cip.RespondToAuthChallengeOutput](t)(d.prove(t, r, client, name, out.Session)).AuthenticationResult
		if done == nil || done.NewDeviceMetadata != nil || claims(t, *done.AccessToken)["device_key"] != d.key {
			t.Errorf("tokens from the device: %+v", done)
		}
		fake := d
		fake.secret = "another"
		out = must[*cip.InitiateAuthOutput](t)(r.signInFrom(t, client, name, d))
		wantError(t, second(fake.prove(t, r, client, name, out.Session)), notAuthorized("Incorrect username or password."))

		refresh := func() error {
			return second(r.InitiateAuth(ctx, &cip.InitiateAuthInput{
				ClientId: &client, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
				AuthParameters: map[string]string{"REFRESH_TOKEN": *done.RefreshToken, "DEVICE_KEY": d.key},
			}))
		}
		wantError(t, refresh(), nil)
		wantError(t, second(r.GetTokensFromRefreshToken(ctx, &cip.GetTokensFromRefreshTokenInput{
			ClientId: &client, RefreshToken: done.RefreshToken, DeviceKey: &d.key,
		})), nil)
		wantError(t, second(r.GetTokensFromRefreshToken(ctx, &cip.GetTokensFromRefreshTokenInput{
			ClientId: &client, RefreshToken: done.RefreshToken,
		})), notAuthorized("Invalid Refresh Token."))
		wantError(t, second(r.ForgetDevice(ctx, &cip.ForgetDeviceInput{AccessToken: done.AccessToken, DeviceKey: &d.key})), nil)
		wantError(t, refresh(), notAuthorized("Invalid Refresh Token."))
		wantError(t, second(r.signInFrom(t, client, name, d)), noDevice())
		out = must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, name, password))
		if out.ChallengeName != types.ChallengeNameTypeSmsMfa {
			t.Errorf("after the device was forgotten: %s", out.ChallengeName)
		}
	})
}

// TestConfirmDevice is the table of what may be confirmed.
func TestConfirmDevice(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t, trackingDevices(true, true))
		client, plain := r.client(t, pool), r.pool(t)
		plainClient := r.client(t, plain)
		r.user(t, pool, "alice")
		r.user(t, pool, "bob")
		r.user(t, plain, "carol")
		alice, bob, carol := r.signIn(t, client, "alice"), r.signIn(t, client, "bob"), r.signIn(t, plainClient, "carol")
		d, other := deviceOf(t, alice), deviceOf(t, bob)
		if carol.NewDeviceMetadata != nil || claims(t, *carol.AccessToken)["device_key"] != nil {
			t.Error("a device where none is tracked")
		}
		const key = "Invalid device key given."
		good := d.verifier()
		for _, row := range []struct {
			name   string
			token  *string
			key    string
			config *types.DeviceSecretVerifierConfigType
			want   error
		}{
			{"another's key", alice.AccessToken, other.key, good, invalid(key)},
			{"another's token", bob.AccessToken, d.key, good, invalid(key)},
			{"key of nobody", alice.AccessToken, "us-east-1_00000000-0000-4000-8000-000000000000", good, invalid(key)},
			{"no verifier", alice.AccessToken, d.key, nil, invalid("Missing required parameter DeviceSecretVerifierConfig")},
			{"no salt", alice.AccessToken, d.key, &types.DeviceSecretVerifierConfigType{PasswordVerifier: good.PasswordVerifier}, invalid("Missing required parameter DeviceSecretVerifierConfig")},
			{"verifier that is no number", alice.AccessToken, d.key, &types.DeviceSecretVerifierConfigType{PasswordVerifier: aws.String("!"), Salt: good.Salt}, invalid("Invalid device password verifier given.")},
			{"verifier of nothing", alice.AccessToken, d.key, &types.DeviceSecretVerifierConfigType{PasswordVerifier: aws.String("AAAA"), Salt: good.Salt}, invalid("Invalid device password verifier given.")},
			{"verifier beyond N", alice.AccessToken, d.key, &types.DeviceSecretVerifierConfigType{PasswordVerifier: aws.String(base64.StdEncoding.EncodeToString(srpclient.Number(srpclient.N).Bytes())), Salt: good.Salt}, invalid("Invalid device password verifier given.")},
			{"salt that is none", alice.AccessToken, d.key, &types.DeviceSecretVerifierConfigType{PasswordVerifier: good.PasswordVerifier, Salt: aws.String("?")}, invalid("Invalid device salt given.")},
			{"no token", aws.String("x.y.z"), d.key, good, notAuthorized("Invalid Access Token")},
			{"not tracked", carol.AccessToken, d.key, good, &types.InvalidUserPoolConfigurationException{Message: aws.String("Device tracking is not enabled for the user pool.")}},
			{"right", alice.AccessToken, d.key, good, nil},
			{"again", alice.AccessToken, d.key, good, &types.DeviceKeyExistsException{Message: aws.String("Device already exists.")}},
		} {
			t.Run(row.name, func(t *testing.T) {
				out, err := r.ConfirmDevice(t.Context(), &cip.ConfirmDeviceInput{
					AccessToken: row.token, DeviceKey: &row.key, DeviceSecretVerifierConfig: row.config,
				})
				wantError(t, err, row.want)
				if err == nil && !out.UserConfirmationNecessary {
					t.Error("the user is to be asked")
				}
			})
		}
		wantError(t, second(r.ForgetDevice(t.Context(), &cip.ForgetDeviceInput{AccessToken: alice.AccessToken, DeviceKey: &d.key})), nil)
		wantError(t, second(r.ConfirmDevice(t.Context(), &cip.ConfirmDeviceInput{
			AccessToken: alice.AccessToken, DeviceKey: &d.key, DeviceSecretVerifierConfig: good,
		})), invalid(key))
	})
}

// TestDevices sees, remembers and forgets devices, as the user and as an
// administrator.
func TestDevices(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.pool(t, trackingDevices(true, true))
		client, name := r.client(t, pool), "alice"
		r.user(t, pool, name)
		r.user(t, pool, "bob")
		d, tokens := r.registered(t, client, name)
		_, other := r.registered(t, client, "bob")
		own := must[*cip.GetDeviceOutput](t)(r.GetDevice(ctx, &cip.GetDeviceInput{AccessToken: tokens.AccessToken, DeviceKey: &d.key})).Device
		theirs := must[*cip.AdminGetDeviceOutput](t)(r.AdminGetDevice(ctx, &cip.AdminGetDeviceInput{UserPoolId: &pool, Username: &name, DeviceKey: &d.key})).Device
		if diff := cmp.Diff(valuesOf(own.DeviceAttributes), valuesOf(theirs.DeviceAttributes)); diff != "" {
			t.Errorf("the user's view (-) and the administrator's (+) differ:\n%s", diff)
		}
		owner := name + "." + pool
		want := map[string]string{
			"device_status": "valid", "device_name": "laptop", "last_ip_used": "127.0.0.1", "dev:device_owner": owner, "dev:device_sdk": "aws-sdk",
			"dev:device_arn":               "arn:aws:cognito-idp:us-east-1:000000000000:owner/" + owner + "/device/" + d.key,
			"dev:device_remembered_status": "not_remembered",
		}
		got := valuesOf(own.DeviceAttributes)
		want["dev:device_arn"] = strings.Replace(want["dev:device_arn"], "000000000000", strings.Split(got["dev:device_arn"]+":::::", ":")[4], 1)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if own.DeviceLastAuthenticatedDate.Nanosecond() != 0 || own.DeviceCreateDate == nil || !own.DeviceLastModifiedDate.Equal(*own.DeviceCreateDate) {
			t.Errorf("dates %+v", own)
		}
		remember := func(token *string, status types.DeviceRememberedStatusType) error {
			return second(r.UpdateDeviceStatus(ctx, &cip.UpdateDeviceStatusInput{AccessToken: token, DeviceKey: &d.key, DeviceRememberedStatus: status}))
		}
		asked := func() types.ChallengeNameType {
			return must[*cip.InitiateAuthOutput](t)(r.signInFrom(t, client, name, d)).ChallengeName
		}
		for _, row := range []struct {
			status types.DeviceRememberedStatusType
			asked  types.ChallengeNameType
		}{{"remembered", types.ChallengeNameTypeDeviceSrpAuth}, {"remembered", types.ChallengeNameTypeDeviceSrpAuth}, {"not_remembered", ""}} {
			wantError(t, remember(tokens.AccessToken, row.status), nil)
			if got := asked(); got != row.asked {
				t.Errorf("%s: %q", row.status, got)
			}
		}
		wantError(t, second(r.AdminUpdateDeviceStatus(ctx, &cip.AdminUpdateDeviceStatusInput{
			UserPoolId: &pool, Username: &name, DeviceKey: &d.key, DeviceRememberedStatus: types.DeviceRememberedStatusTypeRemembered,
		})), nil)
		if got := asked(); got != types.ChallengeNameTypeDeviceSrpAuth {
			t.Errorf("remembered by an administrator: %q", got)
		}

		t.Run("lists", func(t *testing.T) {
			keys := []string{d.key}
			for range 2 {
				more, _ := r.registered(t, client, name)
				keys = append(keys, more.key)
			}
			slices.Sort(keys)
			check := func(admin bool, list func(page *string) ([]types.DeviceType, *string, error)) {
				var got []string
				var page *string
				for range 4 {
					devices, next, err := list(page)
					if err != nil {
						t.Fatal(err)
					}
					for _, one := range devices {
						got = append(got, *one.DeviceKey)
						if has := valuesOf(one.DeviceAttributes)["dev:device_owner"] != ""; has != admin || valuesOf(one.DeviceAttributes)["device_name"] != "laptop" {
							t.Errorf("shows %v", valuesOf(one.DeviceAttributes))
						}
					}
					if page = next; page == nil {
						break
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(keys, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
			check(false, func(page *string) ([]types.DeviceType, *string, error) {
				out, err := r.ListDevices(ctx, &cip.ListDevicesInput{AccessToken: tokens.AccessToken, Limit: aws.Int32(2), PaginationToken: page})
				if err != nil {
					return nil, nil, err
				}
				return out.Devices, out.PaginationToken, nil
			})
			check(true, func(page *string) ([]types.DeviceType, *string, error) {
				out, err := r.AdminListDevices(ctx, &cip.AdminListDevicesInput{UserPoolId: &pool, Username: &name, Limit: aws.Int32(1), PaginationToken: page})
				if err != nil {
					return nil, nil, err
				}
				return out.Devices, out.PaginationToken, nil
			})
			first := must[*cip.ListDevicesOutput](t)(r.ListDevices(ctx, &cip.ListDevicesInput{AccessToken: tokens.AccessToken, Limit: aws.Int32(1)}))
			wantError(t, second(r.ListDevices(ctx, &cip.ListDevicesInput{AccessToken: other.AccessToken, PaginationToken: first.PaginationToken})), badPage())
			wantError(t, second(r.AdminListDevices(ctx, &cip.AdminListDevicesInput{UserPoolId: &pool, Username: aws.String("bob"), PaginationToken: first.PaginationToken})), badPage())
			wantError(t, second(r.AdminListDevices(ctx, &cip.AdminListDevicesInput{UserPoolId: &pool, Username: aws.String("nobody")})), notFound("User does not exist."))
			wantError(t, second(r.AdminListDevices(ctx, &cip.AdminListDevicesInput{UserPoolId: aws.String(unknownPool), Username: &name})), noPool(unknownPool))
		})

		t.Run("another user", func(t *testing.T) {
			wantError(t, second(r.GetDevice(ctx, &cip.GetDeviceInput{AccessToken: other.AccessToken, DeviceKey: &d.key})), noDevice())
			wantError(t, remember(other.AccessToken, "remembered"), noDevice())
			wantError(t, second(r.ForgetDevice(ctx, &cip.ForgetDeviceInput{AccessToken: other.AccessToken, DeviceKey: &d.key})), noDevice())
			bob := aws.String("bob")
			wantError(t, second(r.AdminGetDevice(ctx, &cip.AdminGetDeviceInput{UserPoolId: &pool, Username: bob, DeviceKey: &d.key})), noDevice())
			wantError(t, second(r.AdminForgetDevice(ctx, &cip.AdminForgetDeviceInput{UserPoolId: &pool, Username: bob, DeviceKey: &d.key})), noDevice())
			wantError(t, second(r.AdminUpdateDeviceStatus(ctx, &cip.AdminUpdateDeviceStatusInput{
				UserPoolId: &pool, Username: bob, DeviceKey: &d.key, DeviceRememberedStatus: "remembered",
			})), noDevice())
		})
		nobody := aws.String("nobody")
		wantError(t, second(r.AdminGetDevice(ctx, &cip.AdminGetDeviceInput{UserPoolId: &pool, Username: nobody, DeviceKey: &d.key})), notFound("User does not exist."))
		wantError(t, second(r.AdminForgetDevice(ctx, &cip.AdminForgetDeviceInput{UserPoolId: &pool, Username: nobody, DeviceKey: &d.key})), noUser())
		wantError(t, second(r.AdminUpdateDeviceStatus(ctx, &cip.AdminUpdateDeviceStatusInput{
			UserPoolId: &pool, Username: nobody, DeviceKey: &d.key, DeviceRememberedStatus: "remembered",
		})), noUser())
		wantError(t, second(r.GetDevice(ctx, &cip.GetDeviceInput{DeviceKey: &d.key})), notAuthorized("Access Token is required"))
		wantError(t, second(r.ForgetDevice(ctx, &cip.ForgetDeviceInput{DeviceKey: &d.key})), notAuthorized("Access Token is required"))

		res, body := r.post(t, "AdminForgetDevice", `{"UserPoolId":"`+pool+`","Username":"alice","DeviceKey":"`+d.key+`"}`)
		if res.StatusCode != 200 || body != "" {
			t.Errorf("AdminForgetDevice: %d %q", res.StatusCode, body)
		}
		wantError(t, second(r.AdminForgetDevice(ctx, &cip.AdminForgetDeviceInput{UserPoolId: &pool, Username: &name, DeviceKey: &d.key})), noDevice())
		wantError(t, second(r.GetDevice(ctx, &cip.GetDeviceInput{AccessToken: tokens.AccessToken, DeviceKey: &d.key})), noDevice())
	})
}

// TestDevicesUntracked: without tracking there are no operations on devices, and
// what was registered is there again with it.
func TestDevicesUntracked(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		ctx := t.Context()
		pool := r.pool(t, trackingDevices(true, false))
		client, name := r.client(t, pool), "alice"
		r.user(t, pool, name)
		d, tokens := r.registered(t, client, name)
		set := func(c *types.DeviceConfigurationType) {
			must[*cip.UpdateUserPoolOutput](t)(r.UpdateUserPool(ctx, &cip.UpdateUserPoolInput{
				UserPoolId: &pool, AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"}, DeviceConfiguration: c,
			}))
			shown := must[*cip.DescribeUserPoolOutput](t)(r.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &pool})).UserPool.DeviceConfiguration
			if (c == nil) != (shown == nil) || c != nil && *c != *shown {
				t.Errorf("DeviceConfiguration %+v, set %+v", shown, c)
			}
		}
		set(nil)
		off := &types.InvalidUserPoolConfigurationException{Message: aws.String("Device tracking is not enabled for the user pool.")}
		token := tokens.AccessToken
		for op, err := range map[string]error{
			"ListDevices":        second(r.ListDevices(ctx, &cip.ListDevicesInput{AccessToken: token})),
			"GetDevice":          second(r.GetDevice(ctx, &cip.GetDeviceInput{AccessToken: token, DeviceKey: &d.key})),
			"ForgetDevice":       second(r.ForgetDevice(ctx, &cip.ForgetDeviceInput{AccessToken: token, DeviceKey: &d.key})),
			"UpdateDeviceStatus": second(r.UpdateDeviceStatus(ctx, &cip.UpdateDeviceStatusInput{AccessToken: token, DeviceKey: &d.key, DeviceRememberedStatus: "remembered"})),
			"AdminListDevices":   second(r.AdminListDevices(ctx, &cip.AdminListDevicesInput{UserPoolId: &pool, Username: &name})),
			"AdminGetDevice":     second(r.AdminGetDevice(ctx, &cip.AdminGetDeviceInput{UserPoolId: &pool, Username: &name, DeviceKey: &d.key})),
			"AdminForgetDevice":  second(r.AdminForgetDevice(ctx, &cip.AdminForgetDeviceInput{UserPoolId: &pool, Username: &name, DeviceKey: &d.key})),
			"AdminUpdateDeviceStatus": second(r.AdminUpdateDeviceStatus(ctx, &cip.AdminUpdateDeviceStatusInput{
				UserPoolId: &pool, Username: &name, DeviceKey: &d.key, DeviceRememberedStatus: "remembered",
			})),
		} {
			t.Run(op, func(t *testing.T) { wantError(t, err, off) })
		}
		set(&types.DeviceConfigurationType{ChallengeRequiredOnNewDevice: true})
		wantError(t, second(r.GetDevice(ctx, &cip.GetDeviceInput{AccessToken: token, DeviceKey: &d.key})), nil)
	})
}
