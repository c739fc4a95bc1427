package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/internal/keys/srp"
	"cognate/test/srpclient"
)

// strangersName begins the names of these measurements.
const strangersName = "stranger: "

// wrongProof ends the names of calls that are refused.
const wrongProof = ", wrong"

// errTimeTells is the outcome of a run in which a difference was no accident.
var errTimeTells = errors.New("the time of an answer reveals whether a name exists")

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
	// functions: the pool's functions are asked. They learn who exists, and the event of
	// a user is longer, so that no limit is kept.
	functions bool
	// status is the status of the answers. 0 stands for 200, or for 400 if the call is refused.
	status int
	// prepare, if set, makes what the request needs, outside of the measurement.
	prepare func(s *strangers, c *connection, name string) (string, error)
	request func(s *strangers, name, prepared string) []byte
}

func (e strangersEntry) wantStatus() int {
	switch {
	case e.status != 0:
		return e.status
	case strings.HasSuffix(e.name, wrongProof):
		return http.StatusBadRequest
	}
	return http.StatusOK
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
	{name: "USER_AUTH, PASSWORD, wrong", request: func(s *strangers, name, _ string) []byte {
		return s.initiate("USER_AUTH", name, "PREFERRED_CHALLENGE", "PASSWORD", "PASSWORD", password+"x")
	}},
	{name: "USER_AUTH, PASSWORD_SRP", request: func(s *strangers, name, _ string) []byte {
		return s.initiate("USER_AUTH", name, "PREFERRED_CHALLENGE", "PASSWORD_SRP", "SRP_A", s.public)
	}},
	{name: "USER_AUTH, EMAIL_OTP", request: (*strangers).mailCode},
	{name: "EMAIL_OTP, wrong", prepare: session((*strangers).mailCode), request: func(s *strangers, name, session string) []byte {
		return s.respond("EMAIL_OTP", name, session, "EMAIL_OTP_CODE", "00000000x")
	}},
	{name: "CUSTOM_AUTH", functions: true, request: (*strangers).custom},
	{name: "CUSTOM_CHALLENGE", functions: true, prepare: session((*strangers).custom), request: func(s *strangers, name, session string) []byte {
		return s.respond("CUSTOM_CHALLENGE", name, session, "ANSWER", "no")
	}},
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
	{name: "page: sign-in with a wrong password", request: func(s *strangers, name, _ string) []byte {
		return s.page("/login", url.Values{"username": {name}, "password": {"wrong"}})
	}},
	{name: "page: forgotten password", status: http.StatusFound, request: func(s *strangers, name, _ string) []byte {
		return s.page("/forgotPassword", url.Values{"username": {name}})
	}},
	{name: "ResendConfirmationCode, confirmed", request: func(s *strangers, name, _ string) []byte {
		return s.named("ResendConfirmationCode", name)
	}},
}

// page sends the form of a login page.
func (s *strangers) page(path string, form url.Values) []byte {
	form.Set("_csrf", "x")
	return webPost(path+"?"+s.t.query(), "Cookie: XSRF-TOKEN=x", form)
}

func (s *strangers) mailCode(name, _ string) []byte {
	return s.initiate("USER_AUTH", name, "PREFERRED_CHALLENGE", "EMAIL_OTP")
}

func (s *strangers) custom(name, _ string) []byte { return s.initiate("CUSTOM_AUTH", name) }

func (s *strangers) respond(challenge, name, session, key, value string) []byte {
	return request(s.t.addr, "RespondToAuthChallenge", map[string]any{
		"ChallengeName": challenge, "ClientId": s.client, "Session": session,
		"ChallengeResponses": map[string]string{"USERNAME": name, key: value},
	})
}

// session returns what begins a sign-in by the request and returns its Session.
func session(begin func(s *strangers, name, prepared string) []byte) func(*strangers, *connection, string) (string, error) {
	return func(s *strangers, c *connection, name string) (string, error) {
		r, err := c.send(begin(s, name, ""))
		if err != nil {
			return "", err
		}
		var out struct{ Session string }
		err = decode(r, &out)
		return out.Session, err
	}
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
	function := httptest.NewServer(http.HandlerFunc(customChallenge))
	defer function.Close()
	routes := filepath.Join(b.dir, "strangers.yaml")
	text := fmt.Sprintf("functions:\n  challenge:\n    webhook: %s/\n    secret: whsec_%s\n", function.URL, strings.Repeat("AAAA", 11))
	if err := os.WriteFile(routes, []byte(text), 0o600); err != nil {
		return err
	}
	t, err := b.newTarget(ctx, e, e.name+"-strangers", 2*half, "--triggers", routes, "--trigger-allow", "127.0.0.0/8",
		"--smtp-url", "smtp://"+mail.Addr().String()+"?starttls=none", "--mail-from", "bench@example.com")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	s := &strangers{t: t, public: srpclient.New(t.pool).Public()}
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
		fmt.Fprintf(b.progress, "%s: %s: %s\n", e.name, name, text)
		hidden, target := math.Abs(value) < tLimit, fmt.Sprintf("|t| < %.1f", tLimit)
		if entry.functions {
			hidden, target = true, ""
		}
		b.report.measured(name, e.name, text, target, hidden)
		b.told = b.told || !hidden
	}
	return nil
}

// prepare makes a client that hides who exists, in a pool that sends codes.
func (s *strangers) prepare(ctx context.Context) error {
	sdk := cognitoidentityprovider.New(cognitoidentityprovider.Options{
		Region: region, BaseEndpoint: aws.String("http://" + s.t.addr),
		Credentials: credentials.StaticCredentialsProvider{Value: s.t.key},
	})
	function := aws.String("arn:aws:lambda:us-east-1:123456789012:function:challenge")
	_, err := sdk.UpdateUserPool(ctx, &cognitoidentityprovider.UpdateUserPoolInput{
		UserPoolId: &s.t.pool, AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		LambdaConfig: &types.LambdaConfigType{DefineAuthChallenge: function, CreateAuthChallenge: function, VerifyAuthChallengeResponse: function},
		Policies: &types.UserPoolPolicyType{SignInPolicy: &types.SignInPolicyType{
			AllowedFirstAuthFactors: []types.AuthFactorType{types.AuthFactorTypePassword, types.AuthFactorTypeEmailOtp},
		}},
	})
	if err != nil {
		return err
	}
	client, err := sdk.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &s.t.pool, ClientName: aws.String("strangers"), PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{
			types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowUserSrpAuth, types.ExplicitAuthFlowsTypeAllowUserAuth,
			types.ExplicitAuthFlowsTypeAllowCustomAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
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
	// The rows of people who were stored one after the other are in one page: a random
	// order meets pages as strangers do.
	people := rand.Perm(half)
	var counts [2]int
	for i, exists := range order {
		// Known and unknown names have the same calls behind them.
		side := 0
		if exists {
			side = 1
		}
		n := 2 * people[counts[side]]
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
		if r.status != entry.wantStatus() || strings.Contains(string(r.body), "LimitExceeded") {
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

// customChallenge is the functions of a custom challenge that asks everybody the same
// question, again and again, and does no work of its own.
func customChallenge(w http.ResponseWriter, r *http.Request) {
	var event map[string]any
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	event["response"] = map[string]any{
		"challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false, "answerCorrect": false,
		"publicChallengeParameters": map[string]string{"question": "?"}, "privateChallengeParameters": map[string]string{"answer": "yes"},
	}
	_ = json.NewEncoder(w).Encode(event)
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
