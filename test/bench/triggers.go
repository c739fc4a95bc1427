package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys"
	"cognate/test/bench/floor"
	"cognate/test/bench/newcomer"
	"cognate/test/srpclient"
)

// callsPerTurn is how many sign-ins begin, one after the other, in a turn.
const callsPerTurn = 60

// echoHandler is a function for a folder that changes nothing.
const echoHandler = "export const handler = async (event) => event;\n"

// measureTriggers compares, by the wall clock of one client, the first call of an
// SRP sign-in with PreAuthentication and without: it signs and writes nothing, so
// that the function is most of what is left. What a remote function itself takes,
// asked directly over a kept connection, is taken off.
func (b *bench) measureTriggers(ctx context.Context) (err error) {
	const webhook, lambda, folder = "webhook", "lambda", "folder-node"
	if !slices.ContainsFunc([]string{webhook, lambda, folder}, func(s string) bool { return b.wanted(triggerLine(s)) }) {
		return nil
	}
	function, err := floorProcess(ctx, os.Stderr, floor.Function)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, function.stop()) }()
	d, err := b.startFunctions(ctx, function.addr, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	bare, err := d.pool(ctx, "")
	if err != nil {
		return err
	}
	for _, row := range []struct {
		name   string
		remote bool
		limit  time.Duration
	}{{lambda, true, 300 * time.Microsecond}, {webhook, true, 300 * time.Microsecond}, {folder, false, time.Millisecond}} {
		name := triggerLine(row.name)
		if !b.wanted(name) {
			continue
		}
		fmt.Fprintln(b.progress, name)
		p, err := d.pool(ctx, row.name)
		if err != nil {
			return err
		}
		var added []float64
		for round := range b.rounds + 1 {
			without, err := d.begin(bare)
			if err != nil {
				return err
			}
			with, err := d.begin(p)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			more := with - without
			if row.remote {
				direct, err := roundTrip(ctx, function.addr)
				if err != nil {
					return err
				}
				more -= direct
			}
			if round > 0 { // the first is for warming
				added = append(added, float64(more))
			}
		}
		value := median(added, identity)
		b.report.measured(name, "sqlite", milliseconds(value)+" ms", "≤ "+milliseconds(float64(row.limit))+" ms", value <= float64(row.limit))
	}
	return nil
}

func triggerLine(transport string) string { return "a trigger adds, by " + transport }

// functions is a cognate dev with functions.
type functions struct {
	*process
	clients clients
	sdk     *cognitoidentityprovider.Client
	srpA    string
}

// startFunctions starts cognate dev with a folder that has one function, and with
// others at an address.
func (b *bench) startFunctions(ctx context.Context, addr, folder string) (*functions, error) {
	dir := filepath.Join(b.dir, "functions")
	if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, folder, "index.mjs"), []byte(echoHandler), 0o600); err != nil {
		return nil, err
	}
	routes := filepath.Join(b.dir, "triggers.yaml")
	text := fmt.Sprintf("functions:\n  webhook:\n    webhook: http://%s/\n    secret: whsec_%s\n  lambda:\n    lambda: http://%s\n", addr, strings.Repeat("AAAA", 11), addr)
	if err := os.WriteFile(routes, []byte(text), 0o600); err != nil {
		return nil, err
	}
	listen, err := freeAddress()
	if err != nil {
		return nil, err
	}
	env := []string{"AWS_ACCESS_KEY_ID=dev", "AWS_SECRET_ACCESS_KEY=dev"}
	p, err := start(ctx, os.Stderr, env, b.program, "dev", "--data", filepath.Join(b.dir, "functions-data"), "--listen", listen,
		"--private-listen", "off", "--log-level", "error", "--functions", dir, "--triggers", routes)
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, p.out) }()
	p.addr = listen
	if err := newcomer.Await(ctx, listen); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return &functions{process: p, clients: clients{addr: listen}, srpA: srpclient.New("").Public(), sdk: cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: region, BaseEndpoint: aws.String("http://" + listen),
		Credentials: credentials.NewStaticCredentialsProvider("dev", "dev", ""),
	})}, nil
}

// pool makes a pool with a user, and returns the id of its client. The pool asks
// the function about each sign-in. "" stands for no function.
func (d *functions) pool(ctx context.Context, function string) (string, error) {
	in := &cognitoidentityprovider.CreateUserPoolInput{PoolName: aws.String("functions")}
	if function != "" {
		in.LambdaConfig = &types.LambdaConfigType{PreAuthentication: aws.String("arn:aws:lambda:us-east-1:123456789012:function:" + function)}
	}
	pool, err := d.sdk.CreateUserPool(ctx, in)
	if err != nil {
		return "", err
	}
	client, err := d.sdk.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: pool.UserPool.Id, ClientName: aws.String("bench"),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	if err != nil {
		return "", err
	}
	if _, err := d.sdk.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: pool.UserPool.Id, Username: aws.String("alice"), MessageAction: types.MessageActionTypeSuppress,
	}); err != nil {
		return "", err
	}
	_, err = d.sdk.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: pool.UserPool.Id, Username: aws.String("alice"), Password: aws.String(password), Permanent: true,
	})
	return *client.UserPoolClient.ClientId, err
}

// begin begins sign-ins, one after the other, and returns the median of their times.
func (d *functions) begin(client string) (time.Duration, error) {
	r := request(d.addr, "InitiateAuth", map[string]any{
		"AuthFlow": "USER_SRP_AUTH", "ClientId": client, "AuthParameters": map[string]string{"USERNAME": "alice", "SRP_A": d.srpA},
	})
	var took []float64
	for range callsPerTurn {
		begin := time.Now()
		if _, err := d.clients.send([][]byte{r}, 1); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(begin)))
	}
	return time.Duration(median(took, identity)), nil
}

// roundTrip asks the function directly and returns the median of its times.
func roundTrip(ctx context.Context, addr string) (time.Duration, error) {
	event := []byte(`{"version":"1","triggerSource":"PreAuthentication_Authentication","region":"us-east-1","userPoolId":"us-east-1_000000000",` +
		`"userName":"` + keys.NewUUID() + `","callerContext":{"awsSdkVersion":"aws-sdk-unknown-unknown","clientId":"00000000000000000000000000"},` +
		`"request":{"userAttributes":{},"validationData":null},"response":{}}`)
	var took []float64
	for range callsPerTurn {
		begin := time.Now()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/", bytes.NewReader(event))
		if err != nil {
			return 0, err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			return 0, err
		}
		took = append(took, float64(time.Since(begin)))
	}
	return time.Duration(median(took, identity)), nil
}
