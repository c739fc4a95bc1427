package progress

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/signin/acr"
	"cognate/internal/user"
)

// Factors are factors of a user.
type Factors struct {
	First  []idp.ChallengeNameType
	Second []string // after a password
}

// FactorsOf returns the factors of a user who has these first factors. After a password the
// user can pass the factors of MFA, and codes that are among the first factors. hidden says
// that the client must not learn about the user: the second factors are the pool's then.
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

// Missing returns the factors that lead to the level. The user passes one of them next:
// a second factor if a password was passed, otherwise a first factor. The result is empty
// if the level is reached or out of reach.
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

// IsEmpty reports whether there are no factors.
func (f Factors) IsEmpty() bool { return len(f.First)+len(f.Second) == 0 }

// Target returns the first of the levels that the user has reached or can reach; 0 if there
// is no such level.
func (f Factors) Target(passed acr.Methods, levels []int) int {
	for _, level := range levels {
		if passed.Level() >= level || !f.Missing(passed, level).IsEmpty() {
			return level
		}
	}
	return 0
}
