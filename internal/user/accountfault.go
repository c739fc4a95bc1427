package user

import (
	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// AccountFault returns why the state of the user's account forbids a sign-in; nil if
// it does not.
func AccountFault(u *User) error {
	if !u.Rec.Enabled {
		return Disabled()
	}
	switch u.Status() {
	case idp.UserStatusTypeUnconfirmed:
		return idp.UserNotConfirmedException("User is not confirmed.")
	case idp.UserStatusTypeResetRequired:
		return idp.PasswordResetRequiredException("Password reset required for the user")
	}
	return nil
}

// Disabled returns the exception for a disabled user.
func Disabled() error {
	return idp.NotAuthorizedException("User is disabled.").WithReason(api.ReasonDisabled)
}

// CheckOwnFactors rejects the status of a user who signs in at another provider only. Such a
// user gets no password, passkey or second factor of the pool: with one, the person could sign
// in after the provider has locked the person out (Cognito: federated users).
func CheckOwnFactors(status string) error {
	if status != string(idp.UserStatusTypeExternalProvider) {
		return nil
	}
	return idp.NotAuthorizedException("The user signs in at another identity provider.").WithReason(api.ReasonWrongStatus)
}
