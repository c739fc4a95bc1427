package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognate/internal/server"
	"cognate/test/serving"
)

// A transcript keeps what a server prints, and lets tests wait for it.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed *sync.Cond
}

func newTranscript() *transcript {
	t := &transcript{}
	t.changed = sync.NewCond(&t.mu)
	return t
}

// Write implements io.Writer.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changed.Broadcast()
	return t.text.Write(p)
}

// wait returns when one of the texts is there more often than it was.
func (t *transcript) wait(were map[string]int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		for text, n := range were {
			if bytes.Count(t.text.Bytes(), []byte(text)) > n {
				return t.text.String()
			}
		}
		t.changed.Wait()
	}
}

// running is a server whose template changes while it runs.
type running struct {
	serving.Rig
	t   *testing.T
	sdk *cip.Client
	out *transcript
	// printed counts the lines about the template, by their texts.
	printed map[string]int
	// protected is set if a resource may leave the template and stay.
	protected bool
}

const (
	applied = "  stack           "
	kept    = "the server keeps what it has"
)

func start(t *testing.T, c server.Config) *running {
	t.Helper()
	out := newTranscript()
	c.Out = out
	rig := serving.Start(t, c)
	r := &running{Rig: rig, t: t, sdk: rig.Dev(), out: out, printed: map[string]int{applied: 1, kept: 0}}
	t.Cleanup(func() {
		if log := r.Log.String(); !r.protected && strings.Contains(log, "could not be removed") {
			t.Error("a resource that left the template could not be removed")
		}
	})
	return r
}

// change writes another template, and returns what the server has printed when it has read it.
func (r *running) change(text, want string) string {
	r.t.Helper()
	write(r.t, r.Config.Template, text)
	return r.await(want)
}

// await waits until the server has read the template once more.
func (r *running) await(want string) string {
	r.t.Helper()
	printed := r.out.wait(r.printed)
	r.printed[want]++
	if strings.Count(printed, want) != r.printed[want] {
		r.t.Fatalf("the server does not say %q:\n%s", want, printed)
	}
	return printed
}

const parts = `
  Domain:
    Type: AWS::Cognito::UserPoolDomain
    Properties: {UserPoolId: !Ref Pool, Domain: PREFIX}
  Admins:
    Type: AWS::Cognito::UserPoolGroup
    Properties: {UserPoolId: !Ref Pool, GroupName: admins, Description: one}
`

func withParts(prefix string) string {
	return strings.Replace(shop, "Outputs:", strings.ReplaceAll(parts, "PREFIX", prefix)+"Outputs:", 1)
}

// TestChanges changes the template of a running server: in place, by replacement, by removal.
func TestChanges(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		first := uniqueName(t)
		c.Template = templateFile(t, withParts(first))
		r := start(t, c)
		ctx := t.Context()
		id := pool(t, r.sdk, "shop")
		web := client(t, r.sdk, id, "web")
		addUser(t, r.sdk, id, "alice")

		// In place.
		second := strings.Replace(withParts(first), "Description: one", "Description: two, Precedence: 3", 1)
		r.change(second, applied)
		g, err := r.sdk.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &id, GroupName: aws.String("admins")})
		if err != nil || *g.Group.Description != "two" || *g.Group.Precedence != 3 {
			t.Errorf("the changed group: %+v, %v", g, err)
		}

		// By replacement: an app client gets a secret only when it is made, and a domain keeps its name.
		third := strings.Replace(strings.Replace(second, "GenerateSecret: false", "GenerateSecret: true", 1), "Domain: "+first, "Domain: "+first+"2", 1)
		r.change(third, applied)
		now := client(t, r.sdk, id, "web")
		if *now.ClientId == *web.ClientId || now.ClientSecret == nil {
			t.Errorf("the app client was not replaced: %+v", now)
		}
		_, err = r.sdk.DescribeUserPoolClient(ctx, &cip.DescribeUserPoolClientInput{UserPoolId: &id, ClientId: web.ClientId})
		serving.Want(t, err, "ResourceNotFoundException")
		p, err := r.sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &id})
		if err != nil || *p.UserPool.Domain != first+"2" {
			t.Errorf("the domain: %v, %v", p.UserPool.Domain, err)
		}

		// A resource that has moved to another logical id is the same.
		fourth := strings.ReplaceAll(strings.ReplaceAll(third, "  Admins:", "  Chiefs:"), "  Domain:\n", "  Host:\n")
		if text := r.change(fourth, applied); !strings.Contains(text, "nothing has changed") {
			t.Errorf("the moved resources have changed:\n%s", text)
		}

		// Removal, apart from what is retained.
		fifth := strings.Replace(fourth, "  Host:\n", "  Host:\n    DeletionPolicy: Retain\n", 1)
		r.change(fifth, applied)
		r.change(shop, applied)
		_, err = r.sdk.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &id, GroupName: aws.String("admins")})
		serving.Want(t, err, "ResourceNotFoundException")
		if p, err = r.sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &id}); err != nil || aws.ToString(p.UserPool.Domain) != first+"2" {
			t.Errorf("the retained domain: %v, %v", p.UserPool.Domain, err)
		}
		_, err = r.sdk.AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &id, Username: aws.String("alice")})
		serving.Want(t, err, "")
	})
}

// uniqueName returns a name for domains. Those of one database must differ.
func uniqueName(t *testing.T) string {
	t.Helper()
	return "shop" + strings.ToLower(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, t.Name()))
}

// TestFaults: a template with a fault, and one whose operation fails, leave the server as it was.
func TestFaults(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Template = templateFile(t, withParts("first"))
		r := start(t, c)
		ctx := t.Context()
		id := pool(t, r.sdk, "shop")
		web := client(t, r.sdk, id, "web")
		addUser(t, r.sdk, id, "alice")
		other, err := r.sdk.CreateUserPool(ctx, &cip.CreateUserPoolInput{PoolName: aws.String("other")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.sdk.CreateUserPoolDomain(ctx, &cip.CreateUserPoolDomainInput{UserPoolId: other.UserPool.Id, Domain: aws.String("taken")}); err != nil {
			t.Fatal(err)
		}

		text := r.change(strings.Replace(shop, "MinimumLength: !Ref Length", "MinimumLenght: 9", 1), kept)
		if !strings.Contains(text, "did you mean MinimumLength?") {
			t.Errorf("the fault does not name the property:\n%s", text)
		}

		// The domain is taken. Everything before it was done by then: a new password policy, another app
		// client, the removal of the old domain.
		broken := strings.Replace(withParts("taken"), "Default: 10", "Default: 20", 1)
		broken = strings.Replace(broken, "ALLOW_USER_PASSWORD_AUTH, ", "", 1)
		broken = strings.Replace(broken, "  Domain:\n", "  Early: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool, GroupName: early}}\n  Domain:\n    DependsOn: [Early, Web]\n", 1)
		text = r.change(broken, kept)
		if !strings.Contains(text, "Domain already associated with another user pool") || !strings.Contains(text, "changes were undone") {
			t.Errorf("the failure does not say what happened:\n%s", text)
		}
		p, err := r.sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &id})
		if err != nil {
			t.Fatal(err)
		}
		if *p.UserPool.Policies.PasswordPolicy.MinimumLength != 10 || aws.ToString(p.UserPool.Domain) != "first" {
			t.Errorf("the user pool after the failure: %+v", p.UserPool)
		}
		_, err = r.sdk.GetGroup(ctx, &cip.GetGroupInput{UserPoolId: &id, GroupName: aws.String("early")})
		serving.Want(t, err, "ResourceNotFoundException")
		serving.Want(t, signIn(t, r.sdk, *web.ClientId, "alice"), "")

		// The domain is free now: the template is tried again when it is saved without a change.
		if !strings.Contains(text, kept+"; save the template again to try again") {
			t.Errorf("the failure does not say how to try again:\n%s", text)
		}
		if _, err := r.sdk.DeleteUserPoolDomain(ctx, &cip.DeleteUserPoolDomainInput{UserPoolId: other.UserPool.Id, Domain: aws.String("taken")}); err != nil {
			t.Fatal(err)
		}
		r.change(broken, applied)
		if p, err = r.sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &id}); err != nil || aws.ToString(p.UserPool.Domain) != "taken" {
			t.Errorf("the user pool of the second attempt: %+v, %v", p, err)
		}

		// The next template goes on from there.
		r.change(strings.ReplaceAll(broken, "taken", "second"), applied)
		if p, err = r.sdk.DescribeUserPool(ctx, &cip.DescribeUserPoolInput{UserPoolId: &id}); err != nil || *p.UserPool.Policies.PasswordPolicy.MinimumLength != 20 || *p.UserPool.Domain != "second" {
			t.Fatalf("the user pool of the next template: %+v, %v", p, err)
		}

		// A protected pool stays.
		r.change(strings.Replace(shop, "UserPoolName: shop", "UserPoolName: shop\n      DeletionProtection: ACTIVE", 1), applied)
		r.change("Resources: {Other: {Type: 'AWS::SQS::Queue'}}", kept)
		serving.Want(t, signIn(t, r.sdk, *web.ClientId, "alice"), "")
	})
}

// TestExchangedNames: two resources cannot exchange their names, and the error says why.
func TestExchangedNames(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		const two = `  A: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool, GroupName: one, Description: of A}}
  B: {Type: AWS::Cognito::UserPoolGroup, Properties: {UserPoolId: !Ref Pool, GroupName: two, Description: of B}}
Outputs:`
		with := func(groups string) string { return strings.Replace(shop, "Outputs:", groups, 1) }
		names := func(a, b string) string {
			return with(strings.NewReplacer("GroupName: one", "GroupName: "+a, "GroupName: two", "GroupName: "+b).Replace(two))
		}
		c.Template = templateFile(t, with(two))
		r := start(t, c)
		id := pool(t, r.sdk, "shop")
		text := r.change(names("two", "one"), kept)
		if !strings.Contains(text, "Resources.A: two is in use by the resource B until this change is complete") || strings.Contains(text, "is not a resource of the stack") {
			t.Errorf("the refusal does not say who has the name:\n%s", text)
		}
		of := func(group string) string {
			out, err := r.sdk.GetGroup(t.Context(), &cip.GetGroupInput{UserPoolId: &id, GroupName: &group})
			if err != nil {
				t.Fatal(err)
			}
			return *out.Group.Description
		}
		if of("one") != "of A" || of("two") != "of B" {
			t.Errorf("the groups after the refusal: %s, %s", of("one"), of("two"))
		}
		// The two steps that the error names.
		r.change(names("three", "one"), kept) // One still belongs to A.
		r.change(names("three", "two"), applied)
		r.change(names("three", "one"), applied)
		r.change(names("two", "one"), applied)
		if of("two") != "of A" || of("one") != "of B" {
			t.Errorf("the groups after the exchange: %s, %s", of("one"), of("two"))
		}
	})
}

// TestFailedStart: a start whose template fails leaves nothing behind.
func TestFailedStart(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		bad := strings.Replace(withParts("first"), "Outputs:", "  Two:\n    Type: AWS::Cognito::UserPoolDomain\n    Properties: {UserPoolId: !Ref Pool, Domain: second}\nOutputs:", 1)
		c.Template = templateFile(t, bad)
		_, err := server.Start(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "User pool already has a domain configured") {
			t.Fatalf("two domains of a pool: %v", err)
		}
		c.Template = ""
		r := serving.Start(t, c)
		if id := pool(t, r.Dev(), "shop"); id != "" {
			t.Errorf("the failed start has left the user pool %s", id)
		}
	})
}

// TestReset: a reset applies the template again, with the same ids.
func TestReset(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Template = templateFile(t, shop)
		c.Seed = templateFile(t, "userPools: [{name: shop, users: [{username: carol, password: Correct-horse-1}]}]")
		r := serving.Start(t, c)
		sdk := r.Dev()
		id := pool(t, sdk, "shop")
		web := client(t, sdk, id, "web")
		addUser(t, sdk, id, "alice")
		serving.Want(t, signIn(t, sdk, *web.ClientId, "carol"), "")

		// A template with a fault is found before anything is deleted.
		write(t, c.Template, strings.Replace(shop, "MinimumLength", "MinimumLenght", 1))
		if status := reset(t, r); status != http.StatusInternalServerError {
			t.Errorf("a reset with a faulty template answers %d", status)
		}
		_, err := sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &id, Username: aws.String("alice")})
		serving.Want(t, err, "")
		write(t, c.Template, shop)

		if status := reset(t, r); status != http.StatusOK {
			t.Fatalf("the reset answers %d", status)
		}
		if now := pool(t, sdk, "shop"); now != id {
			t.Errorf("the user pool has the id %s after the reset, and had %s", now, id)
		}
		_, err = sdk.AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &id, Username: aws.String("alice")})
		serving.Want(t, err, "UserNotFoundException")
		serving.Want(t, signIn(t, sdk, *web.ClientId, "carol"), "")
	})
}

// reset resets a server, and returns the status of the answer.
func reset(t *testing.T, r serving.Rig) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/_cognate/reset", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

// TestDeletedByHand: what somebody has deleted is made again at the next start.
func TestDeletedByHand(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		c.Template = templateFile(t, withParts("first"))
		r := serving.Start(t, c)
		id := pool(t, r.Dev(), "shop")
		for _, err := range []error{
			func() error {
				_, err := r.Dev().DeleteUserPoolDomain(t.Context(), &cip.DeleteUserPoolDomainInput{UserPoolId: &id, Domain: aws.String("first")})
				return err
			}(),
			func() error {
				_, err := r.Dev().DeleteUserPool(t.Context(), &cip.DeleteUserPoolInput{UserPoolId: &id})
				return err
			}(),
		} {
			serving.Want(t, err, "")
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = serving.Start(t, c)
		if now := pool(t, r.Dev(), "shop"); now != id || client(t, r.Dev(), now, "web") == nil {
			t.Errorf("the user pool %s was not made again: %s", id, now)
		}
	})
}

// TestTwoServers: servers of one database apply a template at once, and it is applied once.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, c server.Config) {
		if c.Database == "" {
			return // The embedded database has one server.
		}
		c.Template = templateFile(t, withParts("first"))
		first := serving.Start(t, withoutTemplate(c)) // makes the keys and the schema
		const servers = 3
		var wg sync.WaitGroup
		errs := make([]error, servers)
		started := make([]*server.Server, servers)
		for i := range servers {
			own := c
			own.Data, own.KEKFile = t.TempDir(), first.Config.WithDefaults().KEKFile
			wg.Go(func() { started[i], errs[i] = server.Start(context.WithoutCancel(t.Context()), own) })
		}
		wg.Wait()
		for _, s := range started {
			if s != nil {
				t.Cleanup(func() { _ = s.Close() })
			}
		}
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		id := pool(t, first.Dev(), "shop") // fails if there are two
		list, err := first.Dev().ListUserPoolClients(t.Context(), &cip.ListUserPoolClientsInput{UserPoolId: &id})
		if err != nil || len(list.UserPoolClients) != 1 {
			t.Errorf("app clients: %+v, %v", list, err)
		}
	})
}

func withoutTemplate(c server.Config) server.Config {
	c.Template = ""
	return c
}
