package progress

import (
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
)

// A Mask is what a decoy hides of a user who exists; 0 where there is no user. States carry
// it from the first step to the last. Values stay what they are.
type Mask uint8

// maskReasons are indexed by Mask. There are ten at most: one digit.
var maskReasons = []api.Reason{
	api.ReasonUnknownUser, api.ReasonDisabled, api.ReasonUnconfirmed, api.ReasonResetRequired, api.ReasonNoPassword, api.ReasonNoFactor,
}

// MaskOf returns the mask of a reason. It reports false for a reason that has no mask.
func MaskOf(r api.Reason) (Mask, bool) {
	i := slices.Index(maskReasons, r)
	return Mask(max(i, 0)), i >= 0
}

// Reason returns what the decoy hides.
func (m Mask) Reason() api.Reason {
	if int(m) < len(maskReasons) {
		return maskReasons[m]
	}
	return api.ReasonUnknownUser
}

// AttemptOf returns what a flow is counted as.
func AttemptOf(flow idp.AuthFlowType) audit.AttemptKind {
	if flow == idp.AuthFlowTypeRefreshTokenAuth || flow == idp.AuthFlowTypeRefreshToken {
		return audit.TokenRefresh
	}
	return audit.SignIn
}
