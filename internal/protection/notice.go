package protection

import (
	"cmp"
	"context"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/store"
)

// noticeLife is how long the outbox tries to send a notice.
const noticeLife = 24 * time.Hour

// The default texts (Cognito: notification messages).
const (
	subjectBlocked = "Blocked sign-in attempt"
	subjectNew     = "New sign-in attempt"
	details        = "<p>Time: {login-time}<br>\nDevice: {device-name}<br>\nAddress: {ip-address}<br>\nPlace: {city} {country}</p>\n"
	textBlocked    = "<p>We blocked a sign-in to your account {username}, because it was unusual.</p>\n" + details + textAdvice
	textNew        = "<p>There was an unusual sign-in to your account {username}.</p>\n" + details + textAdvice
	textAdvice     = "<p>If it was not you, change your password.</p>\n"
	// textLinks follows a default text if the pool has a domain.
	textLinks = "<p>Was it you? <a href=\"{one-click-link-valid}\">Yes, it was me</a> or <a href=\"{one-click-link-invalid}\">No, it was not me</a></p>\n"
)

// links returns the links by which the user says that it was them, or was not. They are "" in a pool without a domain.
func (e *Event) links(token string) (valid, invalid string) {
	base := e.service.deps.DomainBase(e.in.Pool)
	l := FeedbackLink{PoolID: e.in.Pool.ID, Username: e.in.Recipient.Username, EventID: e.in.EventID, Token: token, Value: idp.FeedbackValueTypeValid}
	valid = l.URL(base)
	l.Value = idp.FeedbackValueTypeInvalid
	return valid, l.URL(base)
}

// notify puts the message about the sign-in into the outbox of the transaction, if the configuration asks for one and the
// user has a verified address.
func (e *Event) notify(ctx context.Context, tx *store.Tx) error {
	if e.Verdict.Notify == "" { // Nor has an event that was read a verdict.
		return nil
	}
	config := e.settings.Notify
	if config == nil || e.in.Email == "" || e.service.deps.Mail == nil {
		return nil
	}
	token, err := e.service.NewFeedbackToken(e.in.Pool.ID, e.in.UserID, e.in.EventID)
	if err != nil {
		return err
	}
	begun := keys.TimeOfUUID(e.in.EventID)
	valid, invalid := e.links(token)
	n := mailing.Notice{
		To: e.in.Email, From: api.Val(config.From), ReplyTo: api.Val(config.ReplyTo), ClientID: e.in.Client.ID, ExpiresAt: e.service.now().Add(noticeLife), Token: token,
		Values: map[string]string{
			"username": e.in.Recipient.DisplayName, "ip-address": e.doc.Address, "city": e.doc.City, "country": e.doc.Country,
			"login-time": begun.Format(time.UnixDate), "device-name": e.doc.Device, "event-id": e.in.EventID, "feedback-token": token,
			"one-click-link-valid": valid, "one-click-link-invalid": invalid,
		},
		Attributes: map[string]string{
			"EVENT_ID": e.in.EventID, "USER_NAME": e.in.Recipient.Username, "IP_ADDRESS": e.doc.Address, "ACCOUNT_TAKE_OVER_ACTION": string(e.Verdict.Notify),
			"LOGIN_TIME": begun.Format(time.UnixDate), "FEEDBACK_TOKEN": token, "ONE_CLICK_LINK_VALID": valid, "ONE_CLICK_LINK_INVALID": invalid,
		},
	}
	for name, value := range map[string]string{"CITY": e.doc.City, "COUNTRY": e.doc.Country, "DEVICE_NAME": e.doc.Device} {
		if value != "" {
			n.Attributes[name] = value
		}
	}
	setTexts(&n, e.Verdict.Notify, config, valid != "")
	return e.service.deps.Mail.EnqueueNotice(ctx, tx, e.in.Pool, e.in.Recipient, n)
}

// setTexts sets the templates of an action: those of the configuration, or the defaults.
func setTexts(n *mailing.Notice, action idp.AccountTakeoverEventActionType, config *idp.NotifyConfigurationType, withLinks bool) {
	own, subject, text := config.MfaEmail, subjectNew, textNew
	switch action {
	case idp.AccountTakeoverEventActionTypeBlock:
		own, subject, text = config.BlockEmail, subjectBlocked, textBlocked
	case idp.AccountTakeoverEventActionTypeNoAction:
		own = config.NoActionEmail
	}
	if withLinks {
		text += textLinks
	}
	if own == nil {
		n.Subject, n.HTML = subject, text
		return
	}
	n.Subject, n.HTML, n.Text = cmp.Or(own.Subject, subject), api.Val(own.HtmlBody), api.Val(own.TextBody)
	if n.HTML == "" && n.Text == "" {
		n.HTML = text
	}
}
