package passkey

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/fxamacker/cbor/v2"

	"cognate/test/authenticator"
)

const (
	domain = "example.com"
	origin = "https://app.example.com"
	sub    = "0b8a3c9e-6c1f-4f3a-9d55-2f9c1f8f0a11"
)

// device is an authenticator with one credential.
type device struct{ *authenticator.Device }

func newDevice(kind virtualwebauthn.KeyType) *device {
	d := authenticator.New(sub, domain, origin)
	d.Cred = authenticator.Credential(kind)
	return &device{d}
}

func challenge() []byte {
	c := make([]byte, 32)
	rand.Read(c)
	return c
}

func (d *device) create(t testing.TB, rp RelyingParty, challenge []byte) []byte {
	t.Helper()
	options, err := CreationOptions(rp, challenge, sub, "alice", nil, 60_000)
	if err != nil {
		t.Fatal(err)
	}
	return d.Create(t, string(options))
}

func (d *device) get(t testing.TB, rp RelyingParty, challenge []byte, keys ...*Key) []byte {
	t.Helper()
	options, err := RequestOptions(rp, challenge, keys, 180_000)
	if err != nil {
		t.Fatal(err)
	}
	return d.Get(t, string(options))
}

func (d *device) register(t testing.TB, rp RelyingParty) *Key {
	t.Helper()
	c := challenge()
	key, err := Register(rp, c, d.create(t, rp, c))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestRegister(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		rp     RelyingParty
		kind   virtualwebauthn.KeyType
		change func(*device)
		forge  func(answer []byte) []byte
		want   error
	}{
		{name: "ES256", kind: virtualwebauthn.KeyTypeEC2},
		{name: "RS256", kind: virtualwebauthn.KeyTypeRSA},
		{name: "user verified", rp: RelyingParty{ID: domain, Verify: true}},
		{name: "user not verified", rp: RelyingParty{ID: domain, Verify: true}, change: func(d *device) { d.Auth.Options.UserNotVerified = true }, want: ErrUnsupported},
		{name: "not verified, not asked", change: func(d *device) { d.Auth.Options.UserNotVerified = true }},
		{name: "nobody there", change: func(d *device) { d.Auth.Options.UserNotPresent = true }, want: ErrUnsupported},
		{name: "the domain itself", change: func(d *device) { d.Page.Origin = "https://example.com" }},
		{name: "a port", change: func(d *device) { d.Page.Origin = "https://app.example.com:8443" }},
		{name: "another origin", change: func(d *device) { d.Page.Origin = "https://example.org" }, want: ErrOrigin},
		{name: "an origin that ends alike", change: func(d *device) { d.Page.Origin = "https://badexample.com" }, want: ErrOrigin},
		{name: "no TLS", change: func(d *device) { d.Page.Origin = "http://app.example.com" }, want: ErrOrigin},
		{name: "another relying party", change: func(d *device) { d.Page.ID = "app.example.com" }, want: ErrRelyingParty},
		{name: "another challenge", forge: setChallenge(challenge()), want: ErrChallenge},
		{name: "an assertion's type", forge: setClientData("type", "webauthn.get"), want: ErrUnsupported},
		{name: "in a foreign frame", forge: setClientData("crossOrigin", true), want: ErrOrigin},
		{name: "an id that is not the key's", forge: setID("b3RoZXI"), want: ErrUnsupported},
		{name: "not JSON", forge: func([]byte) []byte { return []byte(`{"id":`) }, want: ErrMalformed},
		{name: "empty", forge: func([]byte) []byte { return []byte(`{}`) }, want: ErrMalformed},
		{name: "too long", forge: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), maxAnswer)...) }, want: ErrMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.rp.ID == "" {
				row.rp.ID = domain
			}
			if row.kind == "" {
				row.kind = virtualwebauthn.KeyTypeEC2
			}
			d := newDevice(row.kind)
			if row.change != nil {
				row.change(d)
			}
			c := challenge()
			answer := d.create(t, row.rp, c)
			if row.forge != nil {
				answer = row.forge(answer)
			}
			key, err := Register(row.rp, c, answer)
			if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if err != nil {
				return
			}
			if key.ID != encode(d.Cred.ID) || key.RelyingParty != domain || len(key.Public) == 0 {
				t.Errorf("registered %+v", key)
			}
			if got, err := Challenge(answer); err != nil || !bytes.Equal(got, c) {
				t.Errorf("the answer's challenge: %x, %v", got, err)
			}
		})
	}
}

func TestAssert(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		verify   bool
		kind     virtualwebauthn.KeyType
		had      uint32 // the counter that is stored
		change   func(*device)
		forge    func(answer []byte) []byte
		forgeKey func(*Key)
		want     error
		verified bool
	}{
		{name: "ES256", verified: true},
		{name: "RS256", kind: virtualwebauthn.KeyTypeRSA, verified: true},
		{name: "user not verified", change: func(d *device) { d.Auth.Options.UserNotVerified = true }},
		{name: "user not verified but must be", verify: true, change: func(d *device) { d.Auth.Options.UserNotVerified = true }, want: ErrAssertion},
		{name: "nobody there", change: func(d *device) { d.Auth.Options.UserNotPresent = true }, want: ErrAssertion},
		{name: "another origin", change: func(d *device) { d.Page.Origin = "https://example.org" }, want: ErrOrigin},
		{name: "another relying party", change: func(d *device) { d.Page.ID = "example.org" }, want: ErrRelyingParty},
		{name: "another challenge", forge: setChallenge(challenge()), want: ErrChallenge},
		{name: "a registration's type", forge: setClientData("type", "webauthn.create"), want: ErrAssertion},
		{name: "in a foreign frame", forge: setClientData("crossOrigin", true), want: ErrOrigin},
		{name: "a signature over something else", forge: setClientData("extra", "x"), want: ErrAssertion},
		{name: "another user's handle", change: func(d *device) { d.Auth.Options.UserHandle = []byte("somebody") }, want: ErrAssertion},
		{name: "no handle", change: func(d *device) { d.Auth.Options.UserHandle = nil }, verified: true},
		{name: "unknown key", forgeKey: func(k *Key) { k.ID = "b3RoZXI" }, want: ErrAssertion},
		{name: "key of a former relying party", forgeKey: func(k *Key) { k.RelyingParty = "old.example.com" }, want: ErrAssertion},
		{name: "another's public key", forgeKey: func(k *Key) { k.Public = nil }, want: ErrAssertion},
		{name: "counter up", had: 4, change: func(d *device) { d.Cred.Counter = 5 }, verified: true},
		{name: "counter the same", had: 5, change: func(d *device) { d.Cred.Counter = 5 }, want: ErrAssertion},
		{name: "counter down", had: 6, change: func(d *device) { d.Cred.Counter = 5 }, want: ErrAssertion},
		{name: "counter gone", had: 6, want: ErrAssertion},
		{name: "not JSON", forge: func([]byte) []byte { return []byte(`[]`) }, want: ErrMalformed},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if row.kind == "" {
				row.kind = virtualwebauthn.KeyTypeEC2
			}
			rp := RelyingParty{ID: domain, Verify: row.verify}
			d := newDevice(row.kind)
			key := d.register(t, RelyingParty{ID: domain})
			key.SignCount = row.had
			if row.change != nil {
				row.change(d)
			}
			c := challenge()
			answer := d.get(t, rp, c, key)
			if row.forge != nil {
				answer = row.forge(answer)
			}
			if row.forgeKey != nil {
				row.forgeKey(key)
			}
			got, err := Assert(rp, c, answer, sub, []*Key{{ID: "Zmlyc3Q", RelyingParty: domain}, key})
			if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if err == nil && (got.Key != key || got.Verified != row.verified || got.SignCount != d.Cred.Counter) {
				t.Errorf("proved %+v", got)
			}
		})
	}
}

// TestEdDSA and packed statements, which the virtual authenticator does not make.
func TestEdDSA(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rp, c := RelyingParty{ID: domain}, challenge()
	answer := func(format string, alg int64, break_ bool) []byte {
		return handmade(t, c, map[int]any{1: 1, 3: alg, -1: 6, -2: []byte(public)}, func(signed []byte) map[string]any {
			if format == "none" {
				return map[string]any{}
			}
			sig := ed25519.Sign(private, signed)
			if break_ {
				sig[0] ^= 1
			}
			return map[string]any{"alg": alg, "sig": sig}
		}, format)
	}
	for _, row := range []struct {
		name   string
		answer []byte
		want   error
	}{
		{"none", answer("none", -8, false), nil},
		{"self-attested", answer("packed", -8, false), nil},
		{"badly self-attested", answer("packed", -8, true), ErrUnsupported},
		{"another statement is not looked at", answer("tpm", -8, true), nil},
		{"another algorithm", answer("none", -19, false), ErrUnsupported},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			key, err := Register(rp, c, row.answer)
			if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if err != nil {
				return
			}
			hash := sha256.Sum256([]byte(domain))
			data := append(hash[:], 0x05, 0, 0, 0, 0)
			client := clientJSON(t, "webauthn.get", c)
			clientHash := sha256.Sum256(client)
			response := map[string]any{
				"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(ed25519.Sign(private, append(data, clientHash[:]...))),
			}
			got, err := Assert(rp, c, marshal(t, map[string]any{"id": key.ID, "rawId": key.ID, "type": "public-key", "response": response}), sub, []*Key{key})
			if err != nil || !got.Verified {
				t.Errorf("assertion: %+v, %v", got, err)
			}
		})
	}
}

func clientJSON(t testing.TB, kind string, c []byte) []byte {
	t.Helper()
	return marshal(t, map[string]any{"type": kind, "challenge": encode(c), "origin": origin, "crossOrigin": false})
}

// handmade is a registration by a key in its COSE form.
func handmade(t testing.TB, c []byte, key map[int]any, statement func(signed []byte) map[string]any, format string) []byte {
	t.Helper()
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(v any) []byte {
		b, err := mode.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	id := []byte("credential")
	hash := sha256.Sum256([]byte(domain))
	data := append(hash[:], 0x45, 0, 0, 0, 0)
	data = append(data, make([]byte, 16)...)
	data = append(data, 0, byte(len(id)))
	data = append(append(data, id...), encoded(key)...)
	client := clientJSON(t, "webauthn.create", c)
	clientHash := sha256.Sum256(client)
	object := encoded(map[string]any{"fmt": format, "authData": data, "attStmt": statement(append(bytes.Clone(data), clientHash[:]...))})
	return marshal(t, map[string]any{
		"id": encode(id), "rawId": encode(id), "type": "public-key",
		"response": map[string]any{"clientDataJSON": encode(client), "attestationObject": encode(object)},
	})
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Changes of an answer, which leave its signature.

func setClientData(key string, value any) func([]byte) []byte {
	return func(answer []byte) []byte {
		var a, data map[string]any
		mustJSON(answer, &a)
		response := a["response"].(map[string]any)
		raw, err := base64.RawURLEncoding.DecodeString(response["clientDataJSON"].(string))
		if err != nil {
			panic(err)
		}
		mustJSON(raw, &data)
		data[key] = value
		raw, _ = json.Marshal(data)
		response["clientDataJSON"] = encode(raw)
		out, _ := json.Marshal(a)
		return out
	}
}

func setChallenge(c []byte) func([]byte) []byte { return setClientData("challenge", encode(c)) }

func setID(id string) func([]byte) []byte {
	return func(answer []byte) []byte {
		var a map[string]any
		mustJSON(answer, &a)
		a["id"], a["rawId"] = id, id
		out, _ := json.Marshal(a)
		return out
	}
}

func mustJSON(b []byte, v any) {
	if err := json.Unmarshal(b, v); err != nil {
		panic(err)
	}
}

func TestOriginAllowed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rp, origin string
		want       bool
	}{
		{"example.com", "https://example.com", true},
		{"example.com", "https://a.b.example.com:444", true},
		{"localhost", "http://localhost:3000", true},
		{"x.auth.localhost", "http://x.auth.localhost:9229", true},
		{"x.auth.localhost", "http://localhost:9229", false},
		{"a.example.com", "https://example.com", false},
		{"example.com", "http://example.com", false},
		{"example.com", "https://example.com.evil.test", false},
		{"example.com", "https://evil.test/example.com", false},
		{"example.com", "https://example.com@evil.test", false},
		{"example.com", "https://example.com/", false},
		{"example.com", "https://example.com?x", false},
		{"example.com", "https://EXAMPLE.com", false},
		{"example.com", "android:apk-key-hash:x", false},
		{"example.com", "null", false},
		{"example.com", "", false},
		{"127.0.0.1", "http://127.0.0.1", false},
	} {
		if got := OriginAllowed(row.rp, row.origin); got != row.want {
			t.Errorf("%s may be used by %s: %v", row.rp, row.origin, got)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	keys := []*Key{{ID: "aWQ", Transports: []string{"internal"}}}
	got, err := CreationOptions(RelyingParty{ID: domain, Verify: true}, []byte("challenge"), "sub", "alice", keys, 60_000)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"rp":{"id":"example.com","name":"example.com"},"user":{"id":"c3Vi","name":"alice","displayName":"alice"},"challenge":"Y2hhbGxlbmdl",` +
		`"pubKeyCredParams":[{"type":"public-key","alg":-7},{"type":"public-key","alg":-257},{"type":"public-key","alg":-8}],"timeout":60000,` +
		`"excludeCredentials":[{"type":"public-key","id":"aWQ","transports":["internal"]}],` +
		`"authenticatorSelection":{"requireResidentKey":true,"residentKey":"required","userVerification":"required"}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err = RequestOptions(RelyingParty{ID: domain}, []byte("challenge"), keys, 180_000)
	if err != nil {
		t.Fatal(err)
	}
	want = `{"challenge":"Y2hhbGxlbmdl","timeout":180000,"rpId":"example.com",` +
		`"allowCredentials":[{"type":"public-key","id":"aWQ","transports":["internal"]}],"userVerification":"preferred"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzAnswer: nothing that an authenticator sends makes a panic, or a passkey of
// another challenge.
func FuzzAnswer(f *testing.F) {
	d := newDevice(virtualwebauthn.KeyTypeEC2)
	rp := RelyingParty{ID: domain}
	fixed := []byte(strings.Repeat("c", 32))
	key := d.register(f, rp)
	f.Add(d.create(f, rp, fixed))
	f.Add(d.get(f, rp, fixed, key))
	f.Fuzz(func(t *testing.T, answer []byte) {
		for _, c := range [][]byte{fixed, []byte("other")} {
			_, registered := Register(rp, c, answer)
			_, asserted := Assert(rp, c, answer, sub, []*Key{key})
			if registered != nil && asserted != nil {
				continue
			}
			if got, err := Challenge(answer); err != nil || !bytes.Equal(got, c) {
				t.Errorf("accepted for %q: it is for %q, %v", c, got, err)
			}
		}
	})
}
