// Package monitoring_test runs Prometheus with the files of deploy against a server.
package monitoring_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/fakeidp"
	"cognate/test/lambdas"
	"cognate/test/patience"
	"cognate/test/proxies"
	"cognate/test/serving"
)

const (
	rules     = "../../deploy/prometheus/cognate-rules.yml"
	dashboard = "../../deploy/grafana/cognate.json"
	monitor   = "../../docs/monitoring.md"
)

func promtool(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Dir = "../../deploy/prometheus"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// TestRules checks the configuration and the alerts, which have tests of their own.
func TestRules(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "config", "prometheus.yml")
	promtool(t, "test", "rules", "cognate-rules-test.yml")
	text, tests, doc := read(t, rules), read(t, strings.Replace(rules, ".yml", "-test.yml", 1)), read(t, monitor)
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(text, -1) {
		if !strings.Contains(tests, "alertname: "+m[1]+"\n        exp_alerts") {
			t.Errorf("no test in which %s fires", m[1])
		}
		if !strings.Contains(doc, "| `"+m[1]+"` |") {
			t.Errorf("docs/monitoring.md does not say what to do at %s", m[1])
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A panel is a panel of Grafana's dashboard.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
}

// TestDashboard has a real Prometheus read a server, and asks it the queries of all panels.
// Every metric that the alerts use must be there, too.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var board struct{ Panels []panel }
	if err := json.Unmarshal([]byte(read(t, dashboard)), &board); err != nil {
		t.Fatal(err)
	}
	// The queries that have no answer yet, and who asks them.
	open := map[string]string{}
	grafana := strings.NewReplacer("$__rate_interval", "5m", "$pool", ".*")
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			open[grafana.Replace(target.Expr)] = "panel " + p.Title
		}
	}
	for _, name := range regexp.MustCompile(`cognate_\w+`).FindAllString(read(t, rules), -1) {
		// This server has no certificate, and throttles nobody.
		if name != "cognate_tls_certificate_expiry_timestamp_seconds" && name != "cognate_throttles_total" {
			open[name] = "alerts"
		}
	}
	if len(open) < 40 {
		t.Fatalf("%d queries", len(open))
	}

	r := startServer(t)
	api := startPrometheus(t, r.PrivateAddr())
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience.Limit)
	defer cancel()
	for len(open) > 0 {
		r.traffic(t)
		for query := range open {
			if answered(t, api, query) {
				delete(open, query)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			for query, who := range open {
				t.Errorf("%s: no result of %s", who, query)
			}
			return
		}
	}
}

// answered reports whether Prometheus has a result of a query.
func answered(t *testing.T, api, query string) bool {
	t.Helper()
	res, text := serving.Get(t, api+"/api/v1/query?query="+url.QueryEscape(query))
	if res.StatusCode == http.StatusServiceUnavailable { // It starts.
		return false
	}
	var out struct {
		Status, Error string
		Data          struct{ Result []any }
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil || out.Status != "success" {
		t.Fatalf("%s: %d %s %v", query, res.StatusCode, text, err)
	}
	return len(out.Data.Result) > 0
}

// startPrometheus runs Prometheus with the configuration of deploy, and returns its URL.
func startPrometheus(t *testing.T, target string) string {
	t.Helper()
	port, err := proxies.FreePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addr := "127.0.0.1:" + port
	absolute, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	config := strings.NewReplacer("127.0.0.1:9230", target, "cognate-rules.yml", absolute, "15s", "1s").Replace(read(t, "../../deploy/prometheus/prometheus.yml"))
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	var log serving.Log
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		<-ended
		if t.Failed() {
			t.Log(log.String())
		}
	})
	for {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
		if err == nil {
			_ = conn.Close()
			return "http://" + addr
		}
		select {
		case <-ended:
			t.Fatal("Prometheus has ended")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// rig is a server with a pool that uses everything that the dashboard shows.
type rig struct {
	serving.Rig
	sdk          *cip.Client
	pool, client string
	users        int
}

const password = "Correct-horse-1"

func startServer(t *testing.T) *rig {
	t.Helper()
	functions := lambdas.New(t)
	arn := functions.On("auth", func(*lambdas.Event) string { return "" })
	gateway := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(gateway.Close)
	c := serving.Dev(t)
	c.TriggerEndpoint = server.Secret(functions.URL)
	c.SMSWebhookURL, c.SMSWebhookSecret = server.Secret(gateway.URL), "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
	r := &rig{Rig: serving.Start(t, c)}
	r.sdk = r.Dev()
	ctx := t.Context()
	made, err := r.sdk.CreateUserPool(ctx, &cip.CreateUserPoolInput{
		PoolName: aws.String("people"), LambdaConfig: &types.LambdaConfigType{PreAuthentication: arn},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypePhoneNumber},
		SmsConfiguration:       &types.SmsConfigurationType{SnsCallerArn: aws.String("arn:aws:iam::123456789012:role/sms")},
	})
	r.pool = *serving.Must(t, made, err).UserPool.Id
	_, err = r.sdk.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: &r.pool, Domain: aws.String("people")})
	serving.Want(t, err, "")
	idp, end := fakeidp.Start(time.Now)
	t.Cleanup(end)
	_, err = r.sdk.CreateIdentityProvider(ctx, &cip.CreateIdentityProviderInput{
		UserPoolId: &r.pool, ProviderName: aws.String("Corp"), ProviderType: types.IdentityProviderTypeTypeOidc,
		ProviderDetails: map[string]string{
			"client_id": fakeidp.ClientID, "client_secret": fakeidp.ClientSecret, "authorize_scopes": "openid", "oidc_issuer": idp.URL, "attributes_request_method": "GET",
		},
	})
	serving.Want(t, err, "")
	app, err := r.sdk.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
		UserPoolId: &r.pool, ClientName: aws.String("app"), SupportedIdentityProviders: []string{"COGNITO", "Corp"},
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeCode}, AllowedOAuthScopes: []string{"openid"},
		CallbackURLs: []string{"https://app.example.com/"},
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth, types.ExplicitAuthFlowsTypeAllowUserAuth,
		},
	})
	r.client = *serving.Must(t, app, err).UserPoolClient.ClientId
	_, err = r.sdk.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: &r.pool, Username: aws.String("alice"), MessageAction: types.MessageActionTypeSuppress})
	serving.Want(t, err, "")
	_, err = r.sdk.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: &r.pool, Username: aws.String("alice"), Password: aws.String(password), Permanent: true})
	serving.Want(t, err, "")
	return r
}

// traffic does a little of everything that the dashboard shows.
func (r *rig) traffic(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	r.users++
	_, err := r.sdk.SignUp(ctx, &cip.SignUpInput{
		ClientId: &r.client, Username: aws.String(fmt.Sprint("user-", r.users)), Password: aws.String(password),
		UserAttributes: []types.AttributeType{{Name: aws.String("phone_number"), Value: aws.String(fmt.Sprintf("+491701%06d", r.users))}},
	})
	serving.Want(t, err, "")
	out, err := r.initiate(ctx, types.AuthFlowTypeUserPasswordAuth, "USERNAME", "alice", "PASSWORD", password)
	serving.Want(t, err, "")
	_, err = r.initiate(ctx, types.AuthFlowTypeRefreshTokenAuth, "REFRESH_TOKEN", *out.AuthenticationResult.RefreshToken)
	serving.Want(t, err, "")
	_, err = r.initiate(ctx, types.AuthFlowTypeUserPasswordAuth, "USERNAME", "nobody", "PASSWORD", password)
	serving.Want(t, err, "UserNotFoundException")
	_, err = r.sdk.GetUser(ctx, &cip.GetUserInput{AccessToken: out.AuthenticationResult.AccessToken})
	serving.Want(t, err, "")
	choice, err := r.initiate(ctx, types.AuthFlowTypeUserAuth, "USERNAME", "alice")
	serving.Want(t, err, "")
	_, err = r.sdk.RespondToAuthChallenge(ctx, &cip.RespondToAuthChallengeInput{
		ClientId: &r.client, ChallengeName: choice.ChallengeName, Session: choice.Session, ChallengeResponses: map[string]string{"USERNAME": "alice", "ANSWER": "PASSWORD", "PASSWORD": password},
	})
	serving.Want(t, err, "")
	machine, err := http.PostForm(r.URL()+"/_domain/people/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {r.client}})
	if err != nil {
		t.Fatal(err)
	}
	_ = machine.Body.Close()
	r.federate(t)
}

func (r *rig) initiate(ctx context.Context, flow types.AuthFlowType, parameters ...string) (*cip.InitiateAuthOutput, error) {
	in := &cip.InitiateAuthInput{ClientId: &r.client, AuthFlow: flow, AuthParameters: map[string]string{}}
	for i := 0; i < len(parameters); i += 2 {
		in.AuthParameters[parameters[i]] = parameters[i+1]
	}
	return r.sdk.InitiateAuth(ctx, in)
}

// federate signs in at the identity provider.
func (r *rig) federate(t *testing.T) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit := func(address string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.Header.Get("Location")
	}
	base := r.URL() + "/_domain/people/oauth2/"
	away := visit(base + "authorize?" + url.Values{
		"client_id": {r.client}, "response_type": {"code"}, "redirect_uri": {"https://app.example.com/"}, "identity_provider": {"Corp"},
	}.Encode())
	values, err := fakeidp.Visit(t.Context(), away)
	if err != nil {
		t.Fatal(err)
	}
	if to := visit(base + "idpresponse?" + values.Encode()); !strings.Contains(to, "code=") {
		t.Fatalf("the sign-in leads to %s", to)
	}
}
