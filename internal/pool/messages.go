package pool

import (
	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// Texts of pools that set none (Cognito's built-in ones, trailing blanks included).
const (
	defaultVerificationMessage = "Your verification code is {####}. "
	defaultVerificationSubject = "Your verification code"
	defaultInviteMessage       = "Your username is {username} and temporary password is {####}. "
	defaultInviteSubject       = "Your temporary password"
	defaultAuthMessage         = "Your authentication code is {####}. "
	defaultAuthSubject         = "Your authentication code"
)

const mediumSMS = string(idp.DeliveryMediumTypeSms)

// VerificationMessage returns the template by which codes are sent over medium
// ("EMAIL" or "SMS"); an SMS has no subject.
func (sn *Snapshot) VerificationMessage(medium string) (subject, body string) {
	t := sn.Config.VerificationMessageTemplate
	if t == nil {
		t = &idp.VerificationMessageTemplateType{}
	}
	if medium == mediumSMS {
		return "", text(t.SmsMessage, defaultVerificationMessage)
	}
	return text(t.EmailSubject, defaultVerificationSubject), text(t.EmailMessage, defaultVerificationMessage)
}

// InviteMessage returns the template of the message that carries a temporary
// password to a user made by an administrator.
func (sn *Snapshot) InviteMessage(medium string) (subject, body string) {
	t := sn.Config.AdminCreateUserConfig.InviteMessageTemplate
	if t == nil {
		t = &idp.MessageTemplateType{}
	}
	if medium == mediumSMS {
		return "", text(t.SMSMessage, defaultInviteMessage)
	}
	return text(t.EmailSubject, defaultInviteSubject), text(t.EmailMessage, defaultInviteMessage)
}

// AuthenticationMessage returns the template of sign-in codes.
func (sn *Snapshot) AuthenticationMessage(medium string) (subject, body string) {
	if medium == mediumSMS {
		return "", text(sn.Config.SmsAuthenticationMessage, defaultAuthMessage)
	}
	t := sn.mfa.Email
	if t == nil {
		t = &idp.EmailMfaConfigType{}
	}
	return text(t.Subject, defaultAuthSubject), text(t.Message, defaultAuthMessage)
}

func text(set *string, absent string) string {
	if s := api.Val(set); s != "" {
		return s
	}
	return absent
}
