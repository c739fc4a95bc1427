package pool_test

import (
	"context"
	"fmt"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
	"cognate/test/fresh"
)

// overlapping runs a test on both engines with two servers, whose transactions can be made to overlap.
func overlapping(t *testing.T, test func(t *testing.T, a, b *node, i storetest.Interleaving)) {
	fresh.Overlapping(t, func(t *testing.T, o store.Options, i storetest.Interleaving) {
		n := newNode(t, o)
		test(t, n, n.another(), i)
	})
}

func makePool(t *testing.T, n *node) string {
	t.Helper()
	out, err := n.CreateUserPool(t.Context(), &idp.CreateUserPoolRequest{PoolName: "people"})
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserPool.Id
}

// TestOverlappingPlans takes a plan away from a pool while a client begins to use a feature of it: one is refused.
func TestOverlappingPlans(t *testing.T) {
	overlapping(t, func(t *testing.T, a, b *node, i storetest.Interleaving) {
		id := makePool(t, a)
		client, err := a.CreateUserPoolClient(t.Context(), &idp.CreateUserPoolClientRequest{UserPoolId: id, ClientName: "app"})
		if err != nil {
			t.Fatal(err)
		}
		rotate := func(ctx context.Context) error {
			_, err := a.UpdateUserPoolClient(ctx, &idp.UpdateUserPoolClientRequest{
				UserPoolId: id, ClientId: *client.UserPoolClient.ClientId,
				RefreshTokenRotation: &idp.RefreshTokenRotationType{Feature: idp.FeatureTypeEnabled},
			})
			return err
		}
		lower := func(ctx context.Context) error {
			_, err := b.UpdateUserPool(ctx, &idp.UpdateUserPoolRequest{UserPoolId: id, UserPoolTier: idp.UserPoolTierTypeLite})
			return err
		}
		rotated, lowered := i.Run(t, 1, rotate, lower)
		if (rotated == nil) == (lowered == nil) {
			t.Errorf("rotation was answered %v, the lower plan %v: want one refusal", rotated, lowered)
		}
	})
}

// TestOverlappingQuotas adds the last custom domain twice, to two pools.
func TestOverlappingQuotas(t *testing.T) {
	overlapping(t, func(t *testing.T, a, b *node, i storetest.Interleaving) {
		create := func(ctx context.Context, n *node, pool string, k int) error {
			_, err := n.CreateUserPoolDomain(ctx, &idp.CreateUserPoolDomainRequest{
				UserPoolId: pool, Domain: fmt.Sprintf("login%d.example.org", k),
				CustomDomainConfig: &idp.CustomDomainConfigType{CertificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/c"},
			})
			return err
		}
		for k := range 3 {
			if err := create(t.Context(), a, makePool(t, a), k); err != nil {
				t.Fatal(err)
			}
		}
		first, second := makePool(t, a), makePool(t, a)
		later, earlier := i.Run(t, 1,
			func(ctx context.Context) error { return create(ctx, a, first, 3) },
			func(ctx context.Context) error { return create(ctx, b, second, 4) })
		if (later == nil) == (earlier == nil) {
			t.Errorf("answered %v and %v: want one refusal", later, earlier)
		}
	})
}
