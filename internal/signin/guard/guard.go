// Package guard describes sign-ins to threat protection: who signs in and what was proven. It decides nothing.
package guard

import (
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/protection"
	"cognate/internal/signin/progress"
	"cognate/internal/user"
)

// Email returns the user's verified address, or "".
func Email(u *user.User) string {
	if !u.Verified("email") {
		return ""
	}
	return u.Attributes["email"]
}

// WrongPassword adds to a description that the password was wrong.
func WrongPassword(in *protection.SignIn) {
	in.WrongPassword = true
	in.Challenges = []protection.Challenge{{Name: idp.ChallengeNamePassword, Response: idp.ChallengeResponseFailure}}
}

// FirstFactor adds to a description what the first factor has proven. It returns whether a second factor can be asked for.
func FirstFactor(in *protection.SignIn, p *progress.Progress, u *user.User, cred *user.Credential, password string) (asks bool) {
	m := in.Pool.MFA
	in.PasswordChanged = cred.SetAt
	if p.ByPassword() {
		in.Challenges = []protection.Challenge{{Name: idp.ChallengeNamePassword, Response: idp.ChallengeResponseSuccess}}
	}
	if slices.Contains(p.Passed, idp.ChallengeNameTypePassword) {
		in.Password = password
	}
	passkey := slices.Contains(p.Passed, idp.ChallengeNameTypeWebAuthn)
	in.VerifiedPasskey = passkey && in.Pool.PasskeysAreTwoFactors()
	asks = !passkey && (p.ByPassword() || in.Custom) && m.Mode != idp.UserPoolMfaTypeOff && m.Mode != ""
	in.CanPassMFA = in.VerifiedPasskey || asks && (len(u.UsableFactors(m)) > 0 || u.ImplicitFactor(m) != "")
	return asks
}

// Refusal returns the answer to a sign-in that is too risky (Cognito: threat protection).
func Refusal() error {
	return idp.NotAuthorizedException("Unable to login because of security reasons.").WithReason(api.ReasonRisk)
}

// ResetRequired returns the answer to a password that attackers know.
func ResetRequired() error {
	return idp.PasswordResetRequiredException("Password reset required for user due to security reasons").WithReason(api.ReasonRisk)
}
