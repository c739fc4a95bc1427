package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

func TestSnapshot(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, `"AliasAttributes":["email","preferred_username"],"AutoVerifiedAttributes":["email"],"UsernameConfiguration":{"CaseSensitive":false},
		"UserAttributeUpdateSettings":{"AttributesRequireVerificationBeforeUpdate":["email"]},"AdminCreateUserConfig":{"AllowAdminCreateUserOnly":true},
		"Policies":{"PasswordPolicy":{"MinimumLength":9,"RequireNumbers":true,"PasswordHistorySize":4,"TemporaryPasswordValidityDays":2}},
		"AccountRecoverySetting":{"RecoveryMechanisms":[{"Priority":2,"Name":"verified_email"},{"Priority":1,"Name":"verified_phone_number"}]}`)
	sn, err := n.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{
		"region": sn.Region, "account": sn.AccountID, "srp": "us-east-1_" + sn.SRPName, "name": sn.Name, "case": sn.CaseSensitive,
		"alias": len(sn.AliasAttributes), "email": sn.AliasAttributes.Has("email"), "phone": sn.AliasAttributes.Has("phone_number"),
		"username attributes": len(sn.UsernameAttributes), "verified": sn.AutoVerified.Has("email"), "before": sn.VerifyBeforeUpdate.Has("email"),
		"admin": sn.AdminCreateOnly, "length": sn.PasswordPolicy.MinimumLength, "numbers": sn.PasswordPolicy.RequireNumbers,
		"symbols": sn.PasswordPolicy.RequireSymbols, "history": sn.PasswordPolicy.HistorySize, "temporary": sn.TemporaryPasswordValidity,
		"recovery": sn.Recovery, "tier": sn.Tier, "mfa": sn.MFA.Mode,
		"fold": sn.FoldUsername("Alice"), "fold mail": sn.FoldAlias("email", "A@Example.com"), "fold phone": sn.FoldAlias("phone_number", "+1X"),
	}
	want := map[string]any{
		"region": "us-east-1", "account": "123456789012", "srp": id, "name": "demo", "case": false,
		"alias": 2, "email": true, "phone": false, "username attributes": 0, "verified": true, "before": true,
		"admin": true, "length": 9, "numbers": true, "symbols": false, "history": 4, "temporary": 48 * time.Hour,
		"recovery": []idp.RecoveryOptionNameType{"verified_phone_number", "verified_email"}, "tier": idp.UserPoolTierTypeEssentials, "mfa": idp.UserPoolMfaTypeOff,
		"fold": "alice", "fold mail": "a@example.com", "fold phone": "+1X",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	plain, err := n.Load(t.Context(), n.newPool(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if !plain.CaseSensitive || plain.FoldUsername("Alice") != "Alice" || plain.FoldAlias("email", "A@b") != "A@b" {
		t.Error("pools of the API are case sensitive")
	}
}

// TestEventAttributes has the alias members of events, by what a pool's users sign in by and by their status.
func TestEventAttributes(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	const mail, phone = "a@example.com", "+12065550100"
	none, both := map[string]string{}, map[string]string{"cognito:email_alias": mail, "cognito:phone_number_alias": phone}
	onlyMail := map[string]string{"cognito:email_alias": mail}
	for _, row := range []struct {
		name, pool, status string
		want               map[string]string
	}{
		{"usernames", "", "CONFIRMED", none},
		{"aliases", `"AliasAttributes":["email","phone_number"]`, "CONFIRMED", both},
		{"mail is the username", `"UsernameAttributes":["email"]`, "CONFIRMED", onlyMail},
		{"mail is the username, invited", `"UsernameAttributes":["email"]`, "FORCE_CHANGE_PASSWORD", onlyMail},
		{"mail is the username, unconfirmed", `"UsernameAttributes":["email"]`, "UNCONFIRMED", none},
		{"either is the username", `"UsernameAttributes":["email","phone_number"]`, "RESET_REQUIRED", both},
	} {
		t.Run(row.name, func(t *testing.T) {
			sn, err := n.Load(t.Context(), n.newPool(t, row.pool))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for name, value := range sn.EventAttributes("sub", row.status, map[string]string{"email": mail, "phone_number": phone}) {
				if strings.HasSuffix(name, "_alias") {
					got[name] = value
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestFreshness tells when a change is seen: at once by the node that made it,
// within a second by another.
func TestFreshness(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		other := n.another()
		id := n.newPool(t, "")
		client := n.newClient(t, id, "")
		names := func(on *node) [2]string {
			t.Helper()
			sn, c, err := on.LoadClient(t.Context(), client)
			if err != nil {
				t.Fatal(err)
			}
			return [2]string{sn.Name, c.Name}
		}
		old, changed := [2]string{"demo", "c"}, [2]string{"new", "new"}
		if names(n) != old || names(other) != old {
			t.Fatal("not as created")
		}
		first, err := n.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		n.clock.Pass(5 * time.Second)
		if again, err := n.Load(t.Context(), id); err != nil || again != first {
			t.Errorf("an unchanged pool was read again (%v)", err)
		}
		names(other)
		n.do(t, "UpdateUserPool", `{"UserPoolId":"`+id+`","PoolName":"new"}`)
		n.do(t, "UpdateUserPoolClient", `{"UserPoolId":"`+id+`","ClientId":"`+client+`","ClientName":"new"}`)
		if got := names(n); got != changed {
			t.Errorf("the node that changed it sees %v", got)
		}
		if first.Name != "demo" {
			t.Error("a snapshot changed")
		}
		n.clock.Pass(999 * time.Millisecond)
		if got := names(other); got != old {
			t.Errorf("another node sees %v before it looked", got)
		}
		n.clock.Pass(time.Millisecond)
		if got := names(other); got != changed {
			t.Errorf("another node sees %v after a second", got)
		}
		n.do(t, "DeleteUserPoolClient", `{"UserPoolId":"`+id+`","ClientId":"`+client+`"}`)
		n.clock.Pass(time.Second)
		_, _, err = other.LoadClient(t.Context(), client)
		wantError(t, "InitiateAuth", err, "ResourceNotFoundException: User pool client "+client+" does not exist.")
	})
}

func TestCanceledLoad(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.Load(ctx, id); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled load: %v", err)
	}
	if _, err := n.Load(t.Context(), id); err != nil {
		t.Errorf("the load after it: %v", err)
	}
}

// TestHotPath: settings in memory cost no allocation, or every sign-in would pay.
func TestHotPath(t *testing.T) {
	n := onSQLite(t)
	id := n.newPool(t, "")
	client := n.newClient(t, id, "")
	ctx := in(t, "us-east-1")
	if _, _, err := n.LoadClient(ctx, client); err != nil {
		t.Fatal(err)
	}
	allocations := testing.AllocsPerRun(1000, func() {
		if _, _, err := n.LoadClient(ctx, client); err != nil {
			t.Fatal(err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkLoadClient(b *testing.B) {
	n := onSQLite(b)
	client := n.newClient(b, n.newPool(b, ""), "")
	ctx := in(b, "us-east-1")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := n.LoadClient(ctx, client); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestNothingIsLost lets many administrators on two nodes change one pool and one
// client at once. Each change must still be there afterwards.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		const administrators = 32
		id := n.newPool(t, "")
		arn := `"ResourceArn":"arn:aws:cognito-idp:us-east-1:123456789012:userpool/` + id + `"`
		nodes := []*node{n, n.another()}
		var wg sync.WaitGroup
		errs := make(chan error, 3*administrators)
		for i := range administrators {
			node := nodes[i%2]
			for _, c := range [][2]string{
				{"AddCustomAttributes", fmt.Sprintf(`{"UserPoolId":"%s","CustomAttributes":[{"Name":"a%d","AttributeDataType":"String"}]}`, id, i)},
				{"TagResource", fmt.Sprintf(`{%s,"Tags":{"t%d":"v"}}`, arn, i)},
				{"CreateUserPoolClient", fmt.Sprintf(`{"UserPoolId":"%s","ClientName":"c%d"}`, id, i)},
			} {
				wg.Go(func() {
					_, err := node.call(t.Context(), c[0], c[1])
					errs <- err
				})
			}
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		p := n.describe(t, id)
		if got := len(p["UserPoolTags"].(map[string]any)); got != administrators {
			t.Errorf("%d tags, want %d", got, administrators)
		}
		if got := len(p["SchemaAttributes"].([]any)); got != 21+administrators {
			t.Errorf("%d attributes, want %d", got, 21+administrators)
		}
		if got := len(n.do(t, "ListUserPoolClients", `{"UserPoolId":"`+id+`"}`)["UserPoolClients"].([]any)); got != administrators {
			t.Errorf("%d clients, want %d", got, administrators)
		}
		for _, node := range nodes {
			node.clock.Pass(time.Second)
			sn, err := node.Load(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(sn.Schema.Names()); got != 21+administrators {
				t.Errorf("a snapshot has %d attributes", got)
			}
		}
	})
}

// TestDeletedMeanwhile: a pool that is deleted while clients are added leaves none behind.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id, other := n.newPool(t, ""), n.another()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 5 {
					_, _ = other.call(t.Context(), "CreateUserPoolClient", `{"UserPoolId":"`+id+`","ClientName":"c"}`)
				}
			})
		}
		wg.Go(func() {
			if _, err := n.call(t.Context(), "DeleteUserPool", `{"UserPoolId":"`+id+`"}`); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		left, err := n.deps.Store.Clients(t.Context(), id, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) != 0 {
			t.Errorf("%d clients of a pool that is gone", len(left))
		}
	})
}

func TestOnCreate(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		fail := true
		n.OnCreate(func(ctx context.Context, tx *store.Tx, poolID string) error {
			if fail {
				return errors.New("no key today")
			}
			return tx.InsertItem(ctx, store.Item{PoolID: poolID, Kind: store.KindRisk, Key: "made", CreatedAt: n.clock.Now(), ModifiedAt: n.clock.Now(), Doc: []byte("{}")})
		})
		if _, err := n.call(t.Context(), "CreateUserPool", `{"PoolName":"p"}`); err == nil {
			t.Error("a pool without what belongs to it")
		}
		if pools := n.do(t, "ListUserPools", `{"MaxResults":60}`)["UserPools"].([]any); len(pools) != 0 {
			t.Errorf("half a pool was left: %v", pools)
		}
		fail = false
		if _, err := n.deps.Store.Item(t.Context(), n.newPool(t, ""), store.KindRisk, "made"); err != nil {
			t.Error(err)
		}
	})
}

func TestPartition(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	for region, want := range map[string]string{"cn-north-1": "arn:aws-cn:", "us-gov-west-1": "arn:aws-us-gov:", "eu-west-1": "arn:aws:"} {
		out, err := n.call(in(t, region), "CreateUserPool", `{"PoolName":"p"}`)
		if err != nil {
			t.Fatal(err)
		}
		arn := at(tree(t, out), "UserPool", "Arn").(string)
		if !strings.HasPrefix(arn, want) {
			t.Errorf("%s: %s", region, arn)
		}
		if _, err := n.call(in(t, region), "TagResource", `{"ResourceArn":"`+arn+`","Tags":{"a":"b"}}`); err != nil {
			t.Error(err)
		}
	}
}
