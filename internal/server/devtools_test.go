package server_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/serving"
)

// ask sends a GET request and does not follow a redirect.
func ask(t *testing.T, address, host, accept string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	if host != "" {
		req.Host = host
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// rawCall sends an unsigned request for an operation and returns the response, whose body is read.
func rawCall(t *testing.T, r serving.Rig, operation, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res
}

// claims returns the claims of a token, unverified.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	var out map[string]any
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStartPage shows a page to browsers, and 404 to programs.
func TestStartPage(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	if res, _ := ask(t, r.URL(), "", "*/*"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a program gets %d", res.StatusCode)
	}
	if res, text := ask(t, r.URL(), "", "text/html"); res.StatusCode != http.StatusOK || !strings.Contains(text, "None yet") {
		t.Errorf("a browser gets %d %s", res.StatusCode, text)
	}
	out, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
	pool := *serving.Must(t, out, err).UserPool.Id
	_, text := ask(t, r.URL(), "", "text/html")
	for _, want := range []string{"people", pool, r.URL() + "/" + pool, "/_cognate/inbox", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=" + r.URL()} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestHealthOfOthers answers what scripts for other emulators look for.
func TestHealthOfOthers(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	for path, want := range map[string]string{
		"/health": `"ok": true`, "/_localstack/health": `"cognito-idp": "running"`, "/moto-api/": `"ok": true`,
		"/_localstack/init/ready": `"completed": true`,
	} {
		if res, text := ask(t, r.URL()+path, "", "*/*"); res.StatusCode != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, res.StatusCode, text)
		}
	}
	if res, text := serving.Ready(t, r.URL()+"/_cognate/health"); res.StatusCode != http.StatusOK || !strings.Contains(text, `"status":"ok"`) {
		t.Errorf("/_cognate/health: %d %s", res.StatusCode, text)
	}
	production := serving.Start(t, serving.Serve(t))
	for _, path := range []string{"/health", "/_localstack/health", "/_localstack/init/ready", "/moto-api/"} {
		if res, _ := ask(t, production.URL()+path, "", "*/*"); res.StatusCode != http.StatusNotFound {
			t.Errorf("production: %s: %d", path, res.StatusCode)
		}
	}
}

// TestResetOfOthers resets by the paths that test suites for LocalStack and moto use. Some of them
// send a body.
func TestResetOfOthers(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	stranger := http.Header{"Origin": {"https://attacker.example"}}
	for path, body := range map[string]string{"/_localstack/state/reset": "", "/moto-api/reset": "[]"} {
		out, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people")})
		pool := serving.Must(t, out, err).UserPool.Id
		if status, text := post(t, r, path, body, stranger); status != http.StatusForbidden {
			t.Errorf("%s of a page of another machine: %d %s", path, status, text)
		}
		_, err = r.Dev().DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: pool})
		serving.Want(t, err, "")
		wantPost(t, r, path, body, http.StatusOK)
		_, err = r.Dev().DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: pool})
		serving.Want(t, err, "ResourceNotFoundException")
	}
}

// TestFixedCode signs a user up with the code that the server was started with.
func TestFixedCode(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.FixedCode = "123456"
	r := serving.Start(t, c)
	out, err := r.Dev().CreateUserPool(t.Context(), &cip.CreateUserPoolInput{PoolName: aws.String("people"), AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail}})
	pool := *serving.Must(t, out, err).UserPool.Id
	client := newClient(t, r, pool)
	_, err = r.Dev().SignUp(t.Context(), &cip.SignUpInput{ClientId: &client, Username: aws.String("alice"), Password: aws.String(password), UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("alice@example.com")}}})
	serving.Must(t, &struct{}{}, err)
	_, err = r.Dev().ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("alice"), ConfirmationCode: aws.String("654321")})
	serving.Want(t, err, "CodeMismatchException")
	_, err = r.Dev().ConfirmSignUp(t.Context(), &cip.ConfirmSignUpInput{ClientId: &client, Username: aws.String("alice"), ConfirmationCode: aws.String("123456")})
	serving.Must(t, &struct{}{}, err)
	if list := serving.Inbox(t, http.DefaultClient, r.URL(), url.Values{"pool": {pool}}); len(list) != 1 || list[0].Code != "123456" {
		t.Errorf("inbox: %+v", list)
	}
}

// TestDevelopmentSettings refuses what dev cannot use, and all of it in serve.
func TestDevelopmentSettings(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"12345", "1234567", "12345x", "123456789"} {
		c := serving.Dev(t)
		c.FixedCode = bad
		c = c.WithDefaults()
		wantProblem(t, c.Check, "fixed-code")
	}
	for _, bad := range []string{"cognate:9229", "127.0.0.1", "Cognate", "http://cognate"} {
		c := serving.Dev(t)
		c.HostName = []string{bad}
		c = c.WithDefaults()
		wantProblem(t, c.Check, "host-name")
	}
	c := serving.Serve(t)
	c.FixedCode, c.HostName = "123456", []string{"cognate.test"}
	c = c.WithDefaults()
	wantProblem(t, c.Check, "fixed-code")
	wantProblem(t, c.Check, "host-name")
}

// wantProblem fails the test unless the check finds a fault of the setting.
func wantProblem(t *testing.T, check func() error, setting string) {
	t.Helper()
	if err := check(); err == nil || !strings.Contains(err.Error(), setting+": ") {
		t.Errorf("no problem with %s: %v", setting, err)
	}
}

// TestAddresses asks for the discovery document by each name of the server. The document never
// names another issuer than the URL that was asked, and the tokens carry that issuer.
func TestAddresses(t *testing.T) {
	t.Parallel()
	c := serving.Dev(t)
	c.HostName = []string{"login.cognate.test"}
	r := serving.Start(t, c)
	pool, client := newPool(t, r)
	u, err := url.Parse(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	issuer := "http://localhost:" + u.Port() + "/" + pool
	document := "/" + pool + "/.well-known/openid-configuration"
	res, text := ask(t, "http://localhost:"+u.Port()+document, "", "*/*")
	if res.StatusCode != http.StatusOK || !strings.Contains(text, `"issuer":"`+issuer+`"`) {
		t.Errorf("localhost: %d %s", res.StatusCode, text)
	}
	for _, row := range []struct {
		host, location string
		want           int
	}{
		{"127.0.0.1:" + u.Port(), issuer + "/.well-known/openid-configuration", http.StatusTemporaryRedirect},
		{"[::1]:" + u.Port(), issuer + "/.well-known/openid-configuration", http.StatusTemporaryRedirect},
		{"localhost", issuer + "/.well-known/openid-configuration", http.StatusTemporaryRedirect},
		{"host.docker.internal:" + u.Port(), "", http.StatusMisdirectedRequest},
		{"login.cognate.test:" + u.Port(), "", http.StatusMisdirectedRequest},
		{"attacker.example", "", http.StatusForbidden},
	} {
		res, text := ask(t, r.URL()+document, row.host, "*/*")
		if res.StatusCode != row.want || res.Header.Get("Location") != row.location {
			t.Errorf("%s: %d %q %s", row.host, res.StatusCode, res.Header.Get("Location"), text)
		}
		if row.want == http.StatusMisdirectedRequest && !strings.Contains(text, "--issuer-base http://"+row.host) {
			t.Errorf("%s: %s", row.host, text)
		}
		if row.want == http.StatusForbidden {
			if res.Header.Get("X-Cognate-Hint") == "" {
				t.Error("no hint about the host")
			}
			continue
		}
		if res, _ := ask(t, r.URL()+"/"+pool+"/.well-known/jwks.json", row.host, "*/*"); res.StatusCode != http.StatusOK {
			t.Errorf("%s: key set: %d", row.host, res.StatusCode)
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		out, err := r.Client("dev", "dev", func(o *cip.Options) { o.BaseEndpoint = aws.String("http://" + host + ":" + u.Port()) }).InitiateAuth(t.Context(), &cip.InitiateAuthInput{
			ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
		})
		if iss := claims(t, *serving.Must(t, out, err).AuthenticationResult.IdToken)["iss"]; iss != issuer {
			t.Errorf("%s: the token's issuer is %v", host, iss)
		}
	}
}

// TestHints wants each costly refusal to say what to do about it, in dev alone.
func TestHints(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Dev(t))
	pool, client := newPool(t, r)
	secret, err := r.Dev().CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &pool, ClientName: aws.String("secret"), GenerateSecret: true, ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})
	other := *serving.Must(t, secret, err).UserPoolClient.ClientId
	signUp := `{"ClientId":"` + client + `","Username":"bob","Password":"` + password + `"}`
	call(t, r, "SignUp", signUp, nil)
	call(t, r, "ForgotPassword", `{"ClientId":"`+client+`","Username":"alice"}`, nil)
	signIn := func(client, flow, name string) string {
		return `{"ClientId":"` + client + `","AuthFlow":"` + flow + `","AuthParameters":{"USERNAME":"` + name + `","PASSWORD":"` + password + `"}}`
	}
	for _, row := range []struct{ name, operation, body, want string }{
		{"flow", "InitiateAuth", signIn(other, "USER_PASSWORD_AUTH", "alice"), "Add ALLOW_USER_PASSWORD_AUTH to ExplicitAuthFlows"},
		{"secret hash", "SignUp", strings.Replace(signUp, client, other, 1), "SECRET_HASH: Base64(HMAC-SHA256("},
		{"password", "SignUp", `{"ClientId":"` + client + `","Username":"eve","Password":"short"}`, "Policies.PasswordPolicy"},
		{"unconfirmed", "InitiateAuth", signIn(client, "USER_PASSWORD_AUTH", "bob"), "/_cognate/inbox?pool=" + pool},
		{"secret hash without secret", "SignUp", strings.Replace(signUp, "{", `{"SecretHash":"abc=",`, 1), "If it has none, send no SECRET_HASH"},
		{"unknown client", "InitiateAuth", signIn("nosuchclient", "USER_PASSWORD_AUTH", "alice"), "list-user-pool-clients"},
		{"unverified", "ForgotPassword", `{"ClientId":"` + client + `","Username":"bob"}`, "Name=email_verified,Value=true"},
		{"expired code", "ConfirmSignUp", `{"ClientId":"` + client + `","Username":"bob","ConfirmationCode":"000000"}`, "A code is good for one use"},
		{"access token", "GetUser", `{"AccessToken":"a.b.c"}`, "not the IdToken"},
		{"refresh token", "InitiateAuth", `{"ClientId":"` + client + `","AuthFlow":"REFRESH_TOKEN_AUTH","AuthParameters":{"REFRESH_TOKEN":"a.b.c.d.e"}}`, "only with the app client"},
		{"code", "ConfirmForgotPassword", `{"ClientId":"` + client + `","Username":"alice","ConfirmationCode":"0","Password":"` + password + `"}`, "--fixed-code"},
		{"unsigned", "ListUserPools", `{"MaxResults":1}`, "--allow-unsigned"},
		{"no hint", "InitiateAuth", signIn(client, "USER_PASSWORD_AUTH", "nobody"), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			res := rawCall(t, r, row.operation, row.body)
			if got := res.Header.Get("X-Cognate-Hint"); !strings.Contains(got, row.want) || row.want == "" && got != "" {
				t.Errorf("%d %s: %q", res.StatusCode, res.Header.Get("X-Amzn-Errortype"), got)
			}
			if row.want != "" && !strings.Contains(r.Log.String(), "hint=") {
				t.Error("no hint in the log")
			}
		})
	}
	// A hint must not tell who exists.
	discreet, err := r.Dev().CreateUserPoolClient(t.Context(), &cip.CreateUserPoolClientInput{UserPoolId: &pool, ClientName: aws.String("discreet"), PreventUserExistenceErrors: "ENABLED", ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})
	app := *serving.Must(t, discreet, err).UserPoolClient.ClientId
	for _, request := range []struct{ operation, body string }{
		{"ForgotPassword", `{"ClientId":"` + app + `","Username":"NAME"}`},
		{"ConfirmForgotPassword", `{"ClientId":"` + app + `","Username":"NAME","ConfirmationCode":"0","Password":"` + password + `"}`},
		{"InitiateAuth", strings.Replace(signIn(app, "USER_PASSWORD_AUTH", "NAME"), password, "wrong", 1)},
	} {
		var seen []string
		for _, name := range []string{"alice", "nobody"} {
			res := rawCall(t, r, request.operation, strings.Replace(request.body, "NAME", name, 1))
			seen = append(seen, res.Header.Get("X-Amzn-Errortype")+": "+res.Header.Get("X-Cognate-Hint"))
		}
		if seen[0] != seen[1] {
			t.Errorf("%s: %q for a user, %q for nobody", request.operation, seen[0], seen[1])
		}
	}
	_, err = r.Client("dev", "dev", func(o *cip.Options) { o.Region = "eu-west-1" }).DescribeUserPool(t.Context(), &cip.DescribeUserPoolInput{UserPoolId: &pool})
	serving.Want(t, err, "ResourceNotFoundException")
	if !strings.Contains(r.Log.String(), "Set AWS_REGION=us-east-1") {
		t.Error("no hint about the Region")
	}
	production := serving.Start(t, serving.Serve(t))
	if res := rawCall(t, production, "ListUserPools", `{"MaxResults":1}`); res.StatusCode == http.StatusOK || res.Header.Get("X-Cognate-Hint") != "" {
		t.Errorf("production: %d, hint %q", res.StatusCode, res.Header.Get("X-Cognate-Hint"))
	}
}

// TestLoopbackAddresses reaches development servers at both loopback addresses of the machine.
func TestLoopbackAddresses(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "[::1]:0")
	hasIPv6 := err == nil
	if hasIPv6 {
		_ = l.Close()
	}
	for range 8 {
		r := serving.Start(t, serving.Dev(t))
		_, port, err := net.SplitHostPort(r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		hosts := []string{"127.0.0.1", "localhost"}
		if hasIPv6 {
			hosts = append(hosts, "[::1]")
		}
		for _, host := range hosts {
			if res, text := serving.Ready(t, "http://"+host+":"+port+"/_cognate/health"); res.StatusCode != http.StatusOK {
				t.Errorf("%s: %d %s", host, res.StatusCode, text)
			}
		}
		select {
		case err := <-r.Failed():
			t.Error(err)
		default:
		}
	}
}
