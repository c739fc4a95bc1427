package trail

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"cognate/internal/store"
)

// maintenance is the state of Maintain.
type maintenance struct {
	// moved is true if the chain of this process has grown since the last checkpoint.
	moved atomic.Bool
}

const (
	// sweepRecords is how many records one transaction of the sweep removes at most.
	sweepRecords = 200
	// maxSweep is how many records of a chain one call of Maintain removes at most.
	maxSweep = 20_000
	// endAfter is how long a chain without records must have been still before it is left out of
	// checkpoints.
	endAfter = 24 * time.Hour
	// recentHeads is the time in which a chain must have grown for the checkpoints of other
	// processes to state its head.
	recentHeads = 10 * time.Minute
)

// Maintain writes the record about a gap, stores a checkpoint if the chain has grown, and removes
// the records that are older than the retention.
func (t *Trail) Maintain(ctx context.Context) error {
	if count, _, _ := t.gap.seen(); count > 0 {
		if err := t.kind.Write(ctx, nil); err != nil {
			return err
		}
	}
	if t.maintenance.moved.Swap(false) {
		if err := t.storeCheckpoint(ctx); err != nil {
			t.maintenance.moved.Store(true)
			return err
		}
	}
	return t.Sweep(ctx)
}

// storeCheckpoint stores a checkpoint of the chains that grew lately.
func (t *Trail) storeCheckpoint(ctx context.Context) error {
	now := t.deps.Now()
	var heads []ChainHead
	var last position
	err := eachChain(ctx, &t.deps.Store.Reader, true, func(c store.AuditChain) error {
		if now.Sub(c.UpdatedAt) > recentHeads {
			return nil
		}
		h, err := t.head(c)
		if err != nil {
			t.deps.Log.ErrorContext(ctx, "a chain of the audit trail is not valid", slog.String("chain", ChainName(c.Chain)), slog.Any("error", err))
			return nil
		}
		heads = append(heads, h)
		last = position{chain: c.Chain, seq: c.Seq}
		return nil
	})
	if err != nil || len(heads) == 0 {
		return err
	}
	row := t.checkpointRow(last, t.sign(now, heads))
	return t.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.PutAuditCheckpoint(ctx, row) })
}

// Sweep removes the records and the checkpoints that are older than the retention. Only the
// beginning of a chain is removed, and the chain then states where it begins.
func (t *Trail) Sweep(ctx context.Context) error {
	before := t.deps.Now().Add(-t.deps.Retention)
	err := eachChain(ctx, &t.deps.Store.Reader, true, func(c store.AuditChain) error {
		return t.sweepChain(ctx, c, before)
	})
	if err != nil {
		return err
	}
	return t.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.SweepAuditCheckpoints(ctx, before, sweepRecords) })
}

func (t *Trail) sweepChain(ctx context.Context, c store.AuditChain, before time.Time) error {
	for range maxSweep / sweepRecords {
		if c.First > c.Seq {
			if t.deps.Now().Sub(c.UpdatedAt) < endAfter {
				return nil
			}
			return t.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.EndAuditChain(ctx, c) })
		}
		// Most chains have nothing to sweep, which their first record shows.
		list, err := t.deps.Store.AuditEventsOf(ctx, c.Chain, c.First-1, 1)
		if err == nil && len(list) == 1 && list[0].At.Before(before) {
			list, err = t.deps.Store.AuditEventsOf(ctx, c.Chain, c.First-1, sweepRecords)
		}
		if err != nil {
			return err
		}
		// A record that is missing or in another place is for verification to report.
		n := 0
		for n < len(list) && list[n].Seq == c.First+int64(n) && list[n].At.Before(before) {
			n++
		}
		if n == 0 {
			return nil
		}
		next, err := t.cut(ctx, c, position{c.Chain, list[n-1].Seq, list[n-1].Hash})
		if errors.Is(err, store.ErrConflict) {
			return nil // Another process sweeps it.
		}
		if err != nil {
			return err
		}
		c = next
		if n < sweepRecords {
			return nil
		}
	}
	return nil
}

// cut removes the records of a chain up to the position last. A signed checkpoint states where the
// chain begins then.
func (t *Trail) cut(ctx context.Context, c store.AuditChain, last position) (store.AuditChain, error) {
	next := c
	next.First, next.Tail = last.seq+1, t.sealPosition("tail", last)
	err := t.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.CutAuditChain(ctx, next, c.First); err != nil {
			return err
		}
		now, err := tx.AuditChain(ctx, c.Chain)
		if err != nil {
			return err
		}
		head, err := t.openHead(now)
		if err != nil {
			return err
		}
		next.Seq, next.UpdatedAt = now.Seq, now.UpdatedAt
		if err := tx.DeleteAuditEvents(ctx, c.Chain, c.First, next.First); err != nil {
			return err
		}
		return tx.PutAuditCheckpoint(ctx, t.checkpointRow(head, t.sign(t.deps.Now(), []ChainHead{headOf(head, next.First, last.hash)})))
	})
	return next, err
}

// eraseRecords is how many records one transaction of EraseUser changes at most.
const eraseRecords = 200

// EraseUser removes what can name a person from the records about a user: the sub, the address, the
// user agent and, for identity pools, the identity. The chain stays valid. It returns the number of
// records.
func (t *Trail) EraseUser(ctx context.Context, poolID, sub string) (int64, error) {
	if sub == "" {
		return 0, errors.New("trail: no sub")
	}
	total := int64(0)
	for {
		var n int64
		err := t.deps.Store.Update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.EraseAuditEvents(ctx, poolID, sub, eraseRecords)
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		if n < eraseRecords {
			return total, nil
		}
	}
}
