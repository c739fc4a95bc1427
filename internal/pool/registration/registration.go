// Package registration has the rules for app clients that register themselves (RFC 7591):
// what a pool's DcrConfiguration permits, and which settings the client gets. The rules are
// pure functions, without store and HTTP.
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

// Complete returns a DcrConfiguration with defaults for the members that it leaves out. An
// empty list of grants stays empty: it refuses every grant.
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

// CheckSettings rejects a DcrConfiguration whose clients could register other clients.
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
	// Scopes are the scopes that the client asks for; nil: the default scopes.
	Scopes       []string
	Confidential bool
	// Open is true for a caller without a token. Its registrations are counted by Address.
	Open    bool
	Address string
}

// Settings returns the settings of the client, without its identity providers. The client
// signs people in only by the login pages, and hides whether users exist. rules are nil
// while the pool registers no clients.
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

// scopesOf returns the client's scopes. A client for machines has custom scopes only.
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

// CheckURLs rejects redirect URIs that only an administrator may set. People can take the
// user part of a URL for its host. A wildcard is not a host.
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

// Name returns the name with "-" for the characters that an app client's name cannot have, and
// at most 128 characters long (Cognito: ClientName). An empty name is replaced.
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
