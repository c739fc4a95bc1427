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
	if st.granted() { // by DefineAuthChallenge, after whatever else was due
		return deviceChallenge(sn, st)
	}
	if u.Status() == idp.UserStatusTypeForceChangePassword && !st.NewPassword {
		return idp.ChallengeNameTypeNewPasswordRequired
	}
	if mfa := mfaChallenge(sn.MFA, u, st); mfa != "" && !deviceReplacesMFA(sn, st) {
		return mfa
	}
	return deviceChallenge(sn, st)
}

// Second factors, in the order in which lists of them are given.
const (
	mfaSMS   = string(idp.ChallengeNameTypeSmsMfa)
	mfaTOTP  = string(idp.ChallengeNameTypeSoftwareTokenMfa)
	mfaEmail = string(idp.ChallengeNameTypeEmailOtp)
)

// poolFactors lists the second factors that the pool lets people use.
func poolFactors(m pool.MFA) []string {
	factors := []string{}
	for _, f := range [...]struct {
		name string
		on   bool
	}{{mfaSMS, m.SMS}, {mfaTOTP, m.SoftwareToken}, {mfaEmail, m.Email}} {
		if f.on {
			factors = append(factors, f.name)
		}
	}
	return factors
}

// usableFactors lists the second factors that the user turned on and can be
// asked for.
func usableFactors(m pool.MFA, u *user.User) []string { return u.UsableFactors(m) }

// mfaChallenge decides which second factor a sign-in by password needs; "" is
// none. Passwordless first factors need none.
func mfaChallenge(m pool.MFA, u *user.User, st *state) idp.ChallengeNameType {
	if m.Mode == idp.UserPoolMfaTypeOff || m.Mode == "" || !byPassword(st) || secondPassed(st) {
		return ""
	}
	switch usable := usableFactors(m, u); {
	case len(usable) == 1:
		return idp.ChallengeNameType(usable[0])
	case len(usable) > 1 && slices.Contains(usable, u.MFA.Preferred):
		return idp.ChallengeNameType(u.MFA.Preferred)
	case len(usable) > 1:
		return idp.ChallengeNameTypeSelectMfaType
	case m.Mode != idp.UserPoolMfaTypeOn:
		return ""
	case u.ImplicitFactor(m) != "":
		return idp.ChallengeNameType(u.ImplicitFactor(m))
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
