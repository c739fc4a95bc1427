package userimport

import (
	"context"
	"errors"
	"testing"

	"cognate/internal/keys"
	"cognate/test/fresh"
)

// TestNodeWithoutKeys: a node that cannot open a job's file, since it has not loaded
// a new data key, does not end the job. One that has retired keys alone leaves the
// job to other nodes.
func TestNodeWithoutKeys(t *testing.T) {
	engines(t, func(t *testing.T, r *rig) {
		ctx := t.Context()
		behind, _ := fresh.OpenRing(t, r.records, r.Now)
		behind.Follow(func(context.Context) ([]keys.WrappedKey, error) { return nil, errors.New("away") }, nil, r.now)
		added, err := r.deps.Ring.Rotate(ctx, r.now(), keys.PurposeImport)
		r.records = append(r.records, added...)
		r.Pass(keys.SealDelay)
		if err = errors.Join(err, r.deps.Ring.Load(ctx, r.records, r.now())); err != nil {
			t.Fatal(err)
		}
		id := r.begin(t, r.rows(t, 10))
		d := r.deps
		d.Ring = behind
		late := New(d)
		if _, err := late.work(ctx); !errors.Is(err, keys.ErrUnknownKey) {
			t.Errorf("without the key: %v", err)
		}
		r.want(t, id, shows{Status: "InProgress"})

		to, err := keys.ParseKEK(keys.GenerateKEK())
		if err == nil {
			r.records, err = r.deps.Ring.Retire(ctx, to, r.records, r.now())
		}
		r.deps.Ring.UseKEK(to)
		if err = errors.Join(err, r.deps.Ring.Load(ctx, r.records, r.now())); err != nil {
			t.Fatal(err)
		}
		if err := behind.Load(ctx, r.records, r.now()); !errors.Is(err, keys.ErrWrongKEK) {
			t.Fatal(err)
		}
		if worked, err := late.work(ctx); worked || err != nil {
			t.Errorf("with retired keys alone: %v, %v", worked, err)
		}
		works(t, r.Service)
		r.want(t, id, shows{"Succeeded", 9, 0, 0, messageSucceeded})
	})
}
