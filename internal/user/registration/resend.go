package registration

import (
	"context"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/protection/origin"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// ResendConfirmationCode replaces the code that SignUp sent.
func (s *Service) ResendConfirmationCode(ctx context.Context, in *idp.ResendConfirmationCodeRequest) (*idp.ResendConfirmationCodeResponse, error) {
	sn, client, err := s.deps.Users.LoadClient(ctx, in.ClientId, in.Username, in.SecretHash)
	if err != nil {
		return nil, err
	}
	return s.resendCode(ctx, sn, client, in, origin.FromPublic(client, in.UserContextData))
}

// resendCode is ResendConfirmationCode for a client that is known.
func (s *Service) resendCode(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.ResendConfirmationCodeRequest, from origin.Client) (*idp.ResendConfirmationCodeResponse, error) {
	u, err := s.deps.Users.Find(ctx, sn, client, in.Username)
	if err != nil {
		return nil, err
	}
	if client.PreventExistence && s.hiddenFromResend(ctx, sn, u) {
		u = s.deps.Users.StandIn(sn, u, in.Username)
	}
	if u.IsDecoy() && len(sn.AutoVerified) == 0 {
		return nil, cannotResend()
	}
	event, err := s.deps.Users.Observe(ctx, idp.EventTypeResendCode, sn, client, u, in.Username, from)
	if err != nil {
		return nil, err
	}
	var to mailing.Delivery
	mail := &mailing.Batch{Pool: sn, Occasion: trigger.OccasionResendCode, ClientID: client.ID, Metadata: in.ClientMetadata}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) (err error) {
		if u.IsDecoy() {
			to, err = s.resendToDecoy(ctx, tx, mail, u)
		} else {
			to, err = s.resend(ctx, tx, mail, u.ID())
		}
		return user.WriteEnd(ctx, tx, event, err)
	})
	if err != nil {
		return nil, err
	}
	return &idp.ResendConfirmationCodeResponse{CodeDeliveryDetails: new(to.Details())}, nil
}

func cannotResend() error {
	return idp.NotAuthorizedException("Cannot resend codes. Auto verification not turned on.").WithReason(api.ReasonNotConfigured)
}

// hiddenFromResend reports whether a client that hides who exists is shown a simulated
// code. That is so for every user who cannot be sent a confirmation code. Cognito
// answers differently for confirmed users; that shows strangers who exists.
func (s *Service) hiddenFromResend(ctx context.Context, sn *pool.Snapshot, u *user.User) bool {
	if u.IsDecoy() {
		return true
	}
	to, err := resendDelivery(sn, u)
	if err == nil {
		err = s.deps.Mail.CheckDeliverable(sn, to.Medium)
	}
	if err != nil {
		audit.From(ctx).SetReason(api.ReasonOf(err))
	}
	return err != nil
}

// resend sends a new code. The code is a row: a write of the user's own row would take
// longer than the write for a name without a user.
func (s *Service) resend(ctx context.Context, tx *store.Tx, mail *mailing.Batch, userID string) (mailing.Delivery, error) {
	sn := mail.Pool
	e, err := s.deps.Users.Edit(ctx, tx, sn, userID)
	if err != nil {
		return mailing.Delivery{}, err
	}
	to, err := resendDelivery(sn, e.User)
	if err != nil {
		return mailing.Delivery{}, err
	}
	if err := s.deps.Mail.CheckDeliverable(sn, to.Medium); err != nil {
		return mailing.Delivery{}, err
	}
	return to, s.sendRequested(ctx, tx, mail, e.User, codes.QuotaResend, codes.PurposeSignUp, to)
}

// resendToDecoy simulates resend for a user who does not exist, at the same cost.
func (s *Service) resendToDecoy(ctx context.Context, tx *store.Tx, mail *mailing.Batch, u *user.User) (mailing.Delivery, error) {
	to := s.deps.Users.DecoyDelivery(mail.Pool, u, autoVerifiedAttributes(mail.Pool))
	if err := s.deps.Users.ReadDecoy(ctx, &tx.Reader, mail.Pool, u); err != nil {
		return mailing.Delivery{}, err
	}
	return to, s.sendRequested(ctx, tx, mail, u, codes.QuotaResend, codes.PurposeSignUp, to)
}

// resendDelivery returns where a new confirmation code goes. It rejects a user who must
// not be sent one.
func resendDelivery(sn *pool.Snapshot, u *user.User) (mailing.Delivery, error) {
	if !u.Rec.Enabled {
		return mailing.Delivery{}, userDisabled()
	}
	if u.Status() != idp.UserStatusTypeUnconfirmed {
		return mailing.Delivery{}, idp.InvalidParameterException("User is already confirmed.")
	}
	to := confirmationDelivery(sn, u)
	if to == nil {
		return mailing.Delivery{}, cannotResend()
	}
	return *to, nil
}

// autoVerifiedAttributes returns the addresses that the pool verifies at sign-up, email
// first.
func autoVerifiedAttributes(sn *pool.Snapshot) []string {
	var attrs []string
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		if sn.AutoVerified.Has(attr) {
			attrs = append(attrs, attr)
		}
	}
	return attrs
}
