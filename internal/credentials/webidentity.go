package credentials

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/sts"
	"cognate/internal/federation/oidc"
	"cognate/internal/iam"
	"cognate/internal/iam/session"
	"cognate/internal/pool"
	"cognate/internal/token"
)

// AWS's texts.
const (
	textNotToken = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	textNoKey    = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	textAudience = "Incorrect token audience"
	textProvider = "No OpenIDConnect provider found in your account for "
	textRevoked  = "The token was revoked, or its user may not sign in any more."
)

// A webIdentity is a web identity token whose signature was verified.
type webIdentity struct {
	claims map[string]any
	// provider is the principal in trust policies, name begins the condition keys.
	provider, name string
	// shown is the provider in the answer.
	shown string
	// audience and subject are set when the claims were checked.
	audience, subject string
	// clients are the audiences that are accepted; nil accepts all.
	clients []string
	// pool and identity are set for a token of an identity pool.
	pool, identity string
	// accessToken says that the token is an access token, which has no claims.
	accessToken bool
}

// AssumeRoleWithWebIdentity makes credentials of a role for the bearer of a token of an OpenID
// Connect provider.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityRequest) (*sts.AssumeRoleWithWebIdentityResponse, error) {
	w, err := s.verify(ctx, in)
	if err != nil {
		return nil, err
	}
	a := iam.Assumption{
		Action: iam.ActionAssumeWithWebIdentity, Login: w.login(), Role: in.RoleArn, SessionName: in.RoleSessionName, Duration: seconds(in.DurationSeconds),
		Policy: api.Val(in.Policy), PolicyARNs: arns(in.PolicyArns), MinTokenSize: int(api.Val(in.MinimumSessionTokenSize)),
		IdentityPool: w.pool, Identity: w.identity,
	}
	if err := readSession(w.claims, &a); err != nil {
		return nil, err
	}
	made, err := s.assumeByLogin(ctx, a)
	if err != nil {
		return nil, err
	}
	out := &sts.AssumeRoleWithWebIdentityResponse{
		Credentials: shown(&made.Credentials), AssumedRoleUser: &sts.AssumedRoleUser{AssumedRoleId: made.ID, Arn: made.ARN},
		SubjectFromWebIdentityToken: &w.subject, Audience: &w.audience, Provider: &w.shown,
		PackedPolicySize: positive(made.PackedPolicySize), SourceIdentity: optional(made.SourceIdentity),
	}
	out.SessionTokenUtilization, out.SessionTokenSize = tokenSize(&made.Credentials, in.MinimumSessionTokenSize)
	return out, nil
}

func badToken(text string) *api.Error {
	return sts.InvalidIdentityTokenException(text).WithReason(api.ReasonBadAccessToken)
}

// verify verifies the token of a request.
func (s *Service) verify(ctx context.Context, in *sts.AssumeRoleWithWebIdentityRequest) (*webIdentity, error) {
	if in.ProviderId != nil {
		return s.verifyAccessToken(ctx, *in.ProviderId, in.RoleArn, in.WebIdentityToken)
	}
	w, err := s.verifySignature(ctx, in.WebIdentityToken)
	if err != nil {
		return nil, err
	}
	return w, w.check(s.deps.Now())
}

// verifyAccessToken verifies an access token of Facebook or Login with Amazon. The server asks the
// provider only if the role trusts it, so that strangers cannot make it call others.
func (s *Service) verifyAccessToken(ctx context.Context, provider, role, raw string) (*webIdentity, error) {
	if provider != oidc.FacebookLogins && provider != oidc.AmazonLogins {
		return nil, badToken("ProviderId must be " + oidc.AmazonLogins + " or " + oidc.FacebookLogins + ". Send ID tokens of other providers without ProviderId.")
	}
	trusted, err := s.deps.IAM.Trusts(ctx, role, provider)
	if err != nil {
		return nil, err
	}
	if !trusted {
		return nil, notAuthorized(iam.ActionAssumeWithWebIdentity)
	}
	facts, err := s.deps.AccessTokens.Ask(ctx, provider, raw)
	switch {
	case errors.Is(err, oidc.ErrAccessToken), errors.Is(err, oidc.ErrMalformed):
		return nil, badToken("The access token is not valid.").WithCause(err)
	case err != nil:
		return nil, unreachable(err)
	}
	return &webIdentity{accessToken: true, provider: provider, name: provider, shown: provider, audience: facts.App, subject: facts.Person}, nil
}

func unreachable(err error) error {
	return sts.IDPCommunicationErrorException("The identity provider could not be reached.").WithCause(err).WithReason(api.ReasonProvider)
}

// verifySignature verifies the signature of a token by the keys of its issuer: an identity pool or a user
// pool of this server, or another provider that the account trusts. The server never calls itself.
func (s *Service) verifySignature(ctx context.Context, raw string) (*webIdentity, error) {
	issuer := token.IssuerOf(raw)
	if issuer == "" {
		return nil, badToken(textNotToken)
	}
	if s.isIdentityIssuer(issuer) {
		return s.verifyIdentity(ctx, raw)
	}
	if sn, err := s.userPoolOf(ctx, issuer); err != nil || sn != nil {
		if err != nil {
			return nil, err
		}
		return s.verifyUserPool(ctx, sn, issuer, raw)
	}
	return s.verifyOther(ctx, issuer, raw)
}

// isIdentityIssuer reports whether identity pools of some Region have the issuer.
func (s *Service) isIdentityIssuer(issuer string) bool {
	return slices.ContainsFunc([]string{"us-east-1", "cn-north-1", "cn-northwest-1", "us-gov-west-1"}, func(region string) bool {
		return s.deps.IdentityIssuer(region) == issuer
	})
}

// verifyIdentity verifies a token of an identity pool. The account needs no provider object for it.
func (s *Service) verifyIdentity(ctx context.Context, raw string) (*webIdentity, error) {
	l, err := s.deps.Tokens.VerifyIdentity(ctx, raw)
	if err != nil {
		return nil, localError(err)
	}
	w := &webIdentity{claims: l.Claims, pool: l.Text("aud"), identity: l.Text("sub")}
	region, _, _ := strings.Cut(w.pool, ":")
	w.provider = iam.IdentityPools(region)
	w.name, w.shown = w.provider, w.provider
	if l.Text("iss") != s.deps.IdentityIssuer(region) || w.pool == "" || w.identity == "" {
		return nil, badToken(textNotToken)
	}
	return w, nil
}

func localError(err error) error {
	switch {
	case errors.Is(err, token.ErrNotToken), errors.Is(err, token.ErrOtherIssuer):
		return badToken(textNotToken).WithCause(err)
	case errors.Is(err, token.ErrNotVerified):
		return badToken(textNoKey).WithCause(err)
	}
	return err
}

// userPoolOf returns the user pool of this server that has an issuer, or nil.
func (s *Service) userPoolOf(ctx context.Context, issuer string) (*pool.Snapshot, error) {
	id := issuer[strings.LastIndexByte(issuer, '/')+1:]
	if strings.IndexByte(id, '_') < 0 {
		return nil, nil
	}
	sn, err := s.deps.Pools.Load(api.WithRequest(ctx, &api.Request{}), id) // in any Region
	switch {
	case api.CodeOf(err) == "ResourceNotFoundException":
		return nil, nil
	case err != nil:
		return nil, err
	case !slices.Contains(s.deps.Tokens.Issuers(sn), issuer):
		return nil, nil
	}
	return sn, nil
}

// verifyUserPool verifies an ID token of a user pool. The account must trust the pool: as a
// provider with the pool's issuer, or with the name that the pool has at AWS.
func (s *Service) verifyUserPool(ctx context.Context, sn *pool.Snapshot, issuer, raw string) (*webIdentity, error) {
	provider, err := s.provider(ctx, issuer)
	if errors.Is(err, iam.ErrNoEntity) {
		provider, err = s.provider(ctx, token.AWSIssuerBase(sn.Region)+"/"+sn.ID)
	}
	if err != nil {
		return nil, providerError(err, issuer)
	}
	l, err := s.deps.Tokens.VerifyLogin(ctx, sn, raw)
	if err != nil {
		return nil, localError(err)
	}
	if l.Text("token_use") != "id" { // An access token may have an aud, too.
		return nil, missing("aud")
	}
	current, err := s.deps.Tokens.IsCurrent(ctx, sn, l)
	if err != nil {
		return nil, err
	}
	if !current {
		return nil, sts.IDPRejectedClaimException(textRevoked).WithReason(api.ReasonAccessTokenRevoked)
	}
	return of(provider, issuer, l.Claims), nil
}

// provider returns the provider of the account that has an issuer. The name of a provider has no
// scheme, and development servers have issuers without TLS.
func (s *Service) provider(ctx context.Context, issuer string) (*iam.OIDCProvider, error) {
	_, name, ok := strings.Cut(issuer, "://")
	if !ok {
		return nil, iam.ErrNoEntity
	}
	return s.deps.IAM.OIDCProvider(ctx, "https://"+name)
}

func providerError(err error, issuer string) error {
	if errors.Is(err, iam.ErrNoEntity) {
		return badToken(textProvider + issuer).WithReason(api.ReasonProvider)
	}
	return err
}

// of returns a token of a provider that the account trusts.
func of(p *iam.OIDCProvider, issuer string, claims map[string]any) *webIdentity {
	return &webIdentity{
		claims: claims, provider: p.ARN, name: strings.TrimPrefix(p.Issuer, "https://"), shown: issuer, clients: append([]string{}, p.ClientIDs...),
	}
}

// google is an issuer that every account trusts.
const google = "https://accounts.google.com"

// verifyOther verifies a token of another server. Only issuers that the account trusts are called.
func (s *Service) verifyOther(ctx context.Context, issuer, raw string) (*webIdentity, error) {
	if _, err := oidc.PeekClaims(raw); err != nil {
		return nil, badToken(textNotToken).WithCause(err)
	}
	provider, err := s.provider(ctx, issuer)
	builtIn := errors.Is(err, iam.ErrNoEntity) && issuer == google
	if err != nil && !builtIn {
		return nil, providerError(err, issuer)
	}
	address := strings.TrimSuffix(issuer, "/")
	if err := s.deps.Calls.Check(address); err != nil {
		return nil, badToken(textNoKey).WithCause(err)
	}
	claims, err := oidc.VerifyToken(ctx, s.deps.Calls, "iam", address, raw)
	switch {
	case errors.Is(err, oidc.ErrMalformed), errors.Is(err, oidc.ErrSignature):
		return nil, badToken(textNotToken).WithCause(err)
	case errors.Is(err, oidc.ErrNoKey):
		return nil, badToken(textNoKey).WithCause(err)
	case err != nil:
		return nil, unreachable(err)
	}
	if builtIn {
		name := strings.TrimPrefix(google, "https://")
		return &webIdentity{claims: claims, provider: name, name: name, shown: google}, nil
	}
	return of(provider, issuer, claims), nil
}

// maxSubject is the longest subject (OpenID Connect Core §2).
const maxSubject = 255

// clockSkew is how far the clock of a provider may be ahead.
const clockSkew = 5 * time.Minute

// check checks the claims that decide whether a verified token is accepted.
func (w *webIdentity) check(now time.Time) error {
	expires, err := timeOf(w.claims, "exp")
	if err != nil {
		return err
	}
	issued, err := timeOf(w.claims, "iat")
	if err != nil {
		return err
	}
	if now.Unix() >= expires {
		return sts.ExpiredTokenException(fmt.Sprintf("Token expired: current date/time %d must be before the expiration date/time %d", now.Unix(), expires)).
			WithReason(api.ReasonAccessTokenExpired)
	}
	begins := issued
	if w.claims["nbf"] != nil {
		n, err := timeOf(w.claims, "nbf")
		if err != nil {
			return err
		}
		begins = max(begins, n)
	}
	if begins > now.Add(clockSkew).Unix() {
		return badToken("The token is not valid yet.")
	}
	if w.subject, _ = w.claims["sub"].(string); w.subject == "" {
		return missing("sub")
	}
	if len(w.subject) > maxSubject {
		return badToken("The claim sub is too long.")
	}
	return w.checkAudience()
}

// checkAudience finds the audience that the provider of the account lists. The authorized party
// takes the place of the audience (IAM User Guide: "Available keys for AWS OIDC federation").
func (w *webIdentity) checkAudience() error {
	list := textsOf(w.claims["aud"])
	if len(list) == 0 {
		return missing("aud")
	}
	if party, _ := w.claims["azp"].(string); party != "" {
		list = []string{party}
	}
	for _, audience := range list {
		if w.clients == nil || slices.Contains(w.clients, audience) {
			w.audience = audience
			return nil
		}
	}
	return badToken(textAudience)
}

// login returns the token as trust policies see it.
func (w *webIdentity) login() *session.Login {
	if w.accessToken {
		return iam.AccessTokenLogin(w.provider, w.audience, w.subject)
	}
	l := iam.WebLogin(w.provider, w.name, w.audience, w.subject, textsOf(w.claims["amr"])...)
	if w.shown == google {
		l.Keys[w.name+":oaud"] = textsOf(w.claims["aud"])
		if email, _ := w.claims["email"].(string); email != "" {
			l.Keys[w.name+":email"] = []string{email}
		}
	}
	return l
}
