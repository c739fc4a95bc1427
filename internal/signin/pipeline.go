package signin

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/user"
)

// nextChallenge decides what comes after a proven factor; "" is tokens. It looks
// at nothing but its arguments, and the order of its questions is the protocol's
// (Cognito: NEW_PASSWORD_REQUIRED comes before any MFA).
func nextChallenge(sn *pool.Snapshot, u *user.User, st *state) idp.ChallengeNameType {
	if u.Status() == idp.UserStatusTypeForceChangePassword && !st.NewPassword {
		return idp.ChallengeNameTypeNewPasswordRequired
	}
	if mfa := mfaChallenge(sn.MFA, u, st); mfa != "" {
		return mfa
	}
	return ""
}

// Second factors, in the order in which lists of them are given.
const (
	mfaSMS   = string(idp.ChallengeNameTypeSmsMfa)
	mfaTOTP  = string(idp.ChallengeNameTypeSoftwareTokenMfa)
	mfaEmail = string(idp.ChallengeNameTypeEmailOtp)
)

// mfaChallenge decides which second factor a sign-in by password needs; "" is
// none. Passwordless first factors need none.
func mfaChallenge(m pool.MFA, u *user.User, st *state) idp.ChallengeNameType {
	if m.Mode == idp.UserPoolMfaTypeOff || m.Mode == "" || !byPassword(st) || secondPassed(st) {
		return ""
	}
	enabled := u.MFA.Enabled
	hasTOTP := slices.Contains(enabled, mfaTOTP)
	hasPhone, hasEmail := u.Attributes["phone_number"] != "", u.Attributes["email"] != ""
	var usable []string
	for _, method := range [...]struct {
		name string
		ok   bool
	}{
		{mfaSMS, m.SMS && hasPhone},
		// A verified TOTP stays usable where the pool switched it off later.
		{mfaTOTP, hasTOTP},
		{mfaEmail, m.Email && hasEmail},
	} {
		if method.ok && slices.Contains(enabled, method.name) {
			usable = append(usable, method.name)
		}
	}
	switch {
	case len(usable) == 1:
		return idp.ChallengeNameType(usable[0])
	case len(usable) > 1 && slices.Contains(usable, u.MFA.Preferred):
		return idp.ChallengeNameType(u.MFA.Preferred)
	case len(usable) > 1:
		return idp.ChallengeNameTypeSelectMfaType
	case m.Mode != idp.UserPoolMfaTypeOn:
		return ""
	case m.SMS && hasPhone: // implicit enrolment
		return idp.ChallengeNameTypeSmsMfa
	case m.Email && hasEmail && u.Verified("email"):
		return idp.ChallengeNameTypeEmailOtp
	}
	return idp.ChallengeNameTypeMfaSetup
}

func byPassword(st *state) bool {
	return slices.Contains(st.Passed, passwordFactor) || slices.Contains(st.Passed, idp.ChallengeNameTypePasswordVerifier)
}

func secondPassed(st *state) bool {
	return slices.ContainsFunc(st.Passed, func(c idp.ChallengeNameType) bool {
		return slices.Contains([]string{mfaSMS, mfaTOTP, mfaEmail}, string(c))
	})
}
