package registration

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
	"cognate/internal/trigger"
	"cognate/internal/user"
	"cognate/internal/user/codes"
)

// GetUserAttributeVerificationCode sends a code to an address of the token's user. The
// code goes to the stored value. Only UpdateUserAttributes sends a code to a pending
// value.
func (s *Service) GetUserAttributeVerificationCode(ctx context.Context, in *idp.GetUserAttributeVerificationCodeRequest) (*idp.GetUserAttributeVerificationCodeResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	attr := in.AttributeName
	if err := checkVerifiable(attr); err != nil {
		return nil, err
	}
	var to mailing.Delivery
	mail := &mailing.Batch{Pool: p.Pool, Occasion: trigger.OccasionVerifyUserAttribute, ClientID: p.Client.ID, Metadata: in.ClientMetadata}
	err = s.deps.Mail.UpdateAndSend(ctx, mail, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, p.Pool, u.ID())
		if err != nil {
			return err
		}
		value := e.User.Attributes[attr]
		if value == "" {
			return noAddress(attr)
		}
		if err := s.codes.CountAttempt(ctx, tx, p.Pool, u.ID(), codes.QuotaVerifyCode); err != nil {
			return err
		}
		to = mailing.Delivery{Medium: mailing.MediumOf(attr), Attribute: attr, To: value}
		return s.codes.Send(ctx, tx, mail, e.User.Recipient(mail.Pool), codes.PurposeVerify(attr), to)
	})
	if err != nil {
		return nil, err
	}
	return &idp.GetUserAttributeVerificationCodeResponse{CodeDeliveryDetails: new(to.Details())}, nil
}

// noAddress returns the error for an attribute that the user has no value of.
func noAddress(attr string) error {
	kind := "email address"
	if attr == schema.PhoneNumber {
		kind = "phone number"
	}
	return idp.InvalidParameterException("User does not have a valid registered " + kind)
}

func checkVerifiable(attr string) error {
	if attr != schema.Email && attr != schema.PhoneNumber {
		return idp.InvalidParameterException("Invalid attribute name. Only phone_number and email can be verified.")
	}
	return nil
}

// VerifyUserAttribute verifies an address by its code. A pending value becomes the
// value.
func (s *Service) VerifyUserAttribute(ctx context.Context, in *idp.VerifyUserAttributeRequest) (*idp.VerifyUserAttributeResponse, error) {
	p, u, err := s.deps.Users.TokenUser(ctx, in.AccessToken)
	if err != nil {
		return nil, err
	}
	if err := checkVerifiable(in.AttributeName); err != nil {
		return nil, err
	}
	err = s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		e, err := s.deps.Users.Edit(ctx, tx, p.Pool, u.ID())
		if err != nil {
			return err
		}
		if err := s.codes.CountAttempt(ctx, tx, p.Pool, u.ID(), codes.QuotaVerify); err != nil {
			return err
		}
		return s.verify(ctx, tx, p.Pool, e, in.AttributeName, in.Code)
	}, store.Retry)
	if err != nil {
		return nil, err
	}
	return &idp.VerifyUserAttributeResponse{}, nil
}

// verify checks and spends the code of an address and sets the verified flag. A code
// verifies only the address that it was sent to.
func (s *Service) verify(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, e *user.Edit, attr, answer string) error {
	code, err := s.codes.Check(ctx, tx, sn, e.User.ID(), codes.PurposeVerify(attr), answer)
	if err != nil {
		return err
	}
	switch code.Value {
	case e.User.Pending[attr]:
		e.User.Attributes[attr] = code.Value
		delete(e.User.Pending, attr)
	case e.User.Attributes[attr]:
	default:
		return store.CommitWith(codes.Expired())
	}
	if err := codes.Spend(ctx, tx, code); err != nil {
		return err
	}
	e.User.Attributes[schema.VerifiedFlag(attr)] = "true"
	return e.Save(ctx, user.AliasExists)
}
