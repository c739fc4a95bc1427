// Package progress decides what a sign-in asks next. Its decisions depend on the settings
// of the pool, on the user and on the factors that were passed, and on nothing else. It
// does not ask, and it does not write.
package progress

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/signin/acr"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/devices"
)

// Progress is how far a sign-in has come. It is part of a sealed state, so its JSON names
// must not change.
type Progress struct {
	// Passed are the factors proven so far, as challenge names.
	Passed []idp.ChallengeNameType `json:"x,omitempty"`
	// Roaming says that the passkey among them is in a roaming authenticator.
	Roaming bool `json:"j,omitempty"`
	// SignUpCode is the factor of the code that confirmed the sign-up. The code stands for
	// the password where a second factor may follow, but it does not prove the password.
	SignUpCode string `json:"su,omitempty"`
	// NewPassword says that this sign-in set a new password.
	NewPassword bool `json:"w,omitempty"`
	// Target is the authentication level that the sign-in has to reach; 0: none. It is
	// always written as one digit: the length of the state must not tell users apart.
	Target int `json:"l"`
	// Elevated says that threat protection asks for a second factor, whatever device is used.
	Elevated bool `json:"el,omitempty"`
}

// Methods returns the factors that were passed.
func (p *Progress) Methods() acr.Methods {
	var m acr.Methods
	if p.SignUpCode != "" {
		m = m.With(p.SignUpCode)
	}
	for _, name := range p.Passed {
		method := acr.MethodOf(name)
		if method == acr.PlatformKey && p.Roaming {
			method = acr.RoamingKey
		}
		if method != "" {
			m = m.With(method)
		}
	}
	return m
}

// Add records factors of an earlier sign-in.
func (p *Progress) Add(methods acr.Methods) {
	for _, method := range methods {
		p.Passed = append(p.Passed, acr.ChallengeOf(method))
		p.Roaming = p.Roaming || method == acr.RoamingKey
	}
}

// BelowTarget reports whether the sign-in has not yet reached its level.
func (p *Progress) BelowTarget() bool { return p.Methods().Level() < p.Target }

// ByPassword reports whether a password was passed, or the code of a sign-up that stands for
// one.
func (p *Progress) ByPassword() bool { return p.SignUpCode != "" || p.Methods().Has(acr.Password) }

// FollowSignUp records what the end of a sign-up proved. attribute is the address to which
// the code was sent. It is "" if a function confirmed the user: then the caller has just
// chosen the password, if the user has one.
func (p *Progress) FollowSignUp(attribute string, hasPassword bool) {
	code := map[string]idp.ChallengeNameType{schema.PhoneNumber: idp.ChallengeNameTypeSmsOtp, schema.Email: idp.ChallengeNameTypeEmailOtp}[attribute]
	switch {
	case code != "" && hasPassword:
		p.SignUpCode = acr.MethodOf(code)
	case code != "":
		p.Passed = append(p.Passed, code)
	case hasPassword:
		p.Passed = append(p.Passed, idp.ChallengeNameTypePassword)
	}
}

// SecondPassed reports whether a second factor was passed. It must be one of the usable
// ones, if there are any: a user who signed in by a code, and has turned an authenticator
// app on since, has not passed the second factor of now.
func (p *Progress) SecondPassed(usable []string) bool {
	if len(usable) == 0 {
		usable = secondFactors[:]
	}
	return slices.ContainsFunc(p.Passed, func(c idp.ChallengeNameType) bool { return slices.Contains(usable, string(c)) })
}

// DeviceProven reports whether the user's device was proven.
func (p *Progress) DeviceProven() bool {
	return slices.Contains(p.Passed, idp.ChallengeNameTypeDevicePasswordVerifier)
}

// NeedsNewPassword reports whether the user has to choose a password first.
func (p *Progress) NeedsNewPassword(u *user.User) bool {
	return u.Status() == idp.UserStatusTypeForceChangePassword && !p.NewPassword
}

// Next returns the challenge that follows a proven factor; "" if nothing is left to prove.
// NEW_PASSWORD_REQUIRED comes before any MFA (Cognito: NEW_PASSWORD_REQUIRED). granted says
// that DefineAuthChallenge ended the sign-in, which needs at most the device then, and a second
// factor if the risk is elevated. d is the
// device that the sign-in names, nil if it names none.
func (p *Progress) Next(sn *pool.Snapshot, u *user.User, granted bool, d *devices.Device) idp.ChallengeNameType {
	if granted && !p.Elevated {
		return p.deviceChallenge(sn, d)
	}
	if !granted && p.NeedsNewPassword(u) {
		return idp.ChallengeNameTypeNewPasswordRequired
	}
	if mfa := p.MFA(sn.MFA, u); mfa != "" && (p.Elevated || !deviceReplacesMFA(sn, d)) {
		return mfa
	}
	return p.deviceChallenge(sn, d)
}

// secondFactors are the second factors, in the order of the API's lists.
var secondFactors = [...]string{user.FactorSMS, user.FactorTOTP, user.FactorEmail}

// IsSecondFactor reports whether the challenge is that of a second factor.
func IsSecondFactor(name idp.ChallengeNameType) bool {
	return slices.Contains(secondFactors[:], string(name))
}

// PoolFactors lists the second factors that the pool lets people use.
func PoolFactors(m pool.MFA) []string {
	list := []string{}
	for i, on := range [...]bool{m.SMS, m.SoftwareToken, m.Email} {
		if on {
			list = append(list, secondFactors[i])
		}
	}
	return list
}

// MFA returns the challenge for the second factor of a sign-in by password; "" if it needs
// no second factor. Passwordless first factors need no second factor.
func (p *Progress) MFA(m pool.MFA, u *user.User) idp.ChallengeNameType {
	usable := u.UsableFactors(m)
	if m.Mode == idp.UserPoolMfaTypeOff || m.Mode == "" || !p.ByPassword() && !p.Elevated || p.SecondPassed(usable) {
		return ""
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
	case u.ImplicitFactor(m) != "":
		return idp.ChallengeNameType(u.ImplicitFactor(m))
	}
	return idp.ChallengeNameTypeMfaSetup
}

// deviceReplacesMFA reports whether the proof of the device takes the place of a second
// factor. The proof may still be due: deviceChallenge asks for it before there are tokens.
func deviceReplacesMFA(sn *pool.Snapshot, d *devices.Device) bool {
	return sn.Devices.Tracked && sn.Devices.ReplaceMFA && d != nil && d.Remembered
}

// deviceChallenge returns the challenge for a remembered device that is not yet proven; ""
// if there is none.
func (p *Progress) deviceChallenge(sn *pool.Snapshot, d *devices.Device) idp.ChallengeNameType {
	if !sn.Devices.Tracked || d == nil || !d.Remembered || p.DeviceProven() {
		return ""
	}
	return idp.ChallengeNameTypeDeviceSrpAuth
}

// PasskeyServesMFA reports whether a passkey, with the user verified, is both
// factors. A user who turned other second factors on says by WebAuthnMfaSettings
// whether a passkey may replace them (Cognito: WebAuthnMfaSettingsType).
func PasskeyServesMFA(sn *pool.Snapshot, u *user.User) bool {
	return sn.PasskeysAreTwoFactors() && (u.MFA.Passkey || len(u.MFA.Enabled) == 0)
}

// TokenSource returns the triggerSource of the tokens that end the sign-in.
func (p *Progress) TokenSource() string {
	switch {
	case p.DeviceProven():
		return trigger.SourceTokenAuthenticateDevice
	case p.NewPassword:
		return trigger.SourceTokenNewPasswordChallenge
	}
	return trigger.SourceTokenAuthentication
}
