package registration

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// AdminResetUserPassword makes the user set a new password with a code, which is sent
// at once. The old password stops working.
func (s *Service) AdminResetUserPassword(ctx context.Context, in *idp.AdminResetUserPasswordRequest) (*idp.AdminResetUserPasswordResponse, error) {
	sn, u, err := s.deps.Users.PoolUser(ctx, in.UserPoolId, in.Username)
	if err != nil {
		return nil, err
	}
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionForgotPassword, Metadata: in.ClientMetadata}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, sn, u.ID())
		if err != nil {
			return err
		}
		to, err := adminResetDelivery(sn, e.User)
		if err != nil {
			return err
		}
		e.User.Rec.Status = string(idp.UserStatusTypeResetRequired)
		if err := e.Save(ctx, user.AliasExists); err != nil {
			return err
		}
		return s.codes.Send(ctx, tx, mail, e.User.Recipient(mail.Pool), codes.PurposeResetPassword, to)
	})
	if err != nil {
		return nil, mailing.AdminDelivery(err)
	}
	return &idp.AdminResetUserPasswordResponse{}, nil
}

// adminResetDelivery returns where the code of an administrator's reset goes. It rejects
// a user whose password cannot be reset.
func adminResetDelivery(sn *pool.Snapshot, u *user.User) (mailing.Delivery, error) {
	if !u.Rec.Enabled {
		return mailing.Delivery{}, disabledForRecovery()
	}
	switch u.Status() {
	case idp.UserStatusTypeConfirmed, idp.UserStatusTypeResetRequired:
	default:
		return mailing.Delivery{}, notResettable()
	}
	to, usable := recoveryContact(sn, u)
	if !usable {
		return mailing.Delivery{}, noRecoveryContact()
	}
	return to, nil
}
