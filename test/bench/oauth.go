package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/bench/floor"
)

// The requests of browsers and relying parties to a pool's domain.

const (
	webDomain   = "bench"
	webHost     = webDomain + ".auth.id.example.com"
	webCallback = "https://app.example.com/callback"

	authorizesPerTurn = 2000
	pagesPerTurn      = 2000
)

// webClients are two app clients that use the pool's domain, the second for machines.
type webClients struct {
	id, secret               string
	machineID, machineSecret string
}

func (t *target) createWebClients(ctx context.Context, sdk *cognitoidentityprovider.Client) error {
	if _, err := sdk.CreateUserPoolDomain(ctx, &cognitoidentityprovider.CreateUserPoolDomainInput{
		UserPoolId: &t.pool, Domain: aws.String(webDomain), ManagedLoginVersion: aws.Int32(2),
	}); err != nil {
		return err
	}
	if _, err := sdk.CreateResourceServer(ctx, &cognitoidentityprovider.CreateResourceServerInput{
		UserPoolId: &t.pool, Identifier: aws.String("api"), Name: aws.String("api"),
		Scopes: []types.ResourceServerScopeType{{ScopeName: aws.String("read"), ScopeDescription: aws.String("read")}},
	}); err != nil {
		return err
	}
	web, err := sdk.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &t.pool, ClientName: aws.String("web"), GenerateSecret: true, AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: []string{"openid", "email"},
		CallbackURLs: []string{webCallback}, SupportedIdentityProviders: []string{"COGNITO"},
		PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
	})
	if err != nil {
		return err
	}
	machine, err := sdk.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &t.pool, ClientName: aws.String("machine"), GenerateSecret: true, AllowedOAuthFlowsUserPoolClient: true,
		AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials}, AllowedOAuthScopes: []string{"api/read"},
	})
	if err != nil {
		return err
	}
	t.web = webClients{
		id: *web.UserPoolClient.ClientId, secret: *web.UserPoolClient.ClientSecret,
		machineID: *machine.UserPoolClient.ClientId, machineSecret: *machine.UserPoolClient.ClientSecret,
	}
	return nil
}

// query returns the authorization request of a relying party.
func (t *target) query() string {
	return url.Values{
		"client_id": {t.web.id}, "redirect_uri": {webCallback}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"0123456789abcdef0123456789abcdef"},
		"nonce": {"0123456789abcdef"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
}

// verifier is the code verifier of the request's code_challenge (RFC 7636 appendix B).
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

// webGet returns the GET of a browser at the domain.
func webGet(path, cookie string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\nAccept-Language: en\r\nCookie: %s\r\n\r\n", path, webHost, cookie)
}

func webPost(path, header string, form url.Values) []byte {
	body := form.Encode()
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n%s\r\n\r\n%s",
		path, webHost, len(body), header, body)
}

func basic(id, secret string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// sessions signs people in on the login page and returns the cookies of their browsers.
func (b *bench) sessions(t *target, n int) ([]string, error) {
	var requests [][]byte
	for _, p := range t.pick(n) {
		requests = append(requests, webPost("/login?"+t.query(), "Cookie: XSRF-TOKEN=x", url.Values{"_csrf": {"x"}, "username": {p.username}, "password": {password}}))
	}
	replies, err := t.clients.send(requests, b.clients)
	if err != nil {
		return nil, err
	}
	cookies := make([]string, 0, len(replies))
	for _, r := range replies {
		if _, err := codeOf(r); err != nil {
			return nil, err
		}
		cookies = append(cookies, strings.Join(r.cookies, "; "))
	}
	return cookies, nil
}

// codeOf returns the authorization code of an answer.
func codeOf(r reply) (string, error) {
	u, err := url.Parse(r.location)
	if err != nil || !strings.HasPrefix(r.location, webCallback) || u.Query().Get("code") == "" {
		return "", fmt.Errorf("no code: status %d, to %q: %.300s", r.status, r.location, r.body)
	}
	return u.Query().Get("code"), nil
}

// authorizeRequests returns authorization requests of browsers that have signed in.
func (b *bench) authorizeRequests(t *target, n int) ([][]byte, error) {
	cookies, err := b.sessions(t, 100)
	list := make([][]byte, 0, n)
	for i := range n {
		if err != nil {
			return nil, err
		}
		list = append(list, webGet("/oauth2/authorize?"+t.query(), cookies[i%len(cookies)]))
	}
	return list, nil
}

// codeRequests returns token requests, each with its own code.
func (b *bench) codeRequests(t *target, n int) ([][]byte, error) {
	authorizes, err := b.authorizeRequests(t, n)
	if err != nil {
		return nil, err
	}
	replies, err := t.clients.send(authorizes, b.clients)
	if err != nil {
		return nil, err
	}
	return t.exchanges(replies)
}

// exchanges returns the token requests for the codes of answers.
func (t *target) exchanges(replies []reply) ([][]byte, error) {
	list := make([][]byte, 0, len(replies))
	for _, r := range replies {
		code, err := codeOf(r)
		if err != nil {
			return nil, err
		}
		list = append(list, webPost("/oauth2/token", basic(t.web.id, t.web.secret), url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {webCallback}, "code_verifier": {verifier},
		}))
	}
	return list, nil
}

// granted returns an error unless each reply has an access token.
func granted(replies []reply) error {
	for _, r := range replies {
		var body struct {
			AccessToken string `json:"access_token"`
		}
		if err := decode(r, &body); err != nil || body.AccessToken == "" {
			return fmt.Errorf("no tokens: status %d: %s", r.status, r.body)
		}
	}
	return nil
}

func (b *bench) measureOAuth(ctx context.Context, e *engine, t *target) error {
	machine := make([][]byte, signInsPerTurn)
	for i := range machine {
		machine[i] = webPost("/oauth2/token", basic(t.web.machineID, t.web.machineSecret), url.Values{"grant_type": {"client_credentials"}, "scope": {"api/read"}})
	}
	err := b.turns(ctx, t, e, "client credentials", 1.2, []part{{times: 1, floor: floor.Signature}}, nil, func() (time.Duration, error) {
		cost, replies, err := b.cost(t, machine)
		if err == nil {
			err = granted(replies)
		}
		return cost, err
	})
	if err != nil {
		return err
	}
	row, err := b.rowFloor(ctx, e)
	if err != nil {
		return err
	}
	err = b.turns(ctx, t, e, "code to tokens", 1.3, []part{{times: 2, floor: floor.Signature}, row}, nil, func() (time.Duration, error) {
		requests, err := b.codeRequests(t, signInsPerTurn)
		if err != nil {
			return 0, err
		}
		cost, replies, err := b.cost(t, requests)
		if err == nil {
			err = granted(replies)
		}
		return cost, err
	})
	if err != nil {
		return err
	}
	if err := b.absolute(ctx, t, e, "authorize with a session", 300*time.Microsecond, func() ([][]byte, error) {
		return b.authorizeRequests(t, authorizesPerTurn)
	}, func(r reply) error { _, err := codeOf(r); return err }); err != nil {
		return err
	}
	return b.absolute(ctx, t, e, "sign-in page", 500*time.Microsecond, func() ([][]byte, error) {
		list := make([][]byte, pagesPerTurn)
		for i := range list {
			list[i] = webGet("/login?"+t.query(), "XSRF-TOKEN=x")
		}
		return list, nil
	}, func(r reply) error {
		if r.status != 200 || !strings.Contains(string(r.body), "signInFormPassword") {
			return fmt.Errorf("no sign-in page: status %d: %.300s", r.status, r.body)
		}
		return nil
	})
}

// absolute compares the CPU time of a request with a fixed limit, not with a floor. A limit of 0
// is no limit.
func (b *bench) absolute(ctx context.Context, t *target, e *engine, name string, limit time.Duration, prepare func() ([][]byte, error), check func(reply) error) error {
	if !b.wanted(name) {
		return nil
	}
	fmt.Fprintf(b.progress, "%s: %s\n", e.name, name)
	defer b.startProfile(ctx, t, e.name+"-"+name)()
	var costs []float64
	for round := range b.rounds + 1 {
		requests, err := prepare()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		cost, replies, err := b.cost(t, requests)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, r := range replies {
			if err := check(r); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if round > 0 { // the first is for warming
			costs = append(costs, float64(cost))
		}
	}
	value, target := median(costs, identity), ""
	if limit > 0 {
		target = "≤ " + milliseconds(float64(limit)) + " ms"
	}
	b.report.measured(name, e.name, milliseconds(value)+" ms", target, value <= float64(limit))
	return nil
}
