package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys/srp"
)

// strangersName begins the names of these measurements.
const strangersName = "stranger: "

// tLimit is where a difference of means is no accident any more (Welch's test; the
// usual limit of leakage assessments).
const tLimit = 4.5

// cropAt is the share of the fastest samples that count. The others have met
// something else that the machine does.
const cropAt = 0.9

// strangersEntry is a call that anybody can make about a name.
type strangersEntry struct {
	name string
	// unconfirmed: the known names are those of users who were not confirmed yet.
	unconfirmed bool
	// prepare, if set, makes what the request needs, outside of the measurement.
	prepare func(s *strangers, c *connection, name string) (string, error)
	request func(s *strangers, name, prepared string) []byte
}

// strangers measures whether time tells names that exist.
type strangers struct {
	t      *target
	client string
	public string // SRP_A
}

func (s *strangers) initiate(flow, name string, pairs ...string) []byte {
	params := map[string]string{"USERNAME": name}
	for i := 0; i < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	return request(s.t.addr, "InitiateAuth", map[string]any{"AuthFlow": flow, "ClientId": s.client, "AuthParameters": params})
}

func (s *strangers) named(operation, name string, pairs ...string) []byte {
	in := map[string]string{"ClientId": s.client, "Username": name}
	for i := 0; i < len(pairs); i += 2 {
		in[pairs[i]] = pairs[i+1]
	}
	return request(s.t.addr, operation, in)
}

var strangersEntries = []strangersEntry{
	{name: "USER_SRP_AUTH", request: func(s *strangers, name, _ string) []byte {
		return s.initiate("USER_SRP_AUTH", name, "SRP_A", s.public)
	}},
	{
		name: "PASSWORD_VERIFIER, wrong", prepare: (*strangers).challenge,
		request: func(s *strangers, name, block string) []byte {
			return request(s.t.addr, "RespondToAuthChallenge", map[string]any{
				"ChallengeName": "PASSWORD_VERIFIER", "ClientId": s.client, "ChallengeResponses": map[string]string{
					"USERNAME": name, "PASSWORD_CLAIM_SECRET_BLOCK": block, "TIMESTAMP": srp.FormatTimestamp(time.Now()),
					"PASSWORD_CLAIM_SIGNATURE": base64.StdEncoding.EncodeToString(make([]byte, 32)),
				},
			})
		},
	},
	{name: "USER_PASSWORD_AUTH, wrong", request: func(s *strangers, name, _ string) []byte {
		return s.initiate("USER_PASSWORD_AUTH", name, "PASSWORD", password+"x")
	}},
	{name: "USER_AUTH", request: func(s *strangers, name, _ string) []byte { return s.initiate("USER_AUTH", name) }},
	{name: "ForgotPassword", request: func(s *strangers, name, _ string) []byte { return s.named("ForgotPassword", name) }},
	{name: "ConfirmForgotPassword, wrong", request: func(s *strangers, name, _ string) []byte {
		return s.named("ConfirmForgotPassword", name, "ConfirmationCode", "none", "Password", password)
	}},
	{name: "ConfirmSignUp, wrong", unconfirmed: true, request: func(s *strangers, name, _ string) []byte {
		return s.named("ConfirmSignUp", name, "ConfirmationCode", "none")
	}},
	{name: "ResendConfirmationCode", unconfirmed: true, request: func(s *strangers, name, _ string) []byte {
		return s.named("ResendConfirmationCode", name)
	}},
	{name: "ResendConfirmationCode, confirmed", request: func(s *strangers, name, _ string) []byte {
		return s.named("ResendConfirmationCode", name)
	}},
}

// challenge gets a SECRET_BLOCK of the name.
func (s *strangers) challenge(c *connection, name string) (string, error) {
	r, err := c.send(s.initiate("USER_SRP_AUTH", name, "SRP_A", s.public))
	if err != nil {
		return "", err
	}
	var out struct{ ChallengeParameters map[string]string }
	err = decode(r, &out)
	return out.ChallengeParameters["SECRET_BLOCK"], err
}

// measureStrangers asks about names that exist and names that do not, in a random
// order and one after the other, and compares the means of the times of the answers.
func (b *bench) measureStrangers(ctx context.Context, e *engine) (err error) {
	if !slices.ContainsFunc(strangersEntries, func(entry strangersEntry) bool { return b.wanted(strangersName + entry.name) }) {
		return nil
	}
	mail, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer mail.Close()
	go takeMail(mail)
	// Each known name is asked about once, so that no lock-out and no limit comes.
	half := b.samples / 2
	t, err := b.newTarget(ctx, e, e.name+"-strangers", 2*half, "--smtp-url", "smtp://"+mail.Addr().String()+"?starttls=none", "--mail-from", "bench@example.com")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	s := &strangers{t: t, public: newSRPClient(t.pool).A.Text(16)}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	c, err := dial(t.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, entry := range strangersEntries {
		name := strangersName + entry.name
		if !b.wanted(name) {
			continue
		}
		fmt.Fprintf(b.progress, "%s: %s\n", e.name, name)
		known, unknown, err := s.measure(c, entry, half)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		value, difference := welch(crop(known, unknown))
		text := fmt.Sprintf("t %.1f (%+.0f µs)", value, difference/float64(time.Microsecond))
		b.report.measured(name, e.name, text, fmt.Sprintf("|t| < %.1f", tLimit), math.Abs(value) < tLimit)
	}
	return nil
}

// prepare makes a client that hides who exists, in a pool that sends codes.
func (s *strangers) prepare(ctx context.Context) error {
	sdk := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: region, BaseEndpoint: aws.String("http://" + s.t.addr),
		Credentials: credentials.StaticCredentialsProvider{Value: s.t.key},
	})
	_, err := sdk.UpdateUserPool(ctx, &cognitoidentityprovider.UpdateUserPoolInput{
		UserPoolId: &s.t.pool, AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
	})
	if err != nil {
		return err
	}
	client, err := sdk.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &s.t.pool, ClientName: aws.String("strangers"), PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowUserAuth,
			types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
		},
	})
	if err != nil {
		return err
	}
	s.client = *client.UserPoolClient.ClientId
	return s.t.rest(ctx)
}

// measure asks about so many known and unknown names and returns how long each took.
// The even people of the pool are confirmed, the odd ones are not.
func (s *strangers) measure(c *connection, entry strangersEntry, half int) (known, unknown []float64, err error) {
	const warm = 50
	order := make([]bool, 2*half)
	for i := range half {
		order[i] = true
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var counts [2]int
	for i, exists := range order {
		// Known and unknown names have the same calls behind them.
		side := 0
		if exists {
			side = 1
		}
		n := 2 * counts[side]
		if entry.unconfirmed {
			n++
		}
		counts[side]++
		name := newPerson(10_000_000 + n).username
		if exists {
			name = s.t.people[n].username
		}
		var prepared string
		if entry.prepare != nil {
			if prepared, err = entry.prepare(s, c, name); err != nil {
				return nil, nil, err
			}
		}
		raw := entry.request(s, name, prepared)
		begin := time.Now()
		r, err := c.send(raw)
		took := time.Since(begin)
		if err != nil {
			return nil, nil, err
		}
		if r.status >= 500 || strings.Contains(string(r.body), "LimitExceeded") {
			return nil, nil, fmt.Errorf("status %d: %s", r.status, r.body)
		}
		switch {
		case i < warm:
		case exists:
			known = append(known, float64(took))
		default:
			unknown = append(unknown, float64(took))
		}
	}
	return known, unknown, nil
}

// crop leaves out the samples of both sides that are slower than most of all.
func crop(a, b []float64) (x, y []float64) {
	all := slices.Sorted(slices.Values(slices.Concat(a, b)))
	limit := all[int(float64(len(all)-1)*cropAt)]
	slower := func(v float64) bool { return v > limit }
	return slices.DeleteFunc(slices.Clone(a), slower), slices.DeleteFunc(slices.Clone(b), slower)
}

// welch returns Welch's t of two samples, and the difference of their means.
func welch(a, b []float64) (t, difference float64) {
	meanOf := func(list []float64) (mean, variance float64) {
		for _, v := range list {
			mean += v
		}
		mean /= float64(len(list))
		for _, v := range list {
			variance += (v - mean) * (v - mean)
		}
		return mean, variance / float64(len(list)-1)
	}
	ma, va := meanOf(a)
	mb, vb := meanOf(b)
	return (ma - mb) / math.Sqrt(va/float64(len(a))+vb/float64(len(b))), ma - mb
}

// takeMail is a mail server that accepts every message and keeps none.
func takeMail(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			in := bufio.NewScanner(conn)
			say := func(line string) { _, _ = fmt.Fprint(conn, line+"\r\n") }
			say("220 bench")
			data := false
			for in.Scan() {
				line := strings.ToUpper(in.Text())
				switch {
				case data && line == ".":
					data = false
					say("250 ok")
				case data:
				case strings.HasPrefix(line, "DATA"):
					data = true
					say("354 go on")
				case strings.HasPrefix(line, "QUIT"):
					say("221 bye")
					return
				default:
					say("250 ok")
				}
			}
		}()
	}
}
