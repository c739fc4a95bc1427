package user

import (
	"context"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/risk"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// These quotas bound the codes that sign-ins send to a user in an hour, and with
// them how often a code can be guessed (Cognito: 5 to 20 messages an hour). Anybody
// can ask for the code of a first factor; that must not use up those of a second
// factor, before which the password was proven.
var (
	quotaSignInCodes = risk.Quota{Kind: "sign-in-code", Limit: 20}
	quotaSecondCodes = risk.Quota{Kind: "second-factor-code", Limit: 20}
)

// A SignInCode goes to an address of a user who signs in.
type SignInCode struct {
	Medium    string // message.Email or message.SMS
	Attribute string // email or phone_number
	To        string
	Code      string
	ExpiresAt time.Time

	// second: the code proves a second factor.
	second bool
	from   Caller
	mail   *mailing
}

// Destination is the address as it is shown to whoever signs in.
func (c SignInCode) Destination() string {
	return *delivery{c.Medium, c.Attribute, c.To}.details().Destination
}

// Told is what the pool's functions are told of a sign-in whose code they word
// or send.
type Told struct {
	ClientID string
	// Metadata is for CustomMessage, ToSender for the functions that send.
	Metadata, ToSender map[string]string
	// Second says that the code proves a second factor.
	Second bool
	// From is where whoever signs in is.
	From Caller
}

// SignInCode addresses a code to the user's email or phone_number. A decoy gets
// an address that is made up from its name.
func (s *Service) SignInCode(sn *pool.Snapshot, u *User, attr, code string, expires time.Time, told Told) SignInCode {
	c := SignInCode{Medium: mediumOf(attr), Attribute: attr, To: u.Attributes[attr], Code: code, ExpiresAt: expires, second: told.Second, from: told.From}
	c.mail = &mailing{sn: sn, occasion: trigger.OccasionAuthentication, clientID: told.ClientID, metadata: told.Metadata, toSender: told.ToSender}
	if u.decoy {
		c.To = s.decoyDelivery(sn, u, []string{attr}).To
	}
	return c
}

// SendSignInCode puts a code into the outbox of the transaction. For a decoy it
// does what costs as much and sends nothing. Call SignInCodeStored after the
// commit. A transaction sends one.
func (s *Service) SendSignInCode(ctx context.Context, tx *store.Tx, u *User, c SignInCode) error {
	sn := c.mail.sn
	c.mail.held = nil
	q := quotaSignInCodes
	if c.second {
		q = quotaSecondCodes
	}
	err := s.mayAsk(ctx, tx, sn, u, q, c.from)
	if api.CodeOf(err) == idp.CodeLimitExceededException {
		return idp.TooManyRequestsException("Attempt limit exceeded, please try after some time.").WithReason(api.ReasonTooManyCodes)
	}
	if err != nil {
		return err
	}
	if err := s.deliverable(sn, c.Medium); err != nil {
		return adminDelivery(err)
	}
	subject, body := sn.AuthenticationMessage(c.Medium)
	d := delivery{Medium: c.Medium, Attribute: c.Attribute, To: c.To}
	return adminDelivery(s.enqueue(ctx, tx, c.mail, u, d, subject, body, c.Code, c.ExpiresAt))
}

// SignInCodeStored has a code leave whose transaction is committed. The error is
// that of the pool's function which words it: it is not sent then.
func (s *Service) SignInCodeStored(ctx context.Context, c SignInCode) error {
	return s.dispatch(ctx, c.mail)
}
