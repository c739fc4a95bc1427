// Package passwordpolicy has what a pool asks of new passwords, with the defaults, as pure functions.
package passwordpolicy

import (
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// Policy is what a pool asks of new passwords.
type Policy struct {
	MinimumLength    int
	RequireUppercase bool
	RequireLowercase bool
	RequireNumbers   bool
	RequireSymbols   bool
	// HistorySize is how many passwords, the current one included, may not be
	// used again; 0 turns the check off.
	HistorySize int
}

const (
	defaultLength = 8
	// DefaultTemporaryDays is how long a temporary password is valid by default.
	DefaultTemporaryDays = 7
)

// New returns the policy of a stored setting.
func New(t *idp.PasswordPolicyType) Policy {
	return Policy{
		MinimumLength:    int(api.Val(t.MinimumLength)),
		RequireUppercase: api.Val(t.RequireUppercase),
		RequireLowercase: api.Val(t.RequireLowercase),
		RequireNumbers:   api.Val(t.RequireNumbers),
		RequireSymbols:   api.Val(t.RequireSymbols),
		HistorySize:      int(api.Val(t.PasswordHistorySize)),
	}
}

// TemporaryValidity returns how long a temporary password is valid. A stored 0 means the
// default, as in Cognito.
func TemporaryValidity(t *idp.PasswordPolicyType) time.Duration {
	days := api.Val(t.TemporaryPasswordValidityDays)
	if days == 0 {
		days = DefaultTemporaryDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// Default returns the policy of a pool whose request has no policy.
func Default() *idp.PasswordPolicyType {
	return &idp.PasswordPolicyType{
		MinimumLength:                 new(int32(defaultLength)),
		RequireUppercase:              new(true),
		RequireLowercase:              new(true),
		RequireNumbers:                new(true),
		RequireSymbols:                new(true),
		TemporaryPasswordValidityDays: new(int32(DefaultTemporaryDays)),
	}
}

// Complete fills in the members that a policy leaves out. The Require…
// flags become false, which is not their default in a pool without a policy.
func Complete(t *idp.PasswordPolicyType) *idp.PasswordPolicyType {
	w := &idp.PasswordPolicyType{
		MinimumLength:                 new(int32(defaultLength)),
		RequireUppercase:              new(api.Val(t.RequireUppercase)),
		RequireLowercase:              new(api.Val(t.RequireLowercase)),
		RequireNumbers:                new(api.Val(t.RequireNumbers)),
		RequireSymbols:                new(api.Val(t.RequireSymbols)),
		PasswordHistorySize:           t.PasswordHistorySize,
		TemporaryPasswordValidityDays: new(int32(DefaultTemporaryDays)),
	}
	if t.MinimumLength != nil {
		w.MinimumLength = t.MinimumLength
	}
	if api.Val(t.TemporaryPasswordValidityDays) != 0 {
		w.TemporaryPasswordValidityDays = t.TemporaryPasswordValidityDays
	}
	return w
}
