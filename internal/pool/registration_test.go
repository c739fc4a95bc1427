package pool_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool/registration"
	"cognate/internal/store"
	"cognate/internal/store/storetest"
)

// TestRegistrationSettings reads back what a DcrConfiguration leaves out.
func TestRegistrationSettings(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	for _, tt := range []struct{ name, config, want string }{
		{"empty", `{}`, `{"EnableStatus":"Enabled","OpenDcrEnabled":false,"AuthenticatedGrantTypes":["code","client_credentials"],"OpenDcrGrantTypes":["code"]}`},
		{"whole", `{"EnableStatus":"Disabled","OpenDcrEnabled":true,"AuthenticatedGrantTypes":[],"OpenDcrGrantTypes":["implicit"],"AllowedScopes":["api/read"]}`,
			`{"EnableStatus":"Disabled","OpenDcrEnabled":true,"AuthenticatedGrantTypes":[],"OpenDcrGrantTypes":["implicit"],"AllowedScopes":["api/read"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id := n.newPool(t, `"DcrConfiguration":`+tt.config)
			got := at(n.do(t, "DescribeUserPool", `{"UserPoolId":"`+id+`"}`), "UserPool", "DcrConfiguration")
			if diff := cmp.Diff(any(tree(t, tt.want)), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	id := n.newPool(t, `"DcrConfiguration":{}`)
	_, err := n.call(t.Context(), "UpdateUserPool", `{"UserPoolId":"`+id+`","UserPoolTier":"LITE"}`)
	wantError(t, "UpdateUserPool", err, "TierChangeNotAllowedException: Dynamic client registration must be turned off before the tier is changed to LITE.")
	n.do(t, "UpdateUserPool", `{"UserPoolId":"`+id+`","UserPoolTier":"LITE","DcrConfiguration":{"EnableStatus":"Disabled"}}`)
}

// newRegistering makes a pool that registers clients for every caller.
func (n *node) newRegistering(t *testing.T) string {
	t.Helper()
	return n.newPool(t, `"DcrConfiguration":{"OpenDcrEnabled":true}`)
}

func stranger(address string) *registration.Request {
	return &registration.Request{Grant: idp.OAuthFlowTypeCode, CallbackURLs: []string{"https://app.example.com/callback"}, Open: true, Address: address}
}

// TestRegisteredClient describes a registered client as administrators see it.
func TestRegisteredClient(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newRegistering(t)
		ordinary := n.newClient(t, id, "")
		in := stranger("192.0.2.1")
		in.Confidential, in.Name = true, "Ed's <app>"
		c, secret, err := n.Register(t.Context(), id, in)
		if err != nil || len(secret) < 51 || !c.CheckSecret(&secret) || !c.Registered() {
			t.Fatalf("%+v, %v", c, err)
		}
		body := `{"UserPoolId":"` + id + `","ClientId":"` + c.ID + `"}`
		shape := at(n.do(t, "DescribeUserPoolClient", body), "UserPoolClient").(map[string]any)
		for name, want := range map[string]any{
			"ClientType": "DCR", "ClientName": "Ed-s -app-", "ClientSecret": secret, "EnableTokenRevocation": true, "AllowedOAuthFlowsUserPoolClient": true,
			"PreventUserExistenceErrors": "ENABLED", "ExplicitAuthFlows": []any{"ALLOW_REFRESH_TOKEN_AUTH"}, "AllowedOAuthFlows": []any{"code"},
			"AllowedOAuthScopes": []any{"openid", "email", "phone", "profile"}, "SupportedIdentityProviders": []any{"COGNITO"},
			"CallbackURLs": []any{"https://app.example.com/callback"},
		} {
			if diff := cmp.Diff(want, shape[name]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		for kind, want := range map[string][]string{"": {ordinary, c.ID}, "DCR": {c.ID}, "REGULAR": {ordinary}} {
			got := map[string]bool{}
			list := n.do(t, "ListUserPoolClients", object(`"UserPoolId":"`+id+`"`, map[bool]string{true: `"ClientType":"` + kind + `"`}[kind != ""]))
			for _, item := range list["UserPoolClients"].([]any) {
				got[item.(map[string]any)["ClientId"].(string)] = true
			}
			if len(got) != len(want) || !got[want[len(want)-1]] {
				t.Errorf("clients of type %q: %v", kind, got)
			}
		}
		if updated := at(n.do(t, "UpdateUserPoolClient", body), "UserPoolClient", "ClientType"); updated != "DCR" {
			t.Errorf("after an update the type is %v", updated)
		}
		n.do(t, "DeleteUserPoolClient", body)
	})
}

// TestRegisteredClientAttributes: a registered client neither reads nor writes the custom
// attributes of the pool.
func TestRegisteredClientAttributes(t *testing.T) {
	t.Parallel()
	n := onSQLite(t)
	id := n.newPool(t, `"DcrConfiguration":{"OpenDcrEnabled":true},"Schema":[{"Name":"role","AttributeDataType":"String","Mutable":true},{"Name":"email","Required":true}]`)
	c, _, err := n.Register(t.Context(), id, stranger("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	if c.CanWrite("custom:role") || c.CanRead("custom:role") {
		t.Error("the client reaches custom:role")
	}
	for _, name := range []string{"email", "phone_number", "preferred_username", "updated_at"} {
		if !c.CanWrite(name) || !c.CanRead(name) {
			t.Errorf("the client does not reach %s", name)
		}
	}
	if !c.CanRead("email_verified") || c.CanWrite("email_verified") {
		t.Error("email_verified must be readable alone")
	}
}

// TestRegistrationLimits: registrations by strangers are limited for each network and for the
// pool. Holders of the scope have no such limit. The limits end after an hour.
func TestRegistrationLimits(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, n *node) {
		id := n.newRegistering(t)
		register := func(in *registration.Request) error {
			_, _, err := n.Register(t.Context(), id, in)
			return err
		}
		admitted := func(addresses ...string) (count int) {
			t.Helper()
			for _, address := range addresses {
				err := register(stranger(address))
				if err == nil {
					count++
					continue
				}
				if api.CodeOf(err) != idp.CodeTooManyRequestsException {
					t.Errorf("%s: %v", address, err)
				}
			}
			return count
		}
		var house []string
		for i := range 22 {
			house = append(house, fmt.Sprintf("2001:db8::%x", i))
		}
		if got := admitted(house...); got != 20 {
			t.Errorf("%d registrations from one network, want 20", got)
		}
		var others []string
		for i := range 82 {
			others = append(others, fmt.Sprintf("192.0.2.%d", i))
		}
		if got := admitted(others...); got != 80 {
			t.Errorf("%d registrations from others, want 80", got)
		}
		// A flood beyond the limit does not wait for the pool, which administrators change.
		err := n.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
			if err := tx.HoldPool(t.Context(), id); err != nil {
				return err
			}
			return register(stranger("192.0.2.1"))
		})
		if api.CodeOf(err) != idp.CodeTooManyRequestsException {
			t.Errorf("beside a change of the pool: %v", err)
		}
		known := stranger("192.0.2.1")
		known.Open = false
		if err := register(known); err != nil {
			t.Errorf("with the scope: %v", err)
		}
		n.clock.Pass(time.Hour + time.Second)
		if got := admitted(house[0]); got != 1 {
			t.Error("the limit does not end")
		}
	})
}

// TestOverlappingRegistrations: of two strangers who register the last client of their quota, one succeeds.
func TestOverlappingRegistrations(t *testing.T) {
	overlapping(t, func(t *testing.T, a, b *node, i storetest.Interleaving) {
		id := a.newRegistering(t)
		err := a.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
			for k := range 899 {
				c := store.Client{PoolID: id, ID: fmt.Sprintf("c%d", k), Name: "c", Doc: []byte(`{}`), CreatedAt: a.clock.Now(), ModifiedAt: a.clock.Now()}
				if err := tx.InsertClient(t.Context(), c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		register := func(n *node, address string) func(context.Context) error {
			return func(ctx context.Context) error {
				_, _, err := n.Register(ctx, id, stranger(address))
				return err
			}
		}
		later, earlier := i.Run(t, 1, register(a, "192.0.2.1"), register(b, "192.0.2.2"))
		if (later == nil) == (earlier == nil) {
			t.Errorf("answered %v and %v: want one refusal", later, earlier)
		}
	})
}
