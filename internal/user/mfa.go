package user

import (
	"slices"
)

// Names of second factors in a user's settings.
const (
	FactorSMS   = "SMS_MFA"
	FactorTOTP  = "SOFTWARE_TOKEN_MFA"
	FactorEmail = "EMAIL_OTP"
)

// Factors lists the second factors in the order in which lists show them.
func Factors() []string { return []string{FactorSMS, FactorTOTP, FactorEmail} }

// Enable turns a factor on for the user.
func (m *MFA) Enable(factor string) {
	had := m.Enabled
	m.Enabled = nil
	for _, f := range Factors() {
		if f == factor || slices.Contains(had, f) {
			m.Enabled = append(m.Enabled, f)
		}
	}
}

// Disable turns a factor off for the user, and ends the preference for it. A passkey is a
// second factor only beside another one.
func (m *MFA) Disable(factor string) {
	m.Enabled = slices.DeleteFunc(slices.Clone(m.Enabled), func(f string) bool { return f == factor })
	if m.Preferred == factor {
		m.Preferred = ""
	}
	if factor == FactorSMS {
		m.LegacySMS = false
	}
	if len(m.Enabled) == 0 {
		m.Passkey = false
	}
}
