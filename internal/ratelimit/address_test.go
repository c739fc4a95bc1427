package ratelimit_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/server"
	"cognate/test/serving"
)

func send(t *testing.T, method, url, body string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	res.Body = io.NopCloser(strings.NewReader(string(text)))
	return res
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSignInRefused uses up the limit of an address. The SDK gets the exception that it
// retries, also where nobody would have got another answer. Administrators go on, and
// the address is served again a moment later.
func TestSignInRefused(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, change func(*server.Config)) {
		r, clock := limited(t, func(c *server.Config) {
			change(c)
			c.AddressLimit = []string{"requests=2/5"}
		})
		_, client := newPool(t, r)
		for i := range 5 {
			if err := signIn(t, r.Dev(), client); err == nil || exceeded(err) {
				t.Fatalf("sign-in %d: %v", i, err)
			}
		}
		if err := signIn(t, r.Dev(), client); !exceeded(err) {
			t.Errorf("beyond the limit: %v", err)
		}
		if err := signIn(t, r.Dev(), "1234567890abcdefghijklmnop"); !exceeded(err) {
			t.Errorf("beyond the limit, of an unknown client: %v", err)
		}
		_, err := r.Dev().ListUserPools(t.Context(), &cip.ListUserPoolsInput{MaxResults: aws.Int32(1)})
		if err != nil {
			t.Errorf("an administrator at the same address: %v", err)
		}
		clock.add(time.Second)
		for range 2 {
			if err := signIn(t, r.Dev(), client); err == nil || exceeded(err) {
				t.Errorf("after a second: %v", err)
			}
		}
		if err := signIn(t, r.Dev(), client); !exceeded(err) {
			t.Errorf("a third time after a second: %v", err)
		}
		if log := r.Log.String(); !strings.Contains(log, "rate_limited") {
			t.Error("the log does not say rate_limited")
		}
		if _, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics"); !strings.Contains(metrics, `cognate_throttles_total{category="address requests"} 3`) {
			t.Error("the metrics do not count the refusals")
		}
	})
}

// TestRetry lets the SDK try again, as it does by itself: time passes while it waits.
func TestRetry(t *testing.T) {
	t.Parallel()
	r, clock := limited(t, func(c *server.Config) { c.AddressLimit = []string{"requests=1/1"} })
	_, client := newPool(t, r)
	waits := 0
	c := r.Client("dev", "dev", func(o *cip.Options) {
		o.RetryMaxAttempts = 0
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 3
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) {
				waits++
				clock.add(time.Second)
				return 0, nil
			})
		})
	})
	for range 2 {
		if err := signIn(t, c, client); err == nil || exceeded(err) {
			t.Fatal(err)
		}
	}
	if waits != 1 {
		t.Errorf("the SDK waited %d times", waits)
	}
}

// TestMessagesRefused: what sends messages has a limit of its own, for all such
// operations together. The page of the login domain shares it.
func TestMessagesRefused(t *testing.T) {
	t.Parallel()
	r, _ := limited(t, func(c *server.Config) { c.AddressLimit = []string{"messages=0.01/3"} })
	pool, client := newPool(t, r)
	domain := newDomain(t, r, pool)
	signUp := func(name string) error {
		_, err := r.Dev().SignUp(t.Context(), &cip.SignUpInput{ClientId: &client, Username: &name, Password: aws.String("Correct-horse-1")})
		return err
	}
	if err := signUp("ann"); err != nil {
		t.Fatal(err)
	}
	forgot := func(name string) error {
		_, err := r.Dev().ForgotPassword(t.Context(), &cip.ForgotPasswordInput{ClientId: &client, Username: &name})
		return err
	}
	for range 2 {
		if err := forgot("ann"); exceeded(err) {
			t.Fatal(err)
		}
	}
	// Names of users and other names get the same answer.
	for _, name := range []string{"ann", "nobody"} {
		if err := forgot(name); !exceeded(err) {
			t.Errorf("ForgotPassword beyond the limit for %s: %v", name, err)
		}
	}
	if err := signUp("bob"); !exceeded(err) {
		t.Errorf("SignUp beyond the limit: %v", err)
	}
	if err := signIn(t, r.Dev(), client); exceeded(err) {
		t.Errorf("a sign-in beyond the limit of messages: %v", err)
	}
	page := domain + "/signup?client_id=" + client + "&response_type=code&redirect_uri=https://app.example.com/"
	if res := get(t, page, nil); res.StatusCode != http.StatusOK {
		t.Errorf("the sign-up page: %d", res.StatusCode)
	}
	res := send(t, http.MethodPost, page, "username=eve", http.Header{"Accept": {"text/html"}, "Content-Type": {"application/x-www-form-urlencoded"}})
	if body := text(t, res); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "100" || !strings.Contains(body, "Too many requests from your network") {
		t.Errorf("the form of the page: %d, Retry-After %q, %s", res.StatusCode, res.Header.Get("Retry-After"), body)
	}
}

// TestDomainRefused: the endpoints of a domain answer 429 as JSON.
func TestDomainRefused(t *testing.T) {
	t.Parallel()
	r, _ := limited(t, func(c *server.Config) { c.AddressLimit = []string{"requests=0.5/2"} })
	pool, client := newPool(t, r)
	domain := newDomain(t, r, pool)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for range 2 {
		if res := send(t, http.MethodPost, domain+"/oauth2/token", "grant_type=authorization_code&client_id="+client+"&code=x&redirect_uri=https://app.example.com/", form); res.StatusCode != http.StatusBadRequest {
			t.Fatalf("status %d: %s", res.StatusCode, text(t, res))
		}
	}
	res := send(t, http.MethodPost, domain+"/oauth2/TOKEN", "grant_type=authorization_code", form)
	if body := text(t, res); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "2" ||
		body != `{"error":"temporarily_unavailable"}`+"\n" && body != `{"error":"temporarily_unavailable"}` || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d, %v: %s", res.StatusCode, res.Header, body)
	}
	for _, path := range []string{"/oauth2/authorize?client_id=" + client, "/login?client_id=" + client, "/confirmUser?code=1"} {
		if res := get(t, domain+path, nil); res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: status %d", path, res.StatusCode)
		}
	}
}

// TestQueryRefused: STS answers in its own protocol.
func TestQueryRefused(t *testing.T) {
	t.Parallel()
	r, _ := limited(t, func(c *server.Config) { c.AddressLimit = []string{"identities=0.5/2"} })
	ask := func() (int, string) {
		res := send(t, http.MethodPost, r.URL(), "Version=2011-06-15&Action=AssumeRoleWithWebIdentity&RoleSessionName=x1&RoleArn=arn:aws:iam::123456789012:role/x&WebIdentityToken=xxxx",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		return res.StatusCode, text(t, res)
	}
	for range 2 {
		if status, body := ask(); strings.Contains(body, "Throttling") {
			t.Fatal(status, body)
		}
	}
	if status, body := ask(); status != http.StatusBadRequest || !strings.Contains(body, "<Code>Throttling</Code><Message>Rate exceeded</Message>") {
		t.Errorf("%d %s", status, body)
	}
	// Identity pools share the limit.
	res := send(t, http.MethodPost, r.URL(), `{"IdentityPoolId":"us-east-1:11111111-1111-4111-8111-111111111111"}`,
		http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSCognitoIdentityService.GetId"}})
	if body := text(t, res); body != `{"__type":"TooManyRequestsException","message":"Rate exceeded"}` {
		t.Errorf("GetId: %s", body)
	}
}

// TestFailuresCount: wrong access tokens and wrong signatures count as a stranger's
// requests. Right ones do not, and are served beyond the limit.
func TestFailuresCount(t *testing.T) {
	t.Parallel()
	r, _ := limited(t, func(c *server.Config) { c.AddressLimit = []string{"requests=0.01/4"} })
	pool, client := newPool(t, r)
	name, password := "ann", "Correct-horse-1"
	if _, err := r.Dev().AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{UserPoolId: &pool, Username: &name, MessageAction: types.MessageActionTypeSuppress}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Dev().AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: &name, Password: &password, Permanent: true}); err != nil {
		t.Fatal(err)
	}
	out, err := r.Dev().InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
	token := serving.Must(t, out, err).AuthenticationResult.AccessToken
	getUser := func(token string) error {
		_, err := r.Dev().GetUser(t.Context(), &cip.GetUserInput{AccessToken: &token})
		return err
	}
	for range 3 {
		if err := getUser("eyJ.eyJ.x"); err == nil || exceeded(err) {
			t.Fatal(err)
		}
	}
	if err := getUser("eyJ.eyJ.x"); !exceeded(err) {
		t.Errorf("a wrong token beyond the limit: %v", err)
	}
	res := send(t, http.MethodPost, r.URL(), `{"MaxResults":1}`,
		http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSCognitoIdentityProviderService.ListUserPools"}})
	if body := text(t, res); !strings.Contains(body, `"TooManyRequestsException"`) {
		t.Errorf("an unsigned request beyond the limit: %s", body)
	}
	if err := signIn(t, r.Dev(), client); !exceeded(err) {
		t.Errorf("a sign-in beyond the limit: %v", err)
	}
	for range 5 {
		if err := getUser(*token); err != nil {
			t.Errorf("a right token beyond the limit: %v", err)
		}
	}
}

// TestDirectoryRefused: a client that sends wrong SCIM tokens for a pool gets 429.
func TestDirectoryRefused(t *testing.T) {
	t.Parallel()
	r, clock := limited(t, func(c *server.Config) { c.AddressLimit = []string{"scim=0.5/3"} })
	pool, _ := newPool(t, r)
	ask := func(pool string) int {
		return get(t, r.URL()+"/scim/v2/"+pool+"/Users", http.Header{"Authorization": {"Bearer scim_wrong"}}).StatusCode
	}
	for range 3 {
		if status := ask(pool); status != http.StatusUnauthorized {
			t.Fatal(status)
		}
	}
	if status := ask(pool); status != http.StatusTooManyRequests {
		t.Errorf("beyond the limit: %d", status)
	}
	if status := ask("us-east-1_other"); status != http.StatusUnauthorized {
		t.Errorf("another pool: %d", status)
	}
	clock.add(2 * time.Second)
	if status := ask(pool); status != http.StatusUnauthorized {
		t.Errorf("two seconds later: %d", status)
	}
}

// TestClients: clients behind a trusted proxy have limits of their own, and the proxy
// has no limit. A client that is no trusted proxy cannot choose its address. All addresses
// of an IPv6 network of 64 bits share a limit.
func TestClients(t *testing.T) {
	t.Parallel()
	start := func(proxies ...string) serving.Rig {
		c := serving.Serve(t)
		c.Now, c.AddressLimit = newClock().now, []string{"requests=0.01/2"}
		c.TrustedProxy, c.DrainDelay = proxies, new(time.Duration)
		return serving.Start(t, c)
	}
	for _, tt := range []struct {
		rig     serving.Rig
		from    []string // the addresses of four requests
		refused int
	}{
		{start("127.0.0.1"), []string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"}, 2},
		{start("127.0.0.1"), []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}, 0},
		{start("127.0.0.1"), []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"}, 2},
		{start("127.0.0.1"), []string{"127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"}, 0},
		{start(), []string{"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}, 2},
		{start("192.0.2.77"), []string{"127.0.0.1", "192.0.2.77", "192.0.2.77", "192.0.2.77"}, 2},
	} {
		refused := 0
		for _, address := range tt.from {
			res := send(t, http.MethodPost, tt.rig.URL(), `{"ClientId":"1234567890abcdefghijklmnop","Username":"x","ConfirmationCode":"123456"}`, http.Header{
				"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"AWSCognitoIdentityProviderService.ConfirmSignUp"},
				"X-Forwarded-For": {address}, "X-Forwarded-Proto": {"https"},
			})
			if strings.Contains(text(t, res), "TooManyRequestsException") {
				refused++
			}
		}
		if refused != tt.refused {
			t.Errorf("proxies %v, requests from %v: %d refused, want %d", tt.rig.Config.TrustedProxy, tt.from, refused, tt.refused)
		}
	}
}

// TestDefaults: a development server has no limits, a production server has those of
// addresses.
func TestDefaults(t *testing.T) {
	t.Parallel()
	dev, serve := serving.Dev(t).WithDefaults(), server.Config{Mode: server.Serve}.WithDefaults()
	if dev.AddressLimits != "off" || dev.RateLimits != "off" || serve.AddressLimits != "on" || serve.RateLimits != "off" {
		t.Errorf("dev: %s and %s; serve: %s and %s", dev.AddressLimits, dev.RateLimits, serve.AddressLimits, serve.RateLimits)
	}
	c := serving.Dev(t)
	c.AddressLimits, c.RateLimits, c.AddressLimitExempt = "maybe", "aws", []string{"x"}
	c.AddressLimit = []string{"messages=1/0"}
	c.RateLimit = []string{"Unknown=1"}
	c = c.WithDefaults()
	err := c.Check()
	for _, setting := range []string{"address-limits: ", "rate-limits: ", "address-limit-exempt: ", "address-limit: ", "rate-limit: "} {
		if err == nil || !strings.Contains(err.Error(), setting) {
			t.Errorf("no problem with %s in %v", setting, err)
		}
	}
}
