package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/federation/saml/samltest"
	"cognate/test/fakeidp"
	"cognate/test/serving"
)

// linkPerson links a person of a provider to a user.
func (r *rig) linkPerson(t *testing.T, username, provider, attribute, value string) {
	t.Helper()
	out, err := r.sdk.AdminLinkProviderForUser(t.Context(), &cip.AdminLinkProviderForUserInput{
		UserPoolId: &r.pool, DestinationUser: &types.ProviderUserIdentifierType{ProviderName: new("Cognito"), ProviderAttributeValue: &username},
		SourceUser: &types.ProviderUserIdentifierType{ProviderName: &provider, ProviderAttributeName: &attribute, ProviderAttributeValue: &value},
	})
	serving.Must(t, out, err)
}

// disable takes a way to sign in from a user.
func (r *rig) disable(t *testing.T, provider, value string) {
	t.Helper()
	out, err := r.sdk.AdminDisableProviderForUser(t.Context(), &cip.AdminDisableProviderForUserInput{
		UserPoolId: &r.pool, User: &types.ProviderUserIdentifierType{ProviderName: &provider, ProviderAttributeName: new("Cognito_Subject"), ProviderAttributeValue: &value},
	})
	serving.Must(t, out, err)
}

// isAlive reports whether tokens of the user are still good.
func (r *rig) isAlive(t *testing.T, access, refresh string) bool {
	t.Helper()
	_, got := r.sdk.GetUser(t.Context(), &cip.GetUserInput{AccessToken: &access})
	_, renewed := r.sdk.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeRefreshTokenAuth, ClientId: r.client.ClientId, AuthParameters: map[string]string{"REFRESH_TOKEN": refresh},
	})
	if (got == nil) != (renewed == nil) {
		t.Errorf("GetUser: %v; refresh: %v", got, renewed)
	}
	return renewed == nil
}

// arriveScoped signs a person in at a provider and returns the tokens.
func (r *rig) arriveScoped(t *testing.T, provider string) (access, refresh string) {
	t.Helper()
	b := r.browser(t)
	return b.tokenSet(b.back(b.do(http.MethodGet, b.base+"/oauth2/authorize?"+b.scoped()+"&identity_provider="+provider, nil).location))
}

// TestDisableEndsTokens: whoever loses a link, or the right to use a provider, is signed out.
func TestDisableEndsTokens(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		r.allowEverything(t, "COGNITO", "Corp")
		r.linkPerson(t, "alice", "Corp", "Cognito_Subject", "ada")
		for subject, name := range map[string]string{"ada": "a linked person", "eve": "a profile of its own"} {
			person(fake, subject)
			access, refresh := r.arriveScoped(t, "Corp")
			if !r.isAlive(t, access, refresh) {
				t.Fatalf("%s is not signed in", name)
			}
			r.disable(t, "Corp", subject)
			if r.isAlive(t, access, refresh) {
				t.Errorf("%s stays signed in", name)
			}
		}
	})
}

// TestDisableLocal: whoever may not use the pool's own directory any more has no way around the
// password, also by a code from before. The person's link goes on, and an administrator can set a
// password again.
func TestDisableLocal(t *testing.T) {
	t.Parallel()
	engines(t, codesFirst, func(t *testing.T, r *rig) {
		fake := r.addOIDC(t, "Corp", nil)
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		r.allowEverything(t, "COGNITO", "Corp")
		r.linkPerson(t, "alice", "Corp", "Cognito_Subject", "ada")
		ctx, name := t.Context(), "alice"
		signIn := func(flow types.AuthFlowType) (*cip.InitiateAuthOutput, error) {
			return r.sdk.InitiateAuth(ctx, &cip.InitiateAuthInput{AuthFlow: flow, ClientId: r.client.ClientId, AuthParameters: map[string]string{
				"USERNAME": name, "PASSWORD": password, "PREFERRED_CHALLENGE": "EMAIL_OTP",
			}})
		}
		out, err := signIn(types.AuthFlowTypeUserPasswordAuth)
		tokens := serving.Must(t, out, err).AuthenticationResult
		begun, err := signIn(types.AuthFlowTypeUserAuth)
		session := serving.Must(t, begun, err).Session
		if begun.ChallengeName != types.ChallengeNameTypeEmailOtp {
			t.Fatalf("challenge: %s", begun.ChallengeName)
		}
		first := r.code(t)
		forgot, err := r.sdk.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: r.client.ClientId, Username: &name})
		serving.Must(t, forgot, err)
		reset, sent := r.code(t), len(serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{}))

		r.disable(t, "Cognito", name)
		got, err := r.sdk.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &r.pool, Username: &name})
		if serving.Must(t, got, err).UserStatus != types.UserStatusTypeExternalProvider {
			t.Errorf("status: %s", got.UserStatus)
		}
		if r.isAlive(t, *tokens.AccessToken, *tokens.RefreshToken) {
			t.Error("the tokens live on")
		}
		_, err = signIn(types.AuthFlowTypeUserPasswordAuth)
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{
			ChallengeName: types.ChallengeNameTypeEmailOtp, ClientId: r.client.ClientId, Session: session, ChallengeResponses: map[string]string{"USERNAME": name, "EMAIL_OTP_CODE": first},
		})
		serving.Want(t, err, "NotAuthorizedException")
		_, err = r.sdk.ConfirmForgotPassword(ctx, &cip.ConfirmForgotPasswordInput{ClientId: r.client.ClientId, Username: &name, ConfirmationCode: &reset, Password: new(password)})
		if code := serving.Code(err); code != "ExpiredCodeException" && code != "CodeMismatchException" {
			t.Errorf("a code from before: %v", err)
		}
		// Strangers are told what they are told of a name that nobody has, and nothing is sent.
		forgot, err = r.sdk.ForgotPassword(ctx, &cip.ForgotPasswordInput{ClientId: r.client.ClientId, Username: &name})
		serving.Must(t, forgot, err)
		begun, err = signIn(types.AuthFlowTypeUserAuth)
		serving.Must(t, begun, err)
		if now := len(serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{})); now != sent {
			t.Errorf("%d messages are sent", now-sent)
		}

		person(fake, "ada", "email", "alice@example.com", "email_verified", true)
		access, _ := r.arriveScoped(t, "Corp")
		_, err = r.sdk.ChangePassword(ctx, &cip.ChangePasswordInput{AccessToken: &access, ProposedPassword: new(password)})
		serving.Want(t, err, "NotAuthorizedException")
		set, err := r.sdk.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: &r.pool, Username: &name, Password: new(password), Permanent: true})
		serving.Must(t, set, err)
		out, err = signIn(types.AuthFlowTypeUserPasswordAuth)
		serving.Must(t, out, err)
	})
}

// TestLinksOutliveProvider: a provider that is deleted and made again has the links of the one
// before, also those by an attribute that nobody has used yet.
func TestLinksOutliveProvider(t *testing.T) {
	t.Parallel()
	engines(t, nil, func(t *testing.T, r *rig) {
		r.addOIDC(t, "Corp", nil)
		r.addUser(t, "alice", true, "email", "alice@example.com", "email_verified", "true")
		r.addUser(t, "bob", true, "email", "bob@example.com", "email_verified", "true")
		r.linkPerson(t, "alice", "Corp", "email", "ada@corp.example.com")
		for range 2 {
			_, err := r.sdk.DeleteIdentityProvider(t.Context(), &cip.DeleteIdentityProviderInput{UserPoolId: &r.pool, ProviderName: new("Corp")})
			if err != nil {
				t.Fatal(err)
			}
			fake := r.addOIDC(t, "Corp", nil)
			person(fake, "ada", "email", "ada@corp.example.com", "email_verified", true)
			b, p := r.arrive(t)
			if claims := claimsOf(t, b.tokens(p)); claims["cognito:username"] != "alice" {
				t.Errorf("after the provider was made again: %v", claims)
			}
		}
		// The attribute counts once among those of the provider.
		r.linkPerson(t, "bob", "Corp", "email", "bob@corp.example.com")
	})
}

// TestLevelOfProviderSession: a session of another provider below the requested level does not
// answer. The provider is asked again.
func TestLevelOfProviderSession(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.AllowUnsigned = true
	r := startRig(t, c, nil)
	fake := r.addOIDC(t, "Corp", nil)
	b := r.browser(t)
	const silent, loa1 = "login_required", "urn:cognito:loa:1"
	b.wantContext(b.back(b.toProvider(b.open("/login"))), loa1+" [fed]")
	b.wantContext(b.authorize("acr_values", loa1, "prompt", "none"), loa1+" [fed]")
	b.wantContext(b.authorize("acr_values", "urn:x", "prompt", "none"), loa1+" [fed]")
	b.wantRefused(b.authorize("acr_values", loa3, "prompt", "none"), silent)
	b.wantContext(b.authorize("acr_values", loa3+" "+loa1, "prompt", "none"), loa1+" [fed]")
	p := b.authorize("acr_values", loa3)
	wantPage(t, p, "/login", "Continue with Corp")
	if strings.Contains(p.body, `name="continue"`) {
		t.Error("the page offers the session")
	}

	// With names for levels, the provider is told which one is wanted.
	r.raw(t, "UpdateIdentityProvider", `{"UserPoolId":"`+r.pool+`","ProviderName":"Corp","AcrMapping":{"Level1":"basic","Level3":"strong"}}`)
	b.wantRefused(b.authorize("acr_values", loa3+" "+loa1, "prompt", "none"), silent)
	away := b.toProvider(b.authorize("acr_values", loa3))
	u, err := url.Parse(away)
	if err != nil || u.Query().Get("acr_values") != "strong" {
		t.Errorf("the provider is asked for %q", u.Query().Get("acr_values"))
	}
	fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) { v["acr"], v["amr"] = "strong", []string{"swk"} }})
	b.wantContext(b.back(away), loa3+" [swk]")
	b.wantContext(b.authorize("acr_values", loa3, "prompt", "none"), loa3+" [swk]")
	// A provider that does not reach the level leads nobody in circles.
	fake.Behave(fakeidp.Behaviour{Claims: func(v map[string]any) { v["acr"], v["amr"] = "basic", []string{"pwd"} }})
	low := r.browser(t)
	for range 2 {
		p := low.do(http.MethodGet, low.base+"/oauth2/authorize?"+low.query()+"&identity_provider=Corp&acr_values="+loa3, nil)
		low.wantContext(low.back(p.location), loa1+" [pwd]")
	}
}

// TestProviderGoneMeanwhile: a provider that is deleted, or that the app client does not allow any
// more, while a person is there ends the sign-in on a page that says so.
func TestProviderGoneMeanwhile(t *testing.T) {
	t.Parallel()
	const gone = "/error?error=Login+option+is+not+available"
	remove := func(t *testing.T, r *rig) {
		t.Helper()
		if _, err := r.sdk.DeleteIdentityProvider(t.Context(), &cip.DeleteIdentityProviderInput{UserPoolId: &r.pool, ProviderName: new("Corp")}); err != nil {
			t.Fatal(err)
		}
	}
	forbid := func(t *testing.T, r *rig) { t.Helper(); r.allowProviders(t, "COGNITO") }
	for name, end := range map[string]func(t *testing.T, r *rig){"deleted": remove, "not allowed": forbid} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "", nil)
			r.addOIDC(t, "Corp", nil)
			b := r.browser(t)
			v, err := fakeidp.Visit(t.Context(), b.toProvider(b.open("/login")))
			if err != nil {
				t.Fatal(err)
			}
			button := b.base + "/oauth2/authorize?" + b.query() + "&identity_provider=Corp"
			end(t, r)
			for what, p := range map[string]shown{"the answer": b.callback(v), "the button": b.do(http.MethodGet, button, nil)} {
				if !strings.Contains(p.location, gone) {
					t.Errorf("%s: %s", what, p)
				}
			}
		})
		t.Run(name+", SAML", func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "", nil)
			idp := r.addSAML(t, "Corp", nil)
			b := r.browser(t)
			request, relay := b.startSAML()
			end(t, r)
			if p := b.consume(samltest.Encode(idp.Sign(t, idp.Response(r.answerTo(request, "ada")))), relay); !strings.Contains(p.location, gone) {
				t.Errorf("the answer: %s", p)
			}
		})
	}
}

// TestUnsolicitedTokens: an answer that no request asked for leads to tokens in the fragment, if
// its RelayState asks for them and the app client allows the implicit grant.
func TestUnsolicitedTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t, "", nil)
	idp := r.addSAML(t, "Corp", map[string]string{"IDPInit": "true"})
	b := r.browser(t)
	arrive := func(id string) string {
		answer := r.answerTo(samlRequest{ConsumerURL: b.base + "/saml2/idpresponse"}, "ada")
		answer.ID = id
		relay := strings.Replace(b.query(), "response_type=code", "response_type=token", 1) + "&identity_provider=Corp"
		return b.post("/saml2/idpresponse", samltest.Encode(idp.Sign(t, idp.Response(answer))), relay).location
	}
	if location := arrive("one"); !strings.HasPrefix(location, callback+"?error=unauthorized_client") {
		t.Errorf("without the implicit grant: %s", location)
	}
	r.client.AllowedOAuthFlows = append(r.client.AllowedOAuthFlows, types.OAuthFlowTypeImplicit)
	r.allowProviders(t, "Corp")
	location := arrive("two")
	rest, ok := strings.CutPrefix(location, callback+"#")
	tokens, err := url.ParseQuery(rest)
	if !ok || err != nil || tokens.Get("access_token") == "" || tokens.Get("state") != "s+1" || tokens.Has("refresh_token") {
		t.Fatalf("to %s", location)
	}
	body, err := json.Marshal(map[string]string{"id_token": tokens.Get("id_token")})
	if err != nil {
		t.Fatal(err)
	}
	if claims := claimsOf(t, string(body)); claims["cognito:username"] != "Corp_ada" {
		t.Errorf("claims: %v", claims)
	}
	if location := arrive("two"); !strings.Contains(location, "error=server_error") {
		t.Errorf("a second time: %s", location)
	}
}
