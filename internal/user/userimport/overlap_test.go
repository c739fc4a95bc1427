package userimport

import (
	"context"
	"testing"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/fresh"
	"cognate/test/people"
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
				_, err := r.deps.Pools.UpdateUserPool(ctx, &idp.UpdateUserPoolRequest{UserPoolId: r.pool})
				return err
			},
			func(ctx context.Context) error {
				_, err := r.StartUserImportJob(ctx, &idp.StartUserImportJobRequest{UserPoolId: r.pool, JobId: *job.JobId})
				return err
			})
		if started != nil {
			t.Error(started)
		}
		if r.deps.Store.Engine() == "postgres" && api.CodeOf(changed) != "UserImportInProgressException" {
			t.Errorf("the change was answered %v", changed)
		}
	})
}

// TestOverlappingImport imports a user whose username another user gets as
// preferred_username at the same time: only one of the two may have the name.
func TestOverlappingImport(t *testing.T) {
	people.Overlapping(t, func(t *testing.T, p *people.Rig, i storetest.Interleaving) {
		r := newPersonRig(p)
		sn := r.Pool(t, people.VerifiesAddresses, func(in *idp.CreateUserPoolRequest) {
			in.AliasAttributes = []idp.AliasAttributeType{"email", "preferred_username"}
		})
		for _, order := range []string{"username first", "name first"} {
			t.Run(order, func(t *testing.T) {
				name := "boss-" + order[:4]
				u := r.Have(t, sn, "user-"+name, idp.UserStatusTypeConfirmed, nil)
				add := func(ctx context.Context) error {
					p, err := r.newPerson(sn, fields{columnUsername: name, columnMFA: "false", "email": name + "@example.com", "email_verified": "true"}, "")
					if err != nil {
						return err
					}
					return r.Store.Update(ctx, func(tx *store.Tx) error { return r.storePerson(ctx, tx, sn, p) })
				}
				prefer := func(ctx context.Context) error {
					_, err := r.Users.UpdateAttributes(ctx, sn, nil, u.ID(), people.Attributes("preferred_username", name), nil)
					return err
				}
				later, earlier := add, prefer
				if order == "username first" {
					later, earlier = prefer, add
				}
				laterErr, earlierErr := i.Run(t, 1, later, earlier)
				if (laterErr == nil) == (earlierErr == nil) {
					t.Errorf("the earlier was answered %v, the later %v: want one uploadError", earlierErr, laterErr)
				}
			})
		}
	})
}
