package user

import (
	"slices"
)

// A SoftwareToken is the authenticator app in a user's profile. Both secrets are sealed and
// bound to the user's row.
type SoftwareToken struct {
	// Secret is the verified secret.
	Secret []byte `json:"secret,omitempty"`
	// Pending is a secret that was associated and is not verified yet. Until it is, Secret
	// stays valid.
	Pending []byte `json:"pending,omitempty"`
	// Name is what the user calls the device.
	Name string `json:"name,omitempty"`
}

// Empty reports whether the user has no app, not even a pending one.
func (t *SoftwareToken) Empty() bool { return len(t.Secret) == 0 && len(t.Pending) == 0 }

// HasSoftwareToken reports whether the user has an authenticator app whose codes
// were verified.
func (u *User) HasSoftwareToken() bool { return len(u.SoftwareToken.Secret) > 0 }

// SoftwareTokenName is what the user calls the device of the authenticator app.
func (u *User) SoftwareTokenName() string { return u.SoftwareToken.Name }

// SameSoftwareToken reports whether a and b, two readings of one user, have the same
// verified secret.
func SameSoftwareToken(a, b *User) bool {
	return slices.Equal(a.SoftwareToken.Secret, b.SoftwareToken.Secret)
}
