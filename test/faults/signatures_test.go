package faults_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
)

// signed signs a request by the AWS SDK's own signer.
func signed(t *testing.T, id, secret, service, region, body string, at time.Time) func(*http.Request) {
	return func(r *http.Request) {
		sum := sha256.Sum256([]byte(body))
		r.Header.Set("X-Extra", "a")
		err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, r, hex.EncodeToString(sum[:]), service, region, at)
		if err != nil {
			t.Error(err)
		}
	}
}

// TestTamperedSignatures changes what was signed, on a production server.
func TestTamperedSignatures(t *testing.T) {
	t.Parallel()
	c := serve(t)
	n := start(t, c)
	var id, secret string
	for line := range strings.Lines(command(t, "admin", "keys", "create", "--data", c.Data, "--kek-file", c.KEKFile, "--name", "ops", "--policy", "admin")) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "AWS_ACCESS_KEY_ID="); ok {
			id = v
		}
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "AWS_SECRET_ACCESS_KEY="); ok {
			secret = v
		}
	}
	const body = `{"PoolName":"people"}`
	now := time.Now()
	header := func(name string, f func(string) string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, f(r.Header.Get(name))) }
	}
	is := func(v string) func(string) string { return func(string) string { return v } }
	replace := func(old, with string) func(*http.Request) {
		return header("Authorization", func(s string) string { return strings.Replace(s, old, with, 1) })
	}
	// Refusals are recorded.
	trail := []string{"audit_chains", "audit_events", "audit_checkpoints"}
	before := dump(t, c, trail...)
	const invalid, incomplete, unknown = "InvalidSignatureException", "IncompleteSignatureException", "UnrecognizedClientException"
	for _, tt := range []struct {
		name   string
		sign   func(*http.Request)
		change func(*http.Request)
		send   string
		codes  string
	}{
		{"body altered", nil, nil, `{"PoolName":"peoplf"}`, invalid},
		{"body longer", nil, nil, body + " ", invalid},
		{"another operation", nil, header("X-Amz-Target", is(targetPrefix+"ListUserPools")), "", invalid},
		{"signed header altered", nil, header("X-Extra", is("b")), "", invalid},
		{"signed header removed", nil, func(r *http.Request) { r.Header.Del("X-Extra") }, "", invalid},
		{"another host", nil, func(r *http.Request) { r.Host = "other.example.com" }, "", invalid},
		{"another path", nil, func(r *http.Request) { r.URL.RawQuery = "x=1" }, "", invalid},
		{"date altered", nil, header("X-Amz-Date", is(now.Add(time.Minute).UTC().Format("20060102T150405Z"))), "", invalid},
		{"signature altered", nil, header("Authorization", func(s string) string { return s[:len(s)-1] + string("01"[s[len(s)-1]&1^1]) }), "", invalid},
		{"signature cut", nil, header("Authorization", func(s string) string { return s[:len(s)-8] }), "", invalid + incomplete},
		{"signature empty", nil, header("Authorization", func(s string) string { return s[:strings.Index(s, "Signature=")] + "Signature=" }), "", invalid + incomplete},
		{"host not signed", nil, replace("host;", ""), "", invalid + incomplete},
		{"nothing signed", nil, header("Authorization", func(s string) string {
			return s[:strings.Index(s, "SignedHeaders=")] + "SignedHeaders=, " + s[strings.Index(s, "Signature="):]
		}), "", invalid + incomplete},
		{"another algorithm", nil, replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), "", invalid + incomplete + "MissingAuthenticationTokenException"},
		{"a basic password", nil, header("Authorization", is("Basic b3BzOm9wcw==")), "", invalid + incomplete + "MissingAuthenticationTokenException"},
		{"a bearer", nil, header("Authorization", is("Bearer "+strings.Repeat("x", 5000))), "", invalid + incomplete + "MissingAuthenticationTokenException"},
		{"another Region's scope", nil, replace("us-east-1/", "eu-west-1/"), "", invalid},
		{"another service", signed(t, id, secret, "s3", "us-east-1", body, now), nil, "", invalid},
		{"another key", signed(t, id, secret+"x", "cognito-idp", "us-east-1", body, now), nil, "", invalid},
		{"no such key", signed(t, "AKIA0000000000000000", secret, "cognito-idp", "us-east-1", body, now), nil, "", unknown},
		{"a key of a statement", signed(t, "' OR '1'='1", secret, "cognito-idp", "us-east-1", body, now), nil, "", unknown + incomplete},
		{"six minutes old", signed(t, id, secret, "cognito-idp", "us-east-1", body, now.Add(-6*time.Minute)), nil, "", invalid},
		{"half an hour early", signed(t, id, secret, "cognito-idp", "us-east-1", body, now.Add(30*time.Minute)), nil, "", invalid},
		{"a day old", signed(t, id, secret, "cognito-idp", "us-east-1", body, now.Add(-24*time.Hour)), nil, "", invalid},
		{"two of them", nil, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, "", invalid + incomplete},
		{"unsigned payload", nil, header("X-Amz-Content-Sha256", is("UNSIGNED-PAYLOAD")), body + " ", invalid},
		{"with a session token", nil, func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, "", unknown},
	} {
		sign, text := tt.sign, tt.send
		if sign == nil {
			sign = signed(t, id, secret, "cognito-idp", "us-east-1", body, now)
		}
		if text == "" {
			text = body
		}
		a := n.send(t, "CreateUserPool", []byte(text), sign, func(r *http.Request) {
			if tt.change != nil {
				tt.change(r)
			}
		})
		if a.Status != http.StatusBadRequest || !strings.Contains(tt.codes, a.Code) {
			t.Errorf("%s: %v, want %s", tt.name, a, tt.codes)
		}
	}
	if diff := cmp.Diff(before, dump(t, c, trail...)); diff != "" {
		t.Errorf("something was stored: %s", diff)
	}
	if a := n.send(t, "CreateUserPool", []byte(body), signed(t, id, secret, "cognito-idp", "us-east-1", body, now)); a.Status != http.StatusOK {
		t.Errorf("signed as it should be: %v", a)
	}
	n.quiet(t)
}

// TestForgedPageTokens takes page tokens where they do not belong.
func TestForgedPageTokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		pool, other := n.newPool(t), n.newPool(t)
		for _, p := range []string{pool, other} {
			for _, name := range []string{"alice", "bob", "carol"} {
				n.newUser(t, p, name)
				n.must(t, "CreateGroup", object{"UserPoolId": p, "GroupName": name})
			}
		}
		token := n.must(t, "ListUsers", object{"UserPoolId": pool, "Limit": 1}).text("PaginationToken")
		groups := n.must(t, "ListGroups", object{"UserPoolId": pool, "Limit": 1}).text("NextToken")
		foreign := n.must(t, "ListUsers", object{"UserPoolId": other, "Limit": 1}).text("PaginationToken")
		if token == "" || groups == "" || foreign == "" {
			t.Fatal("no page tokens")
		}
		before := dump(t, n.config)
		page := func(token string) object { return object{"UserPoolId": pool, "Limit": 1, "PaginationToken": token} }
		wrong := map[string]object{
			"another pool's":     page(foreign),
			"another list's":     page(groups),
			"with a new filter":  with(page(token), "Filter", `email ^= "a"`),
			"in another pool":    with(page(token), "UserPoolId", other),
			"somebody's own":     page("eyJhZnRlciI6IiJ9"),
			"a cursor of SQLite": page("0"),
		}
		for name, s := range tampered(token) {
			if s != "" {
				wrong["tampered: "+name] = page(s)
			}
		}
		for name, in := range wrong {
			if a := n.call(t, "ListUsers", in); a.Code != "InvalidParameterException" && !(strings.HasSuffix(name, "NUL") && a.Code == "SerializationException") {
				t.Errorf("%s: %v", name, a)
			}
		}
		n.must(t, "ListUsers", page(token))
		if diff := cmp.Diff(before, dump(t, n.config)); diff != "" {
			t.Errorf("something was stored: %s", diff)
		}
		n.quiet(t)
	})
}

// TestPromisedLength keeps what a client only promises from costing memory.
func TestPromisedLength(t *testing.T) {
	t.Parallel()
	n := start(t, dev(t))
	if a := n.send(t, "SignUp", bytes.Repeat([]byte(" "), 2<<20)); a.Code != "InvalidParameterException" {
		t.Errorf("2 MiB of nothing: %v", a)
	}
	if a := n.send(t, "SignUp", bytes.Repeat([]byte(" "), 2<<20+1)); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a byte more: %v", a)
	}
}
