package devices

import (
	"context"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/people"
)

// TestOverlappingDeletion adds a device to a user who is deleted at the same time: the caller learns that the user is gone.
func TestOverlappingDeletion(t *testing.T) {
	people.Overlapping(t, func(t *testing.T, p *people.Rig, i storetest.Interleaving) {
		r := newRig(p)
		sn, _, u := r.tracked(t)
		added, deleted := i.Run(t, 1,
			func(ctx context.Context) error {
				return r.add(ctx, sn, store.Device{PoolID: sn.ID, UserID: u.ID(), ID: "us-east-1_new", Doc: []byte("{}")})
			},
			func(ctx context.Context) error {
				return r.Users.AdminDeleteUser(ctx, &idp.AdminDeleteUserRequest{UserPoolId: sn.ID, Username: u.Username()})
			})
		if deleted != nil {
			t.Error(deleted)
		}
		if r.Store.Engine() == "postgres" && api.CodeOf(added) != "NotAuthorizedException" {
			t.Errorf("answered %v", added)
		}
		devices, err := r.Store.Devices(t.Context(), sn.ID, u.ID())
		if len(devices) > 0 || err != nil {
			t.Errorf("%d devices outlive the user: %v", len(devices), err)
		}
	})
}
