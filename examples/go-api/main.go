// Command go-api is an API that takes access tokens of one app client of a user pool:
// everybody reads the own orders, and the group "staff" reads the report.
// Settings: ISSUER, CLIENT_ID and ADDRESS (localhost:3001).
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

func main() {
	api, err := newAPI(context.Background(), cmp.Or(os.Getenv("ISSUER"), "http://localhost:9229/us-east-1_shop1"), cmp.Or(os.Getenv("CLIENT_ID"), "shopweb"))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: cmp.Or(os.Getenv("ADDRESS"), "localhost:3001"), Handler: api, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// claims are the claims of an access token that the API reads.
type claims struct {
	Use      string   `json:"token_use"`
	ClientID string   `json:"client_id"`
	Username string   `json:"username"`
	Groups   []string `json:"cognito:groups"`
}

// newAPI returns the API for access tokens of an app client. It reads the issuer's discovery document.
func newAPI(ctx context.Context, issuer, clientID string) (http.Handler, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	// Cognito's access tokens name the app client in client_id. They have no audience.
	verifier := provider.VerifierContext(ctx, &oidc.Config{SkipClientIDCheck: true})
	authorize := func(r *http.Request) (c claims, err error) {
		token, err := verifier.Verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if err == nil {
			err = token.Claims(&c)
		}
		if err == nil && (c.Use != "access" || c.ClientID != clientID) {
			err = errors.New("another token")
		}
		return c, err
	}

	mux := http.NewServeMux()
	route := func(pattern string, handler func(claims) (int, any)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			c, err := authorize(r)
			if err != nil {
				answer(w, http.StatusUnauthorized, message("sign in first"))
				return
			}
			status, body := handler(c)
			answer(w, status, body)
		})
	}
	route("GET /orders", func(c claims) (int, any) {
		return http.StatusOK, map[string]any{"user": c.Username, "orders": []string{}}
	})
	route("GET /report", func(c claims) (int, any) {
		if !slices.Contains(c.Groups, "staff") {
			return http.StatusForbidden, message("only staff reads the report")
		}
		return http.StatusOK, map[string]any{"orders": 0}
	})
	return mux, nil
}

func message(text string) map[string]string { return map[string]string{"message": text} }

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
