package signin

import (
	"context"
	"crypto/subtle"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
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

// otpTries is how many codes one session takes. With the quota of codes sent it
// bounds how often a user's codes can be guessed.
const otpTries = 10

// otpState is the code that a session waits for.
type otpState struct {
	Hash []byte `json:"h"`
	// Attribute is where the code went, Target the hash of its value then.
	Attribute string `json:"a"`
	Target    []byte `json:"t"`
	// Enrol is the address itself if the user does not have it yet: the code makes
	// it a second factor.
	Enrol string `json:"e,omitempty"`
}

const (
	otpHash   keys.Purpose = "sign-in code"
	otpTarget keys.Purpose = "sign-in code target"
)

func codeMismatch() error {
	return idp.CodeMismatchException("Invalid code or auth state for the user.")
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
	code := keys.NewCode(digits)
	sent := mailing.NewSignInCode(c.pool, s.users.SignInDelivery(c.pool, u, attr), code, s.now().Add(c.client.SessionTTL), c.triggerContext())
	next := *st
	next.SRP = nil
	next.OTP = &otpState{Attribute: attr, Target: s.targetHash(st, sent.To), Hash: s.codeHash(st, code)}
	if st.OTP != nil {
		next.OTP.Enrol = st.OTP.Enrol
	}
	session, err := s.seal(c, &next, challenge)
	if err != nil {
		return otpAsked{}, err
	}
	err = s.commit(ctx, c, func(tx *store.Tx) error {
		if err := s.onlyNewest(ctx, tx, &next, sent); err != nil {
			return err
		}
		if err := s.users.CountSignInCode(ctx, tx, c.pool, u, byPassword(st), c.caller(ctx)); err != nil {
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
	got := s.codeHash(t.state, given)
	address := want.Enrol
	if address == "" {
		address = t.user.Attributes[want.Attribute]
	}
	right := subtle.ConstantTimeCompare(got, want.Hash) == 1 && !t.user.IsDecoy() &&
		subtle.ConstantTimeCompare(s.targetHash(t.state, address), want.Target) == 1
	return s.commit(ctx, t.call, func(tx *store.Tx) error {
		if err := s.countTry(ctx, tx, t, right); err != nil {
			return err
		}
		if !right {
			return store.CommitWith(codeMismatch())
		}
		if err := s.spendNewest(ctx, tx, t.state); err != nil {
			return err
		}
		if then != nil {
			return then(ctx, tx)
		}
		return nil
	})
}

// codeHash binds a code to the attempt, whose event id no other has.
func (s *Service) codeHash(st *state, code string) []byte {
	h := s.ring.Hash(otpHash, []byte(st.Pool), []byte(st.UserID), []byte(st.EventID), []byte(code))
	return h[:]
}

func (s *Service) targetHash(st *state, value string) []byte {
	h := s.ring.Hash(otpTarget, []byte(st.Pool), []byte(st.UserID), []byte(value))
	return h[:]
}
