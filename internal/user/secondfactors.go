package user

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
)

// UsableFactors returns the second factors that the user turned on and that a sign-in can
// ask for in a pool with these settings.
func (u *User) UsableFactors(m pool.MFA) []string {
	var usable []string
	for _, f := range [...]struct {
		name string
		ok   bool
	}{
		{FactorSMS, m.SMS && u.Attributes[schema.PhoneNumber] != ""},
		// A verified app stays usable where the pool switched apps off later.
		{FactorTOTP, u.HasSoftwareToken()},
		{FactorEmail, m.Email && u.Attributes[schema.Email] != ""},
	} {
		if f.ok && slices.Contains(u.MFA.Enabled, f.name) {
			usable = append(usable, f.name)
		}
	}
	return usable
}

// ImplicitFactor returns the second factor of a user who turned no factor on, in a pool
// that requires one: a factor that the user can use anyway (Cognito: MFA required). It
// returns "" if there is none.
func (u *User) ImplicitFactor(m pool.MFA) string {
	switch {
	case m.Mode != idp.UserPoolMfaTypeOn || len(u.UsableFactors(m)) > 0:
		return ""
	case m.SoftwareToken && u.HasSoftwareToken():
		return FactorTOTP
	case m.SMS && u.Attributes[schema.PhoneNumber] != "":
		return FactorSMS
	case m.Email && u.Verified(schema.Email):
		return FactorEmail
	}
	return ""
}
