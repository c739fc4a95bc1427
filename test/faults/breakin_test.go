package faults_test

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cognate/internal/iam/session"
	"cognate/internal/keys"
	"cognate/internal/server"
	"cognate/test/patience"
	"cognate/test/rows"
)

// thief has a copy of the database and of the key-encryption key.
type thief struct {
	ring    *keys.Ring
	signing map[string]*keys.SigningKey
}

func kekOf(c server.Config) string { return filepath.Join(c.Data, "kek") }

// steal copies what the thief needs.
func steal(t *testing.T, c server.Config) *thief {
	t.Helper()
	kek, err := keys.ReadKEKFile(kekOf(c))
	if err != nil {
		t.Fatal(err)
	}
	db := openDatabase(t, c)
	var records []keys.WrappedKey
	for _, row := range rows.Of(t, db, "SELECT purpose, id, wrapped FROM data_keys") {
		id, err := strconv.ParseUint(fmt.Sprint(row[1]), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, keys.WrappedKey{Purpose: keys.Purpose(fmt.Sprint(row[0])), ID: uint32(id), Wrapped: row[2].([]byte)})
	}
	th := &thief{signing: map[string]*keys.SigningKey{}}
	if th.ring, _, err = keys.OpenRing(t.Context(), kek, records, time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows.Of(t, db, "SELECT pool_id, kid, sealed FROM signing_keys") {
		pool, kid := fmt.Sprint(row[0]), fmt.Sprint(row[1])
		der, err := th.ring.Open(keys.PurposeSigningKey, []byte("signing_keys\x00"+pool+"\x00"+kid), row[2].([]byte))
		if err != nil {
			t.Fatal(err)
		}
		if th.signing[kid], err = keys.ParseSigningKey(kid, der); err != nil {
			t.Fatal(err)
		}
	}
	return th
}

// reseal opens a token as its kind and seals a copy that the server never made.
func (th *thief) reseal(t *testing.T, kind keys.Token, token string) string {
	t.Helper()
	return th.seal(t, kind, nil, th.open(t, kind, nil, token))
}

func (th *thief) open(t *testing.T, kind keys.Token, ad []byte, token string) []byte {
	t.Helper()
	body, err := th.ring.OpenToken(t.Context(), kind, ad, token)
	if err != nil {
		t.Fatalf("%s: %v", kind.Name(), err)
	}
	return body
}

func (th *thief) seal(t *testing.T, kind keys.Token, ad, body []byte) string {
	t.Helper()
	forged, err := th.ring.SealToken(kind, ad, body)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// resign signs the claims of a token with the stolen key.
func (th *thief) resign(t *testing.T, token string) string {
	t.Helper()
	j := parseJWT(t, token)
	j.claims["forged"] = "yes"
	claims, err := json.Marshal(j.claims)
	if err != nil {
		t.Fatal(err)
	}
	forged, err := th.signing[j.header["kid"].(string)].Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	return forged
}

// victim is what the thief forges values for.
type victim struct {
	*node
	pool, app string
}

// attempt shows a forged value and reports the refusal, "" if it was accepted.
type attempt struct {
	name string
	show func() string
}

// forgeries makes a set of forged values, each good for one use. The first set shows
// that a forgery is good while the stolen keys are in force.
func (v victim) forgeries(t *testing.T, th *thief, round string) []attempt {
	t.Helper()
	name := "user" + round
	v.newUser(t, v.pool, name)
	sub := ""
	attributes, _ := v.must(t, "AdminGetUser", object{"UserPoolId": v.pool, "Username": name}).Body["UserAttributes"].([]any)
	for _, a := range attributes {
		if a := a.(object); a["Name"] == "sub" {
			sub, _ = a["Value"].(string)
		}
	}
	access, _, refresh := v.tokens(t, v.app, name)
	call := func(operation string, in object) func() string {
		return func() string { return v.call(t, operation, in).Code }
	}
	// Every kind of token has an entry here; the test fails for a kind without one.
	kinds := map[string]func() func() string{
		keys.TokenSession.Name(): func() func() string {
			v.must(t, "AdminCreateUser", object{"UserPoolId": v.pool, "Username": "new" + round, "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
			session := th.reseal(t, keys.TokenSession, v.signIn(t, v.app, "new"+round, password).text("Session"))
			return call("RespondToAuthChallenge", newPassword(v.app, "new"+round, session))
		},
		keys.TokenSignUp.Name(): func() func() string {
			body, err := json.Marshal(object{"v": 1, "p": v.pool, "c": v.app, "u": sub, "f": true, "o": []byte("sixteen bytes " + round + "."), "z": time.Now().Add(10 * time.Minute).UnixMilli()})
			if err != nil {
				t.Fatal(err)
			}
			return call("InitiateAuth", object{"ClientId": v.app, "AuthFlow": "USER_AUTH", "AuthParameters": object{"USERNAME": name}, "Session": th.seal(t, keys.TokenSignUp, nil, body)})
		},
		keys.TokenSecretBlock.Name(): func() func() string {
			srp := newSRPClient(v.pool)
			challenge := v.must(t, "InitiateAuth", srp.start(v.app, name))
			params := challenge.Body["ChallengeParameters"].(object)
			params["SECRET_BLOCK"] = th.reseal(t, keys.TokenSecretBlock, challenge.text("ChallengeParameters", "SECRET_BLOCK"))
			return call("RespondToAuthChallenge", srp.respond(v.app, challenge, password, time.Now()))
		},
		keys.TokenRefresh.Name(): func() func() string {
			return call("InitiateAuth", object{"ClientId": v.app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": th.reseal(t, keys.TokenRefresh, refresh)}})
		},
		keys.TokenBrowserSession.Name(): func() func() string { return v.browserSession(t, th, name) },
		keys.TokenPageState.Name(): func() func() string {
			v.must(t, "AdminCreateUser", object{"UserPoolId": v.pool, "Username": "page" + round, "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
			return v.pageState(t, th, "page"+round)
		},
		keys.TokenAttempt.Name():     func() func() string { return v.signInAttempt(t, th) },
		keys.TokenCredentials.Name(): func() func() string { return v.credentials(t, th, "role"+round) },
		keys.TokenDenial.Name():      func() func() string { return v.denial(t, th) },
		keys.TokenFeedback.Name():    func() func() string { return v.feedback(t, th) },
	}
	var list []attempt
	for _, kind := range keys.Tokens() {
		make := kinds[kind.Name()]
		if make == nil {
			t.Fatalf("no forgery of %s", kind.Name())
		}
		list = append(list, attempt{kind.Name(), make()})
	}
	page := v.must(t, "ListUserPools", object{"MaxResults": 1}).text("NextToken")
	v.must(t, "ForgotPassword", object{"ClientId": v.app, "Username": name})
	code := v.code(t, v.pool, name)
	hash := th.ring.Hash("verification code", []byte(v.pool), []byte(sub), []byte("reset-password"), []byte(code))
	if n := len(rows.Of(t, openDatabase(t, v.config), "SELECT 1 FROM codes WHERE hash = $1", hash[:])); n != 1 {
		t.Fatalf("the thief's hash of the code is in %d rows", n)
	}
	return append(list,
		attempt{"access token", call("GetUser", object{"AccessToken": th.resign(t, access)})},
		attempt{"access token that was in use", call("GetUser", object{"AccessToken": access})},
		attempt{"page token", call("ListUserPools", object{"MaxResults": 1, "NextToken": page})},
		attempt{"upload URL", v.upload(t, th, round)},
		attempt{"code", call("ConfirmForgotPassword", object{"ClientId": v.app, "Username": name, "ConfirmationCode": code, "Password": password + "3"})},
	)
}

// root returns the settings of the SDK for the root user.
func (v victim) root() aws.Config {
	return aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: v.http, RetryMaxAttempts: 1}
}

// codeOf returns the code of an SDK's error, or "".
func codeOf(t *testing.T, err error) string {
	t.Helper()
	if failed, ok := errors.AsType[smithy.APIError](err); ok {
		return failed.ErrorCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

// feedback forges a token for feedback about an event that does not exist. A token that is accepted leads to the search for
// the event.
func (v victim) feedback(t *testing.T, th *thief) func() string {
	t.Helper()
	pool := v.must(t, "CreateUserPool", object{"PoolName": "protected", "UserPoolTier": "PLUS", "UserPoolAddOns": object{"AdvancedSecurityMode": "AUDIT"}}).text("UserPool", "Id")
	made := v.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": "alice", "MessageAction": "SUPPRESS"})
	sub := ""
	for _, a := range made.Body["User"].(object)["Attributes"].([]any) {
		if a := a.(object); a["Name"] == "sub" {
			sub, _ = a["Value"].(string)
		}
	}
	const event = "5f0c7a0e-0000-7000-8000-000000000000"
	body, err := json.Marshal(object{"p": pool, "u": sub, "e": event, "x": time.Now().Add(time.Hour).UnixMilli()})
	if err != nil {
		t.Fatal(err)
	}
	in := object{"UserPoolId": pool, "Username": "alice", "EventId": event, "FeedbackToken": th.seal(t, keys.TokenFeedback, nil, body), "FeedbackValue": "Valid"}
	return func() string {
		if code := v.call(t, "UpdateAuthEventFeedback", in).Code; code != "ResourceNotFoundException" {
			return code
		}
		return ""
	}
}

// denial forges an encoded message about a refusal.
func (v victim) denial(t *testing.T, th *thief) func() string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(w, `{"e":%d,"m":{}}`, time.Now().Add(time.Hour).Unix()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	forged := th.seal(t, keys.TokenDenial, nil, b.Bytes())
	c := sts.NewFromConfig(v.root(), func(o *sts.Options) { o.BaseEndpoint = &v.url })
	return func() string {
		_, err := c.DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &forged})
		return codeOf(t, err)
	}
}

// credentials forges a session of a role.
func (v victim) credentials(t *testing.T, th *thief, name string) func() string {
	t.Helper()
	settings := v.root()
	roles := iam.NewFromConfig(settings, func(o *iam.Options) { o.BaseEndpoint = &v.url })
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}`
	made, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	if _, err := roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &name, PolicyName: &name, PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
	forged, err := session.New(th.ring, rand.Reader, &session.Description{
		Kind: session.AssumedRole, Name: "thief", Role: *made.Role.Arn, RoleID: *made.Role.RoleId, Issued: time.Now(), Expires: time.Now().Add(time.Hour),
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return func() string {
		settings.Credentials = credentials.NewStaticCredentialsProvider(forged.AccessKeyID, string(forged.Secret), forged.Token)
		c := cognito.NewFromConfig(settings, func(o *cognito.Options) { o.BaseEndpoint = &v.url })
		_, err := c.ListUserPools(t.Context(), &cognito.ListUserPoolsInput{MaxResults: aws.Int32(1)})
		return codeOf(t, err)
	}
}

// upload forges the address of an import's file.
func (v victim) upload(t *testing.T, th *thief, round string) func() string {
	t.Helper()
	job := v.must(t, "CreateUserImportJob", object{"UserPoolId": v.pool, "JobName": "job" + round, "CloudWatchLogsRoleArn": "arn:aws:iam::123456789012:role/logs"}).text("UserImportJob", "JobId")
	expires := strconv.FormatInt(time.Now().Add(10*time.Minute).Unix(), 10)
	sum := th.ring.Hash(keys.PurposeImport, []byte("upload"), []byte(v.pool), []byte(job), []byte(expires))
	q := url.Values{"expires": {expires}, "signature": {base64.RawURLEncoding.EncodeToString(sum[:])}}
	return func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, v.url+"/_cognate/imports/"+v.pool+"/"+job+"?"+q.Encode(), strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := v.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return ""
		}
		return res.Status
	}
}

// TestBreakIn: somebody copies the database and the key-encryption key and forges
// every kind of value. After keys retire --now none of them is accepted.
func TestBreakIn(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		v := victim{node: n, pool: n.newPool(t)}
		n.newPool(t) // so that lists have a second page
		in := appOf(v.pool)
		in["ExplicitAuthFlows"] = append(in["ExplicitAuthFlows"].([]string), "ALLOW_USER_AUTH")
		maps.Copy(in, object{
			"AllowedOAuthFlowsUserPoolClient": true, "AllowedOAuthFlows": []string{"code"}, "AllowedOAuthScopes": []string{"openid"},
			"CallbackURLs": []string{"https://a.example/cb"},
		})
		n.must(t, "CreateUserPoolDomain", object{"UserPoolId": v.pool, "Domain": victimDomain, "ManagedLoginVersion": 2})
		v.addProvider(t, in)
		v.app = n.must(t, "CreateUserPoolClient", in).text("UserPoolClient", "ClientId")
		n.newUser(t, v.pool, "alice")
		n.tokens(t, v.app, "alice") // makes the pool's signing keys
		th := steal(t, n.config)
		for _, a := range v.forgeries(t, th, "1") {
			if got := a.show(); got != "" {
				t.Errorf("%s, while the stolen keys are in force: %s", a.name, got)
			}
		}
		later := v.forgeries(t, th, "2")
		access, _, refresh := n.tokens(t, v.app, "alice")
		old := keySet(t, n, v.pool)

		where := []string{"--data", n.config.Data}
		if n.config.Database != "" {
			where = []string{"--database", string(n.config.Database), "--kek-file", kekOf(n.config)}
		}
		run := func(args ...string) string { return command(t, append(append([]string{"keys"}, args...), where...)...) }
		run("rotate", "--signing")
		run("rotate", "--data-keys")
		if out := run("retire"); !strings.Contains(out, "nothing was changed") || !strings.Contains(out, v.pool) {
			t.Errorf("without --now: %s", out)
		}
		n.must(t, "GetUser", object{"AccessToken": access})
		kek := filepath.Join(t.TempDir(), "kek")
		if err := os.WriteFile(kek, []byte(keys.GenerateKEK()), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := run("retire", "--now", "--new-kek-file", kek); !strings.Contains(out, "are retired") || !strings.Contains(out, v.pool) {
			t.Errorf("with --now: %s", out)
		}
		// The same command line again, as after a kill that left its end unknown.
		run("retire", "--now", "--new-kek-file", kek)
		if n.config.Database != "" {
			// The server lacks the new key-encryption key and serves nobody.
			patience.Until(t, "the server refuses", func() bool {
				return n.call(t, "GetUser", object{"AccessToken": access}).Status == http.StatusServiceUnavailable
			})
		}
		if err := os.Rename(kek, kekOf(n.config)); err != nil {
			t.Fatal(err)
		}
		patience.Until(t, "the server has the new keys", func() bool {
			return n.call(t, "ListUserPools", object{"MaxResults": 1}).Status == http.StatusOK
		})
		v.refuse(t, later, access, refresh, old)
		// Once more is once more: everybody is signed out, and nothing breaks.
		run("retire", "--now")
		patience.Until(t, "people sign in again", func() bool { return n.signIn(t, v.app, "alice", password).Code == "" })
		v.refuse(t, later, access, refresh, old)
	})
}

// refuse shows what was forged, and that people can go on.
func (v victim) refuse(t *testing.T, forged []attempt, access, refresh string, old map[string]bool) {
	t.Helper()
	for _, a := range forged {
		switch got := a.show(); got {
		case "NotAuthorizedException", "CodeMismatchException", "InvalidParameterException", "403 Forbidden", "login_required", "/login", "/error", "UnrecognizedClientException", "InvalidAuthorizationMessageException":
		default:
			t.Errorf("%s, after the keys are retired: %q", a.name, got)
		}
	}
	v.refused(t, "NotAuthorizedException", "GetUser", object{"AccessToken": access})
	v.refused(t, "NotAuthorizedException", "InitiateAuth", object{"ClientId": v.app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": refresh}})
	for kid := range keySet(t, v.node, v.pool) {
		if old[kid] {
			t.Errorf("the stolen signing key %s is published", kid)
		}
	}
	access, _, _ = v.tokens(t, v.app, "alice")
	v.must(t, "GetUser", object{"AccessToken": access})
}

// keySet returns the ids of a pool's published keys.
func keySet(t *testing.T, n *node, pool string) map[string]bool {
	t.Helper()
	text, err := n.get(t.Context(), "/"+pool+"/.well-known/jwks.json")
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, k := range set.Keys {
		out[k.Kid] = true
	}
	return out
}
