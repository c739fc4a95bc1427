package floor

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // the digest of RSA-OAEP in XML Encryption
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// The floors of sign-in at other providers.

func verifyWork() (func() error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256([]byte("claims"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	return func() error { return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) }, err
}

func decryptWork() (func() error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, &key.PublicKey, make([]byte, 32), nil)
	return func() error {
		_, err := rsa.DecryptOAEP(sha1.New(), nil, key, wrapped, nil)
		return err
	}, err
}

// exchangeHandler returns a handler without the work of a service provider: /callback sends a
// form to a token endpoint and redirects to a callback, and /token reads a form and answers as many bytes as
// three tokens have.
func exchangeHandler(tokenURL, form, callback string) http.HandlerFunc {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	tokens := strings.Repeat("x", 900)
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			if err := redeem(r, client, tokenURL, form); err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			w.Header().Set("Location", callback+"?code="+rand.Text())
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(http.StatusFound)
			return
		}
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body, err := json.Marshal(map[string]any{"id_token": tokens, "access_token": tokens, "refresh_token": tokens, "expires_in": 3600, "token_type": "Bearer"})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}

func redeem(r *http.Request, client *http.Client, tokenURL, form string) error {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, tokenURL, strings.NewReader(form))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		IDToken string `json:"id_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.IDToken == "" {
		return errors.Join(errors.New("the code was not redeemed"), err)
	}
	return nil
}
