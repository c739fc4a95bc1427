package main

import (
	"context"
	"fmt"
	"time"
)

// measureTracking compares a sign-in by password where the pool tracks sessions,
// which stores a row, with one where it does not, which writes nothing.
func (b *bench) measureTracking(ctx context.Context, e *engine, t *target) error {
	const name = "password sign-in with session tracking, to without"
	if !b.wanted(name) {
		return nil
	}
	fmt.Fprintf(b.progress, "%s: %s\n", e.name, name)
	var list []turn
	for round := range b.rounds + 1 {
		var cost [2]time.Duration
		for i, status := range []string{"ENABLED", "DISABLED"} {
			if err := t.track(ctx, status); err != nil {
				return err
			}
			var err error
			if cost[i], err = b.wholeCost(e, t, t.passwordRequests(signInsPerTurn)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if round > 0 { // the first is for warming
			list = append(list, turn{cost: cost[0], floor: cost[1]})
		}
	}
	b.report.ratio(name, e.name, list, 0)
	return nil
}

// track turns the pool's tracking of sessions on and off.
func (t *target) track(ctx context.Context, status string) error {
	r, err := t.signed(ctx, "SetUserPoolSessionConfiguration", map[string]any{
		"UserPoolId": t.pool, "UserSessionTracking": status, "TokenSession": map[string]int{"MaxPerUser": 20},
	})
	if err != nil {
		return err
	}
	_, err = t.clients.send([][]byte{r}, 1)
	return err
}
