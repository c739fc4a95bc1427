package progress

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/signin/acr"
	"cognate/internal/user"
)

// Factors are those that a user can pass now.
type Factors struct {
	First  []idp.ChallengeNameType
	Second []string // after a password
}

// FactorsOf returns the factors of a user who can begin by these first factors. After a
// password come the factors of MFA, and codes by which the user could sign in without a
// password. hidden says that the client must not learn of the user: the second factors
// are the pool's.
func FactorsOf(m pool.MFA, u *user.User, first []idp.ChallengeNameType, hidden bool) Factors {
	var mfa []string
	switch {
	case m.Mode == idp.UserPoolMfaTypeOff || m.Mode == "":
	case hidden:
		mfa = PoolFactors(m)
	default:
		mfa = append(u.UsableFactors(m), u.ImplicitFactor(m))
	}
	f := Factors{First: first}
	for i, code := range [...]idp.ChallengeNameType{idp.ChallengeNameTypeSmsOtp, "", idp.ChallengeNameTypeEmailOtp} {
		if slices.Contains(mfa, secondFactors[i]) || code != "" && slices.Contains(first, code) {
			f.Second = append(f.Second, secondFactors[i])
		}
	}
	return f
}

// Missing returns those of the factors of which one must be passed next to reach the
// level: second factors where a password was passed, else first ones. There are none if
// the level is reached or out of reach.
func (f Factors) Missing(passed acr.Methods, level int) Factors {
	if passed.Level() >= level {
		return Factors{}
	}
	reaches := func(m acr.Methods, name idp.ChallengeNameType) bool {
		method := acr.MethodOf(name)
		return !m.Has(method) && m.With(method).Level() >= level
	}
	second := func(m acr.Methods) (list []string) {
		for _, name := range f.Second {
			if reaches(m, idp.ChallengeNameType(name)) {
				list = append(list, name)
			}
		}
		return list
	}
	byPassword := passed.Has(acr.Password)
	if list := second(passed); byPassword && len(list) > 0 {
		return Factors{Second: list}
	}
	var out Factors
	for _, name := range f.First {
		switch {
		case byPassword && name != idp.ChallengeNameTypeWebAuthn: // Codes are second factors.
		case reaches(passed, name), acr.MethodOf(name) == acr.Password && len(second(passed.With(acr.Password))) > 0:
			out.First = append(out.First, name)
		}
	}
	return out
}

// None reports whether there are no factors.
func (f Factors) None() bool { return len(f.First)+len(f.Second) == 0 }

// Target returns the first of the levels that a user of these factors has reached or can
// reach; 0 if there is none.
func (f Factors) Target(passed acr.Methods, levels []int) int {
	for _, level := range levels {
		if passed.Level() >= level || !f.Missing(passed, level).None() {
			return level
		}
	}
	return 0
}
