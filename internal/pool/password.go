package pool

import (
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// PasswordPolicy is what a pool asks of new passwords.
type PasswordPolicy struct {
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
	defaultPasswordLength = 8
	defaultTemporaryDays  = 7
)

func newPasswordPolicy(t *idp.PasswordPolicyType) PasswordPolicy {
	return PasswordPolicy{
		MinimumLength:    int(api.Val(t.MinimumLength)),
		RequireUppercase: api.Val(t.RequireUppercase),
		RequireLowercase: api.Val(t.RequireLowercase),
		RequireNumbers:   api.Val(t.RequireNumbers),
		RequireSymbols:   api.Val(t.RequireSymbols),
		HistorySize:      int(api.Val(t.PasswordHistorySize)),
	}
}

// temporaryValidity returns how long a temporary password is valid. A stored 0 means the
// default, as in Cognito.
func temporaryValidity(t *idp.PasswordPolicyType) time.Duration {
	days := api.Val(t.TemporaryPasswordValidityDays)
	if days == 0 {
		days = defaultTemporaryDays
	}
	return time.Duration(days) * 24 * time.Hour
}

// defaultPasswordPolicy returns the policy of a pool whose request has no policy.
func defaultPasswordPolicy() *idp.PasswordPolicyType {
	return &idp.PasswordPolicyType{
		MinimumLength:                 new(int32(defaultPasswordLength)),
		RequireUppercase:              new(true),
		RequireLowercase:              new(true),
		RequireNumbers:                new(true),
		RequireSymbols:                new(true),
		TemporaryPasswordValidityDays: new(int32(defaultTemporaryDays)),
	}
}

// completePasswordPolicy fills in the members that a policy leaves out. The Require…
// flags become false, which is not their default in a pool without a policy.
func completePasswordPolicy(t *idp.PasswordPolicyType) *idp.PasswordPolicyType {
	w := &idp.PasswordPolicyType{
		MinimumLength:                 new(int32(defaultPasswordLength)),
		RequireUppercase:              new(api.Val(t.RequireUppercase)),
		RequireLowercase:              new(api.Val(t.RequireLowercase)),
		RequireNumbers:                new(api.Val(t.RequireNumbers)),
		RequireSymbols:                new(api.Val(t.RequireSymbols)),
		PasswordHistorySize:           t.PasswordHistorySize,
		TemporaryPasswordValidityDays: new(int32(defaultTemporaryDays)),
	}
	if t.MinimumLength != nil {
		w.MinimumLength = t.MinimumLength
	}
	if api.Val(t.TemporaryPasswordValidityDays) != 0 {
		w.TemporaryPasswordValidityDays = t.TemporaryPasswordValidityDays
	}
	return w
}
