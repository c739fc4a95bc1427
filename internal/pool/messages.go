package pool

import (
	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// Texts of pools that set none (Cognito's built-in texts, trailing blanks included).
const (
	defaultVerificationMessage = "Your verification code is {####}. "
	defaultVerificationSubject = "Your verification code"
	defaultLinkMessage         = "Please click the link below to verify your email address. {##Verify Email##} "
	defaultLinkSubject         = "Your verification link"
	defaultInviteMessage       = "Your username is {username} and temporary password is {####}. "
	defaultInviteSubject       = "Your temporary password"
	defaultAuthMessage         = "Your authentication code is {####}. "
	defaultAuthSubject         = "Your authentication code"
)

const mediumSMS = string(idp.DeliveryMediumTypeSms)

// VerificationMessage returns the template of messages with a code over medium ("EMAIL"
// or "SMS"). An SMS has no subject.
func (sn *Snapshot) VerificationMessage(medium string) (subject, body string) {
	t := sn.Config.VerificationMessageTemplate
	if t == nil {
		t = &idp.VerificationMessageTemplateType{}
	}
	if medium == mediumSMS {
		return "", textOr(t.SmsMessage, defaultVerificationMessage)
	}
	return textOr(t.EmailSubject, defaultVerificationSubject), textOr(t.EmailMessage, defaultVerificationMessage)
}

// ConfirmationPath is the path of the page that confirms a user by a link (Cognito:
// verification by link). It is a page of the pool's domain.
const ConfirmationPath = "/confirmUser"

// ConfirmsByLink reports whether mails confirm a sign-up by a link.
func (sn *Snapshot) ConfirmsByLink() bool {
	t := sn.Config.VerificationMessageTemplate
	return t != nil && t.DefaultEmailOption == idp.DefaultEmailOptionTypeConfirmWithLink
}

// LinkMessage returns the template of mails that confirm a sign-up by a link.
func (sn *Snapshot) LinkMessage() (subject, body string) {
	t := sn.Config.VerificationMessageTemplate
	if t == nil {
		t = &idp.VerificationMessageTemplateType{}
	}
	return textOr(t.EmailSubjectByLink, defaultLinkSubject), textOr(t.EmailMessageByLink, defaultLinkMessage)
}

// InviteMessage returns the template of the message that carries a temporary
// password to a user made by an administrator.
func (sn *Snapshot) InviteMessage(medium string) (subject, body string) {
	t := sn.Config.AdminCreateUserConfig.InviteMessageTemplate
	if t == nil {
		t = &idp.MessageTemplateType{}
	}
	if medium == mediumSMS {
		return "", textOr(t.SMSMessage, defaultInviteMessage)
	}
	return textOr(t.EmailSubject, defaultInviteSubject), textOr(t.EmailMessage, defaultInviteMessage)
}

// AuthenticationMessage returns the template of sign-in codes.
func (sn *Snapshot) AuthenticationMessage(medium string) (subject, body string) {
	if medium == mediumSMS {
		return "", textOr(sn.Config.SmsAuthenticationMessage, defaultAuthMessage)
	}
	t := sn.mfa.Email
	if t == nil {
		t = &idp.EmailMfaConfigType{}
	}
	return textOr(t.Subject, defaultAuthSubject), textOr(t.Message, defaultAuthMessage)
}

// textOr returns the text that was set, or absent if none was set.
func textOr(set *string, absent string) string {
	if s := api.Val(set); s != "" {
		return s
	}
	return absent
}
