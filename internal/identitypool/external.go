package identitypool

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/federation"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/internal/iam"
	"cognate/internal/token"
)

// The keys of social providers in Logins, besides those of package oidc.
const (
	googleProvider = "accounts.google.com"
	appleProvider  = "appleid.apple.com"
)

// callsAs names the calls of providers in metrics.
const callsAs = "identity-pool"

// External verifies the logins of providers that are not this server.
type External struct {
	Calls *fetch.Client
	// SAML verifies an answer of a SAML provider of the account, by its ARN.
	SAML func(ctx context.Context, arn, answer string) (*federation.Identity, error)
	// Endpoints replaces URLs of social providers, by type and by key of ProviderDetails.
	Endpoints map[string]map[string]string
}

// endpoint returns a URL of a social provider.
func (e *External) endpoint(kind, key, usual string) string {
	if other := e.Endpoints[kind][key]; other != "" {
		return other
	}
	return usual
}

// verifyExternal verifies a login of a provider that is not this server.
func (s *Service) verifyExternal(ctx context.Context, p *Pool, key, raw string) (*login, error) {
	e := &s.deps.External
	if slices.Contains(p.SAML, key) {
		return s.verifySAML(ctx, key, raw)
	}
	arn := p.openIDProvider(key)
	app := p.Social[key]
	switch {
	case arn == "" && app == "":
		return nil, badLogin(textUnsupported)
	case key == googleProvider && app != "":
		return s.verifySocialToken(ctx, key, e.endpoint(oidc.Google, "oidc_issuer", "https://"+googleProvider), app, raw)
	case key == appleProvider && app != "":
		return s.verifySocialToken(ctx, key, e.endpoint(oidc.SignInWithApple, "oidc_issuer", "https://"+appleProvider), app, raw)
	case (key == oidc.FacebookLogins || key == oidc.AmazonLogins) && app != "":
		return s.verifyAccessToken(ctx, key, app, raw)
	case arn != "":
		return s.verifyOpenID(ctx, key, arn, raw)
	}
	return nil, identity.ExternalServiceException("Logins of " + key + " are not available.").WithReason(api.ReasonProvider)
}

// openIDProvider returns the ARN of the pool's OpenID Connect provider with a key, or "".
func (p *Pool) openIDProvider(key string) string {
	for _, arn := range p.OIDC {
		if strings.HasSuffix(arn, ":oidc-provider/"+key) {
			return arn
		}
	}
	return ""
}

// verifyOpenID verifies an ID token of an OpenID Connect provider of the account.
func (s *Service) verifyOpenID(ctx context.Context, key, arn, raw string) (*login, error) {
	provider, err := s.deps.IAM.OIDCProvider(ctx, "https://"+key)
	if errors.Is(err, iam.ErrNoEntity) || err == nil && provider.ARN != arn {
		return nil, badLogin(textUnsupported).WithCause(iam.ErrNoEntity)
	}
	if err != nil {
		return nil, err
	}
	issuer := "https://" + key
	if token.IssuerOf(raw) == "http://"+key {
		issuer = "http://" + key // The policy about calls decides whether that is permitted.
	}
	l, err := s.verifyIDToken(ctx, issuer, raw, provider.ClientIDs)
	if err != nil {
		return nil, err
	}
	subject := l.Text("sub")
	return &login{provider: key, arn: arn, subject: subject, claims: l.Claims, amr: []string{key, arn + ":OIDC:" + subject}}, nil
}

// verifySocialToken verifies an ID token of Google or Apple.
func (s *Service) verifySocialToken(ctx context.Context, key, issuer, app, raw string) (*login, error) {
	l, err := s.verifyIDToken(ctx, issuer, raw, []string{app})
	if err != nil {
		return nil, err
	}
	return socialLogin(key, app, l.Text("sub"), l.Claims), nil
}

func socialLogin(key, app, subject string, claims map[string]any) *login {
	return &login{provider: key, subject: subject, claims: claims, amr: []string{key, key + ":" + app + ":" + subject}}
}

// clockSkew is how far the clock of a provider may be ahead.
const clockSkew = 5 * time.Minute

// maxSubject is the longest subject (OpenID Connect Core §2).
const maxSubject = 255

// verifyIDToken verifies an ID token of an issuer for one of the clients.
func (s *Service) verifyIDToken(ctx context.Context, issuer, raw string, clients []string) (*token.Login, error) {
	claims, err := oidc.PeekClaims(raw)
	if err != nil {
		return nil, badLogin(textMalformed).WithCause(err)
	}
	if claims["iss"] != issuer {
		return nil, badLogin(textIssuer)
	}
	claims, err = oidc.VerifyToken(ctx, s.deps.External.Calls, callsAs, strings.TrimSuffix(issuer, "/"), raw)
	switch {
	case errors.Is(err, oidc.ErrMalformed):
		return nil, badLogin(textMalformed).WithCause(err)
	case errors.Is(err, oidc.ErrSignature), errors.Is(err, oidc.ErrNoKey):
		return nil, badLogin(textSignature).WithCause(err)
	case err != nil:
		return nil, unreachable(err)
	}
	l := &token.Login{Claims: claims}
	if err := s.checkExpiry(l); err != nil {
		return nil, err
	}
	if n, ok := claims["nbf"].(json.Number); ok {
		if begins, err := n.Int64(); err != nil || begins > s.deps.Now().Add(clockSkew).Unix() {
			return nil, badLogin("Invalid login token. The token is not valid yet.")
		}
	}
	audience := texts(claims["aud"])
	if len(audience) == 0 {
		return nil, badLogin("Invalid login token. Missing a required claim: aud")
	}
	if party := l.Text("azp"); party != "" { // It is the application; aud may be the application's server.
		audience = []string{party}
	}
	if !slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(clients, a) }) {
		return nil, badLogin(textUnsupported)
	}
	if subject := l.Text("sub"); subject == "" || len(subject) > maxSubject {
		return nil, badLogin("Invalid login token. Missing a required claim: sub")
	}
	return l, nil
}

// unreachable is the error of a provider that does not answer as it should.
func unreachable(err error) error {
	return identity.ExternalServiceException(textExternal).WithReason(api.ReasonProvider).WithCause(err)
}

// verifyAccessToken verifies an access token of Facebook or Login with Amazon: the provider must say
// that it was issued for the app.
func (s *Service) verifyAccessToken(ctx context.Context, key, app, raw string) (*login, error) {
	e := &s.deps.External
	facts, err := (&oidc.AccessTokens{Client: e.Calls, Name: callsAs, Endpoints: e.Endpoints}).Ask(ctx, key, raw)
	switch {
	case errors.Is(err, oidc.ErrAccessToken):
		return nil, badLogin(textSignature).WithCause(err)
	case errors.Is(err, oidc.ErrMalformed):
		return nil, badLogin(textMalformed).WithCause(err)
	case err != nil:
		return nil, unreachable(err)
	case facts.App != app:
		return nil, badLogin(textUnsupported)
	}
	claims := map[string]any{"iss": key, "aud": app, "sub": facts.Person}
	if key == oidc.AmazonLogins {
		claims["user_id"] = facts.Person
	}
	return socialLogin(key, app, facts.Person, claims), nil
}

// verifySAML verifies an answer of a SAML provider of the account.
func (s *Service) verifySAML(ctx context.Context, arn, answer string) (*login, error) {
	person, err := s.deps.External.SAML(ctx, arn, answer)
	if e, ok := errors.AsType[*api.Error](err); ok {
		return nil, badLogin("Invalid login token. " + e.Message).WithCause(err)
	}
	if err != nil {
		return nil, err
	}
	if len(person.Subject) > maxSubject {
		return nil, badLogin(textMalformed)
	}
	return &login{provider: arn, arn: arn, subject: person.Subject, claims: person.Claims, amr: []string{arn, arn + ":SAML:" + person.Subject}}, nil
}
