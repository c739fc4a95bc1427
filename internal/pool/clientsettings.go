package pool

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool/registration"
	"cognate/internal/pool/schema"
	"cognate/internal/store"
)

const (
	defaultRefreshDays    = 30
	defaultSessionMinutes = 3
)

// clientUpdateOf returns the members of a creation that an update has too.
func clientUpdateOf(in *idp.CreateUserPoolClientRequest) *idp.UpdateUserPoolClientRequest {
	return &idp.UpdateUserPoolClientRequest{
		UserPoolId: in.UserPoolId, RefreshTokenValidity: in.RefreshTokenValidity,
		AccessTokenValidity: in.AccessTokenValidity, IdTokenValidity: in.IdTokenValidity, TokenValidityUnits: in.TokenValidityUnits,
		ReadAttributes: in.ReadAttributes, WriteAttributes: in.WriteAttributes, ExplicitAuthFlows: in.ExplicitAuthFlows,
		SupportedIdentityProviders: in.SupportedIdentityProviders, CallbackURLs: in.CallbackURLs, LogoutURLs: in.LogoutURLs,
		DefaultRedirectURI: in.DefaultRedirectURI, AllowedOAuthFlows: in.AllowedOAuthFlows, AllowedOAuthScopes: in.AllowedOAuthScopes,
		AllowedOAuthFlowsUserPoolClient: in.AllowedOAuthFlowsUserPoolClient, AnalyticsConfiguration: in.AnalyticsConfiguration,
		PreventUserExistenceErrors: in.PreventUserExistenceErrors, EnableTokenRevocation: in.EnableTokenRevocation,
		EnablePropagateAdditionalUserContextData: in.EnablePropagateAdditionalUserContextData,
		AuthSessionValidity:                      in.AuthSessionValidity, RefreshTokenRotation: in.RefreshTokenRotation,
	}
}

// newClientConfig returns a client's settings after an update of old. Members that the
// request leaves out return to their default. But token revocation keeps its value, and
// rotation is shown for ever once it was set. For a new client, old is empty.
func newClientConfig(in *idp.UpdateUserPoolClientRequest, old *idp.UserPoolClientType) idp.UserPoolClientType {
	c := idp.UserPoolClientType{
		RefreshTokenValidity: in.RefreshTokenValidity, AccessTokenValidity: in.AccessTokenValidity, IdTokenValidity: in.IdTokenValidity,
		TokenValidityUnits: completeUnits(in.TokenValidityUnits),
		ReadAttributes:     distinct(in.ReadAttributes), WriteAttributes: distinct(in.WriteAttributes),
		ExplicitAuthFlows: distinct(in.ExplicitAuthFlows), SupportedIdentityProviders: distinct(in.SupportedIdentityProviders),
		CallbackURLs: distinct(in.CallbackURLs), LogoutURLs: distinct(in.LogoutURLs), DefaultRedirectURI: in.DefaultRedirectURI,
		AllowedOAuthFlows: distinct(in.AllowedOAuthFlows), AllowedOAuthScopes: distinct(in.AllowedOAuthScopes),
		AllowedOAuthFlowsUserPoolClient:          new(api.Val(in.AllowedOAuthFlowsUserPoolClient)),
		AnalyticsConfiguration:                   in.AnalyticsConfiguration,
		PreventUserExistenceErrors:               in.PreventUserExistenceErrors,
		EnableTokenRevocation:                    in.EnableTokenRevocation,
		EnablePropagateAdditionalUserContextData: new(api.Val(in.EnablePropagateAdditionalUserContextData)),
		AuthSessionValidity:                      in.AuthSessionValidity,
		RefreshTokenRotation:                     in.RefreshTokenRotation,
		ClientType:                               old.ClientType,
	}
	if api.Val(c.RefreshTokenValidity) == 0 {
		// 30 days, in whatever unit the client counts.
		c.RefreshTokenValidity = new(int32(defaultRefresh / unit(c.TokenValidityUnits.RefreshToken, defaultRefresh/defaultRefreshDays)))
	}
	if c.EnableTokenRevocation == nil {
		c.EnableTokenRevocation = old.EnableTokenRevocation
	}
	if c.EnableTokenRevocation == nil {
		c.EnableTokenRevocation = new(true)
	}
	if c.AuthSessionValidity == nil {
		c.AuthSessionValidity = new(int32(defaultSessionMinutes))
	}
	switch r := c.RefreshTokenRotation; {
	case r != nil:
		c.RefreshTokenRotation = &idp.RefreshTokenRotationType{Feature: r.Feature, RetryGracePeriodSeconds: new(api.Val(r.RetryGracePeriodSeconds))}
	case old.RefreshTokenRotation != nil:
		c.RefreshTokenRotation = &idp.RefreshTokenRotationType{Feature: idp.FeatureTypeDisabled, RetryGracePeriodSeconds: new(int32(0))}
	}
	return c
}

// completeUnits returns all three units if one of them was sent, else none.
func completeUnits(u *idp.TokenValidityUnitsType) *idp.TokenValidityUnitsType {
	if u == nil || *u == (idp.TokenValidityUnitsType{}) {
		return &idp.TokenValidityUnitsType{}
	}
	filled := *u
	for _, f := range []struct {
		unit   *idp.TimeUnitsType
		absent idp.TimeUnitsType
	}{
		{&filled.AccessToken, idp.TimeUnitsTypeHours},
		{&filled.IdToken, idp.TimeUnitsTypeHours},
		{&filled.RefreshToken, idp.TimeUnitsTypeDays},
	} {
		if *f.unit == "" {
			*f.unit = f.absent
		}
	}
	return &filled
}

// clientCheck is what a client's settings are checked against.
type clientCheck struct {
	tx           *store.Tx
	pool         *store.Pool
	settings     *settings
	confidential bool
	// verb is part of some error texts: "creating" or "updating".
	verb string
}

// check rejects settings of a client that contradict each other or the pool.
func (k *clientCheck) check(ctx context.Context, c *idp.UserPoolClientType) error {
	if err := checkLifetimes(c); err != nil {
		return err
	}
	if err := checkFlows(c, k.settings.Config.UserPoolTier); err != nil {
		return err
	}
	if slices.Contains(c.ExplicitAuthFlows, idp.ExplicitAuthFlowsTypeAllowClientTokenAuth) && !k.confidential {
		return invalid("ALLOW_CLIENT_TOKEN_AUTH requires a client secret.")
	}
	if api.Val(c.EnablePropagateAdditionalUserContextData) && !k.confidential {
		return invalid("EnablePropagateAdditionalUserContextData requires a client secret.")
	}
	if err := k.checkAttributes(c); err != nil {
		return err
	}
	if err := k.checkProviders(ctx, c); err != nil {
		return err
	}
	if err := checkURLs(c); err != nil {
		return err
	}
	if err := k.checkOAuth(c); err != nil {
		return err
	}
	return k.checkOAuthScopes(ctx, c)
}

// checkLifetimes checks the lifetimes of tokens against Cognito's ranges, in seconds.
func checkLifetimes(c *idp.UserPoolClientType) error {
	const (
		minute, hour, day = 60, 3600, 86400
		longestRefresh    = 315360000
	)
	u := c.TokenValidityUnits
	seconds := func(n *int32, name idp.TimeUnitsType, absent, normal int64) int64 {
		if api.Val(n) == 0 {
			return normal
		}
		per := absent
		switch name {
		case idp.TimeUnitsTypeSeconds:
			per = 1
		case idp.TimeUnitsTypeMinutes:
			per = minute
		case idp.TimeUnitsTypeHours:
			per = hour
		case idp.TimeUnitsTypeDays:
			per = day
		}
		return int64(*n) * per
	}
	refresh := seconds(c.RefreshTokenValidity, u.RefreshToken, day, defaultRefreshDays*day)
	access := seconds(c.AccessTokenValidity, u.AccessToken, hour, hour)
	id := seconds(c.IdTokenValidity, u.IdToken, hour, hour)
	if refresh < hour || refresh > longestRefresh ||
		access < 5*minute || access > day || id < 5*minute || id > day || max(access, id) > refresh {
		return invalid("Invalid range for token validity.")
	}
	return nil
}

// checkFlows checks the flows, and rotation, which excludes one of them.
func checkFlows(c *idp.UserPoolClientType, tier idp.UserPoolTierType) error {
	modern, legacy := 0, 0
	for _, f := range c.ExplicitAuthFlows {
		if _, ok := modernFlows[f]; ok {
			modern++
		} else {
			legacy++
		}
	}
	has := func(f idp.ExplicitAuthFlowsType) bool { return slices.Contains(c.ExplicitAuthFlows, f) }
	rotation := c.RefreshTokenRotation != nil && c.RefreshTokenRotation.Feature == idp.FeatureTypeEnabled
	switch {
	case modern > 0 && legacy > 0:
		return invalid("ExplicitAuthFlows can not mix values that begin with ALLOW_ with ADMIN_NO_SRP_AUTH, CUSTOM_AUTH_FLOW_ONLY or USER_PASSWORD_AUTH.")
	case has(idp.ExplicitAuthFlowsTypeAllowClientTokenAuth) && modern > 1:
		return invalid("ALLOW_CLIENT_TOKEN_AUTH can not be combined with other ExplicitAuthFlows.")
	case has(idp.ExplicitAuthFlowsTypeAllowUserAuth) && !includes(tier, featureChoice):
		return unavailable(featureChoice)
	case rotation && has(idp.ExplicitAuthFlowsTypeAllowRefreshTokenAuth):
		return invalid("REFRESH_TOKEN_AUTH cannot be enabled with refresh token rotation.")
	case rotation && !includes(tier, featureRotation):
		return unavailable(featureRotation)
	}
	return nil
}

// checkAttributes checks the lists of readable and writable attributes. A client with a
// list of writable attributes must be able to write those that the pool requires.
func (k *clientCheck) checkAttributes(c *idp.UserPoolClientType) error {
	attributes := schema.New(k.settings.Config.SchemaAttributes)
	for _, name := range c.ReadAttributes {
		if _, ok := attributes.Attribute(name); !ok {
			return invalid("Invalid read attributes specified while " + k.verb + " a client")
		}
	}
	refused := invalid("Invalid write attributes specified while " + k.verb + " a client")
	for _, name := range c.WriteAttributes {
		if _, ok := attributes.Attribute(name); !ok || schema.IsServiceOnly(name) {
			return refused
		}
	}
	if c.WriteAttributes == nil {
		return nil
	}
	for _, name := range attributes.Required() {
		if !slices.Contains(c.WriteAttributes, name) {
			return refused
		}
	}
	return nil
}

// checkProviders checks that the named identity providers exist; COGNITO is the pool itself.
// A client to which people come without a request has SAML providers alone (Cognito:
// IdP-initiated SAML sign-in).
func (k *clientCheck) checkProviders(ctx context.Context, c *idp.UserPoolClientType) error {
	unsolicited, others := false, false
	for _, name := range c.SupportedIdentityProviders {
		if name == "COGNITO" {
			others = true
			continue
		}
		i, err := k.tx.Item(ctx, k.pool.ID, store.KindIdentityProvider, name)
		if errors.Is(err, store.ErrNotFound) {
			return invalid("The provider " + name + " does not exist for User Pool " + k.pool.ID + ".")
		}
		var d struct {
			Type    string
			Details struct{ IDPInit string }
		}
		if err == nil {
			err = json.Unmarshal(i.Doc, &d)
		}
		if err != nil {
			return err
		}
		others = others || d.Type != "SAML"
		unsolicited = unsolicited || strings.EqualFold(d.Details.IDPInit, "true")
	}
	if unsolicited && others {
		return invalid("A client of a SAML provider with IDPInit can have SAML providers only.")
	}
	return nil
}

func checkURLs(c *idp.UserPoolClientType) error {
	for _, list := range []struct {
		name string
		urls []string
	}{{"callback", c.CallbackURLs}, {"logout", c.LogoutURLs}} {
		for _, u := range list.urls {
			switch {
			case isRedirectURL(u):
			case strings.HasPrefix(strings.ToLower(u), "http://"):
				return invalid(u + " cannot use the HTTP protocol.")
			default:
				return invalid("Invalid " + list.name + " URL: " + u + " must be an absolute URL without fragment, with https, an app's own scheme, or http on localhost.")
			}
		}
	}
	if u := c.DefaultRedirectURI; u != nil && !slices.Contains(c.CallbackURLs, *u) {
		return invalid("Default redirect URI must be in the CallbackURLs list")
	}
	return nil
}

// isRedirectURL reports whether browsers may be sent to this address: an https URL, an
// address of the user's machine, or an app's own scheme (RFC 8252 §7). Schemes that run
// code, such as javascript, are no app's own.
func isRedirectURL(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || strings.Contains(raw, "#") {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Hostname() != ""
	case "http":
		host := u.Hostname()
		return host == "localhost" || host == "127.0.0.1" || net.ParseIP(host).Equal(net.IPv6loopback)
	case "javascript", "data", "vbscript", "file", "blob", "about":
		return false
	}
	rest := raw[len(u.Scheme)+1:]
	return strings.HasPrefix(rest, "//") || rest != "" && strings.Contains(u.Scheme, ".")
}

// checkOAuth checks the OAuth grants against each other.
func (k *clientCheck) checkOAuth(c *idp.UserPoolClientType) error {
	flow := func(f idp.OAuthFlowType) bool { return slices.Contains(c.AllowedOAuthFlows, f) }
	people, machine := flow(idp.OAuthFlowTypeCode) || flow(idp.OAuthFlowTypeImplicit), flow(idp.OAuthFlowTypeClientCredentials)
	switch {
	case api.Val(c.AllowedOAuthFlowsUserPoolClient) && (len(c.AllowedOAuthFlows) == 0 || len(c.AllowedOAuthScopes) == 0):
		return invalid("AllowedOAuthFlows and AllowedOAuthScopes are required if user pool client is allowed to use OAuth flows.")
	case machine && people:
		return idp.InvalidOAuthFlowException("client_credentials flow can not be selected along with code flow or implicit flow.")
	case machine && !k.confidential:
		return idp.InvalidOAuthFlowException("client_credentials flow can not be selected if client does not have a client secret.")
	case machine && slices.ContainsFunc(c.AllowedOAuthScopes, func(s string) bool { return standardScopes[s] }):
		return idp.InvalidOAuthFlowException("client_credentials flow can not be selected along with non-custom scopes.")
	case people && len(c.CallbackURLs) == 0:
		return idp.InvalidOAuthFlowException("CallbackUrls can not be empty when code flow or implicit flow is selected")
	}
	return nil
}

// standardScopes are the scopes that every pool has.
var standardScopes = map[string]bool{
	"openid": true, "email": true, "phone": true, "profile": true, "aws.cognito.signin.user.admin": true,
}

// IsStandardScope reports whether every pool has the scope. Other scopes belong to
// resource servers.
func IsStandardScope(scope string) bool { return standardScopes[scope] }

// CustomScopesOf returns the client's scopes that a resource server knows, in the
// client's order. A server may have gone since the client was given its scopes. The scopes
// are as old as a snapshot at most: tokens for machines would read them each time.
func (sn *Snapshot) CustomScopesOf(ctx context.Context, c *Client) ([]string, error) {
	scopes := slices.DeleteFunc(slices.Clone(c.Config.AllowedOAuthScopes), IsStandardScope)
	if len(scopes) == 0 {
		return nil, nil
	}
	known, err := sn.service.scopes.Get(ctx, sn.ID)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(scopes, func(scope string) bool { return !(*known)[scope] }), nil
}

// checkOAuthScopes checks that resource servers know the custom scopes. A server's
// identifier may hold slashes, a scope's name may not.
func (k *clientCheck) checkOAuthScopes(ctx context.Context, c *idp.UserPoolClientType) error {
	scopes := slices.DeleteFunc(slices.Clone(c.AllowedOAuthScopes), IsStandardScope)
	if len(scopes) == 0 {
		return nil
	}
	known, err := customScopes(ctx, &k.tx.Reader, k.pool.ID)
	if err != nil {
		return err
	}
	for _, scope := range scopes {
		if !known[scope] {
			return idp.ScopeDoesNotExistException("Invalid scope requested: " + scope)
		}
	}
	return nil
}

// loadScopes is customScopes for the cache.
func (s *Service) loadScopes(ctx context.Context, poolID string, _ *map[string]bool) (*map[string]bool, error) {
	known, err := customScopes(ctx, &s.deps.Store.Reader, poolID)
	return &known, err
}

// customScopes returns the scopes of a pool's resource servers, as clients name them.
func customScopes(ctx context.Context, r *store.Reader, poolID string) (map[string]bool, error) {
	records, err := r.Items(ctx, poolID, store.KindResourceServer, "", maxResourceServers+1)
	if err != nil {
		return nil, err
	}
	servers, err := DecodeItems[resourceServer](records)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{registration.Scope: true}
	for _, s := range servers {
		for _, scope := range s.Doc.Scopes {
			known[s.Key+"/"+scope.ScopeName] = true
		}
	}
	return known, nil
}
