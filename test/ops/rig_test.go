// Package ops_test drives every operation that is built, over the socket of a
// whole server and by AWS's own SDK, on both engines. What the SDK does not let
// through is sent as plain HTTP.
package ops_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"

	"cognate/internal/outbound"
	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/serving"
)

const (
	password      = "Passw0rd!one"
	otherPassword = "Passw0rd!two"
)

// rig is a running server and the SDK's client for it.
type rig struct {
	*cip.Client
	url  string
	skew *atomic.Int64 // what the server's clock is ahead, in nanoseconds
}

// stack is the one server of an engine that all tests share.
type stack struct {
	rig
	close func() error
}

var stacks = map[string]func() (*stack, error){
	"sqlite":   sync.OnceValues(func() (*stack, error) { return startStack("sqlite") }),
	"postgres": sync.OnceValues(func() (*stack, error) { return startStack("postgres") }),
}

// started are the stacks that TestMain ends.
var started struct {
	sync.Mutex
	list []*stack
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range started.list {
		if err := s.close(); err != nil {
			fmt.Fprintln(os.Stderr, "closing:", err)
			code = 1
		}
	}
	if list := refusals.unexplained(); len(list) > 0 {
		fmt.Fprintf(os.Stderr, "refusals whose line in the log has no reason:\n%s\n", strings.Join(list, "\n"))
		code = 1
	}
	os.Exit(code)
}

func startStack(engine string) (*stack, error) {
	dir, err := os.MkdirTemp("", "cognate-ops-")
	if err != nil {
		return nil, err
	}
	config := server.Config{Data: dir}
	drop := func(context.Context) error { return nil }
	if engine == "postgres" {
		var databaseURL string
		if databaseURL, drop, err = pgtest.New(context.Background()); err != nil {
			return nil, err
		}
		config.Database = server.Secret(databaseURL)
	}
	r, end, err := start(config)
	if err != nil {
		return nil, err
	}
	s := &stack{rig: r, close: func() error {
		return errors.Join(end(), drop(context.Background()), os.RemoveAll(dir))
	}}
	started.Lock()
	defer started.Unlock()
	started.list = append(started.list, s)
	return s, nil
}

// start runs a development server whose clock can be put forward, unless the configuration has a clock of its own.
func start(c server.Config) (rig, func() error, error) {
	skew := new(atomic.Int64)
	logTo := io.Writer(&refusals)
	if c.LogTo != nil {
		logTo = io.MultiWriter(c.LogTo, logTo)
	}
	c.Mode, c.Listen, c.PrivateListen, c.LogTo = server.Dev, "127.0.0.1:0", "off", logTo
	c.LogFormat = "json"
	if c.Now == nil {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
	}
	patience.Extend(&c.ShutdownTimeout)
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 2 * patience.Limit
		patience.Extend(&c.DatabaseTimeout, &c.TriggerTimeout)
	}
	s, err := server.Start(context.Background(), c)
	if err != nil {
		return rig{}, nil, err
	}
	client := cip.New(cip.Options{
		BaseEndpoint: aws.String(s.URL()), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", ""),
		HTTPClient:  outbound.NewAWSClient(aws.Config{}), // the SDK's own loses an answer now and then
	})
	return rig{Client: client, url: s.URL(), skew: skew}, s.Close, nil
}

// each runs a test on the shared server of each engine.
func each(t *testing.T, test func(t *testing.T, r rig)) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s, err := stacks[engine]()
			if err != nil {
				t.Fatal(err)
			}
			test(t, s.rig)
		})
	}
}

// alone runs a test on servers of its own, for those that move the clock.
func alone(t *testing.T, test func(t *testing.T, r rig)) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			config := server.Config{Data: t.TempDir()}
			if engine == "postgres" {
				config.Database = server.Secret(pgtest.Database(t))
			}
			r, end, err := start(config)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := end(); err != nil {
					t.Error(err)
				}
			})
			test(t, r)
		})
	}
}

func (r rig) pass(d time.Duration) { r.skew.Add(int64(d)) }

// must returns the value of a call that has to succeed.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantType checks that the SDK knows err as its exception E.
func wantType[E error](t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[E](err); !ok {
		t.Errorf("got %v, want a %v", err, reflect.TypeFor[E]())
	}
}

// wantError compares an error with the SDK's exception, type and text; nil is
// success.
func wantError(t *testing.T, err, want error) {
	t.Helper()
	if want == nil || err == nil {
		if err != want {
			t.Errorf("got  %v\nwant %v", err, want)
		}
		return
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if reflect.TypeOf(e) == reflect.TypeOf(want) {
			if got, want := e.(smithy.APIError).ErrorMessage(), want.(smithy.APIError).ErrorMessage(); got != want {
				t.Errorf("%T says\n%q, want\n%q", e, got, want)
			}
			return
		}
	}
	t.Errorf("got  %v\nwant %v", err, want)
}

func notAuthorized(text string) error { return &types.NotAuthorizedException{Message: &text} }
func invalid(text string) error       { return &types.InvalidParameterException{Message: &text} }
func notFound(text string) error      { return &types.ResourceNotFoundException{Message: &text} }
func noUser() error {
	return &types.UserNotFoundException{Message: aws.String("User does not exist.")}
}
func noPool(id string) error   { return notFound("User pool " + id + " does not exist.") }
func noClient(id string) error { return notFound("User pool client " + id + " does not exist.") }
func badPage() error           { return invalid("Invalid pagination token provided") }

const unknownPool = "us-east-1_000000000"

// pool makes a user pool that verifies mail addresses.
func (r rig) pool(t *testing.T, change ...func(in *cip.CreateUserPoolInput)) string {
	t.Helper()
	in := &cip.CreateUserPoolInput{PoolName: aws.String("people"), AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"}}
	for _, c := range change {
		c(in)
	}
	return *must[*cip.CreateUserPoolOutput](t)(r.CreateUserPool(t.Context(), in)).UserPool.Id
}

func byAlias(in *cip.CreateUserPoolInput) {
	in.AliasAttributes = []types.AliasAttributeType{"email", "phone_number", "preferred_username"}
}

func byAddress(in *cip.CreateUserPoolInput) {
	in.UsernameAttributes = []types.UsernameAttributeType{"email"}
}

func withSMS(in *cip.CreateUserPoolInput) {
	in.SmsConfiguration = &types.SmsConfigurationType{SnsCallerArn: aws.String("arn:aws:iam::123456789012:role/sms")}
}

// client makes a public app client that takes passwords.
func (r rig) client(t *testing.T, pool string, change ...func(in *cip.CreateUserPoolClientInput)) string {
	t.Helper()
	return *r.clientOf(t, pool, change...).ClientId
}

func (r rig) clientOf(t *testing.T, pool string, change ...func(in *cip.CreateUserPoolClientInput)) *types.UserPoolClientType {
	t.Helper()
	in := &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("app"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth,
			types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	}
	for _, c := range change {
		c(in)
	}
	return must[*cip.CreateUserPoolClientOutput](t)(r.CreateUserPoolClient(t.Context(), in)).UserPoolClient
}

func hiding(in *cip.CreateUserPoolClientInput) {
	in.PreventUserExistenceErrors = types.PreventUserExistenceErrorTypesEnabled
}

func withSecret(in *cip.CreateUserPoolClientInput) { in.GenerateSecret = true }

func attributes(pairs ...string) []types.AttributeType {
	var list []types.AttributeType
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, types.AttributeType{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return list
}

// user makes a confirmed user with a password and returns the sub.
func (r rig) user(t *testing.T, pool, name string, attrs ...string) string {
	t.Helper()
	u := r.invited(t, pool, name, attrs...)
	must[*cip.AdminSetUserPasswordOutput](t)(r.AdminSetUserPassword(t.Context(), &cip.AdminSetUserPasswordInput{
		UserPoolId: &pool, Username: &name, Password: aws.String(password), Permanent: true,
	}))
	return u
}

// invited makes a user with a temporary password, silently.
func (r rig) invited(t *testing.T, pool, name string, attrs ...string) string {
	t.Helper()
	out := must[*cip.AdminCreateUserOutput](t)(r.AdminCreateUser(t.Context(), &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: &name, UserAttributes: attributes(attrs...), TemporaryPassword: aws.String(password),
		MessageAction: types.MessageActionTypeSuppress,
	}))
	return *out.User.Attributes[0].Value
}

// verified are the attributes of somebody with a proven mail address.
func verified(address string) []string { return []string{"email", address, "email_verified", "true"} }

// signUp registers a user who is not confirmed yet and returns the sub.
func (r rig) signUp(t *testing.T, client, name string, attrs ...string) string {
	t.Helper()
	return *must[*cip.SignUpOutput](t)(r.SignUp(t.Context(), &cip.SignUpInput{
		ClientId: &client, Username: &name, Password: aws.String(password), UserAttributes: attributes(attrs...),
	})).UserSub
}

func (r rig) trySignIn(t *testing.T, client, name, password string) (*cip.InitiateAuthOutput, error) {
	t.Helper()
	return r.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
}

func (r rig) signIn(t *testing.T, client, name string) *types.AuthenticationResultType {
	t.Helper()
	return must[*cip.InitiateAuthOutput](t)(r.trySignIn(t, client, name, password)).AuthenticationResult
}

// find returns a user as an administrator sees it.
func (r rig) find(t *testing.T, pool, name string) *cip.AdminGetUserOutput {
	t.Helper()
	return must[*cip.AdminGetUserOutput](t)(r.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &name}))
}

// valuesOf makes a map of attributes.
func valuesOf(list []types.AttributeType) map[string]string {
	values := map[string]string{}
	for _, a := range list {
		values[*a.Name] = *a.Value
	}
	return values
}

// inbox lists the messages to a user, the newest first.
func (r rig) inbox(t *testing.T, pool, username string) []serving.Message {
	t.Helper()
	return serving.Inbox(t, http.DefaultClient, r.url, url.Values{"pool": {pool}, "username": {username}})
}

// code returns the newest code that was sent to a user.
func (r rig) code(t *testing.T, pool, username string) string {
	t.Helper()
	list := r.inbox(t, pool, username)
	if len(list) == 0 {
		t.Fatal("no message was sent")
	}
	return list[0].Code
}

// wrong is a code of six digits that is not code.
func wrong(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// secretHash is what clients with a secret send along with a username.
func secretHash(secret, username, client string) *string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(username + client))
	return aws.String(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// post sends a body as no SDK would, signed as all do, and returns the answer.
func (r rig) post(t *testing.T, operation, body string, change ...func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: "dev", SecretAccessKey: "dev"}, req,
		hex.EncodeToString(sum[:]), "cognito-idp", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, c := range change {
		c(req)
	}
	res, err := http.DefaultClient.Do(req)
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

// claims reads a token's payload; whether it is signed well is for others.
func claims(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("a token of %d parts", len(parts))
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(payload, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// wantEither accepts one of two answers, where the service is not known to give
// one alone.
func wantEither(t *testing.T, err, a, b error) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, want := range []error{a, b} {
			if reflect.TypeOf(e) == reflect.TypeOf(want) && e.(smithy.APIError).ErrorMessage() == want.(smithy.APIError).ErrorMessage() {
				return
			}
		}
	}
	t.Errorf("got  %v\nwant %v\nor   %v", err, a, b)
}
