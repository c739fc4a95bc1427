package account_test

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam"
	"cognate/internal/iam/account"
	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/test/fresh"
)

const (
	accountID = "123456789012"
	rolePath  = "arn:aws:iam::" + accountID + ":role/app/"
	trust     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + accountID + `"},"Action":"sts:AssumeRole"}]}`
)

// fixture is an account, and two nodes that decide by it.
type fixture struct {
	*account.Service
	node, other *iam.Service
	store       *store.Store
	clock       *fresh.Clock
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	c := fresh.NewClock(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))
	st := fresh.Store(t, fresh.SQLite(t), c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	d := iam.Deps{Store: st, Ring: ring, Now: c.Now, AccountID: accountID}
	node := iam.New(d)
	pages := keys.NewPageTokens(func() [32]byte { return [32]byte{1} })
	return fixture{account.New(account.Deps{Store: st, IAM: node, Pages: pages, Now: c.Now, Rand: rand.Reader, AccountID: accountID}), node, iam.New(d), st, c}
}

func statement(text string) string {
	return `{"Version":"2012-10-17","Statement":[` + text + `]}`
}

func allow(action string) string {
	return statement(`{"Effect":"Allow","Action":"` + action + `","Resource":"*"}`)
}

// check fails the test at the first error.
func check(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// allowed reports whether a node lets the key do something.
func allowed(t *testing.T, node *iam.Service, key, action string) bool {
	t.Helper()
	p, err := node.Lookup(t.Context(), key, "")
	if errors.Is(err, iam.ErrUnknownKey) {
		return false
	}
	check(t, err)
	err = node.Authorize(t.Context(), p, iam.Request{Action: action, Resource: "*", HTTP: &api.Request{}})
	if _, denied := errors.AsType[*iam.Denied](err); denied {
		return false
	}
	check(t, err)
	return true
}

// TestPoliciesDecide wants every way by which a user gets a policy to decide about its keys: on
// the node of the change at once, on another within a second.
func TestPoliciesDecide(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	ada := "ada"
	_, err := f.CreateUser(ctx, &iamapi.CreateUserRequest{UserName: ada})
	check(t, err)
	key, err := f.CreateAccessKey(ctx, &iamapi.CreateAccessKeyRequest{UserName: &ada})
	check(t, err)
	_, err = f.CreateGroup(ctx, &iamapi.CreateGroupRequest{GroupName: "staff"})
	check(t, err)
	made, err := f.CreatePolicy(ctx, &iamapi.CreatePolicyRequest{PolicyName: "sqs", PolicyDocument: allow("sqs:*")})
	check(t, err)
	arn := *made.Policy.Arn
	id := key.AccessKey.AccessKeyId
	steps := []struct {
		name   string
		change func() error
		action string
		want   bool
	}{
		{"no policy", func() error { return nil }, "sqs:SendMessage", false},
		{"inline", func() error {
			return f.PutUserPolicy(ctx, &iamapi.PutUserPolicyRequest{UserName: ada, PolicyName: "in", PolicyDocument: allow("cognito-idp:*")})
		}, "cognito-idp:ListUsers", true},
		{"attached to a group", func() error {
			return f.AttachGroupPolicy(ctx, &iamapi.AttachGroupPolicyRequest{GroupName: "staff", PolicyArn: arn})
		}, "sqs:SendMessage", false},
		{"of a member", func() error {
			return f.AddUserToGroup(ctx, &iamapi.AddUserToGroupRequest{GroupName: "staff", UserName: ada})
		}, "sqs:SendMessage", true},
		{"beyond the boundary", func() error {
			return f.PutUserPermissionsBoundary(ctx, &iamapi.PutUserPermissionsBoundaryRequest{UserName: ada, PermissionsBoundary: "arn:aws:iam::aws:policy/AmazonS3FullAccess"})
		}, "sqs:SendMessage", false},
		{"without the boundary", func() error {
			return f.DeleteUserPermissionsBoundary(ctx, &iamapi.DeleteUserPermissionsBoundaryRequest{UserName: ada})
		}, "sqs:SendMessage", true},
		{"denied by the group", func() error {
			return f.PutGroupPolicy(ctx, &iamapi.PutGroupPolicyRequest{GroupName: "staff", PolicyName: "no", PolicyDocument: statement(`{"Effect":"Deny","Action":"sqs:*","Resource":"*"}`)})
		}, "sqs:SendMessage", false},
		{"no member any more", func() error {
			return f.RemoveUserFromGroup(ctx, &iamapi.RemoveUserFromGroupRequest{GroupName: "staff", UserName: ada})
		}, "sqs:SendMessage", false},
		{"attached", func() error {
			return f.AttachUserPolicy(ctx, &iamapi.AttachUserPolicyRequest{UserName: ada, PolicyArn: arn})
		}, "sqs:SendMessage", true},
		{"another default version", func() error {
			_, err := f.CreatePolicyVersion(ctx, &iamapi.CreatePolicyVersionRequest{PolicyArn: arn, PolicyDocument: allow("sns:*"), SetAsDefault: new(true)})
			return err
		}, "sqs:SendMessage", false},
		{"the older version again", func() error {
			return f.SetDefaultPolicyVersion(ctx, &iamapi.SetDefaultPolicyVersionRequest{PolicyArn: arn, VersionId: "v1"})
		}, "sqs:SendMessage", true},
		{"renamed", func() error {
			return f.UpdateUser(ctx, &iamapi.UpdateUserRequest{UserName: ada, NewUserName: new("ada2"), NewPath: new("/x/")})
		}, "sqs:SendMessage", true},
		{"key switched off", func() error {
			return f.UpdateAccessKey(ctx, &iamapi.UpdateAccessKeyRequest{UserName: new("ada2"), AccessKeyId: id, Status: iamapi.StatusTypeInactive})
		}, "sqs:SendMessage", false},
	}
	for _, step := range steps {
		allowed(t, f.other, id, step.action) // so that the other node has the old state
		check(t, step.change())
		if got := allowed(t, f.node, id, step.action); got != step.want {
			t.Errorf("%s: allowed %v", step.name, got)
		}
		f.clock.Pass(time.Second)
		if got := allowed(t, f.other, id, step.action); got != step.want {
			t.Errorf("%s: another node, a second later: allowed %v", step.name, got)
		}
	}
}

// TestRole wants a role with everything that decides about its sessions, by its whole ARN alone.
func TestRole(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	_, err := f.CreateRole(ctx, &iamapi.CreateRoleRequest{
		RoleName: "Reader", Path: new("/app/"), AssumeRolePolicyDocument: trust, MaxSessionDuration: new(int32(7200)),
		PermissionsBoundary: new("arn:aws:iam::aws:policy/AmazonS3FullAccess"), Tags: []iamapi.Tag{{Key: "Team", Value: "a"}},
	})
	check(t, err)
	for _, arn := range []string{rolePath + "reader", "arn:aws:iam::" + accountID + ":role/Reader", "arn:aws-cn:iam::" + accountID + ":role/app/Reader", "arn:aws:iam::999999999999:role/app/Reader", "", "x"} {
		if _, err := f.node.Role(ctx, arn); !errors.Is(err, iam.ErrNoEntity) {
			t.Errorf("%q: %v", arn, err)
		}
	}
	r, err := f.other.Role(ctx, rolePath+"Reader")
	check(t, err)
	if r.MaxSessionDuration != 2*time.Hour || r.Tags["Team"] != "a" || r.Path != "/app/" || len(r.Boundary) != 1 || len(r.Policies) != 0 || r.Trust.Text() != trust || len(r.ID) != 21 {
		t.Errorf("role %+v", r)
	}
	check(t, f.PutRolePolicy(ctx, &iamapi.PutRolePolicyRequest{RoleName: "reader", PolicyName: "in", PolicyDocument: allow("s3:GetObject")}))
	check(t, f.AttachRolePolicy(ctx, &iamapi.AttachRolePolicyRequest{RoleName: "reader", PolicyArn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}))
	f.clock.Pass(time.Second)
	r, err = f.other.Role(ctx, rolePath+"Reader")
	check(t, err)
	if len(r.Policies) != 2 || r.Policies[1].Name() != "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess" {
		t.Errorf("policies %+v", r.Policies)
	}

	_, err = f.CreateOpenIDConnectProvider(ctx, &iamapi.CreateOpenIDConnectProviderRequest{Url: "https://idp.example.com/t", ClientIDList: []string{"app"}})
	check(t, err)
	p, err := f.node.OIDCProvider(ctx, "https://idp.example.com/t")
	if err != nil || p.ARN != "arn:aws:iam::"+accountID+":oidc-provider/idp.example.com/t" || len(p.ClientIDs) != 1 {
		t.Errorf("provider %+v, %v", p, err)
	}
	if _, err := f.node.OIDCProvider(ctx, "https://idp.example.com"); !errors.Is(err, iam.ErrNoEntity) {
		t.Errorf("another issuer: %v", err)
	}
}

// TestOperatorKeys makes keys as the operator's command does: they are keys of users.
func TestOperatorKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	pools := iam.NamedPolicy{Name: "pools", Document: json.RawMessage(allow("cognito-idp:*"))}
	first, _, err := f.node.CreateAccessKey(ctx, "ci", pools)
	check(t, err)
	for _, policies := range [][]iam.NamedPolicy{{pools}, nil} { // The user's policies, named or not.
		key, _, err := f.node.CreateAccessKey(ctx, "CI", policies...)
		check(t, err)
		if first.PrincipalARN != key.PrincipalARN || len(key.Policies) != 1 {
			t.Errorf("keys %+v %+v", first, key)
		}
	}
	// A key never gets more rights by another key of its user, nor does it have more than was asked for.
	for _, policies := range [][]iam.NamedPolicy{
		{pools, iam.Administrator}, {iam.Administrator}, {{Name: "pools", Document: json.RawMessage(allow("iam:*"))}},
	} {
		if _, _, err := f.node.CreateAccessKey(ctx, "ci", policies...); err == nil || !strings.Contains(err.Error(), "other policies") {
			t.Errorf("a key with %d other policies: %v", len(policies), err)
		}
	}
	user, err := f.GetUser(ctx, &iamapi.GetUserRequest{UserName: new("ci")})
	if err != nil || user.User.Arn != first.PrincipalARN {
		t.Errorf("user %+v, %v", user, err)
	}
	check(t, f.PutUserPolicy(ctx, &iamapi.PutUserPolicyRequest{UserName: "ci", PolicyName: "roles", PolicyDocument: allow("iam:CreateRole")}))
	if !allowed(t, f.node, first.ID, "iam:CreateRole") {
		t.Error("a policy of the user is not one of its older key")
	}
	for _, policies := range [][]iam.NamedPolicy{{pools}, nil} {
		if _, _, err := f.node.CreateAccessKey(ctx, "ci", policies...); (err == nil) != (policies == nil) {
			t.Errorf("a key with %d policies of two: %v", len(policies), err)
		}
	}

	// A key with policies of its own, as keys were before they had users.
	old, err := f.store.AccessKey(ctx, first.ID)
	check(t, err)
	old.Name, old.UserKey, old.Doc = "legacy", "legacy", []byte(`{"format":1,"policies":[{"name":"p","document":`+allow("cognito-idp:*")+`}]}`)
	check(t, f.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteAccessKey(ctx, old.ID); err != nil {
			return err
		}
		return tx.InsertAccessKey(ctx, old)
	}))
	f.clock.Pass(time.Second)
	pass := func(id string) error {
		p, err := f.node.Lookup(ctx, id, "")
		check(t, err)
		return f.node.Authorize(ctx, p, iam.PassRole(rolePath+"r", "cognito-idp.amazonaws.com", &api.Request{}))
	}
	if !allowed(t, f.node, old.ID, "cognito-idp:ListUsers") || allowed(t, f.node, old.ID, "iam:CreateRole") {
		t.Error("the old key's policies do not decide")
	}
	check(t, pass(old.ID))
	if _, _, err := f.node.CreateAccessKey(ctx, "legacy", iam.Administrator); err == nil || allowed(t, f.node, old.ID, "iam:CreateRole") {
		t.Errorf("a new key would give an older one rights: %v", err)
	}
	limited, _, err := f.node.CreateAccessKey(ctx, "limited", pools)
	check(t, err)
	if _, denied := errors.AsType[*iam.Denied](pass(limited.ID)); !denied {
		t.Error("a key passes a role without the permission")
	}
}

// TestEntityARN wants policies about an entity to see its path, whatever the request says.
func TestEntityARN(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	_, err := f.CreateRole(ctx, &iamapi.CreateRoleRequest{RoleName: "Reader", Path: new("/app/"), AssumeRolePolicyDocument: trust})
	check(t, err)
	_, err = f.CreateUser(ctx, &iamapi.CreateUserRequest{UserName: "Ada", Path: new("/p/")})
	check(t, err)
	caller := &iam.Principal{ARN: "arn:aws:iam::" + accountID + ":user/me"}
	tests := []struct {
		name     string
		resource api.Resource
		region   string
		want     string
	}{
		{"a role", api.Resource{Type: "role", ID: "READER"}, "us-east-1", rolePath + "Reader"},
		{"no such role", api.Resource{Type: "role", ID: "x"}, "us-east-1", "arn:aws:iam::" + accountID + ":role/x"},
		{"a new role in China", api.Resource{Type: "role", ID: "x", Path: "/y/"}, "cn-north-1", "arn:aws-cn:iam::" + accountID + ":role/y/x"},
		{"a new name", api.Renamed("user", "ada", new("Bob"), nil), "us-east-1", "arn:aws:iam::" + accountID + ":user/p/Bob"},
		{"a new path", api.Renamed("user", "ada", nil, new("/q/")), "us-east-1", "arn:aws:iam::" + accountID + ":user/q/ada"},
		{"the caller", api.Resource{Type: "user"}, "us-east-1", caller.ARN},
		{"a new provider", api.Resource{Type: "oidc-provider", ID: "https://a.example/t/"}, "us-east-1", "arn:aws:iam::" + accountID + ":oidc-provider/a.example/t"},
		{"no resource", api.Resource{}, "us-east-1", "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := f.node.EntityARN(ctx, tt.resource, tt.region, caller)
			if err != nil || got != tt.want {
				t.Errorf("EntityARN = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
