package seed_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"cognate/internal/seed"
)

func bcryptHash(password string) (string, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return string(hash), err
}

// TestProblems checks the messages about faults that need no server.
func TestProblems(t *testing.T) {
	t.Parallel()
	pool := func(lines string) string { return "userPools:\n  - id: us-east-1_a\n    name: a\n" + lines }
	for _, test := range []struct{ name, text, want string }{
		{"unknown field", pool("    user: []\n"), "s.yaml:4: userPools[0].user: there is no such field; did you mean users?"},
		{"unknown member", pool("    settings: {MfaConfig: OFF}\n"), "s.yaml:4: userPools[0].settings.MfaConfig: the API has no such member"},
		{"near member", pool("    settings:\n      Policies:\n        PasswordPolicy: {MinimumLenght: 8}\n"), "s.yaml:6: userPools[0].settings.Policies.PasswordPolicy.MinimumLenght: the API has no such member; did you mean MinimumLength?"},
		{"model", pool("    settings: {Policies: {PasswordPolicy: {MinimumLength: 5}}}\n"), "s.yaml:4: userPools[0].settings.Policies.PasswordPolicy.MinimumLength: 1 validation error"},
		{"wrong type", pool("    users: alice\n"), "s.yaml:4: userPools[0].users: must be a list, and is a text"},
		{"wrong type in settings", pool("    settings: {AutoVerifiedAttributes: email}\n"), "s.yaml:4: userPools[0].settings.AutoVerifiedAttributes: must be a list, and is a text"},
		{"missing", "userPools:\n  - id: us-east-1_a\n", "s.yaml:2: userPools[0]: the field name is missing"},
		{"twice", pool("    name: b\n"), "s.yaml:4: userPools[0].name: is there twice; it is on line 3, too"},
		{"pool id", "userPools: [{id: shop, name: a}]\n", `s.yaml:1: userPools[0].id: "shop" is not the id of a user pool`},
		{"pool twice", pool("  - {id: us-east-1_a, name: b}\n"), `s.yaml:4: userPools[1].id: the id of a user pool "us-east-1_a" is there twice; it is on line 2, too`},
		{"client id", pool("    clients: [{id: a.b, name: a}]\n"), `s.yaml:4: userPools[0].clients[0].id: "a.b" is not the id of an app client`},
		{"client twice", pool("    clients: [{id: c, name: a}]\n  - {id: us-east-1_b, name: b, clients: [{id: c, name: c}]}\n"), "is there twice; it is on line 4, too"},
		{"secret", pool("    clients: [{id: c, name: a, secret: short}]\n"), "userPools[0].clients[0].secret: must be 24 to 64"},
		{"user twice", pool("    users:\n      - {username: a}\n      - {username: a}\n"), `s.yaml:6: userPools[0].users[1].username: the username "a" is there twice; it is on line 5, too`},
		{"sub", pool("    users: [{username: a, sub: 1}]\n"), "userPools[0].users[0].sub: must be a UUID"},
		{"hash", pool("    users: [{username: a, passwordHash: x}]\n"), "userPools[0].users[0].passwordHash: is not a hash"},
		{"group", pool("    groups: [{name: admins}]\n    users: [{username: a, groups: [admin]}]\n"), `s.yaml:5: userPools[0].users[0].groups[0]: the pool has no group "admin" in this file; did you mean admins?`},
		{"role", pool("    groups: [{name: admins, role: boss}]\n"), `userPools[0].groups[0].role: the file has no role "boss"`},
		{"status", pool("    users: [{username: a, status: CONFIRM}]\n"), "userPools[0].users[0].status: must be one of CONFIRMED, FORCE_CHANGE_PASSWORD, RESET_REQUIRED, UNCONFIRMED; did you mean CONFIRMED?"},
		{"totp", pool("    users: [{username: a, totpSecret: '1'}]\n"), "userPools[0].users[0].totpSecret: must be in base 32"},
		{"cycle", "roles:\n  - name: a\n    trustPolicy: &t {Statement: [*t]}\n", "s.yaml:3: roles[0].trustPolicy.Statement[0].Statement[0]: the alias *t contains itself"},
		{"cycle of merges", "userPools:\n  - &a\n    name: a\n    <<: *a\n", "contains itself"},
		{"two documents", "region: us-east-1\n---\nregion: us-east-1\n", "the file must have one document"},
		{"syntax", "userPools:\n  - id: [\n", "line"},
		{"JSON", "{\n\t\"userPools\": [\n\t\t{\"name\": 7, \"nam\": 1}\n\t]\n}", "s.yaml:3: userPools[0].nam: there is no such field; did you mean name?"},
		{"JSON syntax", "{\n\"userPools\": [}", "line 2"},
		{"a list", "- a\n", "must be a mapping"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := seed.Parse("s.yaml", []byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestManyProblems: one message for each fault, and not too many.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("userPools:\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "  - {nam: %d}\n", i)
	}
	_, err := seed.Parse("s.yaml", []byte(text.String()))
	if err == nil {
		t.Fatal("no error")
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 21 || lines[20] != "and 19980 more" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

// TestAliasBomb: a small file whose aliases stand for much text ends in an error, before the memory does.
func TestAliasBomb(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("roles:\n  - name: a\n    trustPolicy:\n      k0: &k0 {a: \"" + strings.Repeat("x", 1000) + "\"}\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&text, "      k%d: &k%d {", i, i)
		for m := range 10 {
			fmt.Fprintf(&text, "m%d: *k%d, ", m, i-1)
		}
		text.WriteString("}\n")
	}
	if _, err := seed.Parse("s.yaml", []byte(text.String())); err == nil || !strings.Contains(err.Error(), "the aliases of the file repeat too much") || len(err.Error()) > 2000 {
		t.Errorf("got %.300v", err)
	}
}

// TestLongValue: a message does not quote a whole value.
func TestLongValue(t *testing.T) {
	t.Parallel()
	_, err := seed.Parse("s.yaml", []byte("userPools:\n  - id: "+strings.Repeat("x", 100_000)+"\n    name: a\n"))
	if err == nil || len(err.Error()) > 2000 {
		t.Errorf("got %d bytes", len(fmt.Sprint(err)))
	}
}

// TestSecretsAreNotQuoted: no message has a password or a secret of the file.
func TestSecretsAreNotQuoted(t *testing.T) {
	t.Parallel()
	_, err := seed.Parse("s.yaml", []byte(`userPools: [{id: us-east-1_a, name: a, clients: [{name: c, secret: hidden-value}], users: [{username: a, password: [hidden-value], passwordHash: hidden-value, totpSecret: hidden-value}]}]`))
	if err == nil || strings.Contains(err.Error(), "hidden-value") {
		t.Errorf("got %v", err)
	}
}

// FuzzParse: no text makes the reader panic or run for ever.
func FuzzParse(f *testing.F) {
	f.Add([]byte(shop))
	f.Add([]byte("userPools: &a [*a]\n"))
	f.Add([]byte(`{"userPools": [{"name": "a", "users": [{"username": "b"}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if file, err := seed.Parse("s.yaml", text); err == nil && file == nil {
			t.Error("neither a seed nor an error")
		}
	})
}
