package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// lineAudit compares a server that records each request with one that does not.
const lineAudit = "password sign-in with the audit trail, to one without"

// auditLimit is how much more a recorded sign-in may cost.
const auditLimit = 1.1

// measureAudit compares a sign-in by password on a server that records it with one on a server that
// does not.
func (b *bench) measureAudit(ctx context.Context, e *engine) (err error) {
	if !b.wanted(lineAudit) {
		return nil
	}
	var targets [2]*target
	for i, mode := range []string{"on", "off"} {
		b.audit = mode
		targets[i], err = b.newTarget(ctx, e, e.name+"-audit-"+mode, 100)
		if b.audit = ""; err != nil {
			return err
		}
		defer func() { err = errors.Join(err, targets[i].close()) }()
	}
	fmt.Fprintf(b.progress, "%s: %s\n", e.name, lineAudit)
	var list []turn
	for round := range b.rounds + 1 {
		var cost [2]time.Duration
		for i, t := range targets {
			var replies []reply
			if cost[i], replies, err = b.cost(t, t.passwordRequests(signInsPerTurn)); err != nil {
				return fmt.Errorf("%s: %w", lineAudit, err)
			}
			if _, err := tokensOf(replies); err != nil {
				return err
			}
		}
		if round > 0 { // The first is for warming.
			list = append(list, turn{cost: cost[0], floor: cost[1]})
		}
	}
	b.report.ratio(lineAudit, e.name, list, auditLimit)
	return nil
}
