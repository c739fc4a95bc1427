package pool

import (
	"net/netip"
	"slices"

	"cognate/internal/api/idp"
)

// AllowsFirstFactor reports whether people may begin a sign-in by this factor
// (Cognito: SignInPolicy). A password always may.
func (sn *Snapshot) AllowsFirstFactor(f idp.AuthFactorType) bool {
	return f == idp.AuthFactorTypePassword || slices.Contains(sn.Config.Policies.SignInPolicy.AllowedFirstAuthFactors, f)
}

// PasskeysAreTwoFactors reports whether a passkey with user verification stands
// for a second factor too.
func (sn *Snapshot) PasskeysAreTwoFactors() bool { return passkeysAreTwoFactors(sn.MFA.WebAuthn) }

// isRelyingPartyID reports whether pages can have passkeys for the id: a domain of
// at least two labels, or the machine itself (WebAuthn §5.1.2).
func isRelyingPartyID(id string) bool {
	_, err := netip.ParseAddr(id)
	return id == "localhost" || err != nil && hostName.MatchString(id)
}
