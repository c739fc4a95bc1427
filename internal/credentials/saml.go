package credentials

import (
	"context"
	"crypto/sha1" //nolint:gosec // the form of AWS's NameQualifier
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/sts"
	"cognate/internal/federation"
	"cognate/internal/federation/saml"
	"cognate/internal/iam"
	"cognate/internal/iam/session"
)

// The service provider, as identity providers know it (IAM User Guide: "Configure SAML assertions
// for the authentication response").
const (
	samlConsumer = "https://signin.aws.amazon.com/saml"
	samlEntityID = "urn:amazon:webservices"
)

// The attributes of an assertion that AWS reads.
const (
	samlAttributes      = "https://aws.amazon.com/SAML/Attributes/"
	samlRole            = samlAttributes + "Role"
	samlSessionName     = samlAttributes + "RoleSessionName"
	samlSessionDuration = samlAttributes + "SessionDuration"
	samlPrincipalTag    = samlAttributes + "PrincipalTag:"
	samlTransitiveKeys  = samlAttributes + "TransitiveTagKeys"
	samlSourceIdentity  = samlAttributes + "SourceIdentity"
)

const samlNameFormat = "urn:oasis:names:tc:SAML:2.0:nameid-format:"

// samlProvider is a provider with the metadata that it was made of.
type samlProvider struct {
	metadata [sha256.Size]byte
	provider *saml.Provider
}

// AssumeRoleWithSAML makes credentials of a role for the bearer of an answer of a SAML provider.
func (s *Service) AssumeRoleWithSAML(ctx context.Context, in *sts.AssumeRoleWithSAMLRequest) (*sts.AssumeRoleWithSAMLResponse, error) {
	person, err := s.VerifySAML(ctx, in.PrincipalArn, in.SAMLAssertion)
	if err != nil {
		return nil, err
	}
	a, err := s.samlAssumption(in, person)
	if err != nil {
		return nil, err
	}
	made, err := s.assumeByLogin(ctx, *a)
	if err != nil {
		return nil, err
	}
	keys := a.Login.Keys
	out := &sts.AssumeRoleWithSAMLResponse{
		Credentials: shown(&made.Credentials), AssumedRoleUser: &sts.AssumedRoleUser{AssumedRoleId: made.ID, Arn: made.ARN},
		PackedPolicySize: positive(made.PackedPolicySize), SourceIdentity: optional(made.SourceIdentity),
		Subject: &person.Subject, SubjectType: &keys["saml:sub_type"][0], Issuer: &person.Issuer, Audience: &keys["saml:aud"][0], NameQualifier: &keys["saml:namequalifier"][0],
	}
	out.SessionTokenUtilization, out.SessionTokenSize = tokenSize(&made.Credentials, in.MinimumSessionTokenSize)
	return out, nil
}

// VerifySAML verifies an answer of a SAML provider of the account. An answer that is not valid is an
// exception of STS.
func (s *Service) VerifySAML(ctx context.Context, arn, answer string) (*federation.Identity, error) {
	metadata, err := s.deps.IAM.SAMLProvider(ctx, arn)
	if errors.Is(err, iam.ErrNoEntity) {
		return nil, badToken("Specified provider doesn't exist").WithReason(api.ReasonProvider)
	}
	if err != nil {
		return nil, err
	}
	p, err := s.samlProvider(arn, metadata)
	if err != nil {
		return nil, err
	}
	person, err := p.FinishUnsolicited(ctx, samlConsumer, federation.Answer{Form: url.Values{"SAMLResponse": {answer}}})
	if failed, ok := errors.AsType[*federation.Error](err); ok {
		if errors.Is(err, saml.ErrExpired) {
			return nil, sts.ExpiredTokenException("Token must be redeemed within 5 minutes of issuance").WithCause(err).WithReason(api.ReasonAccessTokenExpired)
		}
		return nil, badToken(failed.Text).WithCause(err)
	}
	return person, err
}

// samlProvider returns the provider with an ARN. It reads new metadata only.
func (s *Service) samlProvider(arn string, metadata []byte) (*saml.Provider, error) {
	sum := sha256.Sum256(metadata)
	if known, ok := s.samlProviders.Load(arn); ok && known.(samlProvider).metadata == sum {
		return known.(samlProvider).provider, nil
	}
	m, err := saml.ParseMetadata(metadata, time.Time{}) // It was checked when it was registered.
	if err != nil {
		return nil, err
	}
	p, err := saml.New(saml.Settings{Metadata: m, EntityID: samlEntityID, Aliases: []string{samlConsumer}, IDPInit: true, Now: s.deps.Now})
	if err != nil {
		return nil, err
	}
	s.samlProviders.Store(arn, samlProvider{sum, p}) // An account has a hundred providers at most.
	return p, nil
}

// samlAssumption returns what a verified answer permits.
func (s *Service) samlAssumption(in *sts.AssumeRoleWithSAMLRequest, person *federation.Identity) (*iam.Assumption, error) {
	if !listsRole(person.Claims, in.RoleArn, in.PrincipalArn) {
		return nil, accessDenied("Not authorized to perform " + iam.ActionAssumeWithSAML)
	}
	a := &iam.Assumption{
		Action: iam.ActionAssumeWithSAML, Login: s.samlLogin(in.PrincipalArn, person), Role: in.RoleArn,
		Policy: api.Val(in.Policy), PolicyARNs: arns(in.PolicyArns), MinTokenSize: int(api.Val(in.MinimumSessionTokenSize)),
	}
	names := textsOf(person.Claims[samlSessionName])
	if len(names) != 1 {
		return nil, badToken("RoleSessionName is required in AuthnResponse")
	}
	if a.SessionName = names[0]; !isName(a.SessionName, 2, 64) {
		return nil, badToken("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
	}
	for name, v := range person.Claims {
		key, ok := strings.CutPrefix(name, samlPrincipalTag)
		if !ok {
			continue
		}
		value, single := v.(string)
		if !single {
			return nil, badToken("The session tags in AuthnResponse are not valid.")
		}
		if a.Tags == nil {
			a.Tags = map[string]string{}
		}
		a.Tags[key] = value
	}
	a.TransitiveKeys = textsOf(person.Claims[samlTransitiveKeys])
	if v, ok := person.Claims[samlSourceIdentity]; ok {
		a.SourceIdentity, _ = v.(string)
		if !isSourceIdentity(a.SourceIdentity) {
			return nil, badToken("The SourceIdentity in AuthnResponse is not valid.")
		}
	}
	var err error
	a.Duration, err = s.samlDuration(in, person)
	return a, err
}

// listsRole reports whether an attribute names the pair of the role and the provider, in either
// order.
func listsRole(claims map[string]any, role, provider string) bool {
	return slices.ContainsFunc(textsOf(claims[samlRole]), func(text string) bool {
		a, b, ok := strings.Cut(text, ",")
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		return ok && (a == role && b == provider || a == provider && b == role)
	})
}

// samlLogin returns an answer as trust policies see it (IAM User Guide: "Available keys for
// SAML-based AWS STS federation").
func (s *Service) samlLogin(provider string, person *federation.Identity) *session.Login {
	name := provider[strings.LastIndexByte(provider, '/')+1:]
	sum := sha1.Sum([]byte(person.Issuer + s.deps.AccountID + "/" + name)) //nolint:gosec // AWS's form; not for security
	return &session.Login{Provider: provider, Keys: map[string][]string{
		"saml:aud": {samlConsumer}, "saml:iss": {person.Issuer}, "saml:sub": {person.Subject}, "saml:doc": {s.deps.AccountID + "/" + name},
		"saml:sub_type": {strings.TrimPrefix(person.SubjectFormat, samlNameFormat)}, "saml:namequalifier": {base64.StdEncoding.EncodeToString(sum[:])},
	}}
}

// The shortest and the longest session of a role.
const (
	minRoleSession = 15 * time.Minute
	maxRoleSession = 12 * time.Hour
)

// samlDuration returns the length of a session: as the request or the answer asks, and never
// beyond the session at the provider.
func (s *Service) samlDuration(in *sts.AssumeRoleWithSAMLRequest, person *federation.Identity) (time.Duration, error) {
	life := iam.DefaultDuration
	if texts := textsOf(person.Claims[samlSessionDuration]); len(texts) > 0 {
		n, err := strconv.Atoi(texts[0])
		life = time.Duration(n) * time.Second
		if err != nil || life < minRoleSession || life > maxRoleSession {
			return 0, badToken("The SessionDuration in AuthnResponse is not valid.")
		}
	}
	if in.DurationSeconds != nil {
		life = seconds(in.DurationSeconds)
	}
	if person.SessionEnd.IsZero() {
		return life, nil
	}
	left := person.SessionEnd.Sub(s.deps.Now()).Truncate(time.Second)
	if left <= 0 {
		return 0, sts.ExpiredTokenException("The session at the identity provider has ended.").WithReason(api.ReasonAccessTokenExpired)
	}
	return min(life, left), nil
}
