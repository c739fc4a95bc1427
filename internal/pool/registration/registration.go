// Package registration has the rules for app clients that register themselves (RFC 7591):
// what a pool's DcrConfiguration permits, and the settings that such a client gets. They
// are pure functions. It knows no store and no HTTP.
package registration

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

// Scope is the system scope that lets its holder register app clients. It belongs
// to no resource server, and registered clients cannot have it.
const Scope = "aws.cognito/dcr/register"

// Complete fills in what a DcrConfiguration leaves out. An empty list of
// grants is a list: it refuses every grant.
func Complete(in *idp.DcrConfigurationType) *idp.DcrConfigurationType {
	c := *in
	if c.EnableStatus == "" {
		c.EnableStatus = idp.StatusTypeEnabled
	}
	c.OpenDcrEnabled = new(api.Val(c.OpenDcrEnabled))
	if c.AuthenticatedGrantTypes == nil {
		c.AuthenticatedGrantTypes = []idp.OAuthFlowType{idp.OAuthFlowTypeCode, idp.OAuthFlowTypeClientCredentials}
	}
	if c.OpenDcrGrantTypes == nil {
		c.OpenDcrGrantTypes = []idp.OAuthFlowType{idp.OAuthFlowTypeCode}
	}
	return &c
}

// CheckSettings rejects a DcrConfiguration whose clients could register others.
func CheckSettings(c *idp.DcrConfigurationType) error {
	if c != nil && slices.Contains(c.AllowedScopes, Scope) {
		return idp.InvalidParameterException("AllowedScopes can not contain " + Scope + ".")
	}
	return nil
}

// An Error rejects the metadata of a client that is to be registered.
type Error struct {
	Text string
	// Redirect is true where a redirect URI is the fault.
	Redirect bool
}

// Error returns the text for the caller.
func (e *Error) Error() string { return e.Text }

// Request is a client that asks to be registered (RFC 7591 §2).
type Request struct {
	Name string
	// Grant is code or client_credentials.
	Grant        idp.OAuthFlowType
	CallbackURLs []string
	// Scopes are the scopes that it asks for; nil: the default ones.
	Scopes       []string
	Confidential bool
	// Open is true for a caller without a token, who counts by Address.
	Open    bool
	Address string
}

// Settings returns the settings of the client, but for its identity providers. The client
// signs people in by the login pages alone, and hides who exists. rules are nil while the
// pool registers no clients.
func Settings(rules *idp.DcrConfigurationType, in *Request) (*idp.UpdateUserPoolClientRequest, error) {
	if rules == nil || in.Open && !api.Val(rules.OpenDcrEnabled) {
		return nil, &Error{Text: "The user pool does not register clients."}
	}
	grants := rules.AuthenticatedGrantTypes
	if in.Open {
		grants = rules.OpenDcrGrantTypes
	}
	if in.Grant == idp.OAuthFlowTypeImplicit || !slices.Contains(grants, in.Grant) {
		return nil, &Error{Text: "The user pool does not register clients for this grant type."}
	}
	scopes, err := scopesOf(rules, in)
	if err != nil {
		return nil, err
	}
	return &idp.UpdateUserPoolClientRequest{
		AllowedOAuthFlowsUserPoolClient: new(true), AllowedOAuthFlows: []idp.OAuthFlowType{in.Grant}, AllowedOAuthScopes: scopes,
		CallbackURLs: in.CallbackURLs, PreventUserExistenceErrors: idp.PreventUserExistenceErrorTypesEnabled,
		ExplicitAuthFlows: []idp.ExplicitAuthFlowsType{idp.ExplicitAuthFlowsTypeAllowRefreshTokenAuth},
	}, nil
}

// maxClientScopes is the most scopes of a client (Cognito: AllowedOAuthScopes).
const maxClientScopes = 50

// scopesOf returns the client's scopes. A client without people has custom scopes
// alone.
func scopesOf(rules *idp.DcrConfigurationType, in *Request) ([]string, error) {
	allowed := slices.DeleteFunc(slices.Clone(rules.AllowedScopes), func(s string) bool { return s == Scope })
	scopes := in.Scopes
	switch machine := in.Grant == idp.OAuthFlowTypeClientCredentials; {
	case machine:
		allowed = slices.DeleteFunc(allowed, isStandard)
		if scopes == nil {
			scopes = allowed
		}
	default:
		standard := []string{"openid", "email", "phone", "profile"}
		allowed = append(allowed, standard...)
		if scopes == nil {
			scopes = standard
		}
	}
	if len(scopes) == 0 {
		return nil, &Error{Text: "The user pool has no scopes for this client."}
	}
	var granted []string
	for _, scope := range scopes {
		if !slices.Contains(allowed, scope) {
			return nil, &Error{Text: "The scope is not available to registered clients."}
		}
		if !slices.Contains(granted, scope) {
			granted = append(granted, scope)
		}
	}
	if len(granted) > maxClientScopes {
		return nil, &Error{Text: fmt.Sprintf("A client can not have more than %d scopes.", maxClientScopes)}
	}
	return granted, nil
}

// isStandard reports whether every pool has the scope: custom scopes have a slash.
func isStandard(scope string) bool { return !strings.Contains(scope, "/") }

const (
	maxCallbacks      = 100
	maxCallbackLength = 1024
)

var urlCharacters = regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$`)

// CheckURLs checks the redirect URIs of a caller who is no administrator. Browsers
// show the user part of a URL in the place of the host, and a host with a wildcard is none.
func CheckURLs(in *Request, isRedirectURL func(string) bool) error {
	refuse := func(text string) error { return &Error{Text: text, Redirect: true} }
	switch n := len(in.CallbackURLs); {
	case n > maxCallbacks:
		return refuse(fmt.Sprintf("A client can not have more than %d redirect URIs.", maxCallbacks))
	case n == 0 && in.Grant == idp.OAuthFlowTypeCode:
		return refuse("redirect_uris is required.")
	}
	for _, raw := range in.CallbackURLs {
		u, err := url.Parse(raw)
		if err != nil || utf8.RuneCountInString(raw) > maxCallbackLength || !urlCharacters.MatchString(raw) || !isRedirectURL(raw) ||
			u.User != nil || strings.Contains(u.Host, "*") || u.Opaque != "" && u.Scheme == "https" {
			return refuse("A redirect URI must be an absolute URL without fragment, with https, an app's own scheme, or http on localhost.")
		}
	}
	return nil
}

var notNameCharacters = regexp.MustCompile(`[^\w\s+=,.@-]`)

// Name returns a name that app clients can have (Cognito: ClientName).
func Name(name, id string) string {
	const most = 128
	name = notNameCharacters.ReplaceAllString(name, "-")
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most])
	}
	if name == "" {
		return "dcr-" + id[:8]
	}
	return name
}
