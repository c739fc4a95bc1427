package signin

import (
	"context"
	"maps"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/signin/codes"
	"cognate/internal/user"
)

// MFA_SETUP: a pool that demands a second factor lets a user without a factor enrol
// one in the middle of a sign-in.

// stillEnrols refuses an enrolment of a user who has come by a second factor
// meanwhile: the password alone must not add another.
func (s *Service) stillEnrols(t *challengeResponse, u *user.User) error {
	if t.state.MFA(t.pool.MFA, u) != idp.ChallengeNameTypeMfaSetup {
		return invalidSession().WithReason(api.ReasonAccountChanged)
	}
	return nil
}

// answerSetup is MFA_SETUP: what VerifySoftwareToken proved is the second
// factor, or an address is given that becomes one by its code.
func (s *Service) answerSetup(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.recheckAccount(t); err != nil {
		return nil, err
	}
	if t.state.SecondPassed(nil) {
		if !t.user.HasSoftwareToken() { // Taken away since.
			return nil, invalidSession().WithReason(api.ReasonAccountChanged)
		}
		return &outcome{state: t.state, user: t.user}, nil
	}
	if err := s.stillEnrols(t, t.user); err != nil {
		return nil, err
	}
	mail, hasMail := t.param("EMAIL")
	phone, hasPhone := t.param("PHONE_NUMBER")
	switch {
	case hasMail && t.pool.MFA.Email:
		return s.enrol(ctx, t, idp.ChallengeNameTypeEmailOtp, mail)
	case hasPhone && t.pool.MFA.SMS:
		return s.enrol(ctx, t, idp.ChallengeNameTypeSmsMfa, phone)
	case hasMail, hasPhone:
		return nil, idp.InvalidParameterException("The MFA method is not enabled for the user pool.")
	}
	return nil, idp.InvalidParameterException("User has not set up software token mfa")
}

// enrol sends a code to an address that is not the user's until it comes back.
func (s *Service) enrol(ctx context.Context, t *challengeResponse, name idp.ChallengeNameType, address string) (*outcome, error) {
	attr := user.FactorAttribute(string(name))
	if err := s.users.CheckEnrolment(ctx, t.pool, t.client, t.user, attr, address); err != nil {
		return nil, err
	}
	to := *t.user
	to.Attributes = maps.Clone(t.user.Attributes)
	to.Attributes[attr] = address
	st := *t.state
	st.OTP = &codes.Code{Enrol: address}
	o := &outcome{state: &st, user: &to}
	var err error
	o.answer, err = s.askSecondCode(ctx, t.call, &to, &st, name)
	return o, err
}
