package signin

import (
	"context"

	"cognate/internal/api/idp"
)

// What is not built refuses: a sign-in that needs it gets no tokens.

// startCustom is CUSTOM_AUTH. Pools take no triggers, and without them Cognito
// refuses the flow in these words.
func (s *Service) startCustom(context.Context, *call) (*outcome, error) {
	return nil, idp.InvalidParameterException("Custom auth lambda trigger is not configured for the user pool.")
}

// startChoice is USER_AUTH, which no client can be given yet.
func (s *Service) startChoice(context.Context, *call) (*outcome, error) {
	return nil, idp.InvalidParameterException("USER_AUTH is not available in this version.")
}
