package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/bench/floor"
	"cognate/test/bench/idp"
)

// Sign-in at other providers. Each person has signed in before, which is so of most sign-ins.

const (
	lineOIDC      = "OIDC callback and its token exchange"
	lineSAML      = "SAML response of 20 KiB, beyond one verification"
	lineEncrypted = "encrypted SAML response, beyond one verification and one decryption"
	lineButtons   = "sign-in page with 298 providers"
	lineSearch    = "search by address among 298 providers"

	federatedPerTurn = 240
	manyPerTurn      = 200
	maxProviders     = 300
)

// federated are a pool's providers.
type federated struct {
	*target
	oidc            *idp.OIDC
	plain, encrypts *idp.SAML
}

func (b *bench) measureFederation(ctx context.Context, e *engine) (err error) {
	if !slices.ContainsFunc([]string{lineOIDC, lineSAML, lineEncrypted, lineButtons, lineSearch}, b.wanted) {
		return nil
	}
	f := &federated{}
	if f.oidc, err = idp.NewOIDC(); err != nil {
		return err
	}
	defer f.oidc.Close()
	f.target, err = b.newTarget(ctx, e, e.name+"-federation", 100, "--provider-allow", "127.0.0.0/8", "--provider-host", f.oidc.URL)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	sdk := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: region, BaseEndpoint: aws.String("http://" + f.addr), Credentials: credentials.StaticCredentialsProvider{Value: f.key},
	})
	if err := f.createProviders(ctx, sdk); err != nil {
		return err
	}
	if err := b.measureOIDC(ctx, e, f); err != nil {
		return err
	}
	if err := b.measureSAML(ctx, e, f, lineSAML, "Plain", f.plain, []part{{times: 1, floor: floor.Verify}}); err != nil {
		return err
	}
	err = b.measureSAML(ctx, e, f, lineEncrypted, "Encrypting", f.encrypts, []part{{times: 1, floor: floor.Verify}, {times: 1, floor: floor.Decrypt}})
	if err != nil {
		return err
	}
	return b.measureManyProviders(ctx, e, f, sdk)
}

// createProviders makes the providers, and lets the pool's client for browsers use them.
func (f *federated) createProviders(ctx context.Context, sdk *cognitoidentityprovider.Client) (err error) {
	if f.plain, err = idp.NewSAML("plain"); err != nil {
		return err
	}
	if f.encrypts, err = idp.NewSAML("encrypting"); err != nil {
		return err
	}
	for _, p := range []struct {
		name    string
		kind    types.IdentityProviderTypeType
		details map[string]string
		mail    string
	}{
		{"Corp", types.IdentityProviderTypeTypeOidc, map[string]string{
			"client_id": idp.ClientID, "client_secret": idp.ClientSecret, "authorize_scopes": "openid email", "oidc_issuer": f.oidc.URL, "attributes_request_method": "GET",
		}, "email"},
		{"Plain", types.IdentityProviderTypeTypeSaml, map[string]string{"MetadataFile": f.plain.Metadata()}, "mail"},
		{"Encrypting", types.IdentityProviderTypeTypeSaml, map[string]string{"MetadataFile": f.encrypts.Metadata(), "EncryptedResponses": "true"}, "mail"},
	} {
		out, err := sdk.CreateIdentityProvider(ctx, &cognitoidentityprovider.CreateIdentityProviderInput{
			UserPoolId: &f.pool, ProviderName: &p.name, ProviderType: p.kind, ProviderDetails: p.details, AttributeMapping: map[string]string{"email": p.mail},
		})
		if err != nil {
			return err
		}
		if p.name == "Encrypting" {
			if err := f.encrypts.EncryptFor(out.IdentityProvider.ProviderDetails["ActiveEncryptionCertificate"]); err != nil {
				return err
			}
		}
	}
	return f.allow(ctx, sdk, "Corp", "Plain", "Encrypting")
}

// allow sets the providers of the client for browsers.
func (f *federated) allow(ctx context.Context, sdk *cognitoidentityprovider.Client, names ...string) error {
	_, err := sdk.UpdateUserPoolClient(ctx, &cognitoidentityprovider.UpdateUserPoolClientInput{
		UserPoolId: &f.pool, ClientId: &f.web.id, AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: []string{"openid", "email"},
		CallbackURLs: []string{webCallback}, SupportedIdentityProviders: names,
	})
	return err
}

// begin begins a sign-in at a provider for each person, and returns the answers.
func (f *federated) begin(b *bench, provider string) ([]reply, error) {
	requests := make([][]byte, federatedPerTurn)
	for i := range requests {
		requests[i] = webGet("/oauth2/authorize?"+f.query()+"&identity_provider="+provider, "")
	}
	return f.clients.send(requests, b.clients)
}

func subject(i int) string { return "person-" + strconv.Itoa(i) }

// callbacks returns the requests that browsers bring from the OpenID Connect provider.
func (f *federated) callbacks(b *bench) ([][]byte, error) {
	replies, err := f.begin(b, "Corp")
	if err != nil {
		return nil, err
	}
	list := make([][]byte, len(replies))
	for i, r := range replies {
		u, err := url.Parse(r.location)
		if err != nil || !strings.HasPrefix(r.location, f.oidc.URL) {
			return nil, fmt.Errorf("no sign-in at the provider: status %d, to %q", r.status, r.location)
		}
		code, err := f.oidc.Grant(subject(i), u.Query().Get("nonce"))
		if err != nil {
			return nil, err
		}
		list[i] = webGet("/oauth2/idpresponse?"+url.Values{"code": {code}, "state": {u.Query().Get("state")}}.Encode(), strings.Join(r.cookies, "; "))
	}
	return list, nil
}

func (b *bench) measureOIDC(ctx context.Context, e *engine, f *federated) error {
	if !b.wanted(lineOIDC) {
		return nil
	}
	row, err := b.rowFloor(ctx, e)
	if err != nil {
		return err
	}
	code, err := f.oidc.Grant("floor", "floor")
	if err != nil {
		return err
	}
	exchange := []string{f.oidc.URL + "/token", tokenForm(code).Encode(), webCallback}
	floors := []part{
		{times: 1, floor: floor.Exchange, args: exchange, like: webGet("/callback", "")},
		{times: 1, floor: floor.Exchange, args: exchange, like: webPost("/token", basic(f.web.id, f.web.secret), tokenForm(code))},
		{times: 1, floor: floor.Verify}, {times: 2, floor: floor.Signature}, row,
	}
	return b.turns(ctx, f.target, e, lineOIDC, 1.2, floors, nil, func() (time.Duration, error) {
		requests, err := f.callbacks(b)
		if err != nil {
			return 0, err
		}
		first, replies, err := b.cost(f.target, requests)
		if err != nil {
			return 0, err
		}
		if requests, err = f.exchanges(replies); err != nil {
			return 0, err
		}
		second, replies, err := b.cost(f.target, requests)
		if err == nil {
			err = granted(replies)
		}
		return first + second, err
	})
}

// measureSAML measures the POST of a response, up to the redirect of the browser.
func (b *bench) measureSAML(ctx context.Context, e *engine, f *federated, line, name string, provider *idp.SAML, floors []part) error {
	return b.beyond(ctx, f.target, e, line, 1500*time.Microsecond, floors, func() (time.Duration, error) {
		replies, err := f.begin(b, name)
		if err != nil {
			return 0, err
		}
		requests := make([][]byte, len(replies))
		for i, r := range replies {
			asked, err := idp.ReadRequest(r.location)
			if err != nil {
				return 0, fmt.Errorf("no sign-in at the provider: status %d, to %q: %w", r.status, r.location, err)
			}
			response, err := provider.Response(asked, subject(i))
			if err != nil {
				return 0, err
			}
			requests[i] = webPost("/saml2/idpresponse", "Cookie: x=y", url.Values{"SAMLResponse": {response}, "RelayState": {asked.Relay}})
		}
		cookies := replies
		cost, replies, err := b.cost(f.target, requests)
		if err != nil {
			return 0, err
		}
		return cost, f.finish(b, cookies, replies)
	})
}

// finish goes on in the browsers that brought SAML responses, and returns an error unless each is
// signed in.
func (f *federated) finish(b *bench, cookies, replies []reply) error {
	requests := make([][]byte, len(replies))
	for i, r := range replies {
		if !strings.HasPrefix(r.location, "/saml2/finish?") {
			return fmt.Errorf("the response was refused: status %d, to %q", r.status, r.location)
		}
		requests[i] = webGet(r.location, strings.Join(cookies[i].cookies, "; "))
	}
	replies, err := f.clients.send(requests, b.clients)
	for _, r := range replies {
		if err == nil {
			_, err = codeOf(r)
		}
	}
	return err
}

// measureManyProviders measures the sign-in page of a client with as many providers as a pool can
// have.
func (b *bench) measureManyProviders(ctx context.Context, e *engine, f *federated, sdk *cognitoidentityprovider.Client) error {
	if !b.wanted(lineButtons) && !b.wanted(lineSearch) {
		return nil
	}
	names := []string{"Corp"}
	for i := range maxProviders - 3 {
		name, site := fmt.Sprint("Corp-", i), fmt.Sprint(i, ".example.com")
		_, err := sdk.CreateIdentityProvider(ctx, &cognitoidentityprovider.CreateIdentityProviderInput{
			UserPoolId: &f.pool, ProviderName: &name, ProviderType: types.IdentityProviderTypeTypeOidc, IdpIdentifiers: []string{site},
			ProviderDetails: map[string]string{
				"client_id": idp.ClientID, "client_secret": idp.ClientSecret, "authorize_scopes": "openid email", "oidc_issuer": "https://" + site, "attributes_request_method": "GET",
				"authorize_url": "https://" + site + "/a", "token_url": "https://" + site + "/t", "attributes_url": "https://" + site + "/u", "jwks_uri": "https://" + site + "/k",
			},
		})
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	if err := f.allow(ctx, sdk, names...); err != nil {
		return err
	}
	last := names[len(names)-1]
	err := b.absolute(ctx, f.target, e, lineButtons, 0, func() ([][]byte, error) {
		return slices.Repeat([][]byte{webGet("/login?"+f.query(), "XSRF-TOKEN=x")}, manyPerTurn), nil
	}, func(r reply) error {
		if r.status != 200 || !strings.Contains(string(r.body), "Continue with "+last) {
			return fmt.Errorf("no button: status %d: %.300s", r.status, r.body)
		}
		return nil
	})
	if err != nil {
		return err
	}
	search := webPost("/login?"+f.query(), "Cookie: XSRF-TOKEN=x", url.Values{"_csrf": {"x"}, "idp_search": {"ada@" + strconv.Itoa(maxProviders-4) + ".example.com"}})
	return b.absolute(ctx, f.target, e, lineSearch, 0, func() ([][]byte, error) { return slices.Repeat([][]byte{search}, manyPerTurn), nil }, func(r reply) error {
		if !strings.Contains(r.location, "identity_provider="+last) {
			return fmt.Errorf("no provider: status %d, to %q", r.status, r.location)
		}
		return nil
	})
}

// tokenForm is what a service provider sends to a token endpoint.
func tokenForm(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {idp.ClientID}, "client_secret": {idp.ClientSecret},
		"redirect_uri": {"https://" + webHost + "/oauth2/idpresponse"}, "code_verifier": {verifier},
	}
}
