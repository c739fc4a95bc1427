package user

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
)

// These quotas bound the codes that sign-ins send to a user in an hour, and so how often a
// code can be guessed (Cognito: 5 to 20 messages an hour). Anybody can ask for the code of
// a first factor. That must not use up the codes of a second factor, which is asked for
// after the password.
var (
	quotaSignInCodes = risk.Quota{Kind: "sign-in-code", Limit: 20}
	quotaSecondCodes = risk.Quota{Kind: "second-factor-code", Limit: 20}
)

// SignInDelivery returns where a code for a sign-in goes: to the user's email or
// phone_number, for a decoy to an address that is derived from its name.
func (s *Service) SignInDelivery(sn *pool.Snapshot, u *User, attr string) mailing.Delivery {
	d := mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: u.Attributes[attr]}
	if u.decoy {
		d.To = s.DecoyDelivery(sn, u, []string{attr}).To
	}
	return d
}

// CountSignInCode counts a code that is sent for a sign-in, and rejects it if it exceeds
// the quota. second is true for the code of a second factor.
func (s *Service) CountSignInCode(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, second bool, from Caller) error {
	q := quotaSignInCodes
	if second {
		q = quotaSecondCodes
	}
	err := s.codes.CountRequest(ctx, tx, sn, u.ID(), q, s.PlaceOf(tx, sn, u, from))
	if api.CodeOf(err) == idp.CodeLimitExceededException {
		return idp.TooManyRequestsException("Attempt limit exceeded, please try after some time.").WithReason(api.ReasonTooManyCodes)
	}
	return err
}
