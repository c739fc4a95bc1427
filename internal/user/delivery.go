package user

import (
	"errors"
	"strings"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
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

// deliverable refuses a medium that the pool has no settings for, or the server
// no way out. Functions of the pool that send need neither.
func (s *Service) deliverable(sn *pool.Snapshot, medium string) error {
	if senderFunction(sn, medium) != "" {
		return nil
	}
	if medium == message.SMS && sn.Config.SmsConfiguration == nil {
		return idp.InvalidParameterException("User pool does not have SMS configuration to send messages.")
	}
	return undeliverable(medium, s.d.Messages.Reaches(medium))
}

// adminDelivery renames the failure to deliver for the administrator's
// operations that do not declare CodeDeliveryFailureException.
func adminDelivery(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok && e.Code == idp.CodeCodeDeliveryFailureException {
		return idp.InvalidEmailRoleAccessPolicyException(e.Message).WithCause(err)
	}
	return err
}

// DisplayName is the name by which a message addresses the user: in a pool
// whose usernames are addresses it is the address, not the generated username.
func (u *User) DisplayName(sn *pool.Snapshot) string {
	for _, attr := range []string{attrEmail, attrPhone} {
		if sn.UsernameAttributes.Has(attr) && u.Attributes[attr] != "" {
			return u.Attributes[attr]
		}
	}
	return u.Username()
}
