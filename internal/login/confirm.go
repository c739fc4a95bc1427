package login

import (
	"net/http"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
)

// sentView is what a page for a code that was sent shows.
type sentView struct {
	Lead      string
	Username  string
	Fields    []Field
	Passwords []Field
	Rules     []rule
	ByLink    bool
}

// sentLead says where the code of the page's state went.
func (v *visit) sentLead() string {
	if v.state.Destination == "" {
		return v.text.T("code.sentBefore")
	}
	return v.text.T("code.sent", v.state.Destination)
}

// awaitConfirmation redirects to the page that waits for a new user's code or link.
func (v *visit) awaitConfirmation(name string, to *idp.CodeDeliveryDetailsType) error {
	return v.goTo(pathConfirm, &pageState{Username: name, Destination: api.Val(to.Destination), ByLink: v.byLink(to)})
}

// byLink reports whether the message to a new user has a link in place of a code.
func (v *visit) byLink(to *idp.CodeDeliveryDetailsType) bool {
	return v.site.Pool.ConfirmsByLink() && to.DeliveryMedium == idp.DeliveryMediumTypeEmail
}

func (v *visit) showConfirm() (any, error) {
	if v.state.ByLink {
		lead := v.text.T("confirm.linkSentBefore")
		if v.state.Destination != "" {
			lead = v.text.T("confirm.linkSent", v.state.Destination)
		}
		return sentView{Lead: lead, Username: v.state.Username, ByLink: true}, nil
	}
	return sentView{Lead: v.sentLead(), Username: v.state.Username, Fields: []Field{v.codeField("code")}}, nil
}

// submitConfirm confirms the user and signs in.
func (v *visit) submitConfirm() error {
	code := v.code("code")
	if code == "" {
		return errMissing
	}
	session, err := v.deps.Registrations.ConfirmSignUpOnPage(v.r.Context(), v.site.Pool, v.request.Client, v.state.Username, code, v.contextData())
	if err != nil {
		return err
	}
	if err := v.followSignUp(v.state.Username, session); err != nil {
		// The user is confirmed, and the code is used: what is left is to sign in.
		_, _ = v.note(err)
		v.startAgain(noticeConfirmed)
	}
	return nil
}

// resendConfirmation sends another confirmation code.
func (v *visit) resendConfirmation() error {
	to, err := v.deps.Registrations.ResendCodeOnPage(v.r.Context(), v.site.Pool, v.request.Client, v.state.Username, v.contextData())
	if err != nil {
		return err
	}
	if v.byLink(to) {
		v.notify(noticeLinkSent)
	} else {
		v.notify(noticeCodeSent)
	}
	return v.awaitConfirmation(v.state.Username, to)
}

// serveConfirmUser is /confirmUser, the link of a mail that confirms a user.
func (s *Service) serveConfirmUser(w http.ResponseWriter, r *http.Request) {
	oauth.SecureHeaders(w, r)
	contentPolicy(w, "")
	v := &visit{Service: s, w: w, r: r, site: oauth.SiteOf(r.Context())}
	v.text = chooseLanguage(w, r, v.site)
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	err := v.confirmByLink()
	if err != nil {
		_, _ = v.note(err)
	}
	s.writeConfirmed(w, r, v.text, err == nil)
}

// writeConfirmed writes the page to which a confirmation link leads. ok is false for a link
// that is not valid.
func (s *Service) writeConfirmed(w http.ResponseWriter, r *http.Request, l texts.Language, ok bool) {
	site := oauth.SiteOf(r.Context())
	out := newView(r, site, l, pathConfirmUser)
	out.Look = s.lookOf(r.Context(), site, r.URL.Query().Get("client_id"))
	status := http.StatusOK
	if !ok {
		out.Error, status = l.T("confirm.linkFailed"), http.StatusBadRequest
	}
	write(w, r, status, "confirmed.html", out)
}

func (v *visit) confirmByLink() error {
	q := v.r.URL.Query()
	name, code := q.Get("user_name"), q.Get("confirmation_code")
	if name == "" || code == "" || !utf8.ValidString(name+code) {
		return idp.InvalidParameterException("Required parameters missing")
	}
	client, err := v.site.Pool.Client(v.r.Context(), q.Get("client_id"))
	if err != nil {
		return err
	}
	audit.From(v.r.Context()).SetClient(v.site.Pool.ID, client.ID)
	return v.deps.Registrations.ConfirmByLink(v.r.Context(), v.site.Pool, client, name, code)
}
