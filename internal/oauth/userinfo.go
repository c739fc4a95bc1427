package oauth

import (
	"encoding/json"
	"net/http"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/token"
	"cognate/internal/user"
)

const (
	textBadRequest = "Bad OAuth2 request at UserInfo Endpoint"
	textBadToken   = "Access token is expired, disabled, or deleted, or the user has globally signed out."
	textNoOpenID   = "Access token does not contain openid scope"
)

// serveUserInfo is /oauth2/userInfo (OpenID Connect Core §5.3). Every value is a text,
// as Cognito has it.
func (s *Service) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	ctx, site := r.Context(), SiteOf(r.Context())
	raw, ok := bearer(r)
	if !ok {
		challengeBearer(w, r, &FaultError{Code: codeInvalidRequest, Description: textBadRequest, status: http.StatusBadRequest})
		return
	}
	p, err := s.deps.Tokens.AuthenticateOpenID(ctx, raw)
	switch code := api.CodeOf(err); {
	case token.MissingScope(err):
		challengeBearer(w, r, &FaultError{Code: codeInvalidToken, Description: textNoOpenID, status: http.StatusUnauthorized, reason: api.ReasonOf(err)})
		return
	case code == idp.CodeNotAuthorizedException, code == idp.CodeUserNotFoundException, code == idp.CodePasswordResetRequiredException,
		err == nil && p.Pool.ID != site.Pool.ID:
		challengeBearer(w, r, &FaultError{Code: codeInvalidToken, Description: textBadToken, status: http.StatusUnauthorized, reason: api.ReasonOf(err)})
		return
	case err != nil:
		writeFault(w, r, err)
		return
	}
	u, err := user.FromRecord(p.Pool, p.User)
	if err != nil {
		writeFault(w, r, err)
		return
	}
	audit.From(ctx).SetActive()
	writeJSON(w, http.StatusOK, userInfo(p, u))
}

const codeInvalidToken = "invalid_token"

// userInfo returns what the token's holder may read of the user.
func userInfo(p *token.Principal, u *user.User) map[string]string {
	info := map[string]string{"sub": u.ID(), "username": u.Username()}
	for name, value := range u.Attributes {
		if p.Shows(name) {
			info[name] = value
		}
	}
	for _, address := range [...]string{"email", "phone_number"} {
		flag := address + "_verified"
		if _, has := info[address]; has && p.Shows(flag) && info[flag] == "" {
			info[flag] = "false"
		}
	}
	return info
}

// bearer returns the access token of the one Authorization header (RFC 6750 §2.1).
func bearer(r *http.Request) (string, bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, raw, _ := strings.Cut(headers[0], " ")
	raw = strings.TrimSpace(raw)
	return raw, strings.EqualFold(scheme, "Bearer") && raw != "" && !strings.Contains(raw, " ")
}

// challengeBearer answers with a fault in the form of RFC 6750 §3.
func challengeBearer(w http.ResponseWriter, r *http.Request, f *FaultError) {
	code, _ := json.Marshal(f.Code)
	text, _ := json.Marshal(f.Description)
	w.Header().Set("WWW-Authenticate", "Bearer error="+string(code)+", error_description="+string(text))
	writeFault(w, r, f)
}
