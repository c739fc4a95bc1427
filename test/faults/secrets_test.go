package faults_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func secretHash(secret, name, app string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(name + app))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// TestNothingSecretIsLogged lives through everything that has a secret in it, at
// the most talkative level, and looks for each in the log.
func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		secrets := map[string]string{"the password": password, "the new password": password + "2", "a wrong password": "Wrong-horse-77"}
		pool := n.newPool(t)
		in := appOf(pool)
		in["GenerateSecret"] = true
		made := n.must(t, "CreateUserPoolClient", in)
		app, secret := made.text("UserPoolClient", "ClientId"), made.text("UserPoolClient", "ClientSecret")
		secrets["the client's secret"] = secret
		hash := secretHash(secret, "alice", app)
		secrets["a secret hash"] = hash
		auth := func(flow string, params object) answer {
			params["SECRET_HASH"] = hash
			return n.call(t, "InitiateAuth", object{"ClientId": app, "AuthFlow": flow, "AuthParameters": params})
		}
		n.must(t, "SignUp", object{"ClientId": app, "Username": "alice", "Password": password, "SecretHash": hash,
			"UserAttributes": []object{{"Name": "email", "Value": "alice@example.com"}}})
		secrets["an address"] = "alice@example.com"
		code := n.code(t, pool, "alice")
		secrets["a code"] = code
		secrets["a wrong code"] = "918273"
		n.call(t, "ConfirmSignUp", object{"ClientId": app, "Username": "alice", "SecretHash": hash, "ConfirmationCode": "918273"})
		n.must(t, "ConfirmSignUp", object{"ClientId": app, "Username": "alice", "SecretHash": hash, "ConfirmationCode": code})
		auth("USER_PASSWORD_AUTH", object{"USERNAME": "alice", "PASSWORD": "Wrong-horse-77"})
		in1 := auth("USER_PASSWORD_AUTH", object{"USERNAME": "alice", "PASSWORD": password})
		for _, kind := range []string{"AccessToken", "IdToken", "RefreshToken"} {
			secrets["the "+kind] = in1.text("AuthenticationResult", kind)
		}
		access := secrets["the AccessToken"]
		auth("REFRESH_TOKEN_AUTH", object{"REFRESH_TOKEN": secrets["the RefreshToken"]})
		srp := newSRPClient(pool)
		secrets["SRP_A"] = srp.Public()
		challenge := auth("USER_SRP_AUTH", object{"USERNAME": "alice", "SRP_A": srp.Public()})
		secrets["a secret block"], secrets["SRP_B"] = challenge.text("ChallengeParameters", "SECRET_BLOCK"), challenge.text("ChallengeParameters", "SRP_B")
		proof := srp.respond(app, challenge, password, time.Now())
		responses, _ := proof["ChallengeResponses"].(object)
		responses["SECRET_HASH"] = secretHash(secret, responses["USERNAME"].(string), app)
		secrets["a signature"], _ = responses["PASSWORD_CLAIM_SIGNATURE"].(string)
		n.must(t, "RespondToAuthChallenge", proof)
		n.must(t, "ChangePassword", object{"AccessToken": access, "PreviousPassword": password, "ProposedPassword": password + "2"})
		n.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": "bob", "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
		hash = secretHash(secret, "bob", app)
		session := auth("USER_PASSWORD_AUTH", object{"USERNAME": "bob", "PASSWORD": password}).text("Session")
		secrets["a session"] = session
		n.call(t, "RespondToAuthChallenge", newPassword(app, "bob", session+"AAAA"))
		// Broken input is what error texts like to repeat.
		n.send(t, "InitiateAuth", []byte(`{"ClientId":"`+app+`","AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"PASSWORD":"`+password+`"`))
		n.call(t, "SignUp", object{"ClientId": app, "Username": "", "Password": strings.Repeat("hunter2", 60), "SecretHash": hash})
		secrets["an overlong password"] = "hunter2hunter2"
		n.call(t, "GetUser", object{"AccessToken": access + "x"})
		kek, err := os.ReadFile(strings.TrimSuffix(n.config.Data, "/") + "/kek")
		if err != nil {
			t.Fatal(err)
		}
		secrets["the key-encryption key"] = strings.TrimSpace(string(kek))
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		log := n.log.String()
		if !strings.Contains(log, "RespondToAuthChallenge") {
			t.Fatalf("this is no log: %s", log)
		}
		for name, s := range secrets {
			// A part of a token is as bad as the whole.
			if len(s) > 40 {
				s = s[len(s)-40:]
			}
			if s == "" || tells(log, s) {
				t.Errorf("the log tells %s (%q)", name, s)
			}
		}
	})
}

// tells reports whether a log has a text. Digits count only if no other digits or hexadecimal letters are beside them: times,
// sizes and ids have the same six digits by chance.
func tells(log, text string) bool {
	if strings.Trim(text, "0123456789") != "" {
		return strings.Contains(log, text)
	}
	return regexp.MustCompile(`(^|[^0-9a-f.])` + text + `($|[^0-9a-f])`).MatchString(log)
}

// TestUnknownUsersLookLikeOthers compares what is done for people and for nobody:
// the same answers, shapes and challenge parameters.
func TestUnknownUsersLookLikeOthers(t *testing.T) {
	t.Parallel()
	n := start(t, dev(t))
	// Where people sign in by their address; elsewhere the name in the SRP
	// challenge is theirs for someone and a UUID for nobody, as Cognito has it.
	pool := n.must(t, "CreateUserPool", object{"PoolName": "people", "UsernameAttributes": []string{"email"}, "AutoVerifiedAttributes": []string{"email"}}).text("UserPool", "Id")
	app := n.newApp(t, pool)
	n.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": "alice@example.com", "MessageAction": "SUPPRESS",
		"UserAttributes": []object{{"Name": "email_verified", "Value": "true"}}})
	n.must(t, "AdminSetUserPassword", object{"UserPoolId": pool, "Username": "alice@example.com", "Password": password, "Permanent": true})
	srp := newSRPClient(pool)
	shape := func(name string) (keys []int, text string) {
		a := n.must(t, "InitiateAuth", srp.start(app, name))
		for _, p := range []string{"SALT", "SECRET_BLOCK", "USERNAME", "USER_ID_FOR_SRP"} {
			keys = append(keys, len(a.text("ChallengeParameters", p)))
		}
		b := n.call(t, "RespondToAuthChallenge", srp.respond(app, a, "Wrong-horse-77", time.Now()))
		c := n.signIn(t, app, name, "Wrong-horse-77")
		d := n.call(t, "ForgotPassword", object{"ClientId": app, "Username": name})
		e := n.call(t, "ConfirmForgotPassword", object{"ClientId": app, "Username": name, "ConfirmationCode": "000000", "Password": password})
		return keys, strings.Join([]string{b.Text, c.Text, strings.Join(slices.Sorted(maps.Keys(d.Body)), " "), e.Text}, "\n")
	}
	someone, saysSomeone := shape("alice@example.com")
	nobody, saysNobody := shape("nobod@example.com")
	if saysSomeone != saysNobody {
		t.Errorf("someone:\n%s\nnobody:\n%s", saysSomeone, saysNobody)
	}
	for i := range someone {
		// The sealed block tells a few bytes more or less with the numbers in it; that
		// somebody is nobody must not show by it.
		if d := someone[i] - nobody[i]; d < -24 || d > 24 {
			t.Errorf("lengths: %v for someone, %v for nobody", someone, nobody)
		}
	}
	// The salt of nobody stays the same, as a person's does.
	one, two := n.must(t, "InitiateAuth", srp.start(app, "nobod@example.com")), n.must(t, "InitiateAuth", srp.start(app, "nobod@example.com"))
	if one.text("ChallengeParameters", "SALT") != two.text("ChallengeParameters", "SALT") {
		t.Error("the salt of nobody changes")
	}
}
