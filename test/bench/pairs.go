package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// A pair compares a sign-in by password on two servers, with a feature and without it.
type pair struct {
	line string
	// limit is how much more the sign-in may cost with the feature.
	limit float64
	// names are those of the servers, and set makes a setting for the one that is started next.
	names [2]string
	set   func(b *bench, name string)
}

var pairs = []pair{
	{
		line: "password sign-in with the audit trail, to one without", limit: 1.1, names: [2]string{"on", "off"},
		set: func(b *bench, mode string) { b.audit = mode },
	},
	{
		line: "password sign-in with threat protection, to one without", limit: 1.05, names: [2]string{"ENFORCED", "OFF"},
		set: func(b *bench, mode string) { b.threat = types.AdvancedSecurityModeType(mode) },
	},
}

// measurePairs measures all pairs.
func (b *bench) measurePairs(ctx context.Context, e *engine) error {
	for _, p := range pairs {
		if !b.wanted(p.line) {
			continue
		}
		if err := b.measurePair(ctx, e, p); err != nil {
			return fmt.Errorf("%s: %w", p.line, err)
		}
	}
	return nil
}

func (b *bench) measurePair(ctx context.Context, e *engine, p pair) (err error) {
	var targets [2]*target
	for i, name := range p.names {
		p.set(b, name)
		targets[i], err = b.newTarget(ctx, e, e.name+"-pair-"+name, 100)
		b.audit, b.threat = "", ""
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, targets[i].close()) }()
	}
	fmt.Fprintf(b.progress, "%s: %s\n", e.name, p.line)
	defer b.startProfile(ctx, targets[0], e.name+"-"+p.line)()
	var list []turn
	for round := range b.rounds + 1 {
		var cost [2]time.Duration
		for i, t := range targets {
			var replies []reply
			if cost[i], replies, err = b.cost(t, t.passwordRequests(signInsPerTurn)); err != nil {
				return err
			}
			if _, err := tokensOf(replies); err != nil {
				return err
			}
		}
		if round > 0 { // The first is for warming.
			list = append(list, turn{cost: cost[0], floor: cost[1]})
		}
	}
	b.report.ratio(p.line, e.name, list, p.limit)
	return nil
}
