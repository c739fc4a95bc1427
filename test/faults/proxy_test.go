package faults_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys"
	"cognate/internal/outbound"
	"cognate/test/patience"
	"cognate/test/pgtest"
	"cognate/test/proxies"
)

// behindProxy are the servers that a proxy stands before, and a key for them.
type behindProxy struct {
	nodes      []*process
	addresses  [2]proxies.Node
	id, secret string
}

var healthAddr = regexp.MustCompile(`"health":"(127\.[^"]+)"`)

// startBehindProxy starts two servers on one PostgreSQL database that believe a proxy on 127.0.0.1.
func startBehindProxy(t *testing.T) *behindProxy {
	t.Helper()
	kek := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(kek, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	database := pgtest.Database(t)
	command(t, "migrate", "--database", database, "--kek-file", kek)
	b := &behindProxy{}
	b.id, b.secret = accessKey(t, "--database", database, "--kek-file", kek)
	for i := range b.addresses {
		p := launch(t, "", "serve", "--database", database, "--kek-file", kek, "--issuer-base", "https://id.example.com",
			"--listen", "127.0.0.1:0", "--private-listen", "off", "--health-listen", "127.0.0.1:0", "--trusted-proxy", "127.0.0.1")
		b.nodes = append(b.nodes, p)
		var found []string
		patience.Until(t, "the server says where its health checks are", func() bool {
			found = healthAddr.FindStringSubmatch(p.out.String())
			return found != nil
		})
		b.addresses[i] = proxies.Node{Main: strings.TrimPrefix(p.url, "http://"), Health: found[1]}
	}
	return b
}

// accessKey makes an administrator's key.
func accessKey(t *testing.T, args ...string) (id, secret string) {
	t.Helper()
	for line := range strings.Lines(command(t, append([]string{"admin", "keys", "create", "--name", "ops", "--policy", "admin"}, args...)...)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "AWS_ACCESS_KEY_ID="); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "AWS_SECRET_ACCESS_KEY="); ok {
			secret = v
		}
	}
	return id, secret
}

// TestBehindProxies puts the proxies of docs/examples before two servers: signed requests arrive as they were signed, the
// client's address is the proxy's word, and a server that stops loses no request.
func TestBehindProxies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		start func(ctx context.Context, examples, dir string, nodes [2]proxies.Node) (*proxies.Proxy, error)
	}{{"haproxy", proxies.HAProxy}, {"nginx", proxies.Nginx}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := startBehindProxy(t)
			proxy, err := tt.start(t.Context(), filepath.Join("..", "..", "docs", "examples"), t.TempDir(), b.addresses)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := proxy.Close(); err != nil || t.Failed() {
					t.Logf("%v; the proxy said:\n%s", err, proxy.Output())
				}
			})
			// From another address than the proxy's.
			transport := &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: proxy.Roots}, ForceAttemptHTTP2: true,
				DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext,
			}
			t.Cleanup(transport.CloseIdleConnections)
			sdk := cip.New(cip.Options{
				BaseEndpoint: &proxy.URL, Region: "us-east-1", HTTPClient: &http.Client{Transport: outbound.OwnBody(transport), Timeout: time.Minute},
				Credentials: credentials.NewStaticCredentialsProvider(b.id, b.secret, ""), RetryMaxAttempts: 1,
			})
			pool, app := newDirectory(t, sdk)
			b.forwarded(t, client{url: proxy.URL, http: &http.Client{Transport: transport, Timeout: time.Minute}}, app)
			b.drain(t, sdk, pool, app)
		})
	}
}

// newDirectory makes a pool, an app client and a user with a name beyond ASCII.
func newDirectory(t *testing.T, sdk *cip.Client) (pool, app string) {
	t.Helper()
	ctx := t.Context()
	fatal := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	made, err := sdk.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("people")})
	fatal(err)
	pool = *made.UserPool.Id
	client, err := sdk.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("app"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	})
	fatal(err)
	_, err = sdk.AdminCreateUser(ctx, &cip.AdminCreateUserInput{
		UserPoolId: &pool, Username: aws.String("alice"), MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("name"), Value: aws.String("Ålice \"& <Söhne> 愛")}},
	})
	fatal(err)
	_, err = sdk.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: &pool, Username: aws.String("alice"), Password: aws.String(password), Permanent: true})
	fatal(err)
	return pool, *client.UserPoolClient.ClientId
}

// forwarded sends what a client must not be believed.
func (b *behindProxy) forwarded(t *testing.T, c client, app string) {
	t.Helper()
	body := fmt.Appendf(nil, `{"ClientId":%q,"AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"alice","PASSWORD":%q}}`, app, password)
	for range 8 { // both servers
		a := c.send(t, "InitiateAuth", body, func(r *http.Request) {
			r.Header.Set("X-Forwarded-For", "203.0.113.66")
			r.Header.Set("X-Forwarded-Proto", "http")
			r.Header.Set("X-Forwarded-Host", "evil.example")
		})
		if a.Status != http.StatusOK {
			t.Errorf("a sign-in with headers of its own: %v", a)
		}
	}
	for i, n := range b.nodes {
		patience.Until(t, "the client's address is in the log", func() bool { return strings.Contains(n.out.String(), `"ip":"127.0.0.2"`) })
		if strings.Contains(n.out.String(), "203.0.113.66") {
			t.Errorf("server %d believes the client", i)
		}
	}
}

// drain stops one server under load.
func (b *behindProxy) drain(t *testing.T, sdk *cip.Client, pool, app string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var done, lost atomic.Int64
	var load sync.WaitGroup
	request := func(i int) error {
		if i%2 == 0 {
			_, err := sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: aws.String("alice")})
			return err
		}
		_, err := sdk.InitiateAuth(t.Context(), &cip.InitiateAuthInput{
			ClientId: &app, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": "alice", "PASSWORD": password},
		})
		return err
	}
	for i := range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				if err := request(i); err != nil {
					lost.Add(1)
					t.Errorf("a request while a server stops: %v", err)
					return
				}
				done.Add(1)
			}
		})
	}
	more := func() {
		from := done.Load()
		patience.Until(t, "requests are answered", func() bool { return done.Load() >= from+20 || lost.Load() > 0 })
	}
	more()
	b.nodes[0].stop(t)
	more()
	cancel()
	load.Wait()
	t.Logf("%d requests answered, %d lost", done.Load(), lost.Load())
}
