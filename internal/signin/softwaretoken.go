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
func (s *Service) answerTOTP(ctx context.Context, t *turn) (*outcome, error) {
	if err := s.stands(t); err != nil {
		return nil, err
	}
	if !t.user.HasSoftwareToken() {
		return nil, idp.InvalidParameterException("User has not set up software token mfa")
	}
	step, right, err := s.factors.MatchTOTP(t.user, t.params["SOFTWARE_TOKEN_MFA_CODE"])
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := s.try(ctx, tx, t, right); err != nil {
			return err
		}
		if !right {
			return store.CommitWith(idp.CodeMismatchException("Invalid code received for user"))
		}
		return s.takeStep(ctx, tx, t, step)
	}, store.Retry)
	if err != nil {
		return nil, once(err)
	}
	t.spent = true
	return passed(t.state, t.user, idp.ChallengeNameTypeSoftwareTokenMfa), nil
}

// takeStep uses up a time step, and the session with it. A step that was used
// leaves the session for the next code.
func (s *Service) takeStep(ctx context.Context, tx *store.Tx, t *turn, step int64) error {
	used, err := s.factors.TOTPSpent(ctx, &tx.Reader, t.pool.ID, t.user.ID(), step)
	if err != nil {
		return err
	}
	if used {
		return store.CommitWith(stepUsed())
	}
	rec, err := tx.User(ctx, t.pool.ID, t.user.ID())
	if errors.Is(err, store.ErrNotFound) {
		return invalidSession().WithReason(api.ReasonAccountChanged)
	}
	if err != nil {
		return err
	}
	now, err := user.FromRecord(t.pool, rec)
	if err != nil {
		return err
	}
	if !now.Rec.Enabled || !user.SameSoftwareToken(now, t.user) { // Changed in this very moment.
		return invalidSession().WithReason(api.ReasonAccountChanged)
	}
	if err := s.spendIn(ctx, tx, t.state); err != nil {
		return err
	}
	err = s.factors.SpendTOTP(ctx, tx, t.pool.ID, t.user.ID(), step)
	if errors.Is(err, store.ErrSpent) {
		return stepUsed()
	}
	return err
}

func stepUsed() error {
	return idp.ExpiredCodeException("Your software token has already been used once.").WithReason(api.ReasonCodeUsed)
}

// enrolment is a call of AssociateSoftwareToken or VerifySoftwareToken: by whom,
// and with a session also where in a sign-in.
type enrolment struct {
	pool   *pool.Snapshot
	userID string
	turn   *turn // nil with an access token
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
		return &enrolment{pool: p.Pool, userID: p.User.ID}, checkTokenPool(p.Pool)
	}
	t, err := s.openEnrolment(ctx, sealed, step)
	if err != nil {
		return nil, err
	}
	note(ctx, t.pool, t.client, t.user.ID())
	return &enrolment{pool: t.pool, userID: t.user.ID(), turn: t}, checkTokenPool(t.pool)
}

func checkTokenPool(sn *pool.Snapshot) error {
	if !sn.MFA.SoftwareToken {
		return idp.SoftwareTokenMFANotFoundException("Software Token MFA has not been enabled by the userPool")
	}
	return nil
}

// openEnrolment opens a session of MFA_SETUP, which alone says of which client
// and user it is.
func (s *Service) openEnrolment(ctx context.Context, session string, step idp.ChallengeNameType) (*turn, error) {
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
	t := &turn{call: &call{pool: sn, client: client, admin: st.Admin, session: &session}, state: st}
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
	return t, s.stands(t)
}

// edit reads the user in the transaction and refuses what is no enrolment any more.
func (s *Service) edit(ctx context.Context, tx *store.Tx, e *enrolment) (*user.Edit, error) {
	edit, err := s.users.Edit(ctx, tx, e.pool, e.userID)
	if err != nil || e.turn == nil {
		return edit, err
	}
	return edit, s.stillEnrols(e.turn, edit.User)
}

// advance seals the session that the step leads to; nil with an access token.
func (s *Service) advance(e *enrolment, change func(*state), expect ...idp.ChallengeNameType) (*string, error) {
	if e.turn == nil {
		return nil, nil
	}
	next := *e.turn.state
	change(&next)
	session, err := s.seal(e.turn.call, &next, expect...)
	return &session, err
}

// spendOf uses up the session of an enrolment, if it has one.
func (s *Service) spendOf(ctx context.Context, tx *store.Tx, e *enrolment) error {
	if e.turn == nil {
		return nil
	}
	if err := s.keepIn(ctx, tx, e.turn.call); err != nil {
		return err
	}
	return s.spendIn(ctx, tx, e.turn.state)
}

// AssociateSoftwareToken returns out a new secret for an authenticator app. It is
// the only time that the secret is shown.
func (s *Service) AssociateSoftwareToken(ctx context.Context, in *idp.AssociateSoftwareTokenRequest) (*idp.AssociateSoftwareTokenResponse, error) {
	e, err := s.enrolment(ctx, in.AccessToken, in.Session, associateStep)
	if err != nil {
		return nil, undeclared(err)
	}
	secret := keys.NewTOTPSecret()
	next, err := s.advance(e, func(*state) {}, associateStep, verifyStep)
	if err != nil {
		return nil, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		edit, err := s.edit(ctx, tx, e)
		if err != nil {
			return err
		}
		if err := s.factors.AssociateSecret(ctx, edit, secret); err != nil {
			return err
		}
		return s.spendOf(ctx, tx, e)
	}, store.Retry)
	if errors.Is(err, store.ErrConflict) {
		err = idp.ConcurrentModificationException("The user was changed at the same time.").WithCause(err)
	}
	if err != nil {
		return nil, undeclared(once(err))
	}
	return &idp.AssociateSoftwareTokenResponse{SecretCode: new(keys.TOTPSecretText(secret)), Session: next}, nil
}

// undeclared returns what AssociateSoftwareToken does not declare in the sense of
// what it does.
func undeclared(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok {
		switch e.Code {
		case "UserNotFoundException", "PasswordResetRequiredException", "UserNotConfirmedException":
			return idp.NotAuthorizedException(e.Message).WithReason(api.ReasonOf(err)).WithCause(err)
		}
	}
	return err
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
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		edit, err := s.edit(ctx, tx, e)
		if err != nil {
			return err
		}
		err = s.factors.VerifySecret(ctx, tx, edit, factors.Verification{
			Code: in.UserCode, Name: api.Val(in.FriendlyDeviceName), Enable: e.turn != nil,
		})
		if err != nil {
			return err
		}
		return s.spendOf(ctx, tx, e)
	}, store.Retry)
	if err != nil {
		return nil, once(err)
	}
	return &idp.VerifySoftwareTokenResponse{Status: idp.VerifySoftwareTokenResponseTypeSuccess, Session: next}, nil
}
