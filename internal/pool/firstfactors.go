package pool

import (
	"net/netip"
	"slices"

	"cognate/internal/api/idp"
)

// AllowsFirstFactor reports whether users may start a sign-in with this factor (Cognito:
// SignInPolicy). A password is always allowed.
func (sn *Snapshot) AllowsFirstFactor(f idp.AuthFactorType) bool {
	return f == idp.AuthFactorTypePassword || slices.Contains(sn.Config.Policies.SignInPolicy.AllowedFirstAuthFactors, f)
}

// PasskeysAreTwoFactors reports whether a passkey with user verification counts as a
// second factor too.
func (sn *Snapshot) PasskeysAreTwoFactors() bool { return passkeysAreTwoFactors(sn.MFA.WebAuthn) }

// isRelyingPartyID reports whether the id can be a relying party's: a domain of at least
// two labels, or localhost (WebAuthn §5.1.2).
func isRelyingPartyID(id string) bool {
	_, err := netip.ParseAddr(id)
	return id == "localhost" || err != nil && hostName.MatchString(id)
}
