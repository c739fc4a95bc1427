package login_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/federation/saml/samltest"
	"cognate/test/fakeidp"
	"cognate/test/serving"
)

// allowEverything replaces the rig's client by a public one with every flow and with the scope
// of the API.
func (r *rig) allowEverything(t *testing.T, providers ...string) {
	t.Helper()
	out, err := r.sdk.CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{
		UserPoolId: &r.pool, ClientName: new("Everything"), AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode},
		AllowedOAuthScopes: []string{"openid", "email", "aws.cognito.signin.user.admin"}, CallbackURLs: []string{callback}, LogoutURLs: []string{callback},
		SupportedIdentityProviders: providers, PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowUserAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	r.client = serving.Must(t, out, err).UserPoolClient
}

// person makes the provider vouch for a person.
func person(fake *fakeidp.Provider, subject string, claims ...any) {
	fake.Behave(fakeidp.Behaviour{
		Claims: func(v map[string]any) {
			v["sub"] = subject
			for i := 0; i+1 < len(claims); i += 2 {
				v[claims[i].(string)] = claims[i+1]
				if claims[i+1] == nil {
					delete(v, claims[i].(string))
				}
			}
		},
		Info: func(v map[string]any) { clear(v); v["sub"] = subject },
	})
}

// arrive signs in at the only provider of the rig's client in a new browser.
func (r *rig) arrive(t *testing.T) (*browser, shown) {
	t.Helper()
	b := r.browser(t)
	return b, b.back(b.toProvider(b.open("/login")))
}

// tokenSet redeems the code of a public client.
func (b *browser) tokenSet(p shown) (access, refresh string) {
	b.t.Helper()
	u, err := url.Parse(p.location)
	if err != nil || u.Query().Get("code") == "" {
		b.t.Fatalf("no code: %s", p)
	}
	a := b.do(http.MethodPost, b.base+"/oauth2/token", url.Values{"grant_type": {"authorization_code"}, "client_id": {*b.client.ClientId}, "code": {u.Query().Get("code")}, "redirect_uri": {callback}})
	var tokens struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &tokens); err != nil || tokens.AccessToken == "" {
		b.t.Fatalf("token: %d %s", a.status, a.body)
	}
	return tokens.AccessToken, tokens.RefreshToken
}

// scoped is query with the scope of the API.
func (b *browser) scoped() string {
	return strings.Replace(b.query(), "scope=openid+email", "scope=openid+email+aws.cognito.signin.user.admin", 1)
}

// TestFederatedUserHasNoLocalFactors: whoever has a profile of another provider gets no password,
// passkey or second factor of the pool, by which the person could sign in after the provider
// has locked the person out. Strangers cannot tell the profile from a name that nobody has.
func TestFederatedUserHasNoLocalFactors(t *testing.T) {
	t.Parallel()
	engines(t, func(in *cip.CreateUserPoolInput) {
		in.Policies = &types.UserPoolPolicyType{SignInPolicy: &types.SignInPolicyType{AllowedFirstAuthFactors: []types.AuthFactorType{
			types.AuthFactorTypePassword, types.AuthFactorTypeEmailOtp, types.AuthFactorTypeWebAuthn,
		}}}
		in.AliasAttributes = []types.AliasAttributeType{types.AliasAttributeTypeEmail}
	}, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		r.allowEverything(t, "COGNITO", "Corp")
		mfa, err := r.sdk.SetUserPoolMfaConfig(t.Context(), &cip.SetUserPoolMfaConfigInput{
			UserPoolId: &r.pool, MfaConfiguration: types.UserPoolMfaTypeOptional, SoftwareTokenMfaConfiguration: &types.SoftwareTokenMfaConfigType{Enabled: true},
		})
		serving.Must(t, mfa, err)
		person(fake, "ada", "email", "ada@example.com", "email_verified", true)
		b := r.browser(t)
		access, _ := b.tokenSet(b.back(b.follow(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.scoped()+"&identity_provider=Corp", nil)).location))
		ctx, name := t.Context(), "Corp_ada"
		_, err = r.sdk.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: &access, ProposedPassword: new(password)})
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: &access, PreviousPassword: new(password), ProposedPassword: new(password)})
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.StartWebAuthnRegistration(ctx, &cip.StartWebAuthnRegistrationInput{AccessToken: &access})
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.AssociateSoftwareToken(ctx, &cip.AssociateSoftwareTokenInput{AccessToken: &access})
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.SetUserMFAPreference(ctx, &cip.SetUserMFAPreferenceInput{AccessToken: &access, EmailMfaSettings: &types.EmailMfaSettingsType{Enabled: true}})
		serving.Want(t, err, "NotAuthorizedException")
		for _, username := range []string{name, "ada@example.com"} {
			for _, flow := range []types.AuthFlowType{types.AuthFlowTypeUserPasswordAuth, types.AuthFlowTypeUserAuth} {
				in := &cip.InitiateAuthInput{AuthFlow: flow, ClientId: r.client.ClientId, AuthParameters: map[string]string{"USERNAME": username, "PASSWORD": password, "PREFERRED_CHALLENGE": "PASSWORD"}}
				_, err := r.sdk.InitiateAuth(ctx, in)
				in.AuthParameters["USERNAME"] = "nobody"
				_, unknown := r.sdk.InitiateAuth(ctx, in)
				serving.Want(t, err, "NotAuthorizedException")
				if serving.Code(err) != serving.Code(unknown) {
					t.Errorf("%s %s: %v, unknown: %v", flow, username, err, unknown)
				}
			}
			// Of a name that nobody has, the client is told the same.
			forgot, err := r.sdk.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: r.client.ClientId, Username: &username})
			serving.Must(t, forgot, err)
			if messages := serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{}); len(messages) != 0 {
				t.Errorf("ForgotPassword sends %v", messages)
			}
			_, err = r.sdk.ConfirmForgotPassword(ctx, &cip.ConfirmForgotPasswordInput{ClientId: r.client.ClientId, Username: &username, ConfirmationCode: new("123456"), Password: new(password)})
			if code := serving.Code(err); code != "ExpiredCodeException" && code != "CodeMismatchException" {
				t.Errorf("ConfirmForgotPassword %s: %v", username, err)
			}
		}
		for _, username := range []string{name, "nobody"} {
			_, err = r.sdk.ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: r.client.ClientId, Username: &username, ConfirmationCode: new("123456")})
			serving.Want(t, err, "CodeMismatchException")
			resent, err := r.sdk.ResendConfirmationCode(ctx, &cip.ResendConfirmationCodeInput{ClientId: r.client.ClientId, Username: &username})
			serving.Must(t, resent, err)
		}
		_, err = r.sdk.AdminConfirmSignUp(ctx, &cip.AdminConfirmSignUpInput{UserPoolId: &r.pool, Username: &name})
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.AdminResetUserPassword(ctx, &cip.AdminResetUserPasswordInput{UserPoolId: &r.pool, Username: &name})
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: &r.pool, Username: &name, MessageAction: types.MessageActionTypeResend})
		serving.Want(t, err, "UnsupportedUserStateException")
		_, err = r.sdk.SignUp(ctx, &cip.SignUpInput{ClientId: r.client.ClientId, Username: &name, Password: new(password), UserAttributes: []types.AttributeType{{Name: new("email"), Value: new("x@example.com")}}})
		serving.Want(t, err, "UsernameExistsException")
		got, err := r.sdk.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: &name})
		if serving.Must(t, got, err).UserStatus != types.UserStatusTypeExternalProvider {
			t.Errorf("status: %s", got.UserStatus)
		}
	})
}

// TestLookalikeSubjects: people of a provider whose names differ by more than the case of letters
// are different people, also where the lower case of a letter is that of an ASCII letter. A name
// that the API could not name is refused.
func TestLookalikeSubjects(t *testing.T) {
	t.Parallel()
	engines(t, func(in *cip.CreateUserPoolInput) {
		in.UsernameConfiguration = &types.UsernameConfigurationType{CaseSensitive: new(false)}
	}, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		person(fake, "kim")
		b, p := r.arrive(t)
		if claims := claimsOf(t, b.tokens(p)); claims["cognito:username"] != "corp_kim" {
			t.Fatalf("claims: %v", claims)
		}
		for _, subject := range []string{"\u212Aim", "k\u0130m", "ki\u0300m ", " kim", "kim ", "ki m", "kim\u200b", "kim\u00a0"} {
			person(fake, subject)
			if _, p := r.arrive(t); !strings.HasPrefix(p.location, callback+"?error=") {
				t.Errorf("%+q signs in: %s", subject, p.location)
			}
		}
		person(fake, "KIM")
		b, p = r.arrive(t)
		if claims := claimsOf(t, b.tokens(p)); claims["cognito:username"] != "corp_kim" {
			t.Errorf("another case: %v", claims)
		}
		// The same is true of links.
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		out, err := r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
			UserPoolId: &r.pool, DestinationUser: &types.ProviderUserIdentifierType{ProviderName: new("Cognito"), ProviderAttributeValue: new("alice")},
			SourceUser: &types.ProviderUserIdentifierType{ProviderName: new("Corp"), ProviderAttributeName: new("name"), ProviderAttributeValue: new("Erik")},
		})
		serving.Must(t, out, err)
		person(fake, "eve", "name", "Eri\u212A")
		b, p = r.arrive(t)
		if claims := claimsOf(t, b.tokens(p)); claims["cognito:username"] != "corp_eve" {
			t.Errorf("a name that looks like the linked one: %v", claims)
		}
	})
}

// TestVerifiedFlagNeedsAddress: a provider that says that an address is verified, but not which
// one, verifies nothing that the user typed.
func TestVerifiedFlagNeedsAddress(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", func(in *cip.CreateUserPoolInput) {
		in.Schema = nil
		in.AliasAttributes = []types.AliasAttributeType{types.AliasAttributeTypeEmail}
	})
	fake := r.addOIDC(t, "Corp", nil)
	r.allowEverything(t, "Corp")
	person(fake, "eve", "email", nil, "email_verified", nil)
	b := r.browser(t)
	access, _ := b.tokenSet(b.back(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.scoped()+"&identity_provider=Corp", nil).location))
	out, err := r.sdk.UpdateUserAttributes(t.Context(), &cip.UpdateUserAttributesInput{AccessToken: &access, UserAttributes: []types.AttributeType{{Name: new("email"), Value: new("victim@example.com")}}})
	serving.Must(t, out, err)
	person(fake, "eve", "email", nil, "email_verified", true)
	b = r.browser(t)
	b.tokenSet(b.back(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.scoped()+"&identity_provider=Corp", nil).location))
	got, err := r.sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: new("Corp_eve")})
	for _, a := range serving.Must(t, got, err).UserAttributes {
		if *a.Name == "email_verified" && *a.Value != "false" {
			t.Errorf("email_verified is %s", *a.Value)
		}
	}
}

// TestProfileTakesNoUsername: in a pool whose usernames are addresses, the address of a profile of
// another provider stays free for the person who has it, also when the profile may not use its
// provider any more.
func TestProfileTakesNoUsername(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", func(in *cip.CreateUserPoolInput) {
		in.UsernameAttributes = []types.UsernameAttributeType{types.UsernameAttributeTypeEmail}
	})
	fake := r.addOIDC(t, "Corp", nil)
	person(fake, "eve", "email", "victim@example.com", "email_verified", false)
	b, p := r.arrive(t)
	b.tokens(p)
	out, err := r.sdk.AdminDisableProviderForUser(t.Context(), &cip.AdminDisableProviderForUserInput{
		UserPoolId: &r.pool, User: &types.ProviderUserIdentifierType{ProviderName: new("Corp"), ProviderAttributeName: new("Cognito_Subject"), ProviderAttributeValue: new("eve")},
	})
	serving.Must(t, out, err)
	got, err := r.sdk.AdminUpdateUserAttributes(t.Context(), &cip.AdminUpdateUserAttributesInput{UserPoolId: &r.pool, Username: new("Corp_eve"), UserAttributes: []types.AttributeType{{Name: new("name"), Value: new("Eve")}}})
	serving.Must(t, got, err)
	made, err := r.sdk.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &r.pool, Username: new("victim@example.com"), MessageAction: types.MessageActionTypeSuppress})
	serving.Must(t, made, err)
}

// TestSessionEndsWithProvider: the browser session of a provider ends when the user may not use
// the provider any more, and when the user is disabled, signed out or deleted.
func TestSessionEndsWithProvider(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		link := types.ProviderUserIdentifierType{ProviderName: new("Corp"), ProviderAttributeName: new("Cognito_Subject"), ProviderAttributeValue: new("ada")}
		out, err := r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
			UserPoolId: &r.pool, DestinationUser: &types.ProviderUserIdentifierType{ProviderName: new("Cognito"), ProviderAttributeValue: new("alice")}, SourceUser: &link,
		})
		serving.Must(t, out, err)
		person(fake, "ada")
		linked, p := r.arrive(t)
		linked.tokens(p)
		person(fake, "eve")
		own, p := r.arrive(t)
		own.tokens(p)
		r.addUser(t, "bob", true, "email", "bob@example.com", "email_verified", "true")
		local := r.browser(t)
		local.tokens(local.signIn("bob"))
		again := func(b *browser) bool {
			return strings.HasPrefix(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query(), nil).location, callback)
		}
		if !again(linked) || !again(own) || !again(local) {
			t.Fatal("no session")
		}
		for _, user := range []*types.ProviderUserIdentifierType{&link, {ProviderName: new("Corp"), ProviderAttributeName: new("Cognito_Subject"), ProviderAttributeValue: new("eve")}} {
			out, err := r.sdk.AdminDisableProviderForUser(t.Context(), &cip.AdminDisableProviderForUserInput{UserPoolId: &r.pool, User: user})
			serving.Must(t, out, err)
		}
		if again(linked) || again(own) {
			t.Error("a session of the provider lives on")
		}
		if !again(local) {
			t.Error("another user's session ended")
		}
	})
}

// raw calls an operation with members that the official SDK does not have yet.
func (r *rig) raw(t *testing.T, operation, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", operation, resp.StatusCode, text, err)
	}
}

// TestStrangersClientGetsNoCodeByLink: a client that a stranger registered gets no code by a link
// alone from a person who is signed in at a provider. The person has to press the button.
func TestStrangersClientGetsNoCodeByLink(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.AllowUnsigned = true
	r := startRig(t, c, nil)
	r.addOIDC(t, "Corp", nil)
	r.raw(t, "UpdateUserPool", `{"UserPoolId":"`+r.pool+`","DcrConfiguration":{"OpenDcrEnabled":true}}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.base+"/oauth2/register", strings.NewReader(`{"redirect_uris":["`+callback+`"]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var made struct {
		ID string `json:"client_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil || made.ID == "" {
		t.Fatalf("%d %v", resp.StatusCode, err)
	}
	r.client = &types.UserPoolClientType{ClientId: &made.ID}
	b := r.browser(t)
	for _, site := range []string{"", "none", "same-site", "cross-site"} {
		for _, path := range []string{"/oauth2/authorize?", "/login?"} {
			p := b.do(http.MethodGet, b.base+path+b.query()+"&identity_provider=Corp", nil, "Sec-Fetch-Site", site)
			if p.status == http.StatusFound && !strings.HasPrefix(p.location, "/_domain/people/login?") {
				t.Errorf("%s from %q: %s", path, site, p)
			}
		}
	}
	page := b.follow(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.query()+"&identity_provider=Corp", nil))
	wantPage(t, page, "/login", "Continue with Corp")
	button := html.UnescapeString(providerLink.FindStringSubmatch(page.body)[1])
	away := b.do(http.MethodGet, button, nil, "Sec-Fetch-Site", "same-origin")
	if p := b.back(away.location); !strings.HasPrefix(p.location, callback+"?code=") {
		t.Errorf("the button: %s", p)
	}
}

// TestAttemptsOfTabs: a browser may have several attempts, and a new one takes the place of the
// oldest one.
func TestAttemptsOfTabs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.addOIDC(t, "Corp", nil)
	b := r.browser(t)
	var answers []url.Values
	for range 5 {
		v, err := fakeidp.Visit(t.Context(), b.toProvider(b.open("/login")))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, v)
	}
	if p := b.callback(answers[0]); !strings.Contains(p.location, "/error?") {
		t.Errorf("the oldest of five: %s", p)
	}
	for _, v := range answers[1:] {
		b.tokens(b.callback(v))
	}
}

// TestLongSAMLSession: a name and a session of a SAML provider that do not fit into the cookie do
// not keep the person out.
func TestLongSAMLSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	idp := r.addSAML(t, "Corp", map[string]string{"IDPSignout": "true"})
	b := r.browser(t)
	request, relay := b.startSAML()
	response := idp.Response(r.answerTo(request, "ada"))
	response.FindElement("//AuthnStatement").CreateAttr("SessionIndex", strings.Repeat("x", 3000))
	b.tokens(b.consume(samltest.Encode(idp.Sign(t, response)), relay))
}

// TestFederatedRaces: of first sign-ins and links of one person at once, each succeeds or is
// refused, the person has one user, and the server never fails.
func TestFederatedRaces(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		person(fake, "ada")
		var answers []url.Values
		var browsers []*browser
		for range 4 {
			b := r.browser(t)
			v, err := fakeidp.Visit(t.Context(), b.toProvider(b.open("/login")))
			if err != nil {
				t.Fatal(err)
			}
			browsers, answers = append(browsers, b), append(answers, v)
		}
		locations, linked := make([]string, len(browsers)), make([]error, 2)
		var all sync.WaitGroup
		for i, b := range browsers {
			all.Go(func() { locations[i] = b.callback(answers[i]).location })
		}
		for i := range linked {
			all.Go(func() {
				_, linked[i] = r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
					UserPoolId: &r.pool, DestinationUser: &types.ProviderUserIdentifierType{ProviderName: new("Cognito"), ProviderAttributeValue: new("alice")},
					SourceUser: &types.ProviderUserIdentifierType{ProviderName: new("Corp"), ProviderAttributeName: new("Cognito_Subject"), ProviderAttributeValue: new("ada")},
				})
			})
		}
		all.Wait()
		for _, location := range locations {
			if !strings.HasPrefix(location, callback+"?code=") {
				t.Errorf("first sign-in: %s", location)
			}
		}
		links := 0
		for _, err := range linked {
			switch serving.Code(err) {
			case "":
				links++
			case "InvalidParameterException":
			default:
				t.Errorf("link: %v", err)
			}
		}
		b, p := r.arrive(t)
		want := "Corp_ada"
		if links > 0 {
			want = "alice"
		}
		if claims := claimsOf(t, b.tokens(p)); links > 1 || claims["cognito:username"] != want {
			t.Errorf("%d links, then %v", links, claims["cognito:username"])
		}
		list, err := r.sdk.ListUsers(t.Context(), &cip.ListUsersInput{UserPoolId: &r.pool})
		if n := len(serving.Must(t, list, err).Users); n != 2-links {
			t.Errorf("%d users, %d links", n, links)
		}
	})
}

// TestOddClaims: claims that no database or attribute can hold are refused at the client, and
// the server does not fail.
func TestOddClaims(t *testing.T) {
	t.Parallel()
	engines(t, func(in *cip.CreateUserPoolInput) {
		in.Schema = nil
		in.AliasAttributes = []types.AliasAttributeType{types.AliasAttributeTypePreferredUsername}
	}, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", func(in *cip.CreateIdentityProviderInput) {
			in.AttributeMapping = map[string]string{"name": "name", "preferred_username": "nick"}
		})
		for n, value := range []any{"a\x00b", "\ufffe\uffff", strings.Repeat("\U0001F600", 3000), []any{"a", map[string]any{"b": 1}}, 1e300, "\u202ealice"} {
			for _, claim := range []string{"name", "nick"} {
				person(fake, fmt.Sprint("p", n, claim), claim, value)
				if _, p := r.arrive(t); !strings.HasPrefix(p.location, callback+"?") || strings.Contains(p.location, "server_error") {
					t.Errorf("%s of %.40q: %.300s", claim, value, p.location)
				}
			}
		}
	})
}

// TestAttemptStaysInItsPool: the state and the cookie of an attempt are worth nothing at the
// domain of another pool, nor at another provider's callback.
func TestAttemptStaysInItsPool(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	r.addOIDC(t, "Corp", nil)
	b := r.browser(t)
	v, err := fakeidp.Visit(t.Context(), b.toProvider(b.open("/login")))
	if err != nil {
		t.Fatal(err)
	}
	r.addPool(t, "others", nil)
	var cookies []string
	u, err := url.Parse(b.base + "/oauth2/idpresponse")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	others := r.browser(t)
	others.base = r.URL() + "/_domain/others"
	if p := others.do(http.MethodGet, others.base+"/oauth2/idpresponse?"+v.Encode(), nil, "Cookie", strings.Join(cookies, "; ")); !strings.Contains(p.location, "/error?") {
		t.Errorf("another pool: %s", p)
	}
	if p := b.post("/saml2/idpresponse", "x", v.Get("state")); !strings.Contains(p.location, "/error?") {
		t.Errorf("a SAML answer for it: %s", p)
	}
	if p := b.do(http.MethodGet, b.base+"/saml2/finish?ticket="+v.Get("state"), nil); !strings.Contains(p.location, "/error?") {
		t.Errorf("its state as a ticket: %s", p)
	}
	if p := b.post("/saml2/logout", "x", v.Get("state")); !strings.Contains(p.location, "/error?") {
		t.Errorf("its state as a sign-out: %s", p)
	}
	// A provider that takes the name of the attempt's provider does not know the code.
	_, err = r.sdk.DeleteIdentityProvider(t.Context(), &cip.DeleteIdentityProviderInput{UserPoolId: &r.pool, ProviderName: new("Corp")})
	if err != nil {
		t.Fatal(err)
	}
	client := r.client
	r.addOIDC(t, "Corp", nil)
	r.client = client
	if p := b.callback(v); !strings.HasPrefix(p.location, callback+"?error=") {
		t.Errorf("another provider of the name: %s", p)
	}
}
