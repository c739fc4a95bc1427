package oauth

import (
	"net/http"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// serveRevoke is /oauth2/revoke (RFC 7009).
func (s *Service) serveRevoke(w http.ResponseWriter, r *http.Request) {
	if err := s.revoke(r); err != nil {
		f := asFault(err)
		if f.Code == codeInvalidClient {
			f.status = http.StatusUnauthorized // as Cognito answers here, unlike at the token endpoint
		}
		writeFault(w, r, f)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Service) revoke(r *http.Request) error {
	ctx, site := r.Context(), SiteOf(r.Context())
	p, err := form(r)
	if err != nil {
		return err
	}
	client, err := authenticate(ctx, site, r, p)
	if err != nil {
		return err
	}
	raw := p.get("token")
	if raw == "" {
		return fault(codeInvalidRequest)
	}
	err = s.deps.Tokens.Revoke(ctx, site.Pool, client, raw, false)
	switch api.CodeOf(err) {
	case idp.CodeUnsupportedOperationException:
		return fault(codeInvalidRequest)
	case idp.CodeUnsupportedTokenTypeException:
		return fault(codeUnsupportedToken)
	}
	return err
}
