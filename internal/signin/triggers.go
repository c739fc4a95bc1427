package signin

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/trigger"
	"cognate/internal/user"
)

// This file calls the pool's functions on the way of a sign-in. None is called
// with a transaction open.

// asFunctionError marks the refusal of a function, and the failure to run one, as
// terminal: the attempt is over.
func asFunctionError(err error) error {
	return terminalIf(err, idp.CodeUserLambdaValidationException, idp.CodeUnexpectedLambdaException, idp.CodeInvalidLambdaResponseException)
}

// notFound returns the event's userNotFound flag. It is absent when the client
// allows user existence errors.
func (c *call) notFound(u *user.User) *bool {
	if !c.client.PreventExistence {
		return nil
	}
	return new(u.IsDecoy())
}

// preAuthentication asks the pool's function, if there is one, whether the user
// may sign in. It is asked once, by the call that starts the sign-in.
func (s *Service) preAuthentication(ctx context.Context, c *call, u *user.User) error {
	arn := c.pool.Triggers().PreAuthentication
	if arn == nil || c.response != nil || c.preAuthDone {
		return nil
	}
	c.preAuthDone = true
	err := s.triggers.PreAuthentication(ctx, *arn, c.pool.Event(trigger.SourcePreAuthentication, u.EventName(), c.client.ID), trigger.PreAuthenticationRequest{
		UserAttributes: u.EventAttributes(c.pool), ValidationData: c.validation, UserNotFound: c.notFound(u),
	})
	return asFunctionError(err)
}

// postAuthentication tells the pool's function of a sign-in that gets tokens now.
func (s *Service) postAuthentication(ctx context.Context, c *call, o *outcome) error {
	arn := c.pool.Triggers().PostAuthentication
	if arn == nil {
		return nil
	}
	err := s.triggers.PostAuthentication(ctx, *arn, c.pool.Event(trigger.SourcePostAuthentication, o.user.EventName(), c.client.ID), trigger.PostAuthenticationRequest{
		UserAttributes: o.user.EventAttributes(c.pool), ClientMetadata: c.metadata, NewDeviceUsed: c.pool.Devices.Tracked && !o.state.DeviceProven(),
	})
	return asFunctionError(err)
}
