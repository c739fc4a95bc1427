package registration

import (
	"context"
	"errors"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
	"cognate/internal/protection/origin"
	"cognate/internal/store"
)

// The operations as login pages call them. A page knows its app client by the
// authorization request, and sends no SECRET_HASH, no ClientId and no Session.

// SignUpOnPage signs a user up. encodedData are the context data of the page. The Session of its answer signs in a user that the pool's
// function confirmed, whatever flows the client lists; it must not leave the server.
func (s *Service) SignUpOnPage(ctx context.Context, sn *pool.Snapshot, client *pool.Client, in *idp.SignUpRequest, encodedData string) (*idp.SignUpResponse, error) {
	out, err := s.signUp(ctx, sn, client, in, origin.FromPage(encodedData))
	audit.From(ctx).End(audit.SignUp, err == nil)
	if err != nil || !out.UserConfirmed {
		return out, err
	}
	out.Session, err = s.newSession(sn, client, out.UserSub, true, "")
	return out, err
}

// ConfirmSignUpOnPage confirms a user by a code. It returns the Session that signs the user
// in, as SignUpOnPage does.
func (s *Service) ConfirmSignUpOnPage(ctx context.Context, sn *pool.Snapshot, client *pool.Client, username, code, encodedData string) (session string, err error) {
	userID, proven, err := s.confirmSignUp(ctx, sn, client, &idp.ConfirmSignUpRequest{Username: username, ConfirmationCode: code}, origin.FromPage(encodedData), nil)
	if err != nil {
		return "", err
	}
	audit.From(ctx).SetActive()
	sealed, err := s.newSession(sn, client, userID, true, proven)
	return api.Val(sealed), err
}

// linkKept is how long a confirmation link that was used is recognized.
const linkKept = 24 * time.Hour

// ConfirmByLink confirms a user by the code in a link. A link that confirmed the user
// succeeds again: programs that scan mail open links before people do.
func (s *Service) ConfirmByLink(ctx context.Context, sn *pool.Snapshot, client *pool.Client, username, code string) error {
	u, err := s.deps.Users.Find(ctx, sn, client, username)
	if err != nil {
		return err
	}
	used, err := s.deps.Store.Spent(ctx, sn.ID, s.linkHash(sn, u.ID(), code))
	if used || err != nil {
		return err
	}
	_, _, err = s.confirmSignUp(ctx, sn, client, &idp.ConfirmSignUpRequest{Username: username, ConfirmationCode: code}, origin.Client{}, func(tx *store.Tx, userID string) error {
		err := tx.Spend(ctx, sn.ID, s.linkHash(sn, userID, code), s.deps.Now().Add(linkKept))
		if errors.Is(err, store.ErrSpent) {
			return nil
		}
		return err
	})
	return err
}

func (s *Service) linkHash(sn *pool.Snapshot, userID, code string) [32]byte {
	return s.deps.Ring.Hash("confirmation link", []byte(sn.ID), []byte(userID), []byte(code))
}

// ResendCodeOnPage sends a new confirmation code or link. It returns where the message goes.
func (s *Service) ResendCodeOnPage(ctx context.Context, sn *pool.Snapshot, client *pool.Client, username, encodedData string) (*idp.CodeDeliveryDetailsType, error) {
	out, err := s.resendCode(ctx, sn, client, &idp.ResendConfirmationCodeRequest{Username: username}, origin.FromPage(encodedData))
	if err != nil {
		return nil, err
	}
	return out.CodeDeliveryDetails, nil
}

// ForgotPasswordOnPage sends a code with which the user can set a new password. It returns
// the masked address.
func (s *Service) ForgotPasswordOnPage(ctx context.Context, sn *pool.Snapshot, client *pool.Client, username, encodedData string) (destination string, err error) {
	out, err := s.forgotPassword(ctx, sn, client, &idp.ForgotPasswordRequest{Username: username}, origin.FromPage(encodedData))
	if err != nil {
		return "", err
	}
	return api.Val(out.CodeDeliveryDetails.Destination), nil
}

// ConfirmForgotPasswordOnPage sets a new password with the code that ForgotPasswordOnPage
// sent.
func (s *Service) ConfirmForgotPasswordOnPage(ctx context.Context, sn *pool.Snapshot, client *pool.Client, username, code, password, encodedData string) error {
	_, err := s.confirmForgotPassword(ctx, sn, client, &idp.ConfirmForgotPasswordRequest{Username: username, ConfirmationCode: code, Password: password}, origin.FromPage(encodedData))
	if err == nil {
		audit.From(ctx).SetActive()
	}
	return err
}
