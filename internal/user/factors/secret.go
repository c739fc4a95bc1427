package factors

import (
	"crypto/subtle"

	"cognate/internal/keys"
	"cognate/internal/user"
)

// SetSecret sets the verified secret of a user's authenticator app. The caller stores the user.
func (s *Service) SetSecret(u *user.User, secret []byte) {
	u.SoftwareToken = user.SoftwareToken{Secret: s.deps.Ring.Seal(keys.PurposeTOTP, softwareTokenAD(u.Rec.PoolID, u.ID()), secret)}
}

// Secret returns the verified secret of a user's authenticator app, nil if there is none.
func (s *Service) Secret(u *user.User) ([]byte, error) {
	if !u.HasSoftwareToken() {
		return nil, nil
	}
	return s.deps.Ring.Open(keys.PurposeTOTP, softwareTokenAD(u.Rec.PoolID, u.ID()), u.SoftwareToken.Secret)
}

// HasSecret reports whether a secret is that of the user's authenticator app.
func (s *Service) HasSecret(u *user.User, secret []byte) bool {
	own, err := s.Secret(u)
	return err == nil && subtle.ConstantTimeCompare(own, secret) == 1
}
