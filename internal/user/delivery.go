package user

import (
	"context"
	"errors"
	"html"
	"strings"
	"time"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// delivery is where a code or an invitation goes.
type delivery struct {
	Medium    string // message.Email or message.SMS
	Attribute string // the attribute whose value To is
	To        string
}

// details is what the caller is told of it.
func (d delivery) details() idp.CodeDeliveryDetailsType {
	mask := maskEmail
	if d.Medium == message.SMS {
		mask = maskPhone
	}
	return idp.CodeDeliveryDetailsType{
		AttributeName:  new(d.Attribute),
		DeliveryMedium: idp.DeliveryMediumType(d.Medium),
		Destination:    new(mask(d.To)),
	}
}

// maskEmail keeps the first characters of the local part and of the domain.
func maskEmail(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	return firstRune(local) + "***@" + firstRune(domain) + "***"
}

func firstRune(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return s[:n]
}

// maskPhone keeps the last four digits.
func maskPhone(number string) string {
	digits := strings.TrimPrefix(number, "+")
	shown := max(len(digits)-4, 0)
	return "+" + strings.Repeat("*", shown) + digits[shown:]
}

// autoVerify gives where a new user's confirmation code goes: to the phone if
// the pool verifies phone numbers and there is one, else to the mail address
// (Cognito: auto-verified attributes); false if nowhere.
func autoVerify(sn *pool.Snapshot, u *User) (delivery, bool) {
	for _, attr := range []string{attrPhone, attrEmail} {
		if value := u.Attributes[attr]; value != "" && sn.AutoVerified.Has(attr) {
			return delivery{Medium: mediumOf(attr), Attribute: attr, To: value}, true
		}
	}
	return delivery{}, false
}

// deliverable refuses a medium that the pool has no settings for.
func deliverable(sn *pool.Snapshot, medium string) error {
	if medium == message.SMS && sn.Config.SmsConfiguration == nil {
		return idp.InvalidParameterException("User pool does not have SMS configuration to send messages.")
	}
	return nil
}

// enqueue puts a message to the user into the outbox of the transaction.
// secret is the code or temporary password within it.
func (s *Service) enqueue(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, u *User, d delivery, subject, body, secret string, expires time.Time) error {
	shown, name := secret, u.displayName(sn)
	if d.Medium == message.Email {
		// A mail's body is HTML, and anybody may sign up with somebody else's address
		// under a name that is a link; a password with a tag in it would not be seen.
		shown, name = html.EscapeString(shown), html.EscapeString(name)
	}
	m := message.Message{
		PoolID: sn.ID, UserID: u.ID(), Username: u.Username(),
		Medium: d.Medium, To: d.To, Code: secret, ExpiresAt: expires,
		Subject: subject,
		Body:    message.Render(body, shown, name),
	}
	if c := sn.Config.EmailConfiguration; c != nil && d.Medium == message.Email {
		m.From, m.ReplyTo = api.Val(c.From), api.Val(c.ReplyToEmailAddress)
	}
	err := s.d.Messages.Enqueue(ctx, tx, &m)
	if errors.Is(err, message.ErrNoSender) {
		return idp.CodeDeliveryFailureException("No sender is configured for " + d.Medium + " messages.").WithCause(err)
	}
	return err
}

// adminDelivery renames the failure to deliver for the administrator's
// operations that do not declare CodeDeliveryFailureException.
func adminDelivery(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok && e.Code == idp.CodeCodeDeliveryFailureException {
		return idp.InvalidEmailRoleAccessPolicyException(e.Message).WithCause(err)
	}
	return err
}

// displayName is the name by which a message addresses the user: in a pool
// whose usernames are addresses it is the address, not the generated username.
func (u *User) displayName(sn *pool.Snapshot) string {
	for _, attr := range []string{attrEmail, attrPhone} {
		if sn.UsernameAttributes.Has(attr) && u.Attributes[attr] != "" {
			return u.Attributes[attr]
		}
	}
	return u.Username()
}
