package faults_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/pgtest"
)

// two starts two servers on one database.
func two(t *testing.T) (a, b *node) {
	t.Helper()
	return twoAt(t, 0, 0)
}

// twoAt starts two servers on one database, whose clocks are wrong.
func twoAt(t *testing.T, wrongA, wrongB time.Duration) (a, b *node) {
	t.Helper()
	c := dev(t)
	c.Database = server.Secret(pgtest.Database(t))
	c.IssuerBase = "http://localhost"
	c.KEKFile = filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(c.KEKFile, []byte(keys.GenerateKEK()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Now = func() time.Time { return time.Now().Add(wrongA) }
	a = start(t, c)
	c.Data = t.TempDir()
	c.Now = func() time.Time { return time.Now().Add(wrongB) }
	return a, start(t, c)
}

// TestTwoServers does one half of everything on one server and the other half on
// the other.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	pool := a.newPool(t)
	app := b.newApp(t, pool)
	a.newUser(t, pool, "alice")

	// A sign-in begun on one ends on the other, once.
	for _, n := range []struct{ first, second *node }{{a, b}, {b, a}} {
		srp := newSRPClient(pool)
		proof := srp.respond(app, n.first.must(t, "InitiateAuth", srp.start(app, "alice")), password, time.Now())
		n.second.must(t, "RespondToAuthChallenge", proof)
		n.first.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", proof)
		n.second.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", proof)
	}
	a.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": "bob", "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
	session := a.signIn(t, app, "bob", password).text("Session")
	b.must(t, "RespondToAuthChallenge", newPassword(app, "bob", session))
	a.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", newPassword(app, "bob", session))

	// Keys are the same on both, and of the same pool.
	access, id, refresh := a.tokens(t, app, "alice")
	kid := func(token string) string { s, _ := parseJWT(t, token).header["kid"].(string); return s }
	onB, idOnB, _ := b.tokens(t, app, "alice")
	if kid(access) != kid(onB) || kid(id) != kid(idOnB) {
		t.Error("two servers sign with different keys")
	}
	b.publicKey(t, pool, kid(access))
	b.must(t, "GetUser", object{"AccessToken": access})
	b.must(t, "InitiateAuth", object{"ClientId": app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": refresh}})

	// Signed out on one is signed out on the other, though it has seen the token.
	a.must(t, "GlobalSignOut", object{"AccessToken": access})
	a.refused(t, "NotAuthorizedException", "GetUser", object{"AccessToken": access})
	getUser := func(n *node, access string) func() answer {
		return func() answer { return n.call(t, "GetUser", object{"AccessToken": access}) }
	}
	becomes(t, "the token is refused by the other server", getUser(b, access), "", "NotAuthorizedException")
	b.refused(t, "NotAuthorizedException", "InitiateAuth", object{"ClientId": app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": refresh}})

	// So with one refresh token, and with a user who is disabled.
	access, _, refresh = b.tokens(t, app, "alice")
	a.must(t, "GetUser", object{"AccessToken": access})
	b.must(t, "RevokeToken", object{"ClientId": app, "Token": refresh})
	becomes(t, "the revoked token's access token is refused by the other server", getUser(a, access), "", "NotAuthorizedException")
	a.refused(t, "NotAuthorizedException", "InitiateAuth", object{"ClientId": app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": refresh}})
	a.must(t, "AdminDisableUser", object{"UserPoolId": pool, "Username": "alice"})
	if got := b.signIn(t, app, "alice", password); got.Code != "NotAuthorizedException" {
		t.Errorf("a disabled user on the other server: %v", got)
	}
	a.must(t, "AdminEnableUser", object{"UserPoolId": pool, "Username": "alice"})

	// Guesses count together.
	b.must(t, "ForgotPassword", object{"ClientId": app, "Username": "alice"})
	code := b.code(t, pool, "alice")
	looked := 0
	for i := range 60 {
		n := []*node{a, b}[i%2]
		wrong := "000000"
		if wrong == code {
			wrong = "000001"
		}
		if n.call(t, "ConfirmForgotPassword", object{"ClientId": app, "Username": "alice", "ConfirmationCode": wrong, "Password": password + "2"}).Code == "CodeMismatchException" {
			looked++
		}
	}
	if looked > mostGuesses {
		t.Errorf("%d guesses on two servers", looked)
	}

	// A lock that one server writes holds on the other, which would check five wrong passwords by itself. Each that it checks
	// makes the lock twice as long, so that a slow machine meets it, too.
	locked := func(n *node) bool {
		got := n.signIn(t, app, "bob", "wrong")
		if got.Code != "NotAuthorizedException" {
			t.Fatal(got)
		}
		return strings.Contains(got.Text, "Password attempts exceeded")
	}
	for !locked(a) {
	}
	tries := 0
	for !locked(b) {
		if tries++; tries == 4 {
			t.Fatal("a user who is locked by one server can try four passwords on the other")
		}
	}
	a.quiet(t)
	b.quiet(t)
}

// TestSettingsReachTheOtherServer changes what the other server has cached.
func TestSettingsReachTheOtherServer(t *testing.T) {
	t.Parallel()
	a, b := two(t)
	pool := a.newPool(t)
	in := appOf(pool)
	in["GenerateSecret"] = true
	made := a.must(t, "CreateUserPoolClient", in)
	app, secret := made.text("UserPoolClient", "ClientId"), made.text("UserPoolClient", "ClientSecret")
	signUp := func(n *node, name, password, secret string) answer {
		in := object{"ClientId": app, "Username": name, "Password": password}
		if secret != "" {
			in["SecretHash"] = secretHash(secret, name, app)
		}
		return n.call(t, "SignUp", in)
	}
	if got := signUp(b, "first", password, secret); got.Code != "" { // B has the settings now.
		t.Fatal(got)
	}
	a.must(t, "UpdateUserPool", object{"UserPoolId": pool, "AutoVerifiedAttributes": []string{"email"}, "Policies": object{"PasswordPolicy": object{"MinimumLength": 30}}})
	names := 0
	again := func(n *node, password, secret string) func() answer {
		return func() answer {
			names++
			return signUp(n, fmt.Sprint("again", names), password, secret)
		}
	}
	becomes(t, "a short password is refused by the other server", again(b, password, secret), "", "InvalidPasswordException")
	// A second secret works beside the first, and the first no more once it is gone.
	long := strings.Repeat(password, 3)
	added := b.must(t, "AddUserPoolClientSecret", object{"UserPoolId": pool, "ClientId": app})
	newSecret := added.text("ClientSecretDescriptor", "ClientSecretValue")
	becomes(t, "the new secret is accepted by the other server", again(a, long, newSecret), "NotAuthorizedException", "")
	if got := signUp(a, "fourth", long, secret); got.Code != "" {
		t.Errorf("the old secret beside the new one: %v", got)
	}
	var old string
	secrets, _ := a.must(t, "ListUserPoolClientSecrets", object{"UserPoolId": pool, "ClientId": app}).Body["ClientSecrets"].([]any)
	for _, s := range secrets {
		if id, _ := s.(object)["ClientSecretId"].(string); id != added.text("ClientSecretDescriptor", "ClientSecretId") {
			old = id
		}
	}
	b.must(t, "DeleteUserPoolClientSecret", object{"UserPoolId": pool, "ClientId": app, "ClientSecretId": old})
	if got := signUp(b, "fifth", long, secret); got.Code != "NotAuthorizedException" {
		t.Errorf("a deleted secret where it was deleted: %v", got)
	}
	becomes(t, "the old secret is refused by the other server", again(a, long, secret), "", "NotAuthorizedException")
	a.quiet(t)
	b.quiet(t)
}
