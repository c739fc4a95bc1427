package login

// noticeCookie names a text for the next page to show once.
const noticeCookie = "page-notice"

// Notices. A cookie selects among these and no others.
const (
	noticeConfirmed       = "notice.confirmed"
	noticeCodeSent        = "notice.codeSent"
	noticeLinkSent        = "notice.linkSent"
	noticeExpired         = "notice.expired"
	noticePasswordChanged = "notice.passwordChanged"
)

// notices reports of each notice whether it is good news.
var notices = map[string]bool{noticeConfirmed: true, noticeCodeSent: true, noticeLinkSent: true, noticeExpired: false, noticePasswordChanged: true}

// notify leaves a notice for the next page.
func (v *visit) notify(key string) { v.setCookie(noticeCookie, key, 60) }

// takeNotice returns the notice of the page before, "" if there is none.
func (v *visit) takeNotice() string {
	c, err := v.r.Cookie(noticeCookie)
	if err != nil {
		return ""
	}
	v.setCookie(noticeCookie, "", -1)
	if _, ok := notices[c.Value]; !ok {
		return ""
	}
	return c.Value
}

// startAgain sends the browser to the sign-in page, with a notice.
func (v *visit) startAgain(notice string) {
	v.notify(notice)
	v.redirect(v.link("/login"))
}
