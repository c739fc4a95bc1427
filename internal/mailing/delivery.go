package mailing

import (
	"errors"
	"strings"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
)

// A Delivery is the destination of a code or an invitation.
type Delivery struct {
	Medium    string // message.Email or message.SMS
	Attribute string // the attribute whose value To is
	To        string
}

// Details returns the description of the delivery for the caller.
func (d Delivery) Details() idp.CodeDeliveryDetailsType {
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

// CheckDeliverable rejects a medium if the pool has no settings for it, or the server no
// sender. A function of the pool that sends needs neither.
func (s *Service) CheckDeliverable(sn *pool.Snapshot, medium string) error {
	if senderFunction(sn, medium) != "" {
		return nil
	}
	if medium == message.SMS && sn.Config.SmsConfiguration == nil {
		return idp.InvalidParameterException("User pool does not have SMS configuration to send messages.")
	}
	return undeliverable(medium, s.deps.Messages.Reaches(medium))
}

// AdminDelivery replaces the failure to deliver by an error that administrators'
// operations declare: some do not declare CodeDeliveryFailureException.
func AdminDelivery(err error) error {
	if e, ok := errors.AsType[*api.Error](err); ok && e.Code == idp.CodeCodeDeliveryFailureException {
		return idp.InvalidEmailRoleAccessPolicyException(e.Message).WithCause(err)
	}
	return err
}

// MediumOf returns the medium by which an address of this attribute is reached.
func MediumOf(attr string) string {
	if attr == "phone_number" {
		return message.SMS
	}
	return message.Email
}

func undeliverable(medium string, err error) error {
	if errors.Is(err, message.ErrNoSender) {
		return idp.CodeDeliveryFailureException("No sender is configured for " + medium + " messages.").WithCause(err)
	}
	return err
}
