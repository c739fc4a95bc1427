package user

import (
	"slices"
)

// A SoftwareToken is an authenticator app's share of the user's profile. Both
// secrets are sealed, and bound to the user's row.
type SoftwareToken struct {
	// Secret is the one that was verified.
	Secret []byte `json:"secret,omitempty"`
	// Pending was associated and not verified yet; Secret works until it is.
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

// SameSoftwareToken reports whether the two readings of a user have the same
// verified secret.
func SameSoftwareToken(a, b *User) bool {
	return slices.Equal(a.SoftwareToken.Secret, b.SoftwareToken.Secret)
}
