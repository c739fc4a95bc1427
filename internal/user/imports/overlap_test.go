package imports

import (
	"context"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/fresh"
)

// TestOverlappingStart changes a pool while an import into it is started: what the lines are held to must not change
// under way.
func TestOverlappingStart(t *testing.T) {
	fresh.Overlapping(t, func(t *testing.T, o store.Options, i storetest.Interleaving) {
		r := newRig(t, o)
		job := r.create(t)
		if code := r.put(t, job, r.rows(t, 3)); code != 200 {
			t.Fatalf("upload: %d", code)
		}
		changed, started := i.Run(t, 1,
			func(ctx context.Context) error {
				_, err := r.d.Pools.UpdateUserPool(ctx, &idp.UpdateUserPoolRequest{UserPoolId: r.pool})
				return err
			},
			func(ctx context.Context) error {
				_, err := r.StartUserImportJob(ctx, &idp.StartUserImportJobRequest{UserPoolId: r.pool, JobId: *job.JobId})
				return err
			})
		if started != nil {
			t.Error(started)
		}
		if r.d.Store.Engine() == "postgres" && api.CodeOf(changed) != "UserImportInProgressException" {
			t.Errorf("the change was answered %v", changed)
		}
	})
}
