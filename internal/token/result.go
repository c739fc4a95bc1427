package token

import "cognate/internal/api/idp"

// Result returns the tokens as the API's operations answer them.
func (s *Set) Result() *idp.AuthenticationResultType {
	r := &idp.AuthenticationResultType{AccessToken: &s.AccessToken, ExpiresIn: &s.ExpiresIn, TokenType: new("Bearer")}
	if s.IDToken != "" {
		r.IdToken = &s.IDToken
	}
	if s.RefreshToken != "" {
		r.RefreshToken = &s.RefreshToken
	}
	return r
}
