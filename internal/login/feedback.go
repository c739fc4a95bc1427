package login

import (
	"html/template"
	"net/http"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
	"cognate/internal/protection"
)

// A feedbackView is the view of the page that the links of notices about sign-ins open.
type feedbackView struct {
	Title, Lead string
	// Action is the button of a page that asks. Other is the label of the link to the opposite answer, and OtherQuery its
	// query string.
	Action, Other string
	OtherQuery    template.URL
	Facts         []feedbackFact
}

// A feedbackFact is something that the person may recognize.
type feedbackFact struct{ Label, Value string }

// askFeedback returns the view that asks the person to confirm the answer of a link.
func askFeedback(l texts.Language, link protection.FeedbackLink, in protection.LinkedSignIn) *feedbackView {
	out := &feedbackView{Title: l.T("feedback.title"), OtherQuery: template.URL(link.OppositeQuery())} //nolint:gosec // its parts are escaped
	out.Lead, out.Action, out.Other = l.T("feedback.leadValid"), l.T("feedback.valid"), l.T("feedback.invalid")
	if link.Value == idp.FeedbackValueTypeInvalid {
		out.Lead, out.Action, out.Other = l.T("feedback.leadInvalid"), out.Other, out.Action
	}
	place := in.City
	if place != "" && in.Country != "" {
		place += ", "
	}
	for _, f := range []feedbackFact{
		{"feedback.time", in.At.UTC().Format("2006-01-02 15:04 UTC")}, {"feedback.device", in.Device}, {"feedback.place", place + in.Country},
	} {
		if f.Value != "" {
			out.Facts = append(out.Facts, feedbackFact{l.T(f.Label), f.Value})
		}
	}
	return out
}

// thankForFeedback returns the view after an answer.
func thankForFeedback(l texts.Language, value idp.FeedbackValueType, signedOut bool) *feedbackView {
	out := &feedbackView{Title: l.T("feedback.thanks")}
	switch {
	case value == idp.FeedbackValueTypeValid:
		out.Lead = l.T("feedback.doneValid")
	case signedOut:
		out.Lead = l.T("feedback.doneSignedOut")
	default:
		out.Lead = l.T("feedback.doneInvalid")
	}
	return out
}

// failedFeedback returns the view for a link that is not valid.
func failedFeedback(l texts.Language) *feedbackView {
	return &feedbackView{Title: l.T("feedback.title")}
}

// serveFeedback handles /eventFeedback, to which the links of notices about sign-ins lead. A GET shows a button and changes nothing:
// programs that scan mail open links. A POST answers.
func (s *Service) serveFeedback(w http.ResponseWriter, r *http.Request) {
	oauth.SecureHeaders(w, r)
	contentPolicy(w, "")
	v := &visit{Service: s, w: w, r: r, site: oauth.SiteOf(r.Context())}
	v.text = chooseLanguage(w, r, v.site)
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err := v.feedback(); err != nil {
		v.refuseFeedback(err)
	}
}

// feedback checks the link, then shows the question or stores the answer. It returns an error for a
// link that is not valid.
func (v *visit) feedback() error {
	link, ok := protection.ParseFeedbackLink(v.r.URL.Query())
	if !ok {
		return idp.InvalidParameterException("The link is not complete.").WithReason(api.ReasonInvalidRequest)
	}
	in, err := v.deps.AuthEvents.Linked(v.r.Context(), v.site.Pool, link)
	if err != nil {
		return err
	}
	event := audit.From(v.r.Context())
	event.SetClient(v.site.Pool.ID, in.ClientID)
	event.SetUser(in.UserID)
	if in.Answered { // Somebody has loaded the page again.
		v.writeFeedback(http.StatusOK, in.ClientID, thankForFeedback(v.text, link.Value, v.deps.AuthEvents.SignsOut(link.Value)))
		return nil
	}
	if v.r.Method != http.MethodPost {
		v.writeFeedback(http.StatusOK, in.ClientID, askFeedback(v.text, link, in))
		return nil
	}
	if valid := v.readForm() == nil && v.checkOrigin() && v.checkCSRF(); !valid {
		event.SetReason(api.ReasonInvalidRequest)
		v.failure = v.text.T("feedback.again")
		v.writeFeedback(http.StatusBadRequest, in.ClientID, askFeedback(v.text, link, in))
		return nil
	}
	signedOut, err := v.deps.AuthEvents.Follow(v.r.Context(), v.site.Pool, link)
	if err != nil { // Of somebody who presses the button twice, the browser shows the second answer.
		again, linkErr := v.deps.AuthEvents.Linked(v.r.Context(), v.site.Pool, link)
		if linkErr != nil || !again.Answered {
			return err
		}
		signedOut = v.deps.AuthEvents.SignsOut(link.Value)
	}
	v.writeFeedback(http.StatusOK, in.ClientID, thankForFeedback(v.text, link.Value, signedOut))
	return nil
}

// refuseFeedback writes the one page for links that are not valid. It does not say why, so that it tells nobody who exists.
func (v *visit) refuseFeedback(err error) {
	if _, known := v.note(err); !known {
		v.deps.OAuth.Refuse(v.w, v.r, err)
		return
	}
	v.failure = v.text.T("feedback.linkFailed")
	v.writeFeedback(http.StatusBadRequest, "", failedFeedback(v.text))
}

// writeFeedback writes the page, with the look of an app client.
func (v *visit) writeFeedback(status int, clientID string, shown *feedbackView) {
	out := newView(v.r, v.site, v.text, protection.FeedbackPath)
	out.Look = v.lookOf(v.r.Context(), v.site, clientID)
	out.Page, out.Error, out.Query = shown, v.failure, template.URL(v.query()) //nolint:gosec // html/template still escapes it for its attribute
	if shown.Action != "" {
		out.CSRF = v.token()
	}
	write(v.w, v.r, status, "feedback.html", out)
}
