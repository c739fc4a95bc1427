package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cognate/test/bench/floor"
	"cognate/test/srpclient"
)

// tokens are what a sign-in gave.
type tokens struct{ access, refresh string }

// measureEngine measures everything that has to do with a database.
func (b *bench) measureEngine(ctx context.Context, e *engine) (err error) {
	small, err := b.newTarget(ctx, e, e.name+"-small", b.few)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, small.close()) }()
	for _, measure := range []func(context.Context, *engine, *target) error{
		b.measureSignIn, b.measureRefresh, b.measureSRP, b.measureGetUser, b.measureOAuth, b.measureIdentityPools, b.measureLatency, b.measureTracking,
	} {
		if err := measure(ctx, e, small); err != nil {
			return err
		}
	}
	if err := b.measureFlat(ctx, e, small); err != nil {
		return err
	}
	if err := b.measureSignUp(ctx, e, small); err != nil {
		return err
	}
	if err := b.measureFederation(ctx, e); err != nil {
		return err
	}
	if err := b.measureStrangers(ctx, e); err != nil {
		return err
	}
	if err := b.measurePairs(ctx, e); err != nil {
		return err
	}
	return b.measureTOTP(ctx, e)
}

const (
	signInsPerTurn  = 240
	getUsersPerTurn = 3000
	signUpsPerTurn  = 1200
	listsPerTurn    = 700
)

// pick returns n people without a pattern; nobody comes twice in a row of few.
func (t *target) pick(n int) []person {
	list := make([]person, n)
	for i, j := range spread(n, len(t.people)) {
		list[i] = t.people[j]
	}
	return list
}

func (t *target) passwordRequests(n int) [][]byte { return t.passwordsOf(t.pick(n)) }

func (t *target) passwordsOf(people []person) [][]byte {
	list := make([][]byte, 0, len(people))
	for _, p := range people {
		list = append(list, request(t.addr, "InitiateAuth", map[string]any{
			"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": t.client,
			"AuthParameters": map[string]string{"USERNAME": p.username, "PASSWORD": password},
		}))
	}
	return list
}

// tokensOf reads the replies of sign-ins.
func tokensOf(replies []reply) ([]tokens, error) {
	list := make([]tokens, 0, len(replies))
	for _, r := range replies {
		var body struct {
			AuthenticationResult struct{ AccessToken, RefreshToken string }
		}
		if err := decode(r, &body); err != nil {
			return nil, err
		}
		if body.AuthenticationResult.AccessToken == "" {
			return nil, fmt.Errorf("no tokens in %s", r.body)
		}
		list = append(list, tokens{body.AuthenticationResult.AccessToken, body.AuthenticationResult.RefreshToken})
	}
	return list, nil
}

// signIn signs n people in.
func (b *bench) signIn(t *target, n int) ([]tokens, error) {
	replies, err := t.clients.send(t.passwordRequests(n), b.clients)
	if err != nil {
		return nil, err
	}
	return tokensOf(replies)
}

func (b *bench) measureSignIn(ctx context.Context, e *engine, t *target) error {
	return b.turns(ctx, t, e, "password sign-in", 1.25, []part{{times: 2, floor: floor.Signature}, {times: 1, floor: floor.Fixed}}, nil,
		func() (time.Duration, error) {
			cost, replies, err := b.cost(t, t.passwordRequests(signInsPerTurn))
			if err == nil {
				_, err = tokensOf(replies)
			}
			return cost, err
		})
}

func (b *bench) measureRefresh(ctx context.Context, e *engine, t *target) error {
	const name = "refresh"
	if !b.wanted(name) {
		return nil
	}
	known, err := b.signIn(t, signInsPerTurn)
	if err != nil {
		return err
	}
	requests := make([][]byte, 0, len(known))
	for _, k := range known {
		requests = append(requests, request(t.addr, "InitiateAuth", map[string]any{
			"AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": t.client, "AuthParameters": map[string]string{"REFRESH_TOKEN": k.refresh},
		}))
	}
	return b.turns(ctx, t, e, name, 1.2, []part{{times: 2, floor: floor.Signature}}, nil, func() (time.Duration, error) {
		cost, replies, err := b.cost(t, requests)
		if err == nil {
			_, err = tokensOf(replies)
		}
		return cost, err
	})
}

// measureSRP adds the server's cost of both calls; the client's arithmetic is
// done between them.
func (b *bench) measureSRP(ctx context.Context, e *engine, t *target) error {
	const perTurn = signInsPerTurn * 2 / 3
	client := srpclient.New(t.pool)
	floors := []part{{times: 2, floor: floor.Signature}, {times: 1, floor: floor.Fixed}, {times: 1, floor: floor.Shared}}
	return b.turns(ctx, t, e, "SRP sign-in, both calls", 1.25, floors, nil, func() (time.Duration, error) {
		requests := make([][]byte, 0, perTurn)
		for _, p := range t.pick(perTurn) {
			requests = append(requests, request(t.addr, "InitiateAuth", map[string]any{
				"AuthFlow": "USER_SRP_AUTH", "ClientId": t.client,
				"AuthParameters": map[string]string{"USERNAME": p.username, "SRP_A": client.Public()},
			}))
		}
		first, replies, err := b.cost(t, requests)
		if err != nil {
			return 0, err
		}
		if requests, err = proofs(t, client, replies); err != nil {
			return 0, err
		}
		second, replies, err := b.cost(t, requests)
		if err == nil {
			_, err = tokensOf(replies)
		}
		return first + second, err
	})
}

// challenge is what the server asks in PASSWORD_VERIFIER.
type challenge struct {
	ChallengeName       string
	ChallengeParameters map[string]string
}

// proofs makes the second calls, between two measurements: the client's arithmetic
// costs more than the server's.
func proofs(t *target, client *srpclient.Client, replies []reply) ([][]byte, error) {
	requests := make([][]byte, len(replies))
	var next = make(chan int, len(replies))
	for i := range replies {
		next <- i
	}
	err := floor.Repeat(len(replies), 4, func() error {
		i := <-next
		var ch challenge
		if err := decode(replies[i], &ch); err != nil {
			return err
		}
		requests[i] = request(t.addr, "RespondToAuthChallenge", map[string]any{
			"ChallengeName": ch.ChallengeName, "ClientId": t.client, "ChallengeResponses": client.Prove(ch.ChallengeParameters, password, time.Now()),
		})
		return nil
	})
	return requests, err
}

func (t *target) getUserRequests(known []tokens, n int) [][]byte {
	list := make([][]byte, 0, len(known))
	for _, k := range known {
		list = append(list, request(t.addr, "GetUser", map[string]string{"AccessToken": k.access}))
	}
	for len(list) < n {
		list = append(list, list[:min(len(list), n-len(list))]...)
	}
	return list[:n]
}

func (b *bench) measureGetUser(ctx context.Context, e *engine, t *target) error {
	handler := []part{{times: 1, floor: floor.Handler}}
	if name := "GetUser, fresh token"; b.wanted(name) {
		sample, err := b.signIn(t, b.clients)
		if err != nil {
			return err
		}
		err = b.turns(ctx, t, e, name, 4, handler, t.getUserRequests(sample, 1)[0], func() (time.Duration, error) {
			fresh, err := b.signIn(t, getUsersPerTurn/5)
			if err != nil {
				return 0, err
			}
			cost, _, err := b.cost(t, t.getUserRequests(fresh, len(fresh)))
			return cost, err
		})
		if err != nil {
			return err
		}
	}
	if name := "GetUser, token seen before"; b.wanted(name) {
		known, err := b.signIn(t, 500)
		if err != nil {
			return err
		}
		requests := t.getUserRequests(known, getUsersPerTurn)
		return b.turns(ctx, t, e, name, 2.5, handler, requests[0], func() (time.Duration, error) {
			cost, _, err := b.cost(t, requests)
			return cost, err
		})
	}
	return nil
}

func (t *target) signUpRequests(n int) [][]byte {
	list := make([][]byte, 0, n)
	for range n {
		name := strings.ToLower(rand.Text())
		list = append(list, request(t.addr, "SignUp", map[string]any{
			"ClientId": t.client, "Username": "new-" + name, "Password": password,
			"UserAttributes": []map[string]string{{"Name": "email", "Value": name + "@example.com"}},
		}))
	}
	return list
}

// rowFloor returns the floor of one row in the engine.
func (b *bench) rowFloor(ctx context.Context, e *engine) (part, error) {
	row := part{times: 1, floor: floor.Row, args: []string{e.name, b.dir}}
	if e.name != "postgres" {
		return row, nil
	}
	if e.floorURL == "" {
		var err error
		if e.floorURL, err = e.create(ctx); err != nil {
			return part{}, err
		}
	}
	row.args[1] = e.floorURL
	return row, nil
}

func (b *bench) measureSignUp(ctx context.Context, e *engine, t *target) error {
	row, err := b.rowFloor(ctx, e)
	if err != nil {
		return err
	}
	err = b.turns(ctx, t, e, "SignUp", 1.6, []part{{times: 1, floor: floor.Fixed}, row}, nil, func() (time.Duration, error) {
		cost, _, err := b.cost(t, t.signUpRequests(signUpsPerTurn))
		return cost, err
	})
	if err != nil || !b.wanted("SignUp") {
		return err
	}
	var ratios []float64
	for range b.rounds {
		alone, err := rate(&t.clients, t.signUpRequests(100), 1)
		if err != nil {
			return err
		}
		together, err := rate(&t.clients, t.signUpRequests(signUpsPerTurn), b.clients)
		if err != nil {
			return err
		}
		ratios = append(ratios, together/alone)
	}
	value := median(ratios, identity)
	b.report.measured(fmt.Sprintf("sign-ups/s of %d clients, to one's", b.clients), e.name, fmt.Sprintf("%.1f", value), "≥ 5", value >= 5)
	return nil
}

func rate(c *clients, requests [][]byte, atOnce int) (float64, error) {
	begin := time.Now()
	_, err := c.send(requests, atOnce)
	return float64(len(requests)) / time.Since(begin).Seconds(), err
}

// measureLatency sends sign-ins at a steady rate, however long each takes. What
// it prints is wall-clock time, and so of this machine at this moment.
func (b *bench) measureLatency(ctx context.Context, e *engine, t *target) error {
	const perSecond = 200
	const name = "p99 at 200 password sign-ins a second"
	if !b.wanted(name) {
		return nil
	}
	fmt.Fprintf(b.progress, "%s: %s\n", e.name, name)
	var p99 []float64
	for range 3 {
		took, err := openLoop(ctx, t, t.passwordRequests(perSecond*b.seconds), time.Second/perSecond)
		if err != nil {
			return err
		}
		slices.Sort(took)
		p99 = append(p99, float64(took[len(took)*99/100]))
	}
	value := median(p99, identity)
	b.report.measured(name, e.name, milliseconds(value)+" ms", "< 10 ms", value < float64(10*time.Millisecond))
	return nil
}

// openLoop sends a request at each tick and returns the time of each answer after its tick.
func openLoop(ctx context.Context, t *target, requests [][]byte, every time.Duration) ([]time.Duration, error) {
	idle := make(chan *connection, len(requests))
	took, errs := make([]time.Duration, len(requests)), make([]error, len(requests))
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range requests {
		due := begin.Add(time.Duration(i) * every)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		wg.Go(func() {
			var c *connection
			select {
			case c = <-idle:
			default:
				if c, errs[i] = dial(t.addr); errs[i] != nil {
					return
				}
			}
			r, err := c.send(requests[i])
			took[i] = time.Since(due)
			if err == nil && r.status != 200 {
				err = fmt.Errorf("status %d: %s", r.status, r.body)
			}
			errs[i] = err
			idle <- c
		})
	}
	wg.Wait()
	close(idle)
	for c := range idle {
		_ = c.Close()
	}
	return took, errors.Join(errs...)
}
