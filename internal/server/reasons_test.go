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

	"cognate/test/serving"
)

// lastLine returns the newest line of a request in the log. The line is written
// before a short answer leaves the server.
func lastLine(t *testing.T, r serving.Rig) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.Log.String()), "\n")
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
func wantLine(t *testing.T, r serving.Rig, name string, fields map[string]string) {
	t.Helper()
	line := lastLine(t, r)
	for key, want := range fields {
		if got, _ := line[key].(string); got != want {
			t.Errorf("%s: %s = %q, want %q in %v", name, key, got, want, line)
		}
	}
}

func subOf(t *testing.T, r serving.Rig, pool, name string) string {
	t.Helper()
	out, err := r.Dev().AdminGetUser(t.Context(), &cip.AdminGetUserInput{UserPoolId: &pool, Username: &name})
	for _, a := range serving.Must(t, out, err).UserAttributes {
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
	c := serving.Dev(t)
	c.LogFormat, c.LogLevel = "json", "info"
	began := time.Now()
	c.Now = func() time.Time { return began } // A lock of one second must not end before the test has seen it.
	r := serving.Start(t, c)
	ctx, pool := t.Context(), serving.NewPool(t, r)
	app, err := r.Dev().CreateUserPoolClient(ctx, &cip.CreateUserPoolClientInput{
		UserPoolId: &pool, ClientName: aws.String("app"), PreventUserExistenceErrors: types.PreventUserExistenceErrorTypesEnabled,
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserPasswordAuth, types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	})
	hiding := *serving.Must(t, app, err).UserPoolClient.ClientId
	telling := newClient(t, r, pool)
	subs := map[string]string{"nobody-of-that-name": "none"}
	for _, name := range []string{"alice", "bob-disabled", "carol-locked"} {
		newUser(t, r, pool, name)
		subs[name] = subOf(t, r, pool, name)
	}
	_, err = r.Dev().AdminDisableUser(ctx, &cip.AdminDisableUserInput{UserPoolId: &pool, Username: aws.String("bob-disabled")})
	serving.Want(t, err, "")
	wantLine(t, r, "an administrator's call", map[string]string{"operation": "AdminDisableUser", "target": subs["bob-disabled"], "user": "", "reason": ""})
	up, err := r.Dev().SignUp(ctx, &cip.SignUpInput{
		ClientId: &hiding, Username: aws.String("dave-unconfirmed"), Password: aws.String(password),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: aws.String("dave@example.com")}},
	})
	subs["dave-unconfirmed"] = *serving.Must(t, up, err).UserSub
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
		wantLine(t, r, tt.name, map[string]string{
			"operation": "InitiateAuth", "code": serving.Code(err), "reason": tt.reason, "pool": pool, "appClient": tt.client, "user": subs[tt.user],
		})
	}

	_, err = r.Dev().InitiateAuth(ctx, &cip.InitiateAuthInput{
		ClientId: &hiding, AuthFlow: types.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": "none of ours"},
	})
	serving.Want(t, err, "NotAuthorizedException")
	wantLine(t, r, "refresh", map[string]string{"reason": "bad_refresh_token", "appClient": hiding})
	_, err = r.Dev().InitiateAuth(ctx, &cip.InitiateAuthInput{
		ClientId: &hiding, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: map[string]string{"USERNAME": "alice", "SRP_A": "2"},
	})
	serving.Want(t, err, "InvalidParameterException")
	wantLine(t, r, "flow", map[string]string{"reason": "flow_disabled"})
	for _, user := range []string{"dave-unconfirmed", "nobody-of-that-name"} {
		_, err = r.Dev().ConfirmSignUp(ctx, &cip.ConfirmSignUpInput{ClientId: &hiding, Username: &user, ConfirmationCode: aws.String("no-code")})
		reason := map[string]string{"dave-unconfirmed": "code_mismatch", "nobody-of-that-name": "unknown_user"}[user]
		wantLine(t, r, "ConfirmSignUp", map[string]string{"code": serving.Code(err), "reason": reason, "user": subs[user]})
	}
	_, err = r.Dev().GetUser(ctx, &cip.GetUserInput{AccessToken: aws.String("none.of.ours")})
	serving.Want(t, err, "NotAuthorizedException")
	wantLine(t, r, "access token", map[string]string{"reason": "bad_access_token"})
	_, err = r.Dev().AdminGetUser(ctx, &cip.AdminGetUserInput{UserPoolId: &pool, Username: aws.String("nobody-of-that-name")})
	serving.Want(t, err, "UserNotFoundException")
	wantLine(t, r, "administrator", map[string]string{"reason": "unknown_user", "target": "none", "pool": pool})

	_, metrics := serving.Get(t, "http://"+r.PrivateAddr()+"/metrics")
	if line := `cognate_refusals_total{operation="InitiateAuth",reason="unknown_user"} 2` + "\n"; !strings.Contains(metrics, line) {
		t.Errorf("the metrics have no %s", line)
	}
	for _, secret := range []string{password, "Wrong-password-1", "alice", "dave", "nobody-of", "example.com", "none of ours", "none.of.ours"} {
		if strings.Contains(r.Log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}

// TestRefusedSignatureInTheLog names the key that a refused signature claims.
func TestRefusedSignatureInTheLog(t *testing.T) {
	t.Parallel()
	r := serving.Start(t, serving.Serve(t))
	id, secret := serving.NewKey(t, r, "alice", "admin")
	for _, tt := range []struct {
		name, id, secret, claims, reason string
	}{
		{"wrong secret", id, secret[:39] + "!", id, "bad_signature"},
		{"unknown key", "AKIAAAAAAAAAAAAAAAAA", secret, "AKIAAAAAAAAAAAAAAAAA", "unknown_access_key"},
		{"id and secret mixed up", "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY", id, "", "unknown_access_key"},
	} {
		err := serving.ListPools(t, r.Client(tt.id, tt.secret))
		if err == nil {
			t.Errorf("%s: let in", tt.name)
		}
		wantLine(t, r, tt.name, map[string]string{"claimedAccessKey": tt.claims, "reason": tt.reason, "accessKey": "", "principal": ""})
	}
	serving.Want(t, serving.ListPools(t, r.Client(id, secret)), "")
	wantLine(t, r, "accepted", map[string]string{"claimedAccessKey": "", "reason": "", "accessKey": id})
	if strings.Contains(r.Log.String(), secret) {
		t.Error("the log tells the secret")
	}
}
