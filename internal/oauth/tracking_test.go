package oauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"cognate/internal/server"
)

// call sends an operation that the official client does not have yet.
func (r *rig) call(t *testing.T, operation string, in map[string]any) map[string]any {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/", strings.NewReader(string(body)))
	if err == nil {
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	}
	a := r.browser(t).do(req, err)
	var out map[string]any
	if err := json.Unmarshal([]byte(a.body), &out); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, a.status, a.body)
	}
	return out
}

// TestTrackedSessions: where a pool tracks sessions, the browser's session and the token
// sessions that came through it are listed, and end together.
func TestTrackedSessions(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		r.call(t, "SetUserPoolSessionConfiguration", map[string]any{"UserPoolId": r.pool, "UserSessionTracking": "ENABLED", "TokenSession": map[string]any{"MaxPerUser": 10}})
		c := r.client(t, nil)
		minutes := func(n int) {
			r.call(t, "SetUserPoolClientSessionConfiguration", map[string]any{"UserPoolId": r.pool, "ClientId": *c.ClientId, "SSOSession": map[string]any{"MaxValidityMinutes": n}})
		}
		minutes(90)
		sessions := func() (sso, token string, parent any) {
			t.Helper()
			list, _ := r.call(t, "AdminListUserSessions", map[string]any{"UserPoolId": r.pool, "Username": "alice"})["Sessions"].([]any)
			for _, s := range list {
				s := s.(map[string]any)
				if id := s["SessionId"].(string); strings.HasPrefix(id, "sso") {
					sso = id
				} else {
					token, parent = id, s["OriginSessionId"]
				}
			}
			return sso, token, parent
		}
		begin := func() (*browser, map[string]any) {
			t.Helper()
			b := r.browser(t)
			return b, b.token(c, b.code(c)).tokens(t)
		}
		revoke := func(id, associated string) {
			t.Helper()
			r.call(t, "AdminRevokeUserSession", map[string]any{"UserPoolId": r.pool, "Username": "alice", "SessionId": id, "RevokeAssociatedSessions": associated})
		}
		renew := func(b *browser, tokens map[string]any) answer {
			return b.token(c, "", "grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string))
		}
		over := callback + "?error=login_required"

		b, tokens := begin()
		sso, token, parent := sessions()
		if sso == "" || token == "" || parent != sso {
			t.Fatalf("sessions: %q, %q of %v", sso, token, parent)
		}
		r.advance(t, "80m")
		code := b.again(c)
		minutes(0)
		want(t, "no reuse", b.authorize(c, "prompt", "none"), http.StatusFound, over)
		minutes(90)
		revoke(sso, "LINKED")
		want(t, "SSO session", b.authorize(c, "prompt", "none"), http.StatusFound, over)
		want(t, "its tokens", renew(b, tokens), http.StatusBadRequest, badGrant)
		want(t, "its code", b.token(c, code), http.StatusBadRequest, badGrant)

		b, tokens = begin()
		_, token, _ = sessions()
		revoke(token, "LINKED")
		want(t, "tokens", renew(b, tokens), http.StatusBadRequest, badGrant)
		want(t, "their SSO session", b.authorize(c, "prompt", "none"), http.StatusFound, over)

		b, tokens = begin()
		sso, _, _ = sessions()
		revoke(sso, "NONE")
		want(t, "SSO session alone", b.authorize(c, "prompt", "none"), http.StatusFound, over)
		want(t, "the tokens that stay", renew(b, tokens), http.StatusOK, "{")
		r.call(t, "SetUserPoolSessionConfiguration", map[string]any{"UserPoolId": r.pool, "UserSessionTracking": "DISABLED", "TokenSession": map[string]any{"MaxPerUser": 10}})
		want(t, "a revoked session of a pool that tracks no more", b.authorize(c, "prompt", "none"), http.StatusFound, over)
	}, func(c *server.Config) { c.AllowUnsigned = true })
}
