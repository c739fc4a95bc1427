package registration

import (
	"context"
	"slices"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/protection/origin"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// ForgotPassword sends a code with which the user can set a new password.
func (s *Service) ForgotPassword(ctx context.Context, in *idp.ForgotPasswordRequest) (*idp.ForgotPasswordResponse, error) {
	sn, client, err := s.deps.Users.LoadClient(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	return s.forgotPassword(ctx, sn, client, in, origin.FromPublic(client, in.UserContextData))
}

// forgotPassword is ForgotPassword for a client that is known.
func (s *Service) forgotPassword(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.ForgotPasswordRequest, from origin.Client) (*idp.ForgotPasswordResponse, error) {
	u, err := s.findOrMigrate(ctx, sn, client, in)
	if err != nil {
		return nil, err
	}
	if client.PreventExistence && s.hiddenFromRecovery(sn, u) {
		u = s.deps.Users.StandIn(sn, u, in.Username)
	}
	event, err := s.deps.Users.Observe(ctx, idp.EventTypeForgotPassword, sn, client, u, in.Username, from)
	if err != nil {
		return nil, err
	}
	var to mailing.Delivery
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionForgotPassword, ClientID: client.ID, Metadata: in.ClientMetadata, ToSender: in.ClientMetadata}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) (err error) {
		if u, err = s.reread(ctx, tx, sn, u); err != nil {
			return err
		}
		if to, err = s.recoveryDelivery(sn, u); err != nil {
			return err
		}
		return user.WriteEnd(ctx, tx, event, s.sendRequested(ctx, tx, mail, u, codes.QuotaReset, codes.PurposeResetPassword, to))
	})
	if err != nil {
		return nil, err
	}
	return &idp.ForgotPasswordResponse{CodeDeliveryDetails: new(to.Details())}, nil
}

// sendRequested counts a request for a code that anybody can make, and sends the code.
func (s *Service) sendRequested(ctx context.Context, tx *store.Tx, mail *mailing.Batch, u *user.User, q risk.Quota, purpose string, to mailing.Delivery) error {
	if err := s.codes.CountRequest(ctx, tx, mail.Pool, u.ID(), q, s.place(ctx, tx, mail.Pool, u)); err != nil {
		return err
	}
	return s.codes.Send(ctx, tx, mail, u.Recipient(mail.Pool), purpose, to)
}

// reread returns the user as the transaction sees it. For a user who does not exist it
// does the same work.
func (s *Service) reread(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User) (*user.User, error) {
	if u.IsDecoy() {
		return u, s.deps.Users.ReadDecoy(ctx, &tx.Reader, sn, u)
	}
	e, err := s.deps.Users.Edit(ctx, tx, sn, u.ID())
	if err != nil {
		return u, err
	}
	return e.User, nil
}

// recoveryDelivery returns where the code of a recovery goes. It rejects a user who
// cannot recover the account.
func (s *Service) recoveryDelivery(sn *pool.Snapshot, u *user.User) (mailing.Delivery, error) {
	if !u.Rec.Enabled {
		return mailing.Delivery{}, disabledForRecovery()
	}
	attrs, byAdmin := recoveryAttributes(sn)
	if byAdmin {
		return mailing.Delivery{}, idp.NotAuthorizedException("Contact administrator to reset password.").WithReason(api.ReasonNotConfigured)
	}
	if u.IsDecoy() {
		return s.deps.Users.DecoyDelivery(sn, u, attrs), nil
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

// recoveryAttributes returns the addresses by which accounts are recovered, the
// preferred one first. A pool that never had the setting uses the phone first.
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

// recoveryContact returns the user's verified address of the highest priority that is
// not a second factor too. It returns false if there is none.
func recoveryContact(sn *pool.Snapshot, u *user.User) (mailing.Delivery, bool) {
	attrs, _ := recoveryAttributes(sn)
	for _, attr := range attrs {
		factor := factorOf(attr)
		if u.Verified(attr) && !slices.Contains(u.MFA.Enabled, factor) && factor != u.ImplicitFactor(sn.MFA) {
			return mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: u.Attributes[attr]}, true
		}
	}
	return mailing.Delivery{}, false
}

// factorOf returns the second factor that sends its codes to the address.
func factorOf(attr string) string {
	if attr == schema.PhoneNumber {
		return user.FactorSMS
	}
	return user.FactorEmail
}

// hiddenFromRecovery reports whether a client that hides who exists is shown a simulated
// recovery. That is so for every user whose password cannot be reset in the user's
// current state. Cognito answers differently for users with a temporary password; that
// shows strangers who exists.
func (s *Service) hiddenFromRecovery(sn *pool.Snapshot, u *user.User) bool {
	if u.IsDecoy() || !u.Rec.Enabled {
		return true
	}
	switch u.Status() {
	case idp.UserStatusTypeConfirmed, idp.UserStatusTypeResetRequired:
		to, usable := recoveryContact(sn, u)
		return !usable || s.deps.Mail.CheckDeliverable(sn, to.Medium) != nil
	}
	return true
}

// ConfirmForgotPassword sets a new password with the code that ForgotPassword sent.
func (s *Service) ConfirmForgotPassword(ctx context.Context, in *idp.ConfirmForgotPasswordRequest) (*idp.ConfirmForgotPasswordResponse, error) {
	sn, client, err := s.deps.Users.LoadClient(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	return s.confirmForgotPassword(ctx, sn, client, in, origin.FromPublic(client, in.UserContextData))
}

// confirmForgotPassword is ConfirmForgotPassword for a client that is known.
func (s *Service) confirmForgotPassword(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.ConfirmForgotPasswordRequest, from origin.Client) (*idp.ConfirmForgotPasswordResponse, error) {
	u, err := s.deps.Users.Find(ctx, sn, client, in.Username)
	if err != nil {
		return nil, err
	}
	if client.PreventExistence && s.hiddenFromRecovery(sn, u) {
		u = s.deps.Users.StandIn(sn, u, in.Username)
	}
	event, err := s.deps.Users.Observe(ctx, idp.EventTypePasswordChange, sn, client, u, in.Username, from)
	if err != nil {
		return nil, err
	}
	// The answer is counted and committed before the new verifier is computed.
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		if u.IsDecoy() {
			err := s.refuseDecoy(ctx, tx, sn, u, codes.TriesResetPassword, codes.PurposeResetPassword, in.ConfirmationCode)
			return user.WriteEnd(ctx, tx, event, err)
		}
		var err error
		if u, err = s.reread(ctx, tx, sn, u); err != nil {
			return err
		}
		if !u.Rec.Enabled {
			return disabledForRecovery()
		}
		_, err = s.checkResetCode(ctx, tx, sn, u, in.ConfirmationCode)
		err = s.codes.CountAnswer(ctx, tx, sn, u.ID(), codes.TriesResetPassword, err, s.place(ctx, tx, sn, u))
		if err == nil { // The password is still to be set.
			return nil
		}
		return user.WriteEnd(ctx, tx, event, err)
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	u, err = s.deps.Users.ReplacePassword(ctx, sn, u, user.PasswordChange{
		Password: in.Password, Prefix: user.PolicyChange,
		Check: func(ctx context.Context, _ *user.User) error {
			return s.deps.Users.CheckNewPassword(ctx, sn, client, event, in.Password)
		},
		Then: func(ctx context.Context, tx *store.Tx, u *user.User) error {
			err := s.spendResetCode(ctx, tx, sn, u, in.ConfirmationCode)
			return user.WriteEnd(ctx, tx, event, err)
		},
	})
	if err != nil && event.Compromised() {
		err = s.deps.Users.RecordFailure(ctx, event, err)
	}
	if err != nil {
		return nil, err
	}
	s.deps.Users.ForgetFailures(ctx, sn, u)
	if err := s.deps.Users.PostConfirmation(ctx, sn, trigger.SourceConfirmForgotPassword, client.ID, u, in.ClientMetadata); err != nil {
		return nil, err
	}
	return &idp.ConfirmForgotPasswordResponse{}, nil
}

// checkResetCode checks a password-reset code. A code expires when the user's address
// that it was sent to changes.
func (s *Service) checkResetCode(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User, answer string) (store.Code, error) {
	code, err := s.codes.Check(ctx, tx, sn, u.ID(), codes.PurposeResetPassword, answer)
	if err == nil && u.Attributes[code.Target] != code.Value {
		return code, store.CommitWith(codes.Expired())
	}
	return code, err
}

// spendResetCode checks and spends the code, confirms the user and ends the lock-out.
func (s *Service) spendResetCode(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *user.User, answer string) error {
	if !u.Rec.Enabled {
		return disabledForRecovery()
	}
	if user.CheckOwnFactors(u.Rec.Status) != nil { // An administrator took the password since the code was sent.
		return notResettable()
	}
	code, err := s.checkResetCode(ctx, tx, sn, u, answer)
	if err != nil {
		return err
	}
	if err := codes.Spend(ctx, tx, code); err != nil {
		return err
	}
	u.Rec.Status = string(idp.UserStatusTypeConfirmed)
	return tx.ClearLockout(ctx, sn.ID, u.ID())
}
