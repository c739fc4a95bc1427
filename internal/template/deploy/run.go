package deploy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"cognate/internal/api/invoke"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A run carries out a plan.
type run struct {
	*Service
	claim *claim
	plan  *plan
	// mask removes the secrets of the template from a text.
	mask func(string) string
	// done are the records of the run, in the order of its steps.
	done []*record
	// live are the records of all resources of the template. leaving are the records of the resources that
	// the run removes at its end.
	live, leaving []*record
	counts        counts
}

// counts are the numbers of resources that a run has created, changed, replaced and removed.
type counts struct{ created, changed, replaced, removed int }

// forward creates and changes resources, and commits the run.
func (r *run) forward(ctx context.Context) error {
	for i, it := range r.plan.items {
		if it.kind == nil {
			continue
		}
		if it.action != keep || it.kind.later != "" || it.refersToLater(r.plan) {
			r.plan.settle(it) // With values that the server has chosen meanwhile.
			if err := r.plan.failed; err != nil {
				return err
			}
			if err := r.plan.problems.Err(); err != nil {
				return err
			}
		}
		if err := r.step(ctx, it, i); err != nil {
			return errors.New(it.Problem("", invoke.Text(err)).String())
		}
	}
	for _, it := range r.plan.items { // Environment variables may have values that the server has chosen.
		if it.kind == nil && r.plan.isFunction(it) {
			r.plan.settleFunction(it)
		}
	}
	for _, gone := range r.plan.gone {
		if !gone.Retain {
			r.leaving = append(r.leaving, gone)
		}
	}
	return r.commit(ctx)
}

// refersToLater reports whether a resource uses a resource that this run has created or changed.
func (it *item) refersToLater(p *plan) bool {
	return slices.ContainsFunc(it.Uses, func(path string) bool {
		used := p.byPath[path]
		return used != nil && used.action != keep
	})
}

// step carries out the action of a resource.
func (r *run) step(ctx context.Context, it *item, order int) error {
	next := &record{
		Path: it.Path, Type: it.Type, Order: order, Generation: it.generation, Retain: it.Retain, state: it.want,
	}
	switch it.action {
	case keep:
		next.id = it.old.id
	case change:
		next.id, next.Change, next.Before = it.old.id, updating, &it.old.state
		r.counts.changed++
	case create:
		if err := r.checkFree(ctx, it); err != nil {
			return err
		}
		next.id, next.Change = keys.NewUUID(), creating
		if it.old != nil { // Somebody has deleted the resource.
			next.id, next.Before = it.old.id, &it.old.state
		}
		r.counts.created++
	case replace:
		next.id, next.Change = keys.NewUUID(), creating
		r.counts.replaced++
		if err := r.checkFree(ctx, it); err != nil {
			return err
		}
		if err := r.withdraw(ctx, it); err != nil {
			return err
		}
	}
	r.live = append(r.live, next)
	if it.action == keep {
		return nil
	}
	r.done = append(r.done, next)
	if err := r.claim.put(ctx, next); err != nil {
		return err
	}
	var err error
	if it.action == change {
		if it.kind.update != nil {
			err = it.kind.update(ctx, r.Service, &next.state, next.Before)
		}
	} else {
		err = r.create(ctx, it.kind, &next.state)
	}
	if err != nil {
		return err
	}
	it.want = next.state
	return r.claim.put(ctx, next)
}

// checkFree rejects the creation of a resource that exists already. It was created by other means, or belongs
// to another logical id until the end of the run. The undoing of a failed run would remove it.
func (r *run) checkFree(ctx context.Context, it *item) error {
	if it.kind.exists == nil {
		return nil
	}
	there, err := it.kind.exists(ctx, r.Service, &it.want)
	if err != nil || !there {
		return err
	}
	for _, path := range sortedKeys(r.plan.records) {
		if path != it.Path && r.plan.records[path].is(it.kind, it.Type, it.want.Ref, it.want.Members) {
			return fmt.Errorf("%s is in use by the resource %s until this change is complete; as in CloudFormation, a resource cannot take the name of another one in the same change: make the change in two steps, the first with a name that is not in use",
				it.want.Ref, path)
		}
	}
	return fmt.Errorf("%s exists already, and is not a resource of the stack %s: delete it, or choose another name or id", it.want.Ref, r.options.StackName)
}

// withdraw prepares the removal of a resource that is replaced: at the end of the run, or at once if the old
// and the new resource cannot exist together.
func (r *run) withdraw(ctx context.Context, it *item) error {
	if it.RetainOnReplace && !it.kind.withdrawn {
		return nil
	}
	if !it.kind.withdrawn {
		r.leaving = append(r.leaving, it.old)
		return nil
	}
	if there, err := it.kind.exists(ctx, r.Service, &it.old.state); err != nil || !there {
		r.leaving = append(r.leaving, it.old) // Somebody has deleted it: a failed run must not create it again.
		return err
	}
	old := *it.old
	old.Change = withdrawn
	r.done, r.leaving = append(r.done, &old), append(r.leaving, &old)
	if err := r.claim.put(ctx, &old); err != nil {
		return err
	}
	return it.kind.remove(ctx, r.Service, &old.state)
}

// commit stores in one transaction that the run has succeeded. After it, nothing is undone.
func (r *run) commit(ctx context.Context) error {
	var rows []store.TemplateResource
	kept := map[string]bool{}
	add := func(rec *record) error {
		kept[rec.id] = true
		row, err := r.seal(rec)
		rows = append(rows, row)
		return err
	}
	for _, rec := range r.live {
		final := *rec
		final.Change, final.Before = "", nil
		if err := add(&final); err != nil {
			return err
		}
	}
	for i, rec := range r.leaving {
		final := *rec
		final.Change, final.Before = removing, nil
		r.leaving[i] = &final
		if err := add(&final); err != nil {
			return err
		}
	}
	var forgotten []string // resources that stay without a template
	for _, rec := range r.plan.records {
		if !kept[rec.id] {
			forgotten = append(forgotten, rec.id)
		}
	}
	return r.claim.write(ctx, func(tx *store.Tx) error {
		for _, row := range rows {
			if err := tx.PutTemplateResource(ctx, row); err != nil {
				return err
			}
		}
		for _, id := range forgotten {
			if err := tx.DeleteTemplateResource(ctx, r.stack(), id); err != nil {
				return err
			}
		}
		return nil
	})
}

// back undoes what the run has done, in reverse order.
func (r *run) back(ctx context.Context, cause error) error {
	if err := r.undo(ctx, r.done); err != nil {
		return fmt.Errorf("%w\nsome changes could not be undone; the next attempt undoes them first: %w", cause, err)
	}
	if len(r.done) > 0 {
		return fmt.Errorf("%w\nthe changes were undone", cause)
	}
	return cause
}

// undo undoes the changes of records that are under way, in reverse order.
func (r *run) undo(ctx context.Context, list []*record) error {
	var errs []error
	for _, rec := range slices.Backward(list) {
		if err := r.undoOne(ctx, rec); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s", rec.Path, r.mask(invoke.Text(err))))
		}
	}
	return errors.Join(errs...)
}

func (r *run) undoOne(ctx context.Context, rec *record) error {
	k := r.kinds[rec.Type]
	if k == nil {
		return nil // of another version of the server
	}
	before := *rec
	before.Change, before.Before = "", nil
	switch rec.Change {
	case creating:
		if err := k.removeIfThere(ctx, r.Service, &rec.state); err != nil { // The operation may have failed.
			return err
		}
		if rec.Before == nil {
			return r.claim.drop(ctx, rec)
		}
		before.state = *rec.Before // The next run creates it again, and applies the resources that use it.
	case updating:
		before.state = *rec.Before
		if k.update != nil {
			// A resource that somebody has deleted is created again by the next run.
			if err := unlessMissing(k.update(ctx, r.Service, &before.state, &rec.state)); err != nil {
				return err
			}
		}
	case withdrawn:
		there := false
		if k.exists != nil {
			var err error
			if there, err = k.exists(ctx, r.Service, &rec.state); err != nil {
				return err
			}
		}
		if !there {
			// If somebody has deleted the parent of the resource, the next run creates both again.
			if err := unlessMissing(r.create(ctx, k, &before.state)); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	return r.claim.put(ctx, &before)
}

// recover completes an earlier run that ended in the middle. It undoes the changes of a run without a commit,
// and goes on with the removals of a run with one. It returns the records of the resources that exist.
func (r *run) recover(ctx context.Context, records []*record) ([]*record, error) {
	ctx = invoke.In(ctx, r.options.Region)
	var open, kept []*record
	for _, rec := range records {
		switch rec.Change {
		case "":
			kept = append(kept, rec)
		case removing:
			r.leaving = append(r.leaving, rec)
		default:
			open = append(open, rec)
		}
	}
	r.live = kept
	stayed := r.cleanUp(ctx)
	r.live, r.leaving, r.counts = nil, nil, counts{}
	if len(open) > 0 {
		r.deps.Log.WarnContext(ctx, "an earlier attempt to apply a template did not end: its changes are undone", slog.Int("resources", len(open)))
		if err := r.undo(ctx, open); err != nil {
			return nil, fmt.Errorf("the changes of an earlier attempt could not be undone: %w", err)
		}
		all, err := r.load(ctx)
		if err != nil {
			return nil, err
		}
		kept = slices.DeleteFunc(all, func(rec *record) bool { return rec.Change != "" })
	}
	return r.takeBack(ctx, kept, stayed), nil
}

// takeBack adds resources that could not be removed to the records of those that exist. If the template has one
// of them again, it is the same resource. Otherwise this run tries again to remove it. A resource whose path
// another one has got is left out: only the next run tries again.
func (r *run) takeBack(ctx context.Context, kept []*record, stayed []unremoved) []*record {
	for _, u := range stayed {
		if slices.ContainsFunc(kept, func(k *record) bool { return k.Path == u.Path }) {
			r.warn(ctx, u)
			continue
		}
		again := *u.record
		again.Change = ""
		kept = append(kept, &again)
	}
	slices.SortStableFunc(kept, byOrder)
	return kept
}

// An unremoved is the record of a resource that could not be removed, and the reason.
type unremoved struct {
	*record
	reason error
}

func (r *run) warn(ctx context.Context, u unremoved) {
	r.deps.Log.WarnContext(ctx, "a resource that left the template could not be removed: the next start or change tries again",
		slog.String("resource", u.Path), slog.String("type", u.Type), slog.String("name", r.mask(u.Ref)), slog.String("reason", r.mask(invoke.Text(u.reason))))
}

// cleanUp removes the resources that left the template, in reverse order. It returns those that could not be
// removed. They stay for the next run.
func (r *run) cleanUp(ctx context.Context) []unremoved {
	var stayed []unremoved
	for _, rec := range slices.Backward(r.leaving) {
		k := r.kinds[rec.Type]
		if k == nil {
			continue
		}
		// A setting of another resource may belong to a new resource now.
		taken := slices.ContainsFunc(r.live, func(l *record) bool {
			return l.is(k, rec.Type, rec.Ref, rec.Members)
		})
		if !taken {
			if err := k.removeIfThere(ctx, r.Service, &rec.state); err != nil {
				stayed = append(stayed, unremoved{rec, err})
				continue
			}
		}
		if err := r.claim.drop(ctx, rec); err != nil {
			r.deps.Log.WarnContext(ctx, "the record of a removed resource could not be deleted", slog.String("resource", rec.Path), slog.Any("error", err))
			continue
		}
		r.counts.removed++
	}
	return stayed
}
