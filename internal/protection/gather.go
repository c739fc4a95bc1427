package protection

import (
	"cmp"
	"context"
	"slices"
	"time"

	"cognate/internal/audit/intake"
	"cognate/internal/store"
)

// defaultPatience is how long an answer waits for its event, unless the operator sets another time.
const defaultPatience = 10 * time.Second

// Record writes the event of an operation that makes no commit of its own. The events of concurrent operations share a
// commit. It returns when the event is stored: only then may the answer be sent. Record goes on if its client has
// gone: an attacker could hang up before the event is stored. There is nothing to do for an event that is not dirty.
func (s *Service) Record(ctx context.Context, e *Event) error {
	if !e.Dirty() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.deps.Patience)
	defer cancel()
	row := *e // The caller may change the event while the writer still has the row.
	if err := s.events.Write(ctx, &row); err != nil {
		return err
	}
	e.Written()
	return nil
}

// Close stores the events that wait.
func (s *Service) Close(ctx context.Context) error { return s.intake.Close(ctx) }

// Waiting returns how many answers wait for their event to be stored.
func (s *Service) Waiting() int { return s.intake.Waiting() }

// eventWriter is the intake's writer of events.
type eventWriter struct{}

// Insert implements intake.Writer. All servers write in the same order, so that their transactions do not wait for each
// other in a circle.
func (eventWriter) Insert(ctx context.Context, tx *store.Tx, rows []*Event) error {
	ordered := slices.Clone(rows)
	slices.SortStableFunc(ordered, func(a, b *Event) int {
		return cmp.Or(cmp.Compare(a.in.Pool.ID, b.in.Pool.ID), cmp.Compare(a.row(), b.row()))
	})
	for _, e := range ordered {
		if err := e.Write(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// Settle implements intake.Writer.
func (eventWriter) Settle([]*Event, error) {}

// newIntake returns an intake for events alone: an event that cannot be stored must not hold up the audit trail.
func newIntake(d Deps) (*intake.Intake, *intake.Kind[*Event]) {
	in := intake.New(d.Store, "auth events", d.Log)
	return in, intake.Register(in, eventWriter{})
}
