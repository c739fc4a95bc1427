// Command failover measures a failover: HAProxy by docs/examples before two servers, PostgreSQL with a standby, and
// sign-ins all the while. The primary is frozen, killed, and the standby promoted. It prints what was answered when, and
// how long it took until all was well again. Run it by `make failover`.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/commands"
	"cognate/test/pgcluster"
	"cognate/test/proxies"
)

// plan is what is done, and for how long.
type plan struct {
	rate          int
	before, after time.Duration
	frozen        time.Duration
}

func main() {
	var p plan
	flag.IntVar(&p.rate, "rate", 100, "sign-ins a second")
	flag.DurationVar(&p.before, "before", 10*time.Second, "time before the primary is frozen")
	flag.DurationVar(&p.frozen, "frozen", 20*time.Second, "time until the frozen primary is killed and the standby promoted")
	flag.DurationVar(&p.after, "after", 15*time.Second, "time after that")
	flag.Parse()
	log.SetFlags(0)
	if err := run(context.Background(), p); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, p plan) (err error) {
	dir, err := os.MkdirTemp("", "cognate-failover-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	primary, err := pgcluster.New(ctx, pgcluster.Replicated)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, primary.Close()) }()
	standby, err := primary.Standby(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, standby.Close()) }()
	s, err := start(ctx, dir, pgcluster.HostsURL(primary, standby))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	began := time.Now()
	load := s.load(ctx, p.rate)
	var events []event
	happened := func(name string) { events = append(events, event{name, time.Since(began)}) }
	<-time.After(p.before)
	happened("frozen")
	if err := primary.Freeze(); err != nil {
		return err
	}
	<-time.After(p.frozen)
	happened("killed")
	if err := errors.Join(primary.Kill(), standby.Promote(ctx)); err != nil {
		return err
	}
	happened("promoted")
	<-time.After(p.after)
	report(os.Stdout, events, load.stop(began))
	return nil
}

// service is two servers and the proxy before them.
type service struct {
	nodes []*server.Server
	proxy *proxies.Proxy
	http  *http.Client
	sdk   *cip.Client
	app   string
}

func (s *service) close() error {
	s.http.CloseIdleConnections()
	errs := []error{s.proxy.Close()}
	for _, n := range s.nodes {
		errs = append(errs, n.Close())
	}
	return errors.Join(errs...)
}

const password = "Correct-horse-1"

func start(ctx context.Context, dir, database string) (*service, error) {
	kek := filepath.Join(dir, "kek")
	if err := os.WriteFile(kek, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		return nil, err
	}
	if _, err := command(ctx, "migrate", "--database", database, "--kek-file", kek); err != nil {
		return nil, err
	}
	made, err := command(ctx, "admin", "keys", "create", "--name", "ops", "--policy", "admin", "--database", database, "--kek-file", kek)
	if err != nil {
		return nil, err
	}
	s := &service{}
	var addresses [2]proxies.Node
	for i := range addresses {
		n, err := server.Start(ctx, server.Config{
			Mode: server.Serve, Listen: "127.0.0.1:0", PrivateListen: "off", HealthListen: "127.0.0.1:0", TrustedProxy: []string{"127.0.0.1"},
			Database: server.Secret(database), DatabaseConnections: 20, KEKFile: kek, IssuerBase: "https://id.example.com",
			DrainDelay: new(time.Duration), LogLevel: "error", LogFormat: "json", LogTo: io.Discard,
		})
		if err != nil {
			return nil, err
		}
		s.nodes = append(s.nodes, n)
		addresses[i] = proxies.Node{Main: n.Addr(), Health: n.HealthAddr()}
	}
	own := filepath.Join(dir, "haproxy")
	if err := os.Mkdir(own, 0o700); err != nil {
		return nil, err
	}
	if s.proxy, err = proxies.HAProxy(ctx, filepath.Join("docs", "examples"), own, addresses); err != nil {
		return nil, err
	}
	s.http = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: s.proxy.Roots}, MaxIdleConnsPerHost: 1024,
	}}
	s.sdk = cip.New(cip.Options{
		BaseEndpoint: &s.proxy.URL, Region: "us-east-1", HTTPClient: s.http, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(value(made, "AWS_ACCESS_KEY_ID="), value(made, "AWS_SECRET_ACCESS_KEY="), ""),
	})
	return s, s.populate(ctx)
}

// value finds a line of a command's output.
func value(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), name); ok {
			return v
		}
	}
	return ""
}

func command(ctx context.Context, args ...string) (string, error) {
	code, stdout, stderr := commands.Run(ctx, nil, args...)
	if code != 0 {
		return "", fmt.Errorf("cognate %s: exit %d\n%s%s", args[0], code, stdout, stderr)
	}
	return stdout, nil
}

// people is how many users sign in.
const people = 50

func (s *service) populate(ctx context.Context) error {
	pool, err := s.sdk.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("people")})
	if err != nil {
		return err
	}
	id := pool.UserPool.Id
	app, err := s.sdk.CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
		UserPoolId: id, ClientName: aws.String("app"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	})
	if err != nil {
		return err
	}
	s.app = *app.UserPoolClient.ClientId
	for i := range people {
		name := aws.String(fmt.Sprint("user", i))
		if _, err := s.sdk.AdminCreateUser(ctx, &cip.AdminCreateUserInput{UserPoolId: id, Username: name, MessageAction: types.MessageActionTypeSuppress}); err != nil {
			return err
		}
		if _, err := s.sdk.AdminSetUserPassword(ctx, &cip.AdminSetUserPasswordInput{UserPoolId: id, Username: name, Password: aws.String(password), Permanent: true}); err != nil {
			return err
		}
	}
	return nil
}
