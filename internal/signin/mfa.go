package signin

import (
	"context"
	"encoding/json"
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/signin/progress"
	"cognate/internal/store"
	"cognate/internal/user"
)

// Second factors: codes by SMS and mail, and the choice among several. An
// authenticator app is in softwaretoken.go, enrolment in setup.go.

// idForSRP is the key of the stored username in parameters of challenges.
const idForSRP = "USER_ID_FOR_SRP"

// askSecond asks for a second factor, or how to come by one.
func (s *Service) askSecond(ctx context.Context, c *call, o *outcome, next idp.ChallengeNameType) (*answer, error) {
	switch next {
	case idp.ChallengeNameTypeSmsMfa, idp.ChallengeNameTypeEmailOtp:
		return s.askSecondCode(ctx, c, o.user, o.state, next)
	case idp.ChallengeNameTypeSoftwareTokenMfa:
		params := map[string]string{}
		if name := o.user.SoftwareTokenName(); name != "" {
			params["FRIENDLY_DEVICE_NAME"] = name
		}
		return s.askSealed(c, o, next, params)
	case idp.ChallengeNameTypeSelectMfaType:
		return s.askList(c, o, next, "MFAS_CAN_CHOOSE", o.user.UsableFactors(c.pool.MFA))
	}
	return s.askList(c, o, next, "MFAS_CAN_SETUP", progress.PoolFactors(c.pool.MFA), associateStep)
}

// askSealed asks what needs no message: nothing is written.
func (s *Service) askSealed(c *call, o *outcome, name idp.ChallengeNameType, params map[string]string, also ...idp.ChallengeNameType) (*answer, error) {
	next := *o.state
	next.SRP, next.OTP = nil, nil
	session, err := s.seal(c, &next, append(also, name)...)
	if err != nil {
		return nil, err
	}
	params[idForSRP] = o.user.Username()
	return &answer{challenge: name, session: &session, params: params}, nil
}

func (s *Service) askList(c *call, o *outcome, name idp.ChallengeNameType, key string, factors []string, also ...idp.ChallengeNameType) (*answer, error) {
	list, err := json.Marshal(factors)
	if err != nil {
		return nil, err
	}
	return s.askSealed(c, o, name, map[string]string{key: string(list)}, also...)
}

// askSecondCode sends a code to the user's address.
func (s *Service) askSecondCode(ctx context.Context, c *call, u *user.User, st *state, name idp.ChallengeNameType) (*answer, error) {
	asked, err := s.askCode(ctx, c, u, st, name, user.FactorAttribute(string(name)), secondFactorDigits)
	if err != nil {
		return nil, err
	}
	params := asked.params()
	params[idForSRP] = u.Username()
	return &answer{challenge: name, session: &asked.session, params: params}, nil
}

// answerSMS is SMS_MFA.
func (s *Service) answerSMS(ctx context.Context, t *challengeResponse) (*outcome, error) {
	return s.answerSecondCode(ctx, t, idp.ChallengeNameTypeSmsMfa, t.params["SMS_MFA_CODE"])
}

// answerMail is EMAIL_OTP as a second factor.
func (s *Service) answerMail(ctx context.Context, t *challengeResponse) (*outcome, error) {
	return s.answerSecondCode(ctx, t, idp.ChallengeNameTypeEmailOtp, t.params["EMAIL_OTP_CODE"])
}

// answerSecondCode takes a code that was sent. It proves the address as well,
// and enrols one that was given for it.
func (s *Service) answerSecondCode(ctx context.Context, t *challengeResponse, name idp.ChallengeNameType, code string) (*outcome, error) {
	if err := s.recheckAccount(t); err != nil {
		return nil, err
	}
	u := t.user
	err := s.redeemCode(ctx, t, code, func(ctx context.Context, tx *store.Tx) error {
		otp := t.state.OTP
		if otp.Enrol == "" && t.user.Verified(otp.Attribute) {
			return nil
		}
		e, err := s.users.Edit(ctx, tx, t.pool, t.user.ID())
		if err != nil {
			return err
		}
		u = e.User
		if otp.Enrol == "" {
			return e.ProveAddress(ctx, otp.Attribute, t.user.Attributes[otp.Attribute])
		}
		if err := s.stillEnrols(t, e.User); err != nil {
			return err
		}
		return e.EnrolAddress(ctx, string(name), otp.Enrol)
	})
	if err != nil {
		return nil, err
	}
	return passed(t.state, u, name), nil
}

// passed is the outcome of a factor that was proven.
func passed(st *state, u *user.User, name idp.ChallengeNameType) *outcome {
	next := *st
	next.SRP, next.OTP = nil, nil
	next.Passed = append(slices.Clone(st.Passed), name)
	return &outcome{state: &next, user: u}
}

// answerSelect is SELECT_MFA_TYPE: the factor that was chosen is asked for.
func (s *Service) answerSelect(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.recheckAccount(t); err != nil {
		return nil, err
	}
	choice := t.params["ANSWER"]
	if choice == "EMAIL_MFA" { // The model's text has this name, too.
		choice = user.FactorEmail
	}
	choices, err := s.secondChoices(ctx, t)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(choices, choice) {
		return nil, idp.InvalidParameterException("Invalid MFA type: " + choice + " is not one of the user's.")
	}
	o := &outcome{state: t.state, user: t.user}
	o.answer, err = s.askSecond(ctx, t.call, o, idp.ChallengeNameType(choice))
	return o, err
}
