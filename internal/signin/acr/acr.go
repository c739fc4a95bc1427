// Package acr maps the factors that a sign-in passed to the claim amr (RFC 8176) and to the
// level of the claim acr (OpenID Connect Core §2), as Cognito does. It does not know how a
// factor is proven.
package acr

import (
	"slices"

	"cognate/internal/api/idp"
)

// The values of amr (Cognito: AMR values).
const (
	Password    = "pwd"
	TOTP        = "otp"
	SMS         = "sms"
	Email       = "email_otp"
	PlatformKey = "swk"
	RoamingKey  = "hwk"
	// Federated means that another identity provider vouches, and names no factor.
	Federated = "fed"

	several = "mfa"
)

// Methods are the distinct factors of a sign-in, as values of amr. The value for several
// factors is not among them.
type Methods []string

// Parse returns the factors of an amr claim. It leaves out values that are not factors.
func Parse(amr []string) Methods {
	var m Methods
	for _, v := range amr {
		switch v {
		case Password, TOTP, SMS, Email, PlatformKey, RoamingKey:
			m = m.With(v)
		}
	}
	return m
}

// With returns the factors with one added.
func (m Methods) With(method string) Methods {
	if slices.Contains(m, method) {
		return m
	}
	return append(slices.Clone(m), method)
}

// Has reports whether any of the methods is among the factors.
func (m Methods) Has(methods ...string) bool {
	return slices.ContainsFunc(methods, func(v string) bool { return slices.Contains(m, v) })
}

// AMR returns the amr claim, nil if no factor is known.
func (m Methods) AMR() []string {
	if len(m) > 1 {
		return append(slices.Clone(m), several)
	}
	return m
}

// Level returns the highest level that the factors reach; 0 if they reach none (Cognito: ACR
// levels and satisfying factor combinations).
func (m Methods) Level() int {
	switch {
	case m.Has(Password) && m.Has(TOTP):
		return 4
	case m.Has(PlatformKey, RoamingKey), m.Has(Password) && m.Has(SMS, Email):
		return 3
	case m.Has(SMS, Email):
		return 2
	case m.Has(Password, Federated):
		return 1
	}
	return 0
}

// MethodOf returns the factor that a right answer to the challenge proves; "" for
// challenges that prove no factor. It returns PlatformKey for every passkey.
func MethodOf(challenge idp.ChallengeNameType) string {
	switch challenge {
	case idp.ChallengeNameTypePassword, idp.ChallengeNameTypePasswordSrp, idp.ChallengeNameTypePasswordVerifier:
		return Password
	case idp.ChallengeNameTypeSoftwareTokenMfa:
		return TOTP
	case idp.ChallengeNameTypeSmsMfa, idp.ChallengeNameTypeSmsOtp:
		return SMS
	case idp.ChallengeNameTypeEmailOtp:
		return Email
	case idp.ChallengeNameTypeWebAuthn:
		return PlatformKey
	}
	return ""
}

// ChallengeOf returns a challenge that proves the factor.
func ChallengeOf(method string) idp.ChallengeNameType {
	switch method {
	case Password:
		return idp.ChallengeNameTypePassword
	case TOTP:
		return idp.ChallengeNameTypeSoftwareTokenMfa
	case SMS:
		return idp.ChallengeNameTypeSmsMfa
	case Email:
		return idp.ChallengeNameTypeEmailOtp
	}
	return idp.ChallengeNameTypeWebAuthn
}
