package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cognate/test/bench/newcomer"
)

// measureFlat compares the cost of the same operations in a small and in a
// large pool. On PostgreSQL its backends' CPU time counts too: that is where a
// bad plan would show.
func (b *bench) measureFlat(ctx context.Context, e *engine, small *target) (err error) {
	if !b.wanted("flat:") && !strings.HasPrefix(b.only, "flat:") {
		return nil
	}
	large, err := b.newTarget(ctx, e, e.name+"-large", b.users)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, large.close()) }()
	sides := [2]*target{large, small}
	for _, row := range []struct {
		name     string
		requests func(context.Context, *target) ([][]byte, error)
	}{
		{"password sign-in", func(_ context.Context, t *target) ([][]byte, error) { return t.passwordRequests(signInsPerTurn), nil }},
		{"GetUser", func(_ context.Context, t *target) ([][]byte, error) {
			known, err := b.signIn(t, 2*signInsPerTurn)
			return t.getUserRequests(known, 3*len(known)), err
		}},
		{"filtered ListUsers page", listRequests},
		{"authorize with a session", func(_ context.Context, t *target) ([][]byte, error) { return b.authorizeRequests(t, authorizesPerTurn) }},
		{"code to tokens", func(_ context.Context, t *target) ([][]byte, error) { return b.codeRequests(t, signInsPerTurn) }},
	} {
		name := fmt.Sprintf("flat: %s at %d users, to %d", row.name, b.users, b.few)
		if !b.wanted(name) {
			continue
		}
		fmt.Fprintf(b.progress, "%s: %s\n", e.name, name)
		var list []turn
		for round := range b.rounds + 1 {
			var cost [2]time.Duration
			for i, t := range sides {
				requests, err := row.requests(ctx, t)
				if err != nil {
					return err
				}
				if cost[i], err = b.wholeCost(e, t, requests); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			if round > 0 { // the first is for warming
				list = append(list, turn{cost: cost[0], floor: cost[1]})
			}
		}
		b.report.ratio(name, e.name, list, 1.3)
	}
	return nil
}

// wholeCost counts the database's processes too.
func (b *bench) wholeCost(e *engine, t *target, requests [][]byte) (time.Duration, error) {
	var before map[int]time.Duration
	if e.parent != 0 {
		before = family(e.parent)
	}
	cost, _, err := b.cost(t, requests)
	if e.parent != 0 {
		cost += since(before, family(e.parent)) / time.Duration(len(requests))
	}
	return cost, err
}

// listRequests ask for ten users whose address begins with something that at
// least ten addresses begin with, whatever the pool's size.
func listRequests(ctx context.Context, t *target) ([][]byte, error) {
	digits := 1
	for left := t.users / 16; left >= 40*16; left /= 16 {
		digits++
	}
	list := make([][]byte, 0, listsPerTurn)
	for _, p := range t.pick(listsPerTurn) {
		r, err := t.signed(ctx, "ListUsers", map[string]any{
			"UserPoolId": t.pool, "Filter": fmt.Sprintf("email ^= %q", p.email[:digits]), "Limit": 10,
		})
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// footprint measures what a server costs that nobody uses.
func (b *bench) footprint(ctx context.Context) error {
	if !b.wanted("footprint start memory binary") && !b.wanted("footprint") {
		return nil
	}
	info, err := os.Stat(b.program)
	if err != nil {
		return err
	}
	b.report.measured("stripped binary", "", mib(info.Size()), "< 40 MiB", info.Size() < 40<<20)

	dir := filepath.Join(b.dir, "dev")
	addr, err := freeAddress()
	if err != nil {
		return err
	}
	var took, resident []float64
	for i := range 6 {
		p, d, err := b.startDev(ctx, dir, addr)
		if err != nil {
			return err
		}
		<-time.After(2 * time.Second) // It is idle now.
		memory := p.resident()
		if err := p.stop(); err != nil {
			return err
		}
		if i > 0 { // the first start makes the database
			took, resident = append(took, float64(d)), append(resident, float64(memory))
		}
	}
	first, idle := median(took, identity), int64(median(resident, identity))
	b.report.measured("cognate dev: start to first answer", "sqlite", milliseconds(first)+" ms", "< 100 ms", first < float64(100*time.Millisecond))
	b.report.measured("idle memory (resident)", "sqlite", mib(idle), "< 48 MiB", idle < 48<<20)
	return b.newcomer(ctx, addr)
}

// newcomer measures starts of cognate dev with a seed, each on a new database, and fresh user pools.
func (b *bench) newcomer(ctx context.Context, addr string) error {
	var fresh []float64
	for _, seed := range []struct {
		users int
		limit time.Duration
	}{{100, 150 * time.Millisecond}, {10_000, 2 * time.Second}} {
		file := filepath.Join(b.dir, fmt.Sprint("seed", seed.users, ".yaml"))
		if err := newcomer.Seed(file, seed.users); err != nil {
			return err
		}
		var took []float64
		for i := range 5 {
			p, d, err := b.startDev(ctx, fmt.Sprint(file, "-", i), addr, "--seed", file)
			if err != nil {
				return err
			}
			took = append(took, float64(d))
			more, err := newcomer.FreshPool(ctx, addr, 20)
			fresh = append(fresh, more...)
			if err := errors.Join(err, p.stop()); err != nil {
				return err
			}
		}
		d := median(took, identity)
		b.report.measured(fmt.Sprintf("cognate dev: start with a seed of %d users", seed.users), "sqlite", milliseconds(d)+" ms", fmt.Sprint("< ", seed.limit), d < float64(seed.limit))
	}
	each := median(fresh, identity)
	b.report.measured("fresh user pool, app client and user", "sqlite", milliseconds(each)+" ms", "< 5 ms", each < float64(5*time.Millisecond))
	return nil
}

// startDev starts cognate dev, and returns the time to its first answer.
func (b *bench) startDev(ctx context.Context, dir, addr string, flags ...string) (*process, time.Duration, error) {
	begin := time.Now()
	p, err := start(ctx, os.Stderr, nil, b.program, append([]string{"dev", "--data", dir, "--listen", addr, "--private-listen", "off", "--log-level", "error"}, flags...)...)
	if err != nil {
		return nil, 0, err
	}
	if err := newcomer.Await(ctx, addr); err != nil {
		return nil, 0, errors.Join(err, p.stop())
	}
	return p, time.Since(begin), nil
}
