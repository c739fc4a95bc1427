package iam_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/store"
	"cognate/test/fresh"
)

type fixture struct {
	*iam.Service
	store *store.Store
	clock *fresh.Clock
	other *iam.Service // another node on the same database
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	c := fresh.NewClock(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC))
	st := fresh.Store(t, fresh.SQLite(t), c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	tags := func(_ context.Context, arn string) (map[string]string, error) {
		if strings.HasSuffix(arn, "_Tagged") {
			return map[string]string{"Stage": "test"}, nil
		}
		return nil, nil
	}
	d := iam.Deps{Store: st, Ring: ring, Now: c.Now, AccountID: "123456789012", ResourceTags: tags}
	return fixture{iam.New(d), st, c, iam.New(d)}
}

func policyOf(statement string) iam.NamedPolicy {
	return iam.NamedPolicy{Name: "p", Document: json.RawMessage(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)}
}

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key, secret, err := f.CreateAccessKey(t.Context(), "alice", iam.Administrator)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(key.ID, "AKIA") || len(key.ID) != 20 || len(secret) != 40 {
		t.Errorf("key %q with a secret of %d letters", key.ID, len(secret))
	}
	if want := "arn:aws:iam::123456789012:user/alice"; key.PrincipalARN != want {
		t.Errorf("principal %q, want %q", key.PrincipalARN, want)
	}
	row, err := f.store.AccessKey(t.Context(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(row.Secret)+string(row.Doc), string(secret)) {
		t.Error("the secret is in the database as it is")
	}
	p, err := f.Lookup(t.Context(), key.ID, "")
	if err != nil || p.Secret != secret || p.ARN != key.PrincipalARN {
		t.Fatalf("Lookup = %+v, %v", p, err)
	}
	list, err := f.AccessKeys(t.Context())
	if err != nil || len(list) != 1 || !list[0].Active || list[0].Policies[0].Name != "admin" {
		t.Fatalf("AccessKeys = %+v, %v", list, err)
	}
}

func TestLookupOfUnknownKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, id := range []string{"", "AKIA", "AKIAAAAAAAAAAAAAAAAA", "akiaaaaaaaaaaaaaaaaa", "AKIA\x00AAAAAAAAAAAAAAA", strings.Repeat("A", 4096)} {
		if _, err := f.Lookup(t.Context(), id, ""); !errors.Is(err, iam.ErrUnknownKey) {
			t.Errorf("Lookup(%.30q) = %v, want ErrUnknownKey", id, err)
		}
	}
}

// TestLookupOfLongTermKeyWithToken shows that a session token makes a long-term
// key unknown.
func TestLookupOfLongTermKeyWithToken(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key, _, err := f.CreateAccessKey(t.Context(), "alice", iam.Administrator)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lookup(t.Context(), key.ID, ""); err != nil {
		t.Fatal(err)
	}
	if p, err := f.Lookup(t.Context(), key.ID, "a-session-token"); !errors.Is(err, iam.ErrUnknownKey) {
		t.Errorf("Lookup = %v, %v, want ErrUnknownKey", p, err)
	}
}

// TestRevocation shows that a node forgets a key at once, and every other within
// a second.
func TestRevocation(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	key, _, err := f.CreateAccessKey(t.Context(), "alice", iam.Administrator)
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range []*iam.Service{f.Service, f.other} {
		if _, err := node.Lookup(t.Context(), key.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.DeleteAccessKey(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Lookup(t.Context(), key.ID, ""); !errors.Is(err, iam.ErrUnknownKey) {
		t.Errorf("the node that revoked it: %v", err)
	}
	f.clock.Pass(-time.Hour)
	if _, err := f.other.Lookup(t.Context(), key.ID, ""); !errors.Is(err, iam.ErrUnknownKey) {
		t.Errorf("another node, whose clock was set back: %v", err)
	}
	f.clock.Pass(time.Hour + time.Second)
	if _, err := f.other.Lookup(t.Context(), key.ID, ""); !errors.Is(err, iam.ErrUnknownKey) {
		t.Errorf("another node, a second later: %v", err)
	}
	if err := f.DeleteAccessKey(t.Context(), key.ID); !errors.Is(err, iam.ErrUnknownKey) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	tests := []struct {
		name     string
		user     string
		policies []iam.NamedPolicy
	}{
		{"no name", "", []iam.NamedPolicy{iam.Administrator}},
		{"name with a slash", "a/b", []iam.NamedPolicy{iam.Administrator}},
		{"no policy", "alice", nil},
		{"policy that is none", "alice", []iam.NamedPolicy{policyOf(`{}`)}},
		{"condition that is never filled", "alice", []iam.NamedPolicy{policyOf(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := f.CreateAccessKey(t.Context(), tt.user, tt.policies...); err == nil {
				t.Error("a key was made")
			}
		})
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_"
	tests := []struct {
		name      string
		statement string
		request   iam.Request
		allowed   bool
		explicit  bool
	}{
		{name: "pool", statement: `{"Effect":"Allow","Action":"cognito-idp:AdminGetUser","Resource":"` + arn + `A"}`, allowed: true},
		{name: "another pool", statement: `{"Effect":"Allow","Action":"cognito-idp:AdminGetUser","Resource":"` + arn + `B"}`},
		{name: "denied", statement: `{"Effect":"Deny","Action":"*","Resource":"*"}`, explicit: true},
		{name: "address", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`, allowed: true},
		{name: "another address", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"198.51.100.0/24"}}}`},
		{name: "time", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-11-22"}}}`, allowed: true},
		{name: "time is over", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-11-21"}}}`},
		{name: "plain HTTP", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`},
		{name: "region", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1","aws:username":"alice"}}}`, allowed: true},
		{name: "tag", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/stage":"test"}}}`, request: iam.Request{Resource: arn + "Tagged"}, allowed: true},
		{name: "no tag", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/stage":"test"}}}`},
		{name: "older action denied", statement: `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"cognito-idp:DescribeTerms","Resource":"*"}`,
			request: iam.Request{Action: "cognito-idp:DescribeTermsByClient"}, explicit: true},
		{name: "older action allowed", statement: `{"Effect":"Allow","Action":"cognito-idp:DescribeTerms","Resource":"*"}`, request: iam.Request{Action: "cognito-idp:DescribeTermsByClient"}},
		{name: "newer action denied", statement: `{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"cognito-idp:DescribeTermsByClient","Resource":"*"}`,
			request: iam.Request{Action: "cognito-idp:DescribeTerms"}, allowed: true},
		{name: "absent user agent", statement: `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:UserAgent":"*"}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			key, _, err := f.CreateAccessKey(t.Context(), "alice", policyOf(tt.statement))
			if err != nil {
				t.Fatal(err)
			}
			p, err := f.Lookup(t.Context(), key.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			r := tt.request
			r.Action, r.HTTP = cmp.Or(r.Action, "cognito-idp:AdminGetUser"), &api.Request{Region: "us-east-1", SourceIP: "192.0.2.7", Scheme: "http"}
			if r.Resource == "" {
				r.Resource = arn + "A"
			}
			err = f.Authorize(t.Context(), p, r)
			denied, no := errors.AsType[*iam.Denied](err)
			if err != nil && !no {
				t.Fatal(err)
			}
			if no == tt.allowed || no && denied.Explicit != tt.explicit {
				t.Errorf("Authorize = %v, want allowed %v, explicit %v", err, tt.allowed, tt.explicit)
			}
		})
	}
}

// TestSecretsStayOut formats what bears a secret in every way that a log would.
func TestSecretsStayOut(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	s := keys.Secret("s3cr3t")
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "a", s, "b", iam.Principal{Secret: s}, "c", &iam.Principal{Secret: s})
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "a", s, "b", iam.Principal{Secret: s})
	if strings.Contains(b.String(), "s3cr3t") {
		t.Errorf("the log tells it: %s", b.String())
	}
}
