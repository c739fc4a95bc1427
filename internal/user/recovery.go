package user

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user/codes"
)

// ForgotPassword sends a code by which the password can be set again.
func (s *Service) ForgotPassword(ctx context.Context, in *idp.ForgotPasswordRequest) (*idp.ForgotPasswordResponse, error) {
	sn, client, err := s.client(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	u, err := s.findOrMigrate(ctx, sn, client, in)
	if err != nil {
		return nil, err
	}
	if client.PreventExistence && s.hiddenFromRecovery(sn, u) {
		u = s.StandIn(sn, u, in.Username)
	}
	var to mailing.Delivery
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionForgotPassword, ClientID: client.ID, Metadata: in.ClientMetadata, ToSender: in.ClientMetadata}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) (err error) {
		if u, err = s.reread(ctx, tx, sn, u); err != nil {
			return err
		}
		if to, err = s.recoveryTarget(sn, u); err != nil {
			return err
		}
		if err := s.codes.CountRequest(ctx, tx, sn, u.ID(), codes.QuotaReset, s.PlaceOf(tx, sn, u, CallerOf(ctx))); err != nil {
			return err
		}
		return s.codes.Send(ctx, tx, mail, u.Recipient(mail.Pool), codes.PurposeResetPassword, to)
	})
	if err != nil {
		return nil, err
	}
	return &idp.ForgotPasswordResponse{CodeDeliveryDetails: new(to.Details())}, nil
}

// reread returns the user as the transaction sees it.
func (s *Service) reread(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User) (*User, error) {
	if u.decoy {
		return u, s.ReadDecoy(ctx, &tx.Reader, sn, u)
	}
	e, err := s.Edit(ctx, tx, sn, u.ID())
	if err != nil {
		return u, err
	}
	return e.User, nil
}

// recoveryTarget checks that the user may recover the account and tells where
// the code goes.
func (s *Service) recoveryTarget(sn *pool.Snapshot, u *User) (mailing.Delivery, error) {
	if !u.Rec.Enabled {
		return mailing.Delivery{}, disabledForRecovery()
	}
	attrs, byAdmin := recoveryAttributes(sn)
	if byAdmin {
		return mailing.Delivery{}, idp.NotAuthorizedException("Contact administrator to reset password.").WithReason(api.ReasonNotConfigured)
	}
	if u.decoy {
		return s.decoyDelivery(sn, u, attrs), nil
	}
	to, usable := recoveryContact(sn, u)
	switch u.Status() {
	case idp.UserStatusTypeConfirmed, idp.UserStatusTypeResetRequired:
	case idp.UserStatusTypeUnconfirmed:
		if usable {
			return mailing.Delivery{}, notResettable()
		}
	default:
		return mailing.Delivery{}, notResettable()
	}
	if !usable {
		return mailing.Delivery{}, noRecoveryContact()
	}
	return to, nil
}

func disabledForRecovery() error {
	return idp.NotAuthorizedException("User is disabled").WithReason(api.ReasonDisabled)
}

func notResettable() error {
	return idp.NotAuthorizedException("User password cannot be reset in the current state.").WithReason(api.ReasonWrongStatus)
}

func noRecoveryContact() error {
	return idp.InvalidParameterException("Cannot reset password for the user as there is no registered/verified email or phone_number").WithReason(api.ReasonNoFactor)
}

// recoveryAttributes lists the addresses that accounts are recovered by, the
// preferred one first. Pools that never had the setting take the phone first.
func recoveryAttributes(sn *pool.Snapshot) (attrs []string, byAdmin bool) {
	if len(sn.Recovery) == 0 {
		return []string{schema.PhoneNumber, schema.Email}, false
	}
	for _, option := range sn.Recovery {
		switch option {
		case idp.RecoveryOptionNameTypeVerifiedEmail:
			attrs = append(attrs, schema.Email)
		case idp.RecoveryOptionNameTypeVerifiedPhoneNumber:
			attrs = append(attrs, schema.PhoneNumber)
		case idp.RecoveryOptionNameTypeAdminOnly:
			byAdmin = true
		}
	}
	return attrs, byAdmin && len(attrs) == 0
}

// recoveryContact returns the user's verified address of the highest priority
// that is not a second factor as well: one address must not be both.
func recoveryContact(sn *pool.Snapshot, u *User) (mailing.Delivery, bool) {
	attrs, _ := recoveryAttributes(sn)
	for _, attr := range attrs {
		factor := factorOf(attr)
		if u.Verified(attr) && !slices.Contains(u.MFA.Enabled, factor) && factor != u.ImplicitFactor(sn.MFA) {
			return mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: u.Attributes[attr]}, true
		}
	}
	return mailing.Delivery{}, false
}

// factorOf is the second factor that uses the address.
func factorOf(attr string) string {
	if attr == schema.PhoneNumber {
		return FactorSMS
	}
	return FactorEmail
}

// hiddenFromRecovery reports whether a client that hides who exists is shown a
// simulated recovery: for every user whose password cannot be reset in the user's
// present state. Cognito tells users with a temporary password apart; that tells
// strangers, too, who exists.
func (s *Service) hiddenFromRecovery(sn *pool.Snapshot, u *User) bool {
	if u.decoy || !u.Rec.Enabled {
		return true
	}
	switch u.Status() {
	case idp.UserStatusTypeConfirmed, idp.UserStatusTypeResetRequired:
		to, usable := recoveryContact(sn, u)
		return !usable || s.deps.Mail.CheckDeliverable(sn, to.Medium) != nil
	}
	return true
}

// ConfirmForgotPassword sets a new password by the code that ForgotPassword
// sent.
func (s *Service) ConfirmForgotPassword(ctx context.Context, in *idp.ConfirmForgotPasswordRequest) (*idp.ConfirmForgotPasswordResponse, error) {
	sn, client, err := s.client(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	u, err := s.find(ctx, sn, client, in.Username)
	if err != nil {
		return nil, err
	}
	if client.PreventExistence && s.hiddenFromRecovery(sn, u) {
		u = s.StandIn(sn, u, in.Username)
	}
	// A guess is counted and committed before anything heavy is computed.
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if u.decoy {
			return s.refuseDecoy(ctx, tx, sn, u, codes.TriesResetPassword, codes.PurposeResetPassword, in.ConfirmationCode)
		}
		var err error
		if u, err = s.reread(ctx, tx, sn, u); err != nil {
			return err
		}
		if !u.Rec.Enabled {
			return disabledForRecovery()
		}
		_, err = s.resetCode(ctx, tx, sn, u, in.ConfirmationCode)
		return s.codes.CountAnswer(ctx, tx, sn, u.ID(), codes.TriesResetPassword, err, s.PlaceOf(tx, sn, u, CallerOf(ctx)))
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	u, err = s.ReplacePassword(ctx, sn, u, PasswordChange{
		Password: in.Password, Prefix: PolicyChange,
		Then: func(ctx context.Context, tx *store.Tx, u *User) error {
			return s.recovered(ctx, tx, sn, u, in.ConfirmationCode)
		},
	})
	if err != nil {
		return nil, err
	}
	s.forgetFailures(ctx, sn, u)
	if err := s.postConfirmation(ctx, sn, trigger.SourceConfirmForgotPassword, client.ID, u, in.ClientMetadata); err != nil {
		return nil, err
	}
	return &idp.ConfirmForgotPasswordResponse{}, nil
}

// resetCode checks a password-reset code. One that went to an address which is
// not the user's any more is worth nothing.
func (s *Service) resetCode(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, given string) (store.Code, error) {
	code, err := s.codes.Check(ctx, tx, sn, u.ID(), codes.PurposeResetPassword, given)
	if err == nil && u.Attributes[code.Target] != code.Value {
		return code, store.CommitWith(codes.Expired())
	}
	return code, err
}

// recovered spends the code and readies the account.
func (s *Service) recovered(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, given string) error {
	if !u.Rec.Enabled {
		return disabledForRecovery()
	}
	code, err := s.resetCode(ctx, tx, sn, u, given)
	if err != nil {
		return err
	}
	if err := codes.Spend(ctx, tx, code); err != nil {
		return err
	}
	u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	return tx.ClearLockout(ctx, sn.ID, u.ID())
}
