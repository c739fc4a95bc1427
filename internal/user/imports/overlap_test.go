package imports

import (
	"context"
	"path/filepath"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/pgtest"
)

// TestOverlappingStart changes a pool while an import into it is started: what the lines are held to must not change
// under way.
func TestOverlappingStart(t *testing.T) {
	i := storetest.Interleaving{}
	for name, options := range map[string]func(t *testing.T) store.Options{
		"sqlite":   func(t *testing.T) store.Options { return store.Options{Path: filepath.Join(t.TempDir(), "cognate.db")} },
		"postgres": func(t *testing.T) store.Options { return store.Options{URL: pgtest.Database(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.AfterSnapshot = i.AfterSnapshot
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
			if name == "postgres" && api.CodeOf(changed) != "UserImportInProgressException" {
				t.Errorf("the change was answered %v", changed)
			}
		})
	}
}
