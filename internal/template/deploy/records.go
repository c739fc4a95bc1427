package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cognate/internal/keys"
	"cognate/internal/store"
)

// A record is a resource as the store has it. It says which change is under way: if the server dies in the
// middle, the next one undoes the change.
type record struct {
	id string

	Path, Type string
	// Order is the position of the resource. Each resource follows those that it needs.
	Order int
	// Generation is how often the resource was replaced.
	Generation int
	Retain     bool
	state
	// Change is the change that is under way. Before is the state before an update, and the earlier state of a
	// resource that somebody has deleted and the run creates again.
	Change changing `json:",omitempty"`
	Before *state   `json:",omitempty"`
}

// is reports whether the record is of the resource with a type, a Ref and the parent that members name.
func (r *record) is(k *kind, resourceType, ref string, members properties) bool {
	return r.Type == resourceType && r.Ref == ref && equal(r.Members[k.parent], members[k.parent])
}

// changing is a change of a resource that is under way.
type changing string

const (
	// creating and updating are undone if the run fails.
	creating changing = "creating"
	updating changing = "updating"
	// withdrawn is an old resource that had to be removed before the new one could be created. It is created
	// again if the run fails.
	withdrawn changing = "withdrawn"
	// removing is a removal after the commit of the run. It goes on until it succeeds.
	removing changing = "removing"
)

const (
	// maxResources is how many resources that this package creates a template has at most.
	maxResources = 10_000
	// maxRecords is how many records a stack may have: those of two templates, and what could not be removed.
	maxRecords = 4 * maxResources
)

// A claim is the right to change a stack. Only one server at a time has it.
type claim struct {
	s     *Service
	owner string
	stop  context.CancelFunc
	ended chan struct{}
}

const (
	beatInterval = time.Second
	// beatPatience is how long a server waits for an owner whose heartbeat has stopped.
	beatPatience = 15 * time.Second
)

// claim waits until no other server changes the stack, and takes the stack. It also takes it from an owner
// whose heartbeat has stopped. With the embedded database there are no other servers, so it does not wait.
func (s *Service) claim(ctx context.Context) (*claim, error) {
	owner := keys.NewUUID()
	var last store.TemplateStack
	waited := time.Duration(0)
	for {
		now, err := s.deps.Store.TemplateStack(ctx, s.stack())
		if err != nil {
			return nil, err
		}
		if now != last {
			last, waited = now, 0
		}
		if now.Owner == "" || s.deps.Alone || waited >= beatPatience {
			err = s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.TakeTemplateStack(ctx, now, owner) })
			if err == nil {
				return s.claimed(owner), nil
			}
			if !errors.Is(err, store.ErrConflict) {
				return nil, err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(beatInterval / 4):
			waited += beatInterval / 4
		}
	}
}

// claimed returns a claim, and writes its heartbeat until it ends.
func (s *Service) claimed(owner string) *claim {
	ctx, stop := context.WithCancel(context.Background())
	c := &claim{s: s, owner: owner, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		beat := time.NewTicker(beatInterval)
		defer beat.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-beat.C:
			}
			_ = c.write(ctx, nil) // The next change of the stack gets the error.
		}
	}()
	return c
}

// write changes records of the stack, unless another server has taken it.
func (c *claim) write(ctx context.Context, f func(tx *store.Tx) error) error {
	err := c.s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.BeatTemplateStack(ctx, c.s.stack(), c.owner); err != nil || f == nil {
			return err
		}
		return f(tx)
	})
	if errors.Is(err, store.ErrConflict) {
		return errors.New("another server has taken over the stack " + c.s.stack())
	}
	return err
}

// free ends the claim.
func (c *claim) free(ctx context.Context) error {
	c.stop()
	<-c.ended
	return c.s.deps.Store.Update(ctx, func(tx *store.Tx) error { return tx.FreeTemplateStack(ctx, c.s.stack(), c.owner) })
}

// put stores records.
func (c *claim) put(ctx context.Context, list ...*record) error {
	rows := make([]store.TemplateResource, 0, len(list))
	for _, r := range list {
		row, err := c.s.seal(r)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	return c.write(ctx, func(tx *store.Tx) error {
		for _, row := range rows {
			if err := tx.PutTemplateResource(ctx, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// drop removes a record.
func (c *claim) drop(ctx context.Context, r *record) error {
	return c.write(ctx, func(tx *store.Tx) error { return tx.DeleteTemplateResource(ctx, c.s.stack(), r.id) })
}

func (s *Service) seal(r *record) (store.TemplateResource, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return store.TemplateResource{}, err
	}
	return store.TemplateResource{Stack: s.stack(), ID: r.id, Body: s.deps.Ring.Seal(keys.PurposeSetting, s.binding(r.id), text)}, nil
}

// binding binds a sealed record to its row.
func (s *Service) binding(id string) []byte {
	return fmt.Appendf(nil, "template\x00%s\x00%s", s.stack(), id)
}

// load reads the records of the stack, in their order.
func (s *Service) load(ctx context.Context) ([]*record, error) {
	rows, err := s.deps.Store.TemplateResources(ctx, s.stack(), maxRecords)
	if err != nil {
		return nil, err
	}
	if len(rows) == maxRecords { // There may be more, and they would be made again.
		return nil, fmt.Errorf("the stack %s has more than %d resources", s.options.StackName, maxRecords)
	}
	var list []*record
	for _, row := range rows {
		text, err := s.deps.Ring.Open(keys.PurposeSetting, s.binding(row.ID), row.Body)
		if err != nil {
			return nil, fmt.Errorf("the resource %s of the stack %s: %w", row.ID, s.stack(), err)
		}
		r := &record{id: row.ID}
		if err := json.Unmarshal(text, r); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, byOrder)
	return list, nil
}

// byOrder compares the positions of two resources.
func byOrder(a, b *record) int { return a.Order - b.Order }
