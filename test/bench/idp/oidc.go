package idp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Credentials of the provider's client.
const (
	ClientID     = "bench-client"
	ClientSecret = "bench-secret-of-the-client-0123456"
)

// OIDC is an OpenID Connect provider. It knows its answers before it is asked, so that it
// takes little time from the server that is measured.
type OIDC struct {
	*httptest.Server
	key     *rsa.PrivateKey
	answers sync.Map // of the token endpoint, by code
}

// NewOIDC starts a provider, which must be closed.
func NewOIDC() (*OIDC, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	p := &OIDC{key: key}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	return p, nil
}

func (p *OIDC) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	encode := base64.RawURLEncoding.EncodeToString
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		})
	case "/keys":
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1", "n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes()),
		}}})
	default:
		body, ok := p.answers.Load(r.FormValue("code"))
		if !ok {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		_, _ = w.Write(body.([]byte))
	}
}

// Grant returns a code for a person and a sign-in's nonce.
func (p *OIDC) Grant(person, nonce string) (string, error) {
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{
		"iss": p.URL, "aud": ClientID, "sub": person, "iat": now, "exp": now + 300, "nonce": nonce,
		"email": person + "@example.com", "email_verified": true, "name": "Alice Example",
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"RS256","kid":"1","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(token))
	signature, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]any{
		"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 3600, "id_token": token + "." + encode(signature),
	})
	code := rand.Text()
	p.answers.Store(code, body)
	return code, err
}
