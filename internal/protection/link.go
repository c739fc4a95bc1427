package protection

import (
	"net/url"
	"regexp"

	"cognate/internal/api/idp"
)

// FeedbackPath is the path, below the domain of a pool, of the page on which a person says whether a sign-in was theirs.
const FeedbackPath = "/eventFeedback"

// A FeedbackLink is a link of a notice. It says which event it is about, and what the person says by it.
type FeedbackLink struct {
	PoolID, Username, EventID, Token string
	Value                            idp.FeedbackValueType
}

// Names of the parameters of a link.
const (
	linkPool     = "userPoolId"
	linkUsername = "userName"
	linkEvent    = "eventId"
	linkToken    = "feedbackToken"
	linkValue    = "feedbackValue"
)

// URL returns the link below the base URL of a domain. It is "" for a pool without a domain.
func (l FeedbackLink) URL(base string) string {
	if base == "" {
		return ""
	}
	return base + FeedbackPath + "?" + l.query()
}

func (l FeedbackLink) query() string {
	return linkPool + "=" + url.QueryEscape(l.PoolID) + "&" + linkUsername + "=" + url.QueryEscape(l.Username) + "&" + linkEvent + "=" + url.QueryEscape(l.EventID) +
		"&" + linkToken + "=" + url.QueryEscape(l.Token) + "&" + linkValue + "=" + string(l.Value)
}

// OppositeQuery returns the query string of the link that says the opposite.
func (l FeedbackLink) OppositeQuery() string {
	if l.Value == idp.FeedbackValueTypeValid {
		l.Value = idp.FeedbackValueTypeInvalid
	} else {
		l.Value = idp.FeedbackValueTypeValid
	}
	return l.query()
}

// linkForms are the forms of the values of a link (Cognito: UpdateAuthEventFeedback). The longest token that the server
// makes is far shorter than the limit of its length.
var linkForms = map[string]*regexp.Regexp{
	linkPool:     regexp.MustCompile(`^[\w-]{1,55}$`),
	linkUsername: regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$`),
	linkEvent:    regexp.MustCompile(`^[\w+-]{1,50}$`),
	linkToken:    regexp.MustCompile(`^[A-Za-z0-9_=.-]{1,1000}$`),
	linkValue:    regexp.MustCompile(`^(Valid|Invalid)$`),
}

// ParseFeedbackLink reads the parameters of a request. It reports whether each parameter of a link is there once, and has
// the right form. Other parameters, such as that of the page's language, do not matter.
func ParseFeedbackLink(q url.Values) (l FeedbackLink, ok bool) {
	for name, form := range linkForms {
		if v := q[name]; len(v) != 1 || !form.MatchString(v[0]) {
			return FeedbackLink{}, false
		}
	}
	return FeedbackLink{
		PoolID: q.Get(linkPool), Username: q.Get(linkUsername), EventID: q.Get(linkEvent), Token: q.Get(linkToken),
		Value: idp.FeedbackValueType(q.Get(linkValue)),
	}, true
}
