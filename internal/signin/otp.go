package signin

import (
	"cmp"
	"context"
	"errors"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/mailing"
	"cognate/internal/signin/codes"
	"cognate/internal/store"
	"cognate/internal/user"
)

// One-time codes, as first factors and as second ones. The code's keyed hash
// travels in the sealed session, so that a code belongs to the attempt that
// asked for it: nobody who starts other attempts makes it worthless. The store
// keeps the message, the number of tries, and the session once it is spent.

// Lengths of codes (Cognito: EMAIL_OTP and SMS_OTP as first factor; MFA).
const (
	firstFactorDigits  = 8
	secondFactorDigits = 6
)

func codeMismatch() error {
	return idp.CodeMismatchException("Invalid code or auth state for the user.")
}

// codeAttempt returns the attempt to which the codes of a state are bound.
func (c *call) codeAttempt(st *state) codes.Attempt {
	return codes.Attempt{Pool: st.Pool, User: st.UserID, Event: st.EventID, Nonce: st.Nonce, Life: c.client.SessionTTL, ByPassword: st.ByPassword()}
}

// otpAsked is a code on its way: the session that takes it and how the address
// is shown.
type otpAsked struct {
	session     string
	medium      string
	destination string
}

// askCode sends a code to the user's attribute and seals the session that waits
// for it under the challenge. The message is stored in the transaction that
// spends the session which the call answered.
func (s *Service) askCode(ctx context.Context, c *call, u *user.User, st *state, challenge idp.ChallengeNameType, attr string, digits int) (otpAsked, error) {
	code := s.mail.NewCode(digits)
	sent := mailing.NewSignInCode(c.pool, s.users.SignInDelivery(c.pool, u, attr), code, s.now().Add(c.client.SessionTTL), c.triggerContext())
	next := *st
	next.SRP = nil
	a := c.codeAttempt(st)
	next.OTP = &codes.Code{Attribute: attr, Target: s.codes.TargetHash(a, sent.To), Hash: s.codes.Hash(a, code)}
	if st.OTP != nil {
		next.OTP.Enrol = st.OTP.Enrol
	}
	session, err := s.seal(c, &next, challenge)
	if err != nil {
		return otpAsked{}, err
	}
	err = s.commit(ctx, c, func(tx *store.Tx) error {
		if err := s.codes.PutNewest(ctx, tx, a, next.OTP, sent.ExpiresAt); err != nil {
			return err
		}
		if err := s.users.CountSignInCode(ctx, tx, c.pool, u, st.ByPassword(), c.caller(ctx)); err != nil {
			return err
		}
		return s.mail.EnqueueSignInCode(ctx, tx, u.Recipient(c.pool), sent)
	})
	if err != nil {
		return otpAsked{}, err
	}
	if err := s.mail.DispatchSignInCode(ctx, sent); err != nil {
		return otpAsked{}, err
	}
	return otpAsked{session: session, medium: sent.Medium, destination: sent.Destination()}, nil
}

// triggerContext is what functions learn that word or send a code: ClientMetadata of what
// answers a challenge goes to senders, and to CustomMessage only that of an
// administrator's answer (Cognito: ClientMetadata).
func (c *call) triggerContext() mailing.TriggerContext {
	t := mailing.TriggerContext{ClientID: c.client.ID, ToSender: c.metadata}
	if c.admin() {
		t.Metadata = c.metadata
	}
	return t
}

// params are those of a challenge that asks for a code.
func (a otpAsked) params() map[string]string {
	return map[string]string{"CODE_DELIVERY_DELIVERY_MEDIUM": a.medium, "CODE_DELIVERY_DESTINATION": a.destination}
}

// redeemCode compares the given code with the session's code. The transaction that
// judges the code counts the try, and spends the session if the code is right:
// neither a restart nor simultaneous tries get around the limit. then is what
// success writes besides, in the same transaction; it may be nil.
func (s *Service) redeemCode(ctx context.Context, t *challengeResponse, given string, then func(ctx context.Context, tx *store.Tx) error) error {
	want := t.state.OTP
	if want == nil {
		return invalidSession()
	}
	address := want.Enrol
	if address == "" {
		address = t.user.Attributes[want.Attribute]
	}
	a := t.codeAttempt(t.state)
	right := s.codes.Right(a, want, given, address) && !t.user.IsDecoy()
	return s.commit(ctx, t.call, func(tx *store.Tx) error {
		if err := s.countTry(ctx, tx, t, right); err != nil {
			return err
		}
		if !right {
			return store.CommitWith(codeMismatch())
		}
		if newest, err := s.codes.SpendNewest(ctx, tx, a, want); err != nil || !newest {
			return cmp.Or(err, codeMismatch())
		}
		if then != nil {
			return then(ctx, tx)
		}
		return nil
	})
}

// countTry counts an answer to the state. It returns store.ErrSpent if the state is spent:
// the answer is not judged then.
func (s *Service) countTry(ctx context.Context, tx *store.Tx, t *challengeResponse, right bool) error {
	spent, err := tx.Spent(ctx, t.pool.ID, s.spentHash(t.state))
	if err != nil {
		return err
	}
	if spent {
		return store.ErrSpent
	}
	err = s.codes.CountTry(ctx, tx, t.codeAttempt(t.state), right)
	if errors.Is(err, codes.ErrTries) {
		return store.CommitWith(invalidSession().WithReason(api.ReasonTooManyAttempts))
	}
	return err
}

// recheckAccount rejects a state whose account was disabled, or whose password
// was changed, since the state was sealed: the user begins again.
func (s *Service) recheckAccount(t *challengeResponse) error {
	if err := user.AccountFault(t.user); err != nil {
		return err
	}
	if t.state.Credential == 0 {
		return nil
	}
	cred, err := s.users.Credential(t.user)
	if err != nil {
		return err
	}
	if !cred.HasPassword() || cred.SetAt.UnixMilli() != t.state.Credential {
		return invalidSession().WithReason(api.ReasonAccountChanged)
	}
	return nil
}
