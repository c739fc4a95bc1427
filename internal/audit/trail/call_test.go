package trail

import (
	"context"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
)

// TestPoolAndRegion wants a new pool to be found by its id, and a sign-in to have the Region of its
// pool.
func TestPoolAndRegion(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		ctx, _ := audit.With(api.WithRequest(context.Background(), &api.Request{Time: r.clock.Now(), Region: "us-east-1"}))
		err := n.RecordCall(ctx, &Call{
			Operation: idp.Operations["CreateUserPool"], Caller: Caller{Type: CallerRoot},
			Input: &idp.CreateUserPoolRequest{PoolName: "p"}, Output: &idp.CreateUserPoolResponse{UserPool: &idp.UserPoolType{Id: new("eu-west-1_new")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, event := audit.With(api.WithRequest(context.Background(), &api.Request{Time: r.clock.Now()}))
		event.SetPool("eu-west-1_new")
		if err := n.RecordCall(ctx, &Call{Operation: idp.Operations["InitiateAuth"], Caller: Caller{Type: CallerUnknown}}); err != nil {
			t.Fatal(err)
		}
		found, err := n.Search(t.Context(), &Query{Pool: "eu-west-1_new"}, nil, 10)
		if err != nil || len(found.Events) != 2 {
			t.Fatalf("%d records, %v", len(found.Events), err)
		}
		for i, region := range map[string]string{"CreateUserPool": "us-east-1", "InitiateAuth": "eu-west-1"} {
			for _, e := range found.Events {
				if e.Name == i && e.Region != region {
					t.Errorf("%s in %q, want %s", e.Name, e.Region, region)
				}
			}
		}
	})
}
