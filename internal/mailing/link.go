package mailing

import (
	"net/url"

	"cognate/internal/api/idp"
	"cognate/internal/message"
	"cognate/internal/pool"
	"cognate/internal/trigger"
)

// A confirmationLink confirms a user who signed up (Cognito: verification by link).
type confirmationLink struct {
	// url is "" for a message that cannot have a link. In every pool that has a domain, the
	// text of a CustomMessage function can use the link.
	url string
	// used is true if the pool's own text has the link in place of the code.
	used bool
}

// linkFor returns the link of a message with a code. It rejects a message of a pool that
// confirms by link and has no domain. SMS have no link, and a sender function gets the code.
func (s *Service) linkFor(mail *Batch, to Recipient, d Delivery, code string) (confirmationLink, error) {
	confirms := mail.Occasion == trigger.OccasionSignUp || mail.Occasion == trigger.OccasionResendCode
	if !confirms || d.Medium != message.Email || senderFunction(mail.Pool, d.Medium) != "" {
		return confirmationLink{}, nil
	}
	base := s.deps.DomainBase(mail.Pool)
	if base == "" {
		if mail.Pool.ConfirmsByLink() {
			return confirmationLink{}, idp.InvalidParameterException("Cannot perform specific action because there does not exist a valid use pool domain associated with the user pool")
		}
		return confirmationLink{}, nil
	}
	return confirmationLink{
		url: base + pool.ConfirmationPath + "?client_id=" + url.QueryEscape(mail.ClientID) + "&user_name=" + url.QueryEscape(to.Username) +
			"&confirmation_code=" + url.QueryEscape(code),
		used: mail.Pool.ConfirmsByLink(),
	}, nil
}
