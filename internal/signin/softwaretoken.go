package signin

import (
	"context"
	"errors"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/user"
	"cognate/internal/user/factors"
)

// Steps of a session that are operations of their own rather than answers to a
// challenge. No client can name them: they are not in the enumeration.
const (
	associateStep idp.ChallengeNameType = "associate software token"
	verifyStep    idp.ChallengeNameType = "verify software token"
)

// answerTOTP is SOFTWARE_TOKEN_MFA.
func (s *Service) answerTOTP(ctx context.Context, t *challengeResponse) (*outcome, error) {
	if err := s.recheckAccount(t); err != nil {
		return nil, err
	}
	if !t.user.HasSoftwareToken() {
		return nil, idp.InvalidParameterException("User has not set up software token mfa")
	}
	step, right, err := s.factors.MatchTOTP(t.user, t.params["SOFTWARE_TOKEN_MFA_CODE"])
	if err != nil {
		return nil, err
	}
	err = s.commit(ctx, t.call, func(tx *store.Tx) error {
		if err := s.countTry(ctx, tx, t, right); err != nil {
			return err
		}
		if !right {
			return store.CommitWith(idp.CodeMismatchException("Invalid code received for user"))
		}
		return s.redeemStep(ctx, tx, t, step)
	})
	if err != nil {
		return nil, err
	}
	return passed(t.state, t.user, idp.ChallengeNameTypeSoftwareTokenMfa), nil
}

// redeemStep uses a time step up. A step that was used before leaves the session
// for the next code.
func (s *Service) redeemStep(ctx context.Context, tx *store.Tx, t *challengeResponse, step int64) error {
	err := s.factors.RedeemTOTP(ctx, tx, t.pool, t.user, step)
	switch {
	case errors.Is(err, store.ErrSpent):
		return store.CommitWith(idp.ExpiredCodeException("Your software token has already been used once.").WithReason(api.ReasonCodeUsed))
	case errors.Is(err, store.ErrNotFound):
		return invalidSession().WithReason(api.ReasonAccountChanged)
	}
	return err
}

// An enrolment is a call of AssociateSoftwareToken or VerifySoftwareToken, with an
// access token or with the session of a sign-in.
type enrolment struct {
	pool     *pool.Snapshot
	userID   string
	response *challengeResponse // nil with an access token
}

// enrolment finds out who calls, by either of the two ways.
func (s *Service) enrolment(ctx context.Context, accessToken, session *string, step idp.ChallengeNameType) (*enrolment, error) {
	token, sealed := api.Val(accessToken), api.Val(session)
	if (token == "") == (sealed == "") {
		return nil, idp.InvalidParameterException("Exactly one of AccessToken and Session must be given.")
	}
	if token != "" {
		p, err := s.tokens.Authenticate(ctx, token)
		if err != nil {
			return nil, err
		}
		note(ctx, p.Pool, p.Client, p.User.ID)
		if err := user.CheckOwnFactors(p.User.Status); err != nil {
			return nil, err
		}
		return &enrolment{pool: p.Pool, userID: p.User.ID}, checkTokenPool(p.Pool)
	}
	t, err := s.openEnrolment(ctx, sealed, step)
	if err != nil {
		return nil, err
	}
	note(ctx, t.pool, t.client, t.user.ID())
	return &enrolment{pool: t.pool, userID: t.user.ID(), response: t}, checkTokenPool(t.pool)
}

func checkTokenPool(sn *pool.Snapshot) error {
	if !sn.MFA.SoftwareToken {
		return idp.SoftwareTokenMFANotFoundException("Software Token MFA has not been enabled by the userPool")
	}
	return nil
}

// openEnrolment opens a session of MFA_SETUP, which alone says of which client
// and user it is.
func (s *Service) openEnrolment(ctx context.Context, session string, step idp.ChallengeNameType) (*challengeResponse, error) {
	st, err := s.unsealSession(ctx, session)
	if err != nil {
		return nil, err
	}
	sn, client, err := s.pools.LoadClient(ctx, st.Client)
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, invalidSession().WithReason(api.ReasonUnknownClient)
	}
	if err != nil {
		return nil, err
	}
	t := newResponse(&call{pool: sn, client: client, from: st.caller(), session: &session}, step, st)
	if err := s.admit(ctx, t.call, step, st); err != nil {
		return nil, err
	}
	rec, err := s.store.User(ctx, st.Pool, st.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, invalidSession().WithReason(api.ReasonUnknownUser)
	}
	if err != nil {
		return nil, err
	}
	if t.user, err = user.FromRecord(sn, rec); err != nil {
		return nil, err
	}
	return t, s.recheckAccount(t)
}

// edit reads the user in the transaction and refuses what is no enrolment any more.
func (s *Service) edit(ctx context.Context, tx *store.Tx, e *enrolment) (*user.Edit, error) {
	edit, err := s.users.Edit(ctx, tx, e.pool, e.userID)
	if err != nil || e.response == nil {
		return edit, err
	}
	return edit, s.stillEnrols(e.response, edit.User)
}

// advance seals the session that the step leads to; nil with an access token.
func (s *Service) advance(e *enrolment, change func(*state), expect ...idp.ChallengeNameType) (*string, error) {
	if e.response == nil {
		return nil, nil
	}
	next := *e.response.state
	change(&next)
	session, err := s.seal(e.response.call, &next, expect...)
	return &session, err
}

// commitEnrolment runs change on the user, and spends the session of an enrolment
// that has one in the same transaction.
func (s *Service) commitEnrolment(ctx context.Context, e *enrolment, change func(*store.Tx, *user.Edit) error) error {
	c := &call{} // with an access token there is no state to spend
	if e.response != nil {
		c = e.response.call
	}
	return s.commit(ctx, c, func(tx *store.Tx) error {
		edit, err := s.edit(ctx, tx, e)
		if err != nil {
			return err
		}
		return change(tx, edit)
	})
}

// AssociateSoftwareToken returns a new secret for an authenticator app. It is
// the only time that the secret is shown.
func (s *Service) AssociateSoftwareToken(ctx context.Context, in *idp.AssociateSoftwareTokenRequest) (*idp.AssociateSoftwareTokenResponse, error) {
	e, err := s.enrolment(ctx, in.AccessToken, in.Session, associateStep)
	if err != nil {
		return nil, factors.AssociateError(err)
	}
	secret := keys.NewTOTPSecret()
	next, err := s.advance(e, func(*state) {}, associateStep, verifyStep)
	if err != nil {
		return nil, err
	}
	err = s.commitEnrolment(ctx, e, func(_ *store.Tx, edit *user.Edit) error {
		return s.factors.AssociateSecret(ctx, edit, secret)
	})
	if err != nil {
		return nil, factors.AssociateError(err)
	}
	return &idp.AssociateSoftwareTokenResponse{SecretCode: new(keys.TOTPSecretText(secret)), Session: next}, nil
}

// VerifySoftwareToken proves that the app has the secret. In the middle of a
// sign-in that is the second factor, and stays it even if the sign-in is left.
func (s *Service) VerifySoftwareToken(ctx context.Context, in *idp.VerifySoftwareTokenRequest) (*idp.VerifySoftwareTokenResponse, error) {
	e, err := s.enrolment(ctx, in.AccessToken, in.Session, verifyStep)
	if err != nil {
		return nil, err
	}
	next, err := s.advance(e, func(st *state) {
		st.Passed = append(slices.Clone(st.Passed), idp.ChallengeNameTypeSoftwareTokenMfa)
	}, idp.ChallengeNameTypeMfaSetup)
	if err != nil {
		return nil, err
	}
	err = s.commitEnrolment(ctx, e, func(tx *store.Tx, edit *user.Edit) error {
		return s.factors.VerifySecret(ctx, tx, edit, factors.Verification{
			Code: in.UserCode, Name: api.Val(in.FriendlyDeviceName), Enable: e.response != nil,
		})
	})
	if err != nil {
		return nil, err
	}
	return &idp.VerifySoftwareTokenResponse{Status: idp.VerifySoftwareTokenResponseTypeSuccess, Session: next}, nil
}
