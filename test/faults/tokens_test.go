package faults_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var b64 = base64.RawURLEncoding

// jwt is a token in parts.
type jwt struct {
	header, claims object
	signature      []byte
}

func parseJWT(t *testing.T, s string) jwt {
	t.Helper()
	p := strings.Split(s, ".")
	if len(p) != 3 {
		t.Fatalf("%d parts", len(p))
	}
	var j jwt
	for i, to := range []*object{&j.header, &j.claims} {
		text, err := b64.DecodeString(p[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if j.signature, err = b64.DecodeString(p[2]); err != nil {
		t.Fatal(err)
	}
	return j
}

func encoded(v object) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b64.EncodeToString(text)
}

// with returns an object with a member changed, or removed by nil.
func with(o object, name string, v any) object {
	out := object{}
	maps.Copy(out, o)
	out[name] = v
	if v == nil {
		delete(out, name)
	}
	return out
}

func (j jwt) String() string {
	return encoded(j.header) + "." + encoded(j.claims) + "." + b64.EncodeToString(j.signature)
}

func (j jwt) signedBy(sign func(input string) []byte) string {
	input := encoded(j.header) + "." + encoded(j.claims)
	return input + "." + b64.EncodeToString(sign(input))
}

// publicKey reads a pool's key from its key set.
func (c client) publicKey(t *testing.T, pool, kid string) *rsa.PublicKey {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/"+pool+"/.well-known/jwks.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var set struct{ Keys []struct{ Kid, N, E string } }
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	for _, k := range set.Keys {
		if k.Kid == kid {
			n, err := b64.DecodeString(k.N)
			if err != nil {
				t.Fatal(err)
			}
			return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
		}
	}
	t.Fatalf("no key %s", kid)
	return nil
}

// forgeries are tokens that no server has signed as they are.
func forgeries(t *testing.T, c client, pool, access, id, refresh, foreign string) map[string]string {
	t.Helper()
	j, other := parseJWT(t, access), parseJWT(t, foreign)
	kid, _ := j.header["kid"].(string)
	public := c.publicKey(t, pool, kid)
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ownJWK := object{"kty": "RSA", "n": b64.EncodeToString(own.N.Bytes()), "e": "AQAB", "kid": kid, "alg": "RS256"}
	mac := func(key []byte) func(string) []byte {
		return func(input string) []byte {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(input))
			return h.Sum(nil)
		}
	}
	ownSign := func(input string) []byte {
		sum := sha256.Sum256([]byte(input))
		s, err := rsa.SignPKCS1v15(nil, own, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	nothing := func(string) []byte { return nil }
	header := func(name string, v any) jwt { return jwt{with(j.header, name, v), j.claims, j.signature} }
	claim := func(name string, v any) jwt { return jwt{j.header, with(j.claims, name, v), j.signature} }
	parts := strings.Split(access, ".")
	last := b64.EncodeToString(append([]byte{j.signature[0] ^ 1}, j.signature[1:]...))
	return map[string]string{
		"alg none":                     header("alg", "none").signedBy(nothing),
		"alg None":                     header("alg", "None").signedBy(nothing),
		"alg none, signature kept":     header("alg", "none").String(),
		"no alg":                       header("alg", nil).signedBy(nothing),
		"alg of a number":              header("alg", 5).String(),
		"HS256 by the public PEM":      header("alg", "HS256").signedBy(mac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))),
		"HS256 by the public DER":      header("alg", "HS256").signedBy(mac(der)),
		"HS256 by the modulus":         header("alg", "HS256").signedBy(mac(public.N.Bytes())),
		"HS256 by nothing":             header("alg", "HS256").signedBy(mac(nil)),
		"RS512":                        header("alg", "RS512").String(),
		"PS256":                        header("alg", "PS256").String(),
		"own key, the pool's kid":      j.signedBy(ownSign),
		"own key in the header":        header("jwk", ownJWK).signedBy(ownSign),
		"own key by URL":               header("jku", c.url+"/keys").signedBy(ownSign),
		"no kid":                       header("kid", nil).String(),
		"own key, no kid":              header("kid", nil).signedBy(ownSign),
		"kid of another pool":          header("kid", other.header["kid"]).String(),
		"kid of a path":                header("kid", "../../../../dev/null").signedBy(mac(nil)),
		"kid of a statement":           header("kid", "x' OR '1'='1").String(),
		"critical extension":           header("crit", []string{"exp"}).String(),
		"longer life":                  claim("exp", 99999999999).String(),
		"another user":                 claim("sub", other.claims["sub"]).String(),
		"another issuer":               claim("iss", other.claims["iss"]).String(),
		"administrator's scope":        claim("scope", "aws.cognito.signin.user.admin phone").String(),
		"signature of another token":   jwt{j.header, j.claims, other.signature}.String(),
		"signature altered":            parts[0] + "." + parts[1] + "." + last,
		"signature cut off":            access[:len(access)-8],
		"signature longer":             access + "AAAA",
		"signature empty":              parts[0] + "." + parts[1] + ".",
		"signature zero":               jwt{j.header, j.claims, make([]byte, 256)}.String(),
		"signature the modulus":        jwt{j.header, j.claims, public.N.Bytes()}.String(),
		"two parts":                    parts[0] + "." + parts[1],
		"four parts":                   access + "." + parts[2],
		"five parts":                   access + "..",
		"parts swapped":                parts[1] + "." + parts[0] + "." + parts[2],
		"JSON":                         `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"padding":                      access + "=",
		"spaces":                       " " + access,
		"a line's end":                 access + "\n",
		"other spelling of base64":     parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]) + "==",
		"an ID token":                  id,
		"a refresh token":              refresh,
		"a session that looks like it": strings.Repeat("A", 1000),
		"empty header":                 "." + parts[1] + "." + parts[2],
		"dots":                         "..",
		"a long one":                   strings.Repeat("a", 100_000) + "." + strings.Repeat("b", 100_000) + ".c",
	}
}

// TestForgedTokens presents them to the operations that go by access token.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, n *node) {
		pool, otherPool := n.newPool(t), n.newPool(t)
		app, otherApp := n.newApp(t, pool), n.newApp(t, otherPool)
		n.newUser(t, pool, "alice")
		n.newUser(t, otherPool, "alice")
		access, id, refresh := n.tokens(t, app, "alice")
		foreign, _, foreignRefresh := n.tokens(t, otherApp, "alice")
		before := dump(t, n.config)
		for name, token := range forgeries(t, n.client, pool, access, id, refresh, foreign) {
			for operation, in := range map[string]object{
				"GetUser": {}, "DeleteUser": {}, "GlobalSignOut": {},
				"UpdateUserAttributes": {"UserAttributes": []object{{"Name": "nickname", "Value": "x"}}},
				"DeleteUserAttributes": {"UserAttributeNames": []string{"email"}},
				"ChangePassword":       {"PreviousPassword": password, "ProposedPassword": password + "2"},
			} {
				in["AccessToken"] = token
				if a := n.call(t, operation, in); a.Code != "NotAuthorizedException" && a.Code != "InvalidParameterException" {
					t.Errorf("%s, %s: %v", name, operation, a)
				}
			}
		}
		// Refresh tokens: of another pool, of another kind, altered.
		for name, token := range map[string]string{
			"another pool's": foreignRefresh, "an access token": access, "shorter": refresh[:len(refresh)-1], "longer": refresh + "A", "empty": "",
			"altered": refresh[:len(refresh)/2] + string(refresh[len(refresh)/2]^1) + refresh[len(refresh)/2+1:], "dots": "....",
		} {
			a := n.call(t, "InitiateAuth", object{"ClientId": app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": token}})
			if a.Code != "NotAuthorizedException" && a.Code != "InvalidParameterException" {
				t.Errorf("refresh, %s: %v", name, a)
			}
			a = n.call(t, "GetTokensFromRefreshToken", object{"ClientId": app, "RefreshToken": token})
			if a.Code != "NotAuthorizedException" && a.Code != "InvalidParameterException" {
				t.Errorf("GetTokensFromRefreshToken, %s: %v", name, a)
			}
			n.call(t, "RevokeToken", object{"ClientId": app, "Token": token}) // Whatever it says, it revokes nothing.
		}
		if diff := cmp.Diff(before, dump(t, n.config)); diff != "" {
			t.Errorf("something was stored: %s", diff)
		}
		n.must(t, "GetUser", object{"AccessToken": access})
		n.must(t, "GetUser", object{"AccessToken": foreign})
		n.must(t, "InitiateAuth", object{"ClientId": app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": refresh}})
		n.quiet(t)
	})
}

// settable is a clock that a test moves.
type settable struct{ ahead atomic.Int64 }

func (s *settable) now() time.Time        { return time.Now().Add(time.Duration(s.ahead.Load())) }
func (s *settable) move(by time.Duration) { s.ahead.Add(int64(by)) }

// TestExpired lets tokens, sessions and codes grow old.
func TestExpired(t *testing.T) {
	t.Parallel()
	var clock settable
	c := dev(t)
	c.Now = clock.now
	n := start(t, c)
	pool := n.newPool(t)
	app := n.newApp(t, pool)
	n.newUser(t, pool, "alice")
	access, _, refresh := n.tokens(t, app, "alice")
	n.must(t, "GetUser", object{"AccessToken": access})
	n.must(t, "AdminCreateUser", object{"UserPoolId": pool, "Username": "bob", "TemporaryPassword": password, "MessageAction": "SUPPRESS"})
	session := n.signIn(t, app, "bob", password).text("Session")
	srp := newSRPClient(pool)
	challenge := n.must(t, "InitiateAuth", srp.start(app, "alice"))
	clock.move(3*time.Minute + time.Second)
	n.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", newPassword(app, "bob", session))
	n.refused(t, "NotAuthorizedException", "RespondToAuthChallenge", srp.respond(app, challenge, password, clock.now()))
	clock.move(time.Hour)
	if a := n.refused(t, "NotAuthorizedException", "GetUser", object{"AccessToken": access}); !strings.Contains(a.Text, "expired") {
		t.Errorf("an expired token, seen before: %v", a)
	}
	n.must(t, "ForgotPassword", object{"ClientId": app, "Username": "alice"})
	code := n.code(t, pool, "alice")
	clock.move(time.Hour + time.Second)
	n.refused(t, "ExpiredCodeException", "ConfirmForgotPassword", object{"ClientId": app, "Username": "alice", "ConfirmationCode": code, "Password": password + "2"})
	clock.move(30 * 24 * time.Hour)
	n.refused(t, "NotAuthorizedException", "InitiateAuth", object{"ClientId": app, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": object{"REFRESH_TOKEN": refresh}})
	n.quiet(t)
}
