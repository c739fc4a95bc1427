package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"cognate/test/bench/floor"
)

// bench is one run.
type bench struct {
	options
	dir      string
	progress io.Writer
	report   report
	told     bool // that a name exists, by the time of an answer
	floors   map[string]*process
	audit    string                         // the setting of servers that are started next; "" is off
	threat   types.AdvancedSecurityModeType // of the pools of servers that are started next; "" is OFF
}

// part is so many times a floor.
type part struct {
	times int
	floor string
	args  []string
	like  []byte // what a floor that serves HTTP is sent; nil: what the operation is sent
}

// floorTimes is how often a floor works in a turn. Turns are short, so that what
// else the machine does is the same for both sides of a ratio.
var floorTimes = map[string]int{
	floor.Signature: 150, floor.Fixed: 800, floor.Shared: 100, floor.BigFixed: 100, floor.BigShared: 60,
	floor.Row: 1500, floor.Handler: 3000, floor.Verify: 3000, floor.Decrypt: 150, floor.Exchange: 600,
}

// measureFloor returns the CPU time of a sum of floors.
func (b *bench) measureFloor(ctx context.Context, parts []part, like []byte) (sum time.Duration, err error) {
	for _, p := range parts {
		key := strings.Join(append([]string{p.floor}, p.args...), " ")
		f := b.floors[key]
		if f == nil {
			if f, err = floorProcess(ctx, os.Stderr, append([]string{p.floor}, p.args...)...); err != nil {
				return 0, err
			}
			if b.floors == nil {
				b.floors = map[string]*process{}
			}
			b.floors[key] = f
		}
		var one time.Duration
		if floor.Serves(p.floor) {
			sent := like
			if p.like != nil {
				sent = p.like
			}
			one, err = b.measureHandler(f, sent, floorTimes[p.floor])
		} else {
			one, err = f.do(floorTimes[p.floor], b.clients)
		}
		if err != nil {
			return 0, err
		}
		sum += time.Duration(p.times) * one
	}
	return sum, nil
}

// measureHandler sends a bare handler a request that often.
func (b *bench) measureHandler(f *process, like []byte, times int) (time.Duration, error) {
	c := clients{addr: f.addr}
	defer c.close()
	requests := make([][]byte, times)
	for i := range requests {
		requests[i] = like
	}
	before := f.cpu()
	if _, err := c.send(requests, b.clients); err != nil {
		return 0, err
	}
	return (f.cpu() - before) / time.Duration(len(requests)), nil
}

// wanted reports whether the operation is to be measured.
func (b *bench) wanted(operation string) bool {
	return strings.Contains(strings.ToLower(operation), strings.ToLower(b.only))
}

// cost sends requests and returns the server's CPU time for one.
func (b *bench) cost(t *target, requests [][]byte) (time.Duration, []reply, error) {
	before := t.cpu()
	replies, err := t.clients.send(requests, b.clients)
	return (t.cpu() - before) / time.Duration(len(requests)), replies, err
}

// turns measures an operation between its floors, again and again: the floor of
// a turn is the mean of those before and after.
func (b *bench) turns(ctx context.Context, t *target, e *engine, operation string, limit float64, floors []part, like []byte,
	one func() (time.Duration, error),
) error {
	if !b.wanted(operation) {
		return nil
	}
	list, err := b.takeTurns(ctx, t, e, operation, floors, like, one)
	if err == nil {
		b.report.ratio(operation, e.name, list, limit)
	}
	return err
}

// beyond is turns for an operation that may cost so much more than its floors.
func (b *bench) beyond(ctx context.Context, t *target, e *engine, operation string, limit time.Duration, floors []part, one func() (time.Duration, error)) error {
	if !b.wanted(operation) {
		return nil
	}
	list, err := b.takeTurns(ctx, t, e, operation, floors, nil, one)
	if err == nil {
		b.report.difference(operation, e.name, list, limit)
	}
	return err
}

// takeTurns returns the costs of an operation and of its floors.
func (b *bench) takeTurns(ctx context.Context, t *target, e *engine, operation string, floors []part, like []byte, one func() (time.Duration, error)) ([]turn, error) {
	fmt.Fprintf(b.progress, "%s: %s\n", e.name, operation)
	if _, err := one(); err != nil { // warm
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	finish := b.startProfile(ctx, t, e.name+"-"+operation)
	defer finish()
	before, err := b.measureFloor(ctx, floors, like)
	if err != nil {
		return nil, err
	}
	var list []turn
	for range b.rounds {
		cost, err := one()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", operation, err)
		}
		after, err := b.measureFloor(ctx, floors, like)
		if err != nil {
			return nil, err
		}
		list = append(list, turn{cost: cost, floor: (before + after) / 2})
		before = after
	}
	return list, nil
}

// startProfile asks the server's private listener for a CPU profile.
func (b *bench) startProfile(ctx context.Context, t *target, name string) func() {
	if b.profile == "" {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.fetchProfile(ctx, t, strings.NewReplacer(" ", "-", ",", "").Replace(name)); err != nil {
			fmt.Fprintln(b.progress, "profile:", err)
		}
	})
	return wg.Wait
}

func (b *bench) fetchProfile(ctx context.Context, t *target, name string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.private+"/debug/pprof/profile?seconds=6", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := os.MkdirAll(b.profile, 0o700); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(b.profile, name+".pprof"))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, res.Body)
	return errors.Join(err, f.Close())
}

// exponentiations compares the exponentiations of keys/srp with math/big's.
func (b *bench) exponentiations(ctx context.Context) error {
	for _, row := range []struct{ name, ours, theirs string }{
		{"g^b by table, to math/big", floor.Fixed, floor.BigFixed},
		{"S, to math/big", floor.Shared, floor.BigShared},
	} {
		if !b.wanted(row.name) {
			continue
		}
		var list []turn
		for range b.rounds {
			theirs, err := b.measureFloor(ctx, []part{{times: 1, floor: row.theirs}}, nil)
			if err != nil {
				return err
			}
			ours, err := b.measureFloor(ctx, []part{{times: 1, floor: row.ours}}, nil)
			if err != nil {
				return err
			}
			list = append(list, turn{cost: ours, floor: theirs})
		}
		b.report.ratio(row.name, "", list, 0)
	}
	return nil
}
