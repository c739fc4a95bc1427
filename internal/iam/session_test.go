package iam_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/iamapi"
	"cognate/internal/iam"
	"cognate/internal/iam/account"
	"cognate/internal/iam/session"
	"cognate/internal/keys"
	"cognate/test/fresh"
)

const (
	accountID = "123456789012"
	poolID    = "us-east-1:11111111-1111-4111-8111-111111111111"
	person    = "us-east-1:22222222-2222-4222-8222-222222222222"
	guestRole = "arn:aws:iam::" + accountID + ":role/app/guests"
	trustPool = `{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{` +
		`"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + poolID + `"},"ForAnyValue:StringLike":{"cognito-identity.amazonaws.com:amr":"authenticated"}}}`
)

// rig is an account with two nodes that decide by it.
type rig struct {
	*account.Service
	node, other *iam.Service
	clock       *fresh.Clock
	ring        *keys.Ring
	records     []keys.WrappedKey
	deleted     atomic.Bool // the identity of the tests
}

func newRig(t testing.TB) *rig {
	t.Helper()
	f := &rig{clock: fresh.NewClock(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))}
	st := fresh.Store(t, fresh.SQLite(t), f.clock.Now)
	f.ring, f.records = fresh.Ring(t, f.clock.Now)
	d := iam.Deps{Store: st, Ring: f.ring, Now: f.clock.Now, AccountID: accountID, IdentityExists: func(_ context.Context, pool, identity string) (bool, error) {
		return pool == poolID && identity == person && !f.deleted.Load(), nil
	}}
	f.node, f.other = iam.New(d), iam.New(d)
	f.Service = account.New(account.Deps{Store: st, IAM: f.node, Pages: fresh.PageTokens(), Now: f.clock.Now, Rand: rand.Reader, AccountID: accountID})
	return f
}

func check(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func documentOf(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func allow(action string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":"*"}`
}

// role makes the role app/guests.
func (f *rig) role(t testing.TB, trust, policy string) {
	t.Helper()
	_, err := f.CreateRole(t.Context(), &iamapi.CreateRoleRequest{RoleName: "guests", Path: new("/app/"), AssumeRolePolicyDocument: documentOf(trust)})
	check(t, err)
	f.grant(t, policy)
}

func (f *rig) grant(t testing.TB, policy string) {
	t.Helper()
	check(t, f.PutRolePolicy(t.Context(), &iamapi.PutRolePolicyRequest{RoleName: "guests", PolicyName: "p", PolicyDocument: documentOf(policy)}))
}

// identity is the request of an identity pool for a person.
func identity() iam.Assumption {
	return iam.Assumption{
		Role: guestRole, SessionName: "CognitoIdentityCredentials", IdentityPool: poolID, Identity: person,
		Login: iam.IdentityLogin(poolID, person, "authenticated", "cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab"),
	}
}

func (f *rig) assume(t testing.TB, a iam.Assumption) *iam.AssumedRole {
	t.Helper()
	out, err := f.node.AssumeRole(t.Context(), a)
	check(t, err)
	return out
}

// may reports whether a node lets credentials do something.
func may(t testing.TB, node *iam.Service, c *session.Credentials, action, resource string) bool {
	t.Helper()
	p, err := node.Lookup(t.Context(), c.AccessKeyID, c.Token)
	if errors.Is(err, iam.ErrUnknownKey) || errors.Is(err, iam.ErrExpiredToken) {
		return false
	}
	check(t, err)
	if p.Secret != c.Secret {
		t.Fatal("another secret")
	}
	err = node.Authorize(t.Context(), p, iam.Request{Action: action, Resource: resource, HTTP: &api.Request{}})
	if _, denied := errors.AsType[*iam.Denied](err); denied {
		return false
	}
	check(t, err)
	return true
}

func TestRoleSession(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.role(t, trustPool, allow("s3:GetObject")+`,`+allow("sqs:*"))
	a := identity()
	a.Tags, a.SourceIdentity = map[string]string{"Team": "red"}, ""
	check(t, f.TagRole(t.Context(), &iamapi.TagRoleRequest{RoleName: "guests", Tags: []iamapi.Tag{{Key: "team", Value: "blue"}, {Key: "stage", Value: "test"}}}))
	a.Policy = documentOf(allow("s3:*"))
	made := f.assume(t, a)
	if want := "arn:aws:sts::123456789012:assumed-role/guests/CognitoIdentityCredentials"; made.ARN != want {
		t.Errorf("session %s, want %s", made.ARN, want)
	}
	if !made.Expires.Equal(f.clock.Now().Add(time.Hour)) || made.PackedPolicySize < 1 || made.PackedPolicySize > 100 {
		t.Errorf("made %+v", made)
	}
	for _, node := range []*iam.Service{f.node, f.other} {
		for action, want := range map[string]bool{"s3:GetObject": true, "s3:PutObject": false, "sqs:SendMessage": false} {
			if got := may(t, node, &made.Credentials, action, "*"); got != want {
				t.Errorf("%s: %v, want %v", action, got, want)
			}
		}
	}
	p, err := f.node.Lookup(t.Context(), made.AccessKeyID, made.Token)
	check(t, err)
	keys := map[string]string{}
	for key, values := range f.node.Caller(p).Conditions {
		keys[key] = strings.Join(values, " ")
	}
	role, err := f.node.Role(t.Context(), guestRole)
	check(t, err)
	for key, want := range map[string]string{
		"aws:principalarn": guestRole, "aws:principaltype": "AssumedRole", "aws:principalaccount": accountID, "aws:userid": role.ID + ":CognitoIdentityCredentials", "aws:username": "",
		"aws:principaltag/team": "red", "aws:principaltag/stage": "test", "aws:tokenissuetime": "2026-11-30T10:00:00Z", "aws:federatedprovider": "cognito-identity.amazonaws.com",
		"cognito-identity.amazonaws.com:aud": poolID, "cognito-identity.amazonaws.com:sub": person, "aws:multifactorauthpresent": "",
		"cognito-identity.amazonaws.com:amr": "authenticated cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab",
	} {
		if keys[key] != want {
			t.Errorf("%s = %q, want %q", key, keys[key], want)
		}
	}
}

// TestPolicyOfPerson wants a role's policy to open a folder of their own to each person.
func TestPolicyOfPerson(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.role(t, trustPool, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::files/${cognito-identity.amazonaws.com:sub}/*"}`)
	made := f.assume(t, identity())
	if !may(t, f.node, &made.Credentials, "s3:GetObject", "arn:aws:s3:::files/"+person+"/a") {
		t.Error("the own folder is closed")
	}
	if may(t, f.node, &made.Credentials, "s3:GetObject", "arn:aws:s3:::files/us-east-1:33333333-3333-4333-8333-333333333333/a") {
		t.Error("another person's folder is open")
	}
}

// TestSessionEnds wants credentials to end with what they depend on: on every node within a
// second.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(t *testing.T, f *rig)
	}{
		{"the role is deleted", func(t *testing.T, f *rig) {
			check(t, f.DeleteRolePolicy(t.Context(), &iamapi.DeleteRolePolicyRequest{RoleName: "guests", PolicyName: "p"}),
				f.DeleteRole(t.Context(), &iamapi.DeleteRoleRequest{RoleName: "guests"}))
		}},
		{"the role is made again", func(t *testing.T, f *rig) {
			check(t, f.DeleteRolePolicy(t.Context(), &iamapi.DeleteRolePolicyRequest{RoleName: "guests", PolicyName: "p"}),
				f.DeleteRole(t.Context(), &iamapi.DeleteRoleRequest{RoleName: "guests"}))
			f.role(t, trustPool, allow("s3:*"))
		}},
		{"the role's policy changes", func(t *testing.T, f *rig) { f.grant(t, allow("sqs:*")) }},
		{"older sessions are revoked", func(t *testing.T, f *rig) {
			f.grant(t, allow("s3:*")+`,{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2026-11-30T10:00:01Z"}}}`)
		}},
		{"the identity is deleted", func(_ *testing.T, f *rig) { f.deleted.Store(true) }},
		{"time passes", func(_ *testing.T, f *rig) { f.clock.Pass(time.Hour) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newRig(t)
			f.role(t, trustPool, allow("s3:*"))
			made := f.assume(t, identity())
			for _, node := range []*iam.Service{f.node, f.other} {
				if !may(t, node, &made.Credentials, "s3:GetObject", "*") {
					t.Fatal("not allowed before")
				}
			}
			tt.change(t, f)
			f.clock.Pass(time.Second)
			for _, node := range []*iam.Service{f.node, f.other} {
				if may(t, node, &made.Credentials, "s3:GetObject", "*") {
					t.Error("allowed after it")
				}
			}
		})
	}
}

func TestLookupOfSessions(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.role(t, trustPool, allow("s3:*"))
	made, another := f.assume(t, identity()), f.assume(t, identity())
	key, _, err := f.node.CreateAccessKey(t.Context(), "alice", iam.Administrator)
	check(t, err)
	tests := []struct {
		name, key, token string
		want             error
		foreign          bool
	}{
		{"its own", made.AccessKeyID, made.Token, nil, false},
		{"no token", made.AccessKeyID, "", iam.ErrUnknownKey, false},
		{"another session's token", made.AccessKeyID, another.Token, iam.ErrUnknownKey, false},
		{"a flipped bit", made.AccessKeyID, made.Token[:20] + string(made.Token[20]^1) + made.Token[21:], iam.ErrUnknownKey, false},
		{"a long-term key with the token", key.ID, made.Token, iam.ErrUnknownKey, false},
		{"an unknown session key", "ASIAAAAAAAAAAAAAAAAA", made.Token, iam.ErrUnknownKey, false},
		{"another server's session", "ASIAAAAAAAAAAAAAAAAA", "IQoJb3JpZ2luX2VjEA==", iam.ErrUnknownKey, true},
		{"an unknown long-term key", "AKIAAAAAAAAAAAAAAAAA", "", iam.ErrUnknownKey, true},
	}
	for _, tt := range tests {
		p, err := f.node.Lookup(t.Context(), tt.key, tt.token)
		if !errors.Is(err, tt.want) || errors.Is(err, iam.ErrForeignKey) != tt.foreign {
			t.Errorf("%s: %v, %v", tt.name, p, err)
		}
	}
	f.clock.Pass(time.Hour - time.Second)
	if _, err := f.node.Lookup(t.Context(), made.AccessKeyID, made.Token); err != nil {
		t.Errorf("in the last second: %v", err)
	}
	f.clock.Pass(time.Second)
	if _, err := f.node.Lookup(t.Context(), made.AccessKeyID, made.Token); !errors.Is(err, iam.ErrExpiredToken) {
		t.Errorf("at the end: %v", err)
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	const other = "us-east-1:99999999-9999-4999-8999-999999999999"
	without := func(part string) string { return strings.Replace(trustPool, part, "", 1) }
	tests := []struct {
		name, trust string
		change      func(a *iam.Assumption)
		action      string // that is denied, "" if none is
	}{
		{name: "trusted", trust: trustPool},
		{name: "with tags", trust: trustPool, change: func(a *iam.Assumption) { a.Tags = map[string]string{"team": "red"} }},
		{name: "no role", trust: trustPool, change: func(a *iam.Assumption) { a.Role += "x" }, action: iam.ActionAssumeWithWebIdentity},
		{name: "another path", trust: trustPool, change: func(a *iam.Assumption) { a.Role = strings.Replace(a.Role, "app/", "", 1) }, action: iam.ActionAssumeWithWebIdentity},
		{name: "another pool", trust: trustPool, change: func(a *iam.Assumption) { a.Login = iam.IdentityLogin(other, person, "authenticated") }, action: iam.ActionAssumeWithWebIdentity},
		{name: "a guest", trust: trustPool, change: func(a *iam.Assumption) { a.Login = iam.IdentityLogin(poolID, person, "unauthenticated") }, action: iam.ActionAssumeWithWebIdentity},
		{name: "another provider", trust: trustPool, change: func(a *iam.Assumption) { a.Login.Provider = "accounts.google.com" }, action: iam.ActionAssumeWithWebIdentity},
		{name: "no audience in the trust policy", trust: without(`"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + poolID + `"},`), action: iam.ActionAssumeWithWebIdentity},
		{name: "audience only if it exists", trust: strings.Replace(trustPool, "StringEquals", "StringEqualsIfExists", 1), action: iam.ActionAssumeWithWebIdentity},
		{name: "audience only excluded", trust: strings.NewReplacer("StringEquals", "StringNotEquals", poolID, other).Replace(trustPool), action: iam.ActionAssumeWithWebIdentity},
		{name: "tags not trusted", trust: without(`,"sts:TagSession"`), change: func(a *iam.Assumption) { a.Tags = map[string]string{"team": "red"} }, action: "sts:TagSession"},
		{name: "source identity not trusted", trust: trustPool, change: func(a *iam.Assumption) { a.SourceIdentity = "dora" }, action: "sts:SetSourceIdentity"},
		{name: "denied", trust: trustPool + `,{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRoleWithWebIdentity"}`, action: iam.ActionAssumeWithWebIdentity},
		{name: "everybody is no login", trust: `{"Effect":"Allow","Principal":"*","Action":"sts:*","Condition":{"StringEquals":{"cognito-identity.amazonaws.com:aud":"` + poolID + `"}}}`, action: iam.ActionAssumeWithWebIdentity},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newRig(t)
			f.role(t, tt.trust, allow("s3:*"))
			a := identity()
			if tt.change != nil {
				tt.change(&a)
			}
			_, err := f.node.AssumeRole(t.Context(), a)
			denied, ok := errors.AsType[*iam.TrustError](err)
			switch {
			case tt.action == "" && err != nil, tt.action != "" && (!ok || denied.Action != tt.action):
				t.Errorf("error = %v, want a denial of %q", err, tt.action)
			case ok && denied.Missing != slices.Contains([]string{"no role", "another path"}, tt.name):
				t.Errorf("missing = %v", denied.Missing)
			}
		})
	}
}

func TestAssumeRefuses(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.role(t, trustPool, allow("s3:*"))
	tests := []struct {
		name   string
		change func(a *iam.Assumption)
		want   error
		text   string
	}{
		{"longer than the role allows", func(a *iam.Assumption) { a.Duration = time.Hour + time.Second }, iam.ErrLongSession, ""},
		{"policy without JSON", func(a *iam.Assumption) { a.Policy = "x" }, nil, "Syntax errors in policy."},
		{"long policy", func(a *iam.Assumption) { a.Policy = strings.Repeat("x", 2049) }, iam.ErrLargeSession, ""},
		{"unknown managed policy", func(a *iam.Assumption) { a.PolicyARNs = []string{"arn:aws:iam::123456789012:policy/none"} }, nil, "The policy arn:aws:iam::123456789012:policy/none does not exist or is not attachable."},
		{"reserved tag", func(a *iam.Assumption) { a.Tags = map[string]string{"AWS:x": ""} }, iam.ErrTags, ""},
		{"tag with a wildcard", func(a *iam.Assumption) { a.Tags = map[string]string{"team": "*"} }, iam.ErrTags, ""},
		{"long tag", func(a *iam.Assumption) { a.Tags = map[string]string{"team": strings.Repeat("x", 257)} }, iam.ErrTags, ""},
		{"tag with a variable as its key", func(a *iam.Assumption) { a.Tags = map[string]string{"${x}": "red"} }, iam.ErrTags, ""},
		{"tag twice", func(a *iam.Assumption) { a.Tags = map[string]string{"a": "", "A": ""} }, iam.ErrTags, ""},
		{"transitive key without a tag", func(a *iam.Assumption) { a.TransitiveKeys = []string{"a"} }, iam.ErrTags, ""},
	}
	for _, tt := range tests {
		a := identity()
		tt.change(&a)
		_, err := f.node.AssumeRole(t.Context(), a)
		failed, ok := errors.AsType[*iam.SessionPolicyError](err)
		if tt.want != nil && !errors.Is(err, tt.want) || tt.text != "" && (!ok || failed.Text != tt.text) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestManagedSessionPolicy wants the managed policies of a session to limit it, and to deny
// everything when they are gone.
func TestManagedSessionPolicy(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.role(t, trustPool, allow("*"))
	made, err := f.CreatePolicy(t.Context(), &iamapi.CreatePolicyRequest{PolicyName: "limit", PolicyDocument: documentOf(allow("s3:*"))})
	check(t, err)
	a := identity()
	a.PolicyARNs = []string{*made.Policy.Arn}
	limited := f.assume(t, a)
	if !may(t, f.node, &limited.Credentials, "s3:GetObject", "*") || may(t, f.node, &limited.Credentials, "sqs:SendMessage", "*") {
		t.Error("the policy does not decide")
	}
	check(t, f.DeletePolicy(t.Context(), &iamapi.DeletePolicyRequest{PolicyArn: *made.Policy.Arn}))
	f.clock.Pass(time.Second)
	for _, node := range []*iam.Service{f.node, f.other} {
		if may(t, node, &limited.Credentials, "s3:GetObject", "*") {
			t.Error("allowed without the policy")
		}
	}
}

// TestRootSession wants sessions of the root user on development servers only.
func TestRootSession(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	made, err := f.node.Issue(session.Description{Kind: session.User}, time.Hour, 0)
	check(t, err)
	if p, err := f.node.Lookup(t.Context(), made.AccessKeyID, made.Token); !errors.Is(err, iam.ErrUnknownKey) {
		t.Errorf("in production: %v, %v", p, err)
	}
	development := iam.New(iam.Deps{Ring: f.ring, Now: f.clock.Now, AccountID: accountID, Root: true})
	p, err := development.Lookup(t.Context(), made.AccessKeyID, made.Token)
	check(t, err)
	if !p.IsRoot() || p.ARN != "arn:aws:iam::"+accountID+":root" {
		t.Errorf("principal %s", p.ARN)
	}
}

// TestRetiredSessions wants a retirement of the data keys to end all sessions.
func TestRetiredSessions(t *testing.T) {
	t.Parallel()
	f := newRig(t)
	f.role(t, trustPool, allow("s3:*"))
	made := f.assume(t, identity())
	if !may(t, f.node, &made.Credentials, "s3:GetObject", "*") {
		t.Fatal("not allowed before")
	}
	kek, err := keys.ParseKEK(keys.GenerateKEK())
	check(t, err)
	records, err := f.ring.Retire(t.Context(), kek, f.records, f.clock.Now())
	check(t, err)
	f.ring.UseKEK(kek)
	check(t, f.ring.Load(t.Context(), records, f.clock.Now()))
	if may(t, f.node, &made.Credentials, "s3:GetObject", "*") {
		t.Error("allowed after it")
	}
	if made := f.assume(t, identity()); !may(t, f.node, &made.Credentials, "s3:GetObject", "*") {
		t.Error("a new session is not allowed")
	}
}

func BenchmarkSession(b *testing.B) {
	f := newRig(b)
	f.role(b, trustPool, allow("s3:*"))
	made := f.assume(b, identity())
	b.Run("lookup", func(b *testing.B) {
		for b.Loop() {
			if _, err := f.node.Lookup(b.Context(), made.AccessKeyID, made.Token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lookup and authorize", func(b *testing.B) {
		for b.Loop() {
			if !may(b, f.node, &made.Credentials, "s3:GetObject", "arn:aws:s3:::files/a") {
				b.Fatal("denied")
			}
		}
	})
	b.Run("assume", func(b *testing.B) {
		for b.Loop() {
			f.assume(b, identity())
		}
	})
}
