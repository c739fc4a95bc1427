package user

import (
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user/codes"
)

// ConfirmSignUp confirms a user by the code that SignUp sent, and with it the
// address that the code went to.
func (s *Service) ConfirmSignUp(ctx context.Context, in *idp.ConfirmSignUpRequest) (*idp.ConfirmSignUpResponse, error) {
	sn, client, err := s.client(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	u, err := s.find(ctx, sn, client, in.Username)
	if err != nil {
		return nil, err
	}
	session, err := s.confirmableSession(ctx, sn, client, u, in.Session)
	if err != nil {
		return nil, err
	}
	// Who has the Session of SignUp knows the user. Others learn nothing of a user
	// who cannot be confirmed.
	hides := client.PreventExistence && session == nil
	if hides && confirmable(u) != nil {
		u = s.StandIn(sn, u, in.Username)
	}
	var proven string
	decide := NameConflict(confirmAliasExists)
	if api.Val(in.ForceAliasCreation) {
		decide = moveAliases(sn, confirmAliasExists)
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if u.decoy {
			return s.refuseDecoy(ctx, tx, sn, u, codes.TriesSignUp, codes.PurposeSignUp, in.ConfirmationCode)
		}
		e, err := s.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		if err := confirmable(e.User); err != nil {
			if hides { // changed in this very moment
				err = store.CommitWith(codes.Mismatch())
			}
			return err
		}
		code, err := s.takeSignUpCode(ctx, tx, sn, e.User, in.ConfirmationCode, hides)
		if err = s.codes.CountAnswer(ctx, tx, sn, e.User.ID(), codes.TriesSignUp, err, s.PlaceOf(tx, sn, e.User, CallerOf(ctx))); err != nil {
			return err
		}
		if code.Target != "" && e.User.Attributes[code.Target] == code.Value {
			e.User.Attributes[schema.VerifiedFlag(code.Target)] = "true"
			proven = code.Target
		}
		if session != nil {
			if err := s.SpendSignUp(ctx, tx, session); err != nil {
				return err
			}
		}
		e.User.Rec.Status = string(idp.UserStatusTypeConfirmed)
		u = e.User
		return e.Save(ctx, decide) // An alias NameConflict undoes it all: the code stays live.
	}, store.Retry)
	if errors.Is(err, store.ErrSpent) {
		return nil, SessionUsed()
	}
	if err != nil {
		return nil, err
	}
	if err := s.postConfirmation(ctx, sn, trigger.SourceConfirmSignUp, client.ID, u, in.ClientMetadata); err != nil {
		return nil, err
	}
	// With or without the session of SignUp: Amplify shows none and expects one.
	out := &idp.ConfirmSignUpResponse{}
	out.Session, err = s.signUpSession(sn, client, u.ID(), true, proven)
	return out, err
}

// confirmableSession opens the session of SignUp; nil if none came.
func (s *Service) confirmableSession(ctx context.Context, sn *pool.Snapshot, client *pool.Client, u *User, raw *string) (*SignUpSession, error) {
	if api.Val(raw) == "" {
		return nil, nil
	}
	return s.OpenSignUp(ctx, sn, client, u, *raw, false)
}

// confirmable reports whether the user still waits for confirmation.
func confirmable(u *User) error {
	if !u.Rec.Enabled {
		return userDisabled()
	}
	return checkUnconfirmed(u)
}

// checkUnconfirmed is the check of status that ConfirmSignUp and
// AdminConfirmSignUp share.
func checkUnconfirmed(u *User) error {
	if u.Status() != idp.UserStatusTypeUnconfirmed {
		return idp.NotAuthorizedException("User cannot be confirmed. Current status is " + u.Rec.Status).WithReason(api.ReasonWrongStatus)
	}
	return nil
}

func userDisabled() error {
	return idp.NotAuthorizedException("User is disabled.").WithReason(api.ReasonDisabled)
}

// ResendConfirmationCode replaces the code that SignUp sent.
func (s *Service) ResendConfirmationCode(ctx context.Context, in *idp.ResendConfirmationCodeRequest) (*idp.ResendConfirmationCodeResponse, error) {
	sn, client, err := s.client(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	u, err := s.find(ctx, sn, client, in.Username)
	if err != nil {
		return nil, err
	}
	if client.PreventExistence && s.hiddenFromResend(ctx, sn, u) {
		u = s.StandIn(sn, u, in.Username)
	}
	if u.decoy && len(sn.AutoVerified) == 0 {
		return nil, cannotResend()
	}
	var to mailing.Delivery
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionResendCode, ClientID: client.ID, Metadata: in.ClientMetadata}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) (err error) {
		if u.decoy {
			to = s.decoyDelivery(sn, u, autoVerified(sn))
			if err := s.ReadDecoy(ctx, &tx.Reader, sn, u); err != nil {
				return err
			}
			if err := s.codes.CountRequest(ctx, tx, sn, u.ID(), codes.QuotaResend, s.PlaceOf(tx, sn, u, CallerOf(ctx))); err != nil {
				return err
			}
			return s.codes.Send(ctx, tx, mail, u.Recipient(mail.Pool), codes.PurposeSignUp, to)
		}
		to, err = s.resend(ctx, tx, mail, u.ID())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &idp.ResendConfirmationCodeResponse{CodeDeliveryDetails: new(to.Details())}, nil
}

func cannotResend() error {
	return idp.NotAuthorizedException("Cannot resend codes. Auto verification not turned on.").WithReason(api.ReasonNotConfigured)
}

// hiddenFromResend reports whether a client that hides who exists is shown a
// simulated code. It is so for every user who cannot be sent a confirmation code.
// Cognito answers confirmed users differently, which shows strangers who exists.
func (s *Service) hiddenFromResend(ctx context.Context, sn *pool.Snapshot, u *User) bool {
	if u.decoy {
		return true
	}
	to, err := resendTarget(sn, u)
	if err == nil {
		err = s.deps.Mail.CheckDeliverable(sn, to.Medium)
	}
	if err != nil {
		audit.From(ctx).SetReason(api.ReasonOf(err))
	}
	return err != nil
}

// resend sends a new code. It is a row: a write of the user's would take longer
// than one for a name that nobody has.
func (s *Service) resend(ctx context.Context, tx *store.Tx, mail *mailing.Batch, userID string) (mailing.Delivery, error) {
	sn := mail.Pool
	e, err := s.Edit(ctx, tx, sn, userID)
	if err != nil {
		return mailing.Delivery{}, err
	}
	to, err := resendTarget(sn, e.User)
	if err != nil {
		return mailing.Delivery{}, err
	}
	if err := s.deps.Mail.CheckDeliverable(sn, to.Medium); err != nil {
		return mailing.Delivery{}, err
	}
	if err := s.codes.CountRequest(ctx, tx, sn, e.User.ID(), codes.QuotaResend, s.PlaceOf(tx, sn, e.User, CallerOf(ctx))); err != nil {
		return mailing.Delivery{}, err
	}
	return to, s.codes.Send(ctx, tx, mail, e.User.Recipient(mail.Pool), codes.PurposeSignUp, to)
}

// resendTarget checks that the user may have a new code and tells where to.
func resendTarget(sn *pool.Snapshot, u *User) (mailing.Delivery, error) {
	if !u.Rec.Enabled {
		return mailing.Delivery{}, userDisabled()
	}
	if u.Status() != idp.UserStatusTypeUnconfirmed {
		return mailing.Delivery{}, idp.InvalidParameterException("User is already confirmed.")
	}
	to, ok := autoVerify(sn, u)
	if !ok {
		return mailing.Delivery{}, cannotResend()
	}
	return to, nil
}

// autoVerified lists what the pool verifies by itself, mail first.
func autoVerified(sn *pool.Snapshot) []string {
	var attrs []string
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		if sn.AutoVerified.Has(attr) {
			attrs = append(attrs, attr)
		}
	}
	return attrs
}

// takeSignUpCode checks and spends the code that confirms the user. SignUp stores its
// code in the profile, where the row is compared and set. A later code is a row of its
// own and replaces the first. If the client hides who exists, only the right code
// returns that it is too old: a name without a user has never had a code.
func (s *Service) takeSignUpCode(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, answer string, hides bool) (store.Code, error) {
	rec, err := tx.Code(ctx, sn.ID, u.ID(), codes.PurposeSignUp)
	wasResent := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rec, err
	}
	if !wasResent && u.SignUpCode != nil {
		rec = *u.SignUpCode
	}
	switch matches := s.codes.IsCode(rec, answer); {
	case !matches && hides:
		return rec, store.CommitWith(codes.Mismatch())
	case !wasResent && u.SignUpCode == nil:
		return rec, store.CommitWith(codes.Expired())
	}
	if err := s.codes.Match(rec, answer); err != nil {
		return rec, err
	}
	u.SignUpCode = nil
	if wasResent {
		return rec, codes.Spend(ctx, tx, rec)
	}
	return rec, nil
}
