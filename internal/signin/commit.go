package signin

import (
	"context"
	"errors"

	"cognate/internal/store"
)

// A call writes through commit alone. A step that judges an answer by the store (a
// code, a time step, a passkey) commits before the pool's functions are called and
// before anything is signed. Whatever is left to write goes with the call's last
// commit.

// onCommit leaves a write to the call's next commit.
func (c *call) onCommit(write func(tx *store.Tx) error) { c.writes = append(c.writes, write) }

// commit runs writes, which may be nil, stores what the call has left to write, and
// spends the state that the call answers: all in one transaction. Of simultaneous
// answers to one state, one commits; the others learn that the session was used. If
// writes fails, the state stays for another try. A state is spent by the first
// commit of a call, and later ones only write.
func (s *Service) commit(ctx context.Context, c *call, writes func(tx *store.Tx) error) error {
	spends := c.response != nil && !c.response.spent
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if writes != nil {
			if err := writes(tx); err != nil {
				return err
			}
		}
		for _, write := range c.writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		if err := c.event.Write(ctx, tx); err != nil {
			return err
		}
		if err := s.storeStates(ctx, tx, c); err != nil {
			return err
		}
		if !spends {
			return nil
		}
		return s.spend(ctx, tx, c.response.state)
	}, store.Retry)
	switch {
	case errors.Is(err, store.ErrSpent) && spends:
		return c.response.state.maskBlockError(c.response.state.used())
	case err != nil:
		return err
	}
	c.writes, c.storedStates = nil, nil
	c.event.Written()
	if spends {
		c.response.spent = true
	}
	return nil
}

// commitFirst spends the state before its answer is judged. It is for steps after
// which the state is spent whether the answer was right or wrong: of many
// simultaneous answers, one is judged, and no other learns whether it was right.
func (s *Service) commitFirst(ctx context.Context, r *challengeResponse) error {
	return s.commit(ctx, r.call, nil)
}

// commitRest ends a step that succeeded: it commits, unless only an event is left.
func (s *Service) commitRest(ctx context.Context, c *call) error {
	if len(c.writes) == 0 && len(c.storedStates) == 0 && (c.response == nil || c.response.spent) {
		return s.protection.Record(ctx, c.event)
	}
	return s.commit(ctx, c, nil)
}

// commitFailure spends the state after a terminal error, without what the step
// left to write. A wrong answer that comes too late is answered as a right one: of
// many simultaneous answers, one learns how it was judged.
func (s *Service) commitFailure(ctx context.Context, c *call) error {
	c.writes, c.storedStates = nil, nil
	c.event.Abandon()
	if c.response == nil || c.response.spent {
		return s.recordFailure(ctx, c, nil)
	}
	return s.commit(ctx, c, nil)
}
