package ops_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/document"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"cognate/test/authenticator"
)

const passkeyOrigin = "https://app.example.com"

// passkeyPool makes a pool whose people may sign in by passkeys for example.com.
func (r rig) passkeyPool(t *testing.T) string {
	t.Helper()
	pool := r.pool(t, choosing("WEB_AUTHN", "EMAIL_OTP"))
	must[*cip.SetUserPoolMfaConfigOutput](t)(r.SetUserPoolMfaConfig(t.Context(), &cip.SetUserPoolMfaConfigInput{
		UserPoolId: &pool, MfaConfiguration: types.UserPoolMfaTypeOff,
		WebAuthnConfiguration: &types.WebAuthnConfigurationType{RelyingPartyId: aws.String("example.com"), UserVerification: types.UserVerificationTypeRequired},
	}))
	return pool
}

// choosing lets people begin by these factors beside a password.
func choosing(factors ...types.AuthFactorType) func(*cip.CreateUserPoolInput) {
	return func(in *cip.CreateUserPoolInput) {
		in.Policies = &types.UserPoolPolicyType{SignInPolicy: &types.SignInPolicyType{
			AllowedFirstAuthFactors: append([]types.AuthFactorType{types.AuthFactorTypePassword}, factors...),
		}}
	}
}

func byChoice(in *cip.CreateUserPoolClientInput) {
	in.ExplicitAuthFlows = append(in.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowUserAuth)
}

// startPasskey returns the options of a registration, as JSON.
func (r rig) startPasskey(t *testing.T, token string) string {
	t.Helper()
	out := must[*cip.StartWebAuthnRegistrationOutput](t)(r.StartWebAuthnRegistration(t.Context(), &cip.StartWebAuthnRegistrationInput{AccessToken: &token}))
	options, err := out.CredentialCreationOptions.MarshalSmithyDocument()
	if err != nil {
		t.Fatal(err)
	}
	return string(options)
}

func (r rig) completePasskey(t *testing.T, token string, credential []byte) error {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(credential, &doc); err != nil {
		t.Fatal(err)
	}
	_, err := r.CompleteWebAuthnRegistration(t.Context(), &cip.CompleteWebAuthnRegistrationInput{AccessToken: &token, Credential: document.NewLazyDocument(doc)})
	return err
}

func (r rig) addPasskey(t *testing.T, token, sub string) *authenticator.Device {
	t.Helper()
	d := authenticator.New(sub, "example.com", passkeyOrigin)
	if err := r.completePasskey(t, token, d.Create(t, r.startPasskey(t, token))); err != nil {
		t.Fatal(err)
	}
	return d
}

func (r rig) passkeys(t *testing.T, token string) []types.WebAuthnCredentialDescription {
	t.Helper()
	return must[*cip.ListWebAuthnCredentialsOutput](t)(r.ListWebAuthnCredentials(t.Context(), &cip.ListWebAuthnCredentialsInput{AccessToken: &token})).Credentials
}

// TestPasskeys is the life of a passkey: registered, listed, used, deleted.
func TestPasskeys(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.passkeyPool(t)
		client := r.client(t, pool, byChoice)
		sub := r.user(t, pool, "alice", verified("alice@example.com")...)
		token := *r.signIn(t, client, "alice").AccessToken

		var options struct {
			RP               struct{ ID, Name string }
			User             struct{ ID, Name, DisplayName string }
			Challenge        string
			PubKeyCredParams []struct {
				Type string
				Alg  int
			}
			Timeout                int
			AuthenticatorSelection struct {
				RequireResidentKey            bool
				ResidentKey, UserVerification string
			}
		}
		if err := json.Unmarshal([]byte(r.startPasskey(t, token)), &options); err != nil {
			t.Fatal(err)
		}
		if options.RP.ID != "example.com" || options.User.Name != "alice" || len(options.Challenge) != 43 || options.Timeout != 60_000 ||
			len(options.PubKeyCredParams) != 3 || options.AuthenticatorSelection.UserVerification != "required" || !options.AuthenticatorSelection.RequireResidentKey {
			t.Errorf("options %+v", options)
		}

		first, second := r.addPasskey(t, token, sub), r.addPasskey(t, token, sub)
		list := r.passkeys(t, token)
		if len(list) != 2 {
			t.Fatalf("%d passkeys", len(list))
		}
		got := list[0]
		if *got.FriendlyCredentialName == "" || *got.RelyingPartyId != "example.com" || got.CreatedAt == nil || got.AuthenticatorTransports == nil {
			t.Errorf("shown as %+v", got)
		}
		page := must[*cip.ListWebAuthnCredentialsOutput](t)(r.ListWebAuthnCredentials(t.Context(), &cip.ListWebAuthnCredentialsInput{AccessToken: &token, MaxResults: aws.Int32(1)}))
		rest := must[*cip.ListWebAuthnCredentialsOutput](t)(r.ListWebAuthnCredentials(t.Context(), &cip.ListWebAuthnCredentialsInput{AccessToken: &token, NextToken: page.NextToken}))
		if diff := cmp.Diff([]string{*list[0].CredentialId, *list[1].CredentialId}, []string{*page.Credentials[0].CredentialId, *rest.Credentials[0].CredentialId}); diff != "" || rest.NextToken != nil {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
		_, err := r.ListWebAuthnCredentials(t.Context(), &cip.ListWebAuthnCredentialsInput{AccessToken: &token, NextToken: aws.String("forged")})
		wantError(t, err, badPage())

		factors := must[*cip.GetUserAuthFactorsOutput](t)(r.GetUserAuthFactors(t.Context(), &cip.GetUserAuthFactorsInput{AccessToken: &token}))
		if diff := cmp.Diff([]types.AuthFactorType{"PASSWORD", "EMAIL_OTP", "WEB_AUTHN"}, factors.ConfiguredUserAuthFactors); diff != "" {
			t.Errorf("factors (-want +got):\n%s", diff)
		}

		for name, d := range map[string]*authenticator.Device{"first": first, "second": second} {
			if err := r.byPasskey(t, client, "alice", d); err != nil {
				t.Errorf("the %s passkey: %v", name, err)
			}
		}
		for _, k := range list {
			must[*cip.DeleteWebAuthnCredentialOutput](t)(r.DeleteWebAuthnCredential(t.Context(), &cip.DeleteWebAuthnCredentialInput{AccessToken: &token, CredentialId: k.CredentialId}))
		}
		_, err = r.DeleteWebAuthnCredential(t.Context(), &cip.DeleteWebAuthnCredentialInput{AccessToken: &token, CredentialId: list[0].CredentialId})
		wantError(t, err, notFound("WebAuthn credential does not exist."))
		if n := len(r.passkeys(t, token)); n != 0 {
			t.Errorf("%d passkeys after all were deleted", n)
		}
		out := must[*cip.InitiateAuthOutput](t)(r.choose(t, client, "alice", "PREFERRED_CHALLENGE", "WEB_AUTHN"))
		if out.ChallengeName != types.ChallengeNameTypeSelectChallenge {
			t.Errorf("asks %s of a user without passkeys", out.ChallengeName)
		}
	})
}

// byPasskey signs in.
func (r rig) byPasskey(t *testing.T, client, name string, d *authenticator.Device) error {
	t.Helper()
	out := must[*cip.InitiateAuthOutput](t)(r.choose(t, client, name, "PREFERRED_CHALLENGE", "WEB_AUTHN"))
	if out.ChallengeName != types.ChallengeNameTypeWebAuthn {
		t.Fatalf("asks %s", out.ChallengeName)
	}
	done, err := r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
		ClientId: &client, ChallengeName: types.ChallengeNameTypeWebAuthn, Session: out.Session,
		ChallengeResponses: map[string]string{"USERNAME": name, "CREDENTIAL": string(d.Get(t, out.ChallengeParameters["CREDENTIAL_REQUEST_OPTIONS"]))},
	})
	if err == nil && done.AuthenticationResult == nil {
		t.Errorf("asks %s", done.ChallengeName)
	}
	return err
}

// choose starts USER_AUTH.
func (r rig) choose(t *testing.T, client, name string, pairs ...string) (*cip.InitiateAuthOutput, error) {
	t.Helper()
	params := map[string]string{"USERNAME": name}
	for i := 0; i < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	return r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{ClientId: &client, AuthFlow: types.AuthFlowTypeUserAuth, AuthParameters: params})
}

// TestPasskeyRegistration is the table of what may go wrong with a registration.
func TestPasskeyRegistration(t *testing.T) {
	alone(t, func(t *testing.T, r rig) {
		pool := r.passkeyPool(t)
		client, other := r.client(t, pool, byChoice), r.client(t, pool, byChoice)
		person := func(t *testing.T, name string) (sub, token string) {
			t.Helper()
			return r.user(t, pool, name, verified(name+"@example.com")...), *r.signIn(t, client, name).AccessToken
		}
		t.Run("not a factor", func(t *testing.T) {
			plain := r.pool(t)
			r.user(t, plain, "alice")
			token := *r.signIn(t, r.client(t, plain), "alice").AccessToken
			_, err := r.StartWebAuthnRegistration(t.Context(), &cip.StartWebAuthnRegistrationInput{AccessToken: &token})
			wantType[*types.WebAuthnNotEnabledException](t, err)
			wantType[*types.WebAuthnNotEnabledException](t, r.completePasskey(t, token, []byte("{}")))
		})
		t.Run("no relying party", func(t *testing.T) {
			bare := r.pool(t, choosing("WEB_AUTHN"))
			r.user(t, bare, "alice")
			token := *r.signIn(t, r.client(t, bare), "alice").AccessToken
			_, err := r.StartWebAuthnRegistration(t.Context(), &cip.StartWebAuthnRegistrationInput{AccessToken: &token})
			wantType[*types.WebAuthnConfigurationMissingException](t, err)
			must[*cip.CreateUserPoolDomainOutput](t)(r.CreateUserPoolDomain(t.Context(), &cip.CreateUserPoolDomainInput{
				UserPoolId: &bare, Domain: aws.String("login.example.net"), CustomDomainConfig: &types.CustomDomainConfigType{
					CertificateArn: aws.String("arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"),
				},
			}))
			t.Cleanup(func() {
				_, _ = r.DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: &bare, Domain: aws.String("login.example.net")})
			})
			r.pass(2 * time.Second)
			var options struct{ RP struct{ ID string } }
			if err := json.Unmarshal([]byte(r.startPasskey(t, token)), &options); err != nil || options.RP.ID != "login.example.net" {
				t.Errorf("the relying party is %q, %v", options.RP.ID, err)
			}
		})
		t.Run("no token", func(t *testing.T) {
			_, err := r.StartWebAuthnRegistration(t.Context(), &cip.StartWebAuthnRegistrationInput{AccessToken: aws.String("x")})
			wantError(t, err, notAuthorized("Invalid Access Token"))
		})
		t.Run("a new start replaces the former", func(t *testing.T) {
			sub, token := person(t, "replacing")
			d := authenticator.New(sub, "example.com", passkeyOrigin)
			former, current := r.startPasskey(t, token), r.startPasskey(t, token)
			wantType[*types.WebAuthnChallengeNotFoundException](t, r.completePasskey(t, token, d.Create(t, former)))
			if err := r.completePasskey(t, token, d.Create(t, current)); err != nil {
				t.Error(err)
			}
		})
		t.Run("another client", func(t *testing.T) {
			sub, token := person(t, "elsewhere")
			d := authenticator.New(sub, "example.com", passkeyOrigin)
			answer := d.Create(t, r.startPasskey(t, token))
			wantType[*types.WebAuthnClientMismatchException](t, r.completePasskey(t, *r.signIn(t, other, "elsewhere").AccessToken, answer))
			if err := r.completePasskey(t, token, answer); err != nil {
				t.Error(err)
			}
		})
		t.Run("another user", func(t *testing.T) {
			sub, token := person(t, "mine")
			_, theirs := person(t, "theirs")
			answer := authenticator.New(sub, "example.com", passkeyOrigin).Create(t, r.startPasskey(t, token))
			wantType[*types.WebAuthnChallengeNotFoundException](t, r.completePasskey(t, theirs, answer))
		})
		t.Run("what is wrong leaves the challenge", func(t *testing.T) {
			sub, token := person(t, "trying")
			options := r.startPasskey(t, token)
			wrongOrigin := authenticator.New(sub, "example.com", "https://example.org")
			wantType[*types.WebAuthnOriginNotAllowedException](t, r.completePasskey(t, token, wrongOrigin.Create(t, options)))
			wrongParty := authenticator.New(sub, "example.net", passkeyOrigin)
			wantType[*types.WebAuthnRelyingPartyMismatchException](t, r.completePasskey(t, token, wrongParty.Create(t, options)))
			unverified := authenticator.New(sub, "example.com", passkeyOrigin)
			unverified.Auth.Options.UserNotVerified = true
			wantType[*types.WebAuthnCredentialNotSupportedException](t, r.completePasskey(t, token, unverified.Create(t, options)))
			wantError(t, r.completePasskey(t, token, []byte(`{"id":"x"}`)), invalid("Invalid credential."))
			if err := r.completePasskey(t, token, authenticator.New(sub, "example.com", passkeyOrigin).Create(t, options)); err != nil {
				t.Error(err)
			}
		})
		t.Run("used and unknown", func(t *testing.T) {
			sub, token := person(t, "twice")
			d := authenticator.New(sub, "example.com", passkeyOrigin)
			answer := d.Create(t, r.startPasskey(t, token))
			if err := r.completePasskey(t, token, answer); err != nil {
				t.Error(err)
			}
			wantType[*types.WebAuthnChallengeNotFoundException](t, r.completePasskey(t, token, answer))
			// Nobody registers a credential twice, not even another user.
			_, theirs := person(t, "copying")
			wantError(t, r.completePasskey(t, theirs, d.Create(t, r.startPasskey(t, theirs))), invalid("The credential is registered already."))
		})
		t.Run("too late", func(t *testing.T) {
			sub, token := person(t, "slow")
			answer := authenticator.New(sub, "example.com", passkeyOrigin).Create(t, r.startPasskey(t, token))
			r.pass(2 * time.Minute)
			wantType[*types.WebAuthnChallengeNotFoundException](t, r.completePasskey(t, token, answer))
		})
		t.Run("too many", func(t *testing.T) {
			sub, token := person(t, "collecting")
			for range 20 {
				r.addPasskey(t, token, sub)
			}
			_, err := r.StartWebAuthnRegistration(t.Context(), &cip.StartWebAuthnRegistrationInput{AccessToken: &token})
			wantType[*types.LimitExceededException](t, err)
		})
		t.Run("at once", func(t *testing.T) {
			sub, token := person(t, "racing")
			answer := authenticator.New(sub, "example.com", passkeyOrigin).Create(t, r.startPasskey(t, token))
			errs := make(chan error)
			for range 4 {
				go func() { errs <- r.completePasskey(t, token, answer) }()
			}
			won := 0
			for range 4 {
				if err := <-errs; err == nil {
					won++
				} else {
					wantType[*types.WebAuthnChallengeNotFoundException](t, err)
				}
			}
			if n := len(r.passkeys(t, token)); won != 1 || n != 1 {
				t.Errorf("%d answers won, %d passkeys", won, n)
			}
		})
	})
}

// TestChoiceBasedSignIn goes the ways that clients go: a code by mail, a password
// by choice, and from signing up to tokens.
func TestChoiceBasedSignIn(t *testing.T) {
	each(t, func(t *testing.T, r rig) {
		pool := r.pool(t, choosing("EMAIL_OTP"))
		client := r.client(t, pool, byChoice)
		t.Run("code by mail", func(t *testing.T) {
			r.user(t, pool, "alice", verified("alice@example.com")...)
			out := must[*cip.InitiateAuthOutput](t)(r.choose(t, client, "alice"))
			if diff := cmp.Diff([]types.ChallengeNameType{"PASSWORD_SRP", "PASSWORD", "EMAIL_OTP"}, out.AvailableChallenges); diff != "" || out.ChallengeName != "SELECT_CHALLENGE" {
				t.Errorf("asks %s\n%s", out.ChallengeName, diff)
			}
			asked := must[*cip.RespondToAuthChallengeOutput](t)(r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
				ClientId: &client, ChallengeName: out.ChallengeName, Session: out.Session, ChallengeResponses: map[string]string{"USERNAME": "alice", "ANSWER": "EMAIL_OTP"},
			}))
			give := func(code string) (*cip.RespondToAuthChallengeOutput, error) {
				return r.RespondToAuthChallenge(t.Context(), &cip.RespondToAuthChallengeInput{
					ClientId: &client, ChallengeName: asked.ChallengeName, Session: asked.Session, ChallengeResponses: map[string]string{"USERNAME": "alice", "EMAIL_OTP_CODE": code},
				})
			}
			code := r.code(t, pool, "alice")
			_, err := give(wrong(code))
			wantType[*types.CodeMismatchException](t, err)
			if done := must[*cip.RespondToAuthChallengeOutput](t)(give(code)); done.AuthenticationResult == nil {
				t.Errorf("asks %s", done.ChallengeName)
			}
		})
		t.Run("from sign-up to tokens without a password", func(t *testing.T) {
			signed := must[*cip.SignUpOutput](t)(r.SignUp(t.Context(), &cip.SignUpInput{
				ClientId: &client, Username: aws.String("bob"), UserAttributes: attributes("email", "bob@example.com"),
			}))
			confirmed := must[*cip.ConfirmSignUpOutput](t)(r.ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{
				ClientId: &client, Username: aws.String("bob"), ConfirmationCode: aws.String(r.code(t, pool, "bob")), Session: signed.Session,
			}))
			out := must[*cip.InitiateAuthOutput](t)(r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
				ClientId: &client, AuthFlow: types.AuthFlowTypeUserAuth, Session: confirmed.Session, AuthParameters: map[string]string{"USERNAME": "bob"},
			}))
			if out.AuthenticationResult == nil {
				t.Fatalf("asks %s", out.ChallengeName)
			}
			// Whoever has no password sets the first without one.
			must[*cip.ChangePasswordOutput](t)(r.ChangePassword(t.Context(), &cip.ChangePasswordInput{AccessToken: out.AuthenticationResult.AccessToken, ProposedPassword: aws.String(password)}))
			if done := must[*cip.InitiateAuthOutput](t)(r.choose(t, client, "bob", "PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", password)); done.AuthenticationResult == nil {
				t.Errorf("asks %s", done.ChallengeName)
			}
		})
		t.Run("tiers", func(t *testing.T) {
			_, err := r.CreateUserPool(t.Context(), &cip.CreateUserPoolInput{
				PoolName: aws.String("lite"), UserPoolTier: types.UserPoolTierTypeLite, Policies: &types.UserPoolPolicyType{
					SignInPolicy: &types.SignInPolicyType{AllowedFirstAuthFactors: []types.AuthFactorType{"PASSWORD", "EMAIL_OTP"}}},
			})
			wantType[*types.FeatureUnavailableInTierException](t, err)
		})
	})
}
