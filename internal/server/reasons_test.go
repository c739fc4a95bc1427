package server_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// lastLine returns the newest line of a request in the log. The line is written
// before a short answer leaves the server.
func (r rig) lastLine(t *testing.T) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
	for _, line := range slices.Backward(lines) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err == nil && m["msg"] == "request" {
			return m
		}
	}
	t.Fatal("no line of a request in the log")
	return nil
}

// wantLine wants these fields of the newest line; "" stands for absent.
func (r rig) wantLine(t *testing.T, name string, fields map[string]string) {
	t.Helper()
	line := r.lastLine(t)
	for key, want := range fields {
		if got, _ := line[key].(string); got != want {
			t.Errorf("%s: %s = %q, want %q in %v", name, key, got, want, line)
		}
	}
}

func (r rig) subOf(t *testing.T, pool, name string) string {
	t.Helper()
	out, err := r.dev().AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &name})
	for _, a := range must(t, out, err).UserAttributes {
		if *a.Name == "sub" {
			return *a.Value
		}
	}
	t.Fatalf("%s has no sub", name)
	return ""
}

// TestWhyASignInFailed asks the log what the client must not learn.
func TestWhyASignInFailed(t *testing.T) {
	t.Parallel()
	c := dev(t)
	c.LogFormat, c.LogLevel = "json", "info"
	began := time.Now()
	c.Now = func() time.Time { return began } // A lock of one second must not end before the test has seen it.
	r := start(t, c)
	ctx, pool := t.Context(), newPool(t, r)
	app, err := r.dev().CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("app"), PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	hiding := *must(t, app, err).UserPoolClient.ClientId
	telling := newClient(t, r, pool)
	subs := map[string]string{"nobody-of-that-name": "none"}
	for _, name := range []string{"alice", "bob-disabled", "carol-locked"} {
		newUser(t, r, pool, name)
		subs[name] = r.subOf(t, pool, name)
	}
	_, err = r.dev().AdminDisableUser(ctx, &cip.AdminDisableUserInput{UserPoolId: &pool, Username: aws.String("bob-disabled")})
	want(t, err, "")
	r.wantLine(t, "an administrator's call", map[string]string{"operation": "AdminDisableUser", "target": subs["bob-disabled"], "user": "", "reason": ""})
	up, err := r.dev().SignUp(ctx, &cip.SignUpInput{
		ClientId: &hiding, Username: aws.String("dave-unconfirmed"), Password: aws.String(password),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("dave@example.com")}},
	})
	subs["dave-unconfirmed"] = *must(t, up, err).UserSub
	for range 5 {
		_, _ = signIn(t, r, hiding, "carol-locked", "Wrong-password-1")
	}

	for _, tt := range []struct {
		name, client, user, password, reason string
	}{
		{"wrong password", hiding, "alice", "Wrong-password-1", "wrong_password"},
		{"wrong password, telling", telling, "alice", "Wrong-password-1", "wrong_password"},
		{"nobody", hiding, "nobody-of-that-name", "Wrong-password-1", "unknown_user"},
		{"nobody, telling", telling, "nobody-of-that-name", "Wrong-password-1", "unknown_user"},
		{"disabled", hiding, "bob-disabled", password, "disabled"},
		{"disabled, telling", telling, "bob-disabled", password, "disabled"},
		{"unconfirmed", hiding, "dave-unconfirmed", password, "unconfirmed"},
		{"locked", hiding, "carol-locked", password, "locked"},
	} {
		_, err := signIn(t, r, tt.client, tt.user, tt.password)
		r.wantLine(t, tt.name, map[string]string{
			"operation": "InitiateAuth", "code": code(err), "reason": tt.reason, "pool": pool, "appClient": tt.client, "user": subs[tt.user],
		})
	}

	_, err = r.dev().InitiateAuth(ctx, &cip.InitiateAuthInput{
		ClientId: &hiding, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": "none of ours"},
	})
	want(t, err, "NotAuthorizedException")
	r.wantLine(t, "refresh", map[string]string{"reason": "bad_refresh_token", "appClient": hiding})
	_, err = r.dev().InitiateAuth(ctx, &cip.InitiateAuthInput{
		ClientId: &hiding, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: map[string]string{"USERNAME": "alice", "SRP_A": "2"},
	})
	want(t, err, "InvalidParameterException")
	r.wantLine(t, "flow", map[string]string{"reason": "flow_disabled"})
	for _, user := range []string{"dave-unconfirmed", "nobody-of-that-name"} {
		_, err = r.dev().ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: &hiding, Username: &user, ConfirmationCode: aws.String("no-code")})
		reason := map[string]string{"dave-unconfirmed": "code_mismatch", "nobody-of-that-name": "unknown_user"}[user]
		r.wantLine(t, "ConfirmSignUp", map[string]string{"code": code(err), "reason": reason, "user": subs[user]})
	}
	_, err = r.dev().GetUser(ctx, &cip.GetUserInput{AccessToken: aws.String("none.of.ours")})
	want(t, err, "NotAuthorizedException")
	r.wantLine(t, "access token", map[string]string{"reason": "bad_access_token"})
	_, err = r.dev().AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &pool, Username: aws.String("nobody-of-that-name")})
	want(t, err, "UserNotFoundException")
	r.wantLine(t, "administrator", map[string]string{"reason": "unknown_user", "target": "none", "pool": pool})

	_, metrics := get(t, "http://"+r.PrivateAddr()+"/metrics")
	if line := `cognate_refusals_total{operation="InitiateAuth",reason="unknown_user"} 2` + "\n"; !strings.Contains(metrics, line) {
		t.Errorf("the metrics have no %s", line)
	}
	for _, secret := range []string{password, "Wrong-password-1", "alice", "dave", "nobody-of", "example.com", "none of ours", "none.of.ours"} {
		if strings.Contains(r.log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}

// TestRefusedSignatureInTheLog names the key that a refused signature claims.
func TestRefusedSignatureInTheLog(t *testing.T) {
	t.Parallel()
	r := start(t, serve(t))
	id, secret := newKey(t, r, "alice", "admin")
	for _, tt := range []struct {
		name, id, secret, claims, reason string
	}{
		{"wrong secret", id, secret[:39] + "!", id, "bad_signature"},
		{"unknown key", "AKIAAAAAAAAAAAAAAAAA", secret, "AKIAAAAAAAAAAAAAAAAA", "unknown_access_key"},
		{"id and secret mixed up", "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY", id, "", "unknown_access_key"},
	} {
		err := list(t, r.client(tt.id, tt.secret))
		if err == nil {
			t.Errorf("%s: let in", tt.name)
		}
		r.wantLine(t, tt.name, map[string]string{"claimedAccessKey": tt.claims, "reason": tt.reason, "accessKey": "", "principal": ""})
	}
	want(t, list(t, r.client(id, secret)), "")
	r.wantLine(t, "accepted", map[string]string{"claimedAccessKey": "", "reason": "", "accessKey": id})
	if strings.Contains(r.log.String(), secret) {
		t.Error("the log tells the secret")
	}
}
