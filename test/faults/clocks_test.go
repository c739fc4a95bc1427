package faults_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/internal/store"
	"cognate/test/lambdas"
	"cognate/test/patience"
	"cognate/test/pgtest"
)

// handClock is a clock that goes on when the test says so.
type handClock struct{ at atomic.Int64 }

func newHandClock() *handClock {
	c := &handClock{}
	c.at.Store(time.Now().UnixMilli())
	return c
}

func (c *handClock) now() time.Time       { return time.UnixMilli(c.at.Load()) }
func (c *handClock) pass(d time.Duration) { c.at.Add(d.Milliseconds()) }

// off is the clock of a server that is ahead of the time, or behind it.
func (c *handClock) off(by time.Duration) func() time.Time {
	return func() time.Time { return c.now().Add(by) }
}

// skewedPair are two servers on one database whose clocks differ.
type skewedPair struct {
	clock     *handClock
	functions *lambdas.Server
	database  string
	a, b      *node
	nodes     [2]*node
}

// acrossClocks runs a test on two servers whose clocks are five seconds off, each
// its way.
func acrossClocks(t *testing.T, test func(t *testing.T, p *skewedPair)) {
	for name, by := range map[string]time.Duration{"the first is ahead": 5 * time.Second, "the first is behind": -5 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &skewedPair{clock: newHandClock(), functions: lambdas.New(t), database: pgtest.Database(t)}
			c := dev(t)
			c.Database = server.Secret(p.database)
			c.IssuerBase = "http://localhost"
			c.KEKFile = filepath.Join(t.TempDir(), "kek")
			c.TriggerEndpoint = server.Secret(p.functions.URL)
			if err := os.WriteFile(c.KEKFile, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			c.Now = p.clock.off(by)
			p.a = start(t, c)
			c.Data, c.Now = t.TempDir(), p.clock.off(-by)
			p.b = start(t, c)
			p.nodes = [2]*node{p.a, p.b}
			test(t, p)
			p.a.quiet(t)
			p.b.quiet(t)
		})
	}
}

// sweep is what a third server does whose clock is minutes ahead.
func (p *skewedPair) sweep(t *testing.T) {
	t.Helper()
	ahead := p.clock.off(10 * time.Minute)
	s, err := store.Open(t.Context(), store.Options{URL: p.database, Now: ahead, StatementTimeout: patience.Limit})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Sweep(t.Context(), ahead(), 10_000); err != nil {
		t.Fatal(err)
	}
}

// rotatingApp makes a client whose refresh tokens are for one use.
func (c client) rotatingApp(t testing.TB, pool string) string {
	t.Helper()
	in := appOf(pool)
	in["ExplicitAuthFlows"] = []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH"}
	in["RefreshTokenRotation"] = object{"Feature": "ENABLED", "RetryGracePeriodSeconds": 0}
	return c.must(t, "CreateUserPoolClient", in).text("UserPoolClient", "ClientId")
}

// TestSingleUseAcrossClocks: what may be used once is used once, on whichever
// server and by whichever clock, and also after a server has swept whose clock is
// minutes ahead.
func TestSingleUseAcrossClocks(t *testing.T) {
	t.Parallel()
	acrossClocks(t, func(t *testing.T, p *skewedPair) {
		pool := p.a.newPool(t)
		app, rotating := p.a.newApp(t, pool), p.a.rotatingApp(t, pool)
		p.a.newUser(t, pool, "alice")

		// Rotated refresh tokens.
		_, _, raced := p.a.tokens(t, rotating, "alice")
		exchange := func(n *node, token string) answer {
			return n.call(t, "GetTokensFromRefreshToken", object{"ClientId": rotating, "RefreshToken": token})
		}
		var won atomic.Int32
		atOnce(20, func(i int) {
			switch got := exchange(p.nodes[i%2], raced); got.Code {
			case "":
				won.Add(1)
			case "RefreshTokenReuseException":
			default:
				t.Error(got)
			}
		})
		if won.Load() != 1 {
			t.Errorf("of 20 uses of a refresh token at once, %d were the first", won.Load())
		}
		_, _, later := p.b.tokens(t, rotating, "alice")
		p.clock.pass(30*24*time.Hour - time.Minute)
		if got := exchange(p.a, later); got.Code != "" {
			t.Error(got)
		}
		p.sweep(t)
		for _, n := range p.nodes {
			if got := exchange(n, later); got.Code != "RefreshTokenReuseException" {
				t.Errorf("a rotated refresh token: %v", got)
			}
		}

		// Secret blocks and sessions.
		for i, first := range p.nodes {
			other := p.nodes[1-i]
			srp := newSRPClient(pool)
			proof := srp.respond(app, first.must(t, "InitiateAuth", srp.start(app, "alice")), password, p.clock.now())
			other.must(t, "RespondToAuthChallenge", proof)
			name := "guest" + string(rune('a'+i))
			first.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": name, "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
			session := first.signIn(t, app, name, password).text("Session")
			other.must(t, "RespondToAuthChallenge", newPassword(app, name, session))
			p.sweep(t)
			for _, n := range p.nodes {
				n.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", proof)
				n.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", newPassword(app, name, session))
			}
		}
	})
}

// TestEndsAcrossClocks: a sign-out and a revocation end what was issued before on
// both servers, and nothing that is issued after.
func TestEndsAcrossClocks(t *testing.T) {
	t.Parallel()
	acrossClocks(t, func(t *testing.T, p *skewedPair) {
		pool := p.a.newPool(t)
		app := p.a.newApp(t, pool)
		p.a.newUser(t, pool, "alice")
		refresh := func(token string) object {
			return object{"ClientId": app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": token}}
		}
		for i, first := range p.nodes {
			other := p.nodes[1-i]
			access, _, token := other.tokens(t, app, "alice")
			first.must(t, "AdminUserGlobalSignOut", object{"UserPoolId": pool, "Username": "alice"})
			next, _, nextToken := other.tokens(t, app, "alice")
			own, _, ownToken := first.tokens(t, app, "alice")
			for _, n := range p.nodes {
				n.refused(t, "NotAuthorizedException", "GetUser", object{"AccessToken": access})
				n.refused(t, "NotAuthorizedException", "InitiateAuth", refresh(token))
				n.must(t, "GetUser", object{"AccessToken": next})
				n.must(t, "InitiateAuth", refresh(nextToken))
				n.must(t, "GetUser", object{"AccessToken": own})
				n.must(t, "InitiateAuth", refresh(ownToken))
			}
			other.must(t, "RevokeToken", object{"ClientId": app, "Token": ownToken})
			for _, n := range p.nodes {
				n.refused(t, "NotAuthorizedException", "GetUser", object{"AccessToken": own})
				n.refused(t, "NotAuthorizedException", "InitiateAuth", refresh(ownToken))
			}
		}
	})
}

// TestGuessesAcrossClocks: limits hold over both servers, whichever clock began to
// count, and the answers to one custom challenge are judged once.
func TestGuessesAcrossClocks(t *testing.T) {
	t.Parallel()
	acrossClocks(t, func(t *testing.T, p *skewedPair) {
		var judged atomic.Int32
		p.functions.On("define", func(e *lambdas.Event) string {
			e.Response = map[string]any{"challengeName": "CUSTOM_CHALLENGE"}
			return ""
		})
		p.functions.On("create", func(e *lambdas.Event) string {
			e.Response = map[string]any{"privateChallengeParameters": map[string]string{"answer": "5"}}
			return ""
		})
		p.functions.On("verify", func(e *lambdas.Event) string {
			judged.Add(1)
			e.Response = map[string]any{"answerCorrect": e.Request["challengeAnswer"] == "5"}
			return ""
		})
		pool := p.a.must(t, "CreateUserPool", object{"PoolName": "people", "AutoVerifiedAttributes": []string{"email"}, "LambdaConfig": object{
			"DefineAuthChallenge": *lambdas.ARN("define"), "CreateAuthChallenge": *lambdas.ARN("create"), "VerifyAuthChallengeResponse": *lambdas.ARN("verify"),
		}}).text("UserPool", "Id")
		in := appOf(pool)
		in["ExplicitAuthFlows"] = []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
		app := p.a.must(t, "CreateUserPoolClient", in).text("UserPoolClient", "ClientId")
		p.a.newUser(t, pool, "alice")
		p.a.newUser(t, pool, "bob")

		session := p.a.must(t, "InitiateAuth", object{"ClientId": app, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": object{"USERNAME": "alice"}}).text("Session")
		respond := func(n *node, given string) answer {
			return n.call(t, "RespondToAuthChallenge", object{"ClientId": app, "ChallengeName": "CUSTOM_CHALLENGE", "Session": session,
				"ChallengeResponses": object{"USERNAME": "alice", "ANSWER": given}})
		}
		atOnce(24, func(i int) {
			given := "6"
			if i == 12 {
				given = "5"
			}
			respond(p.nodes[i%2], given)
		})
		p.sweep(t)
		for _, n := range p.nodes {
			if got := respond(n, "5"); got.Code != "NotAuthorizedException" {
				t.Errorf("an answer to a challenge that was answered: %v", got)
			}
		}
		if judged.Load() != 1 {
			t.Errorf("%d answers to one challenge were judged", judged.Load())
		}

		p.b.must(t, "ForgotPassword", object{"ClientId": app, "Username": "alice"})
		code := p.b.code(t, pool, "alice")
		looked := 0
		for i := range 60 {
			wrong := "000000"
			if wrong == code {
				wrong = "000001"
			}
			if p.nodes[i%2].call(t, "ConfirmForgotPassword", object{"ClientId": app, "Username": "alice", "ConfirmationCode": wrong, "Password": password + "2"}).Code == "CodeMismatchException" {
				looked++
			}
		}
		if looked > mostGuesses {
			t.Errorf("%d guesses at a code were looked at", looked)
		}

		// A lock of n failures is 2^(n-5) s long: from 16 s on, a clock that is ten
		// seconds ahead sees it. The shorter ones cost a guesser a guess each.
		const mostPasswords = 10
		tried := 0
		for i := range 40 {
			got := p.nodes[i%2].signIn(t, app, "bob", password+"x")
			if got.text("message") == "Incorrect username or password." {
				tried++
			}
		}
		if tried > mostPasswords {
			t.Errorf("%d passwords were tried without a pause", tried)
		}
		for _, n := range p.nodes {
			if got := n.signIn(t, app, "bob", password); got.Code != "NotAuthorizedException" {
				t.Errorf("the right password of a locked user: %v", got)
			}
		}
	})
}
