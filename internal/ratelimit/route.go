package ratelimit

import (
	"context"
	"net/http"
	"time"

	"cognate/internal/audit"
)

// A route is a path of a domain, in lower case, as its limits see it.
type route struct {
	group    Group
	category string
	kind     audit.AttemptKind
	// get: GET requests also count for the group and the category, not only for
	// Requests.
	get bool
}

// routes are the paths that count for more than Requests.
var routes = map[string]route{
	"/login":                 {category: "UserAuthentication", kind: audit.SignIn},
	"/oauth2/login":          {category: "UserAuthentication", kind: audit.SignIn},
	"/verifypassword":        {category: "UserAuthentication", kind: audit.SignIn},
	"/login/choose":          {category: "UserAuthentication", kind: audit.SignIn},
	"/login/passkey":         {category: "UserAuthentication", kind: audit.SignIn},
	"/mfa":                   {category: "UserAuthentication", kind: audit.SignIn},
	"/mfa/resend":            {group: Codes, category: "UserAuthentication", kind: audit.SignIn},
	"/mfa/address":           {group: Messages, category: "UserAuthentication", kind: audit.SignIn},
	"/changepassword":        {category: "UserAccountRecovery"},
	"/forgotpassword":        {group: Messages, category: "UserAccountRecovery"},
	"/confirmforgotpassword": {group: Codes, category: "UserAccountRecovery"},
	"/signup":                {group: Messages, category: "UserCreation", kind: audit.SignUp},
	"/confirm":               {group: Codes, category: "UserCreation"},
	"/confirmuser":           {group: Codes, category: "UserCreation", get: true},
	"/eventfeedback":         {group: Codes, category: "UserResourceUpdate", get: true},
	"/resendcode":            {group: Messages, category: "UserResourceRead"},
	"/oauth2/register":       {group: Messages},
	"/oauth2/userinfo":       {category: "UserRead", get: true},
	"/oauth2/revoke":         {category: "UserToken"},
	"/oauth2/idpresponse":    {category: "UserFederation", kind: audit.Federation, get: true},
	"/saml2/idpresponse":     {category: "UserFederation", kind: audit.Federation},
}

// Route counts a request to a path of a domain. It returns how long the client has to
// wait, 0 if the request is within the limits.
func (s *Service) Route(r *http.Request, path, poolID string) (wait time.Duration) {
	to := routes[path]
	ctx := context.WithValue(r.Context(), routeKey{}, routeOf{to.kind, poolID})
	if wait := s.byAddress(ctx, Requests); wait > 0 {
		return wait
	}
	counts := to.get || r.Method != http.MethodGet && r.Method != http.MethodHead
	if counts && to.group != "" {
		if wait := s.byAddress(ctx, to.group); wait > 0 {
			return wait
		}
	}
	if s.deps.Settings.Categories {
		if wait := s.refuse(ctx, "one domain", s.deps.Rates.Allow(s.deps.Rates.Key("domain", poolID), everySecond(perDomain))); wait > 0 {
			return wait
		}
	}
	if counts && to.category != "" {
		return s.useOf(ctx, to.category)
	}
	return 0
}

// Grant counts a request of an app client that the token endpoint answers.
func (s *Service) Grant(ctx context.Context, clientID string, credentials bool) (wait time.Duration) {
	name := "UserAuthentication"
	if credentials {
		name = "ClientAuthentication"
	}
	if s.deps.Settings.Categories {
		if wait := s.refuse(ctx, "one app client", s.deps.Rates.Allow(s.deps.Rates.Key("app client", clientID), everySecond(perClient))); wait > 0 {
			return wait
		}
	}
	return s.useOf(ctx, name)
}

// useOf counts a request of a category.
func (s *Service) useOf(ctx context.Context, category string) (wait time.Duration) {
	s.deps.Metrics.Called(category)
	return s.use(ctx, s.categories[category])
}
