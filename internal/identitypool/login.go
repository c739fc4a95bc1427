package identitypool

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/iam"
	"cognate/internal/pool"
	"cognate/internal/token"
)

// cognitoProvider is the provider of the tokens that GetOpenIdTokenForDeveloperIdentity returns.
const cognitoProvider = "cognito-identity.amazonaws.com"

// A login is a verified login: a person at a provider.
type login struct {
	// provider is the key of the login in Logins, in the form by which identities keep it.
	provider string
	subject  string
	// developer says that provider is the pool's own, and subject a user of the developer.
	developer bool
	// identity is the identity that a token of cognitoProvider proves, and expires the end of that
	// token in seconds; else "" and 0.
	identity string
	expires  int64
	claims   map[string]any
	// local says that provider is a user pool of this server.
	local bool
	// arn is that of the IAM provider which vouches for the person; else "".
	arn string
	// amr are the entries that the login adds to the claim amr.
	amr []string
}

// hash returns the login as the store has it.
func (l *login) hash() [32]byte {
	var body []byte
	for _, part := range []string{l.provider, l.subject} {
		body = binary.BigEndian.AppendUint32(body, uint32(len(part)))
		body = append(body, part...)
	}
	return sha256.Sum256(body)
}

const (
	textNoLogin     = "Logins don't match. Please include at least one valid login for this identity or identity pool."
	textUnsupported = "Token is not from a supported provider of this identity pool."
	textCognito     = "Invalid login token. Can't pass in a Cognito token."
	textMalformed   = "Invalid login token. Not a valid OpenId Connect identity token."
	textIssuer      = "Invalid login token. Issuer doesn't match providerName"
	textSignature   = "Invalid login token. Couldn't verify signed token."
	textRevoked     = "Invalid login token. Token is revoked."
	textExternal    = "An exception occurred while calling an external service."
	textNoGuests    = "Unauthenticated access is not supported for this identity pool."
)

func badLogin(text string) *api.Error { return refused(text).WithReason(api.ReasonBadAccessToken) }

// verify verifies the logins of a request. cognito says that a token of cognitoProvider is
// accepted.
func (s *Service) verify(ctx context.Context, p *Pool, logins map[string]string, cognito bool) ([]*login, error) {
	var list []*login
	for _, key := range slices.Sorted(maps.Keys(logins)) {
		l, err := s.verifyOne(ctx, p, key, logins[key], cognito)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

func (s *Service) verifyOne(ctx context.Context, p *Pool, key, raw string, cognito bool) (*login, error) {
	sn, local, err := s.userPoolOf(ctx, key)
	if err != nil {
		return nil, err
	}
	if local {
		return s.verifyUserPool(ctx, p, sn, raw)
	}
	own, ours := s.isOwn(p, raw), isCognitoProvider(p, key)
	switch {
	case own && ours && cognito:
		return s.verifyCognito(ctx, p, raw)
	case own:
		return nil, badLogin(textCognito)
	case ours:
		return nil, badLogin(textMalformed)
	case !strings.ContainsAny(key, "./:"):
		return nil, invalid("Please provide a valid public provider.")
	}
	return s.verifyExternal(ctx, p, key, raw)
}

// isCognitoProvider reports whether a key of Logins means tokens of this server for identities. Each
// partition has a name of its own, which China writes as an address (Amazon Web Services in China:
// "Amazon Cognito").
func isCognitoProvider(p *Pool, key string) bool {
	return key == cognitoProvider || strings.TrimSuffix(strings.TrimPrefix(key, "https://"), "/") == iam.IdentityPools(p.Region)
}

// isOwn reports whether a token says that identity pools have issued it.
func (s *Service) isOwn(p *Pool, raw string) bool {
	return token.IssuerOf(raw) == s.deps.Issuer(p.Region)
}

// userPoolOf returns the user pool that a provider's name means: Cognito's own name of it, or the
// issuer without its scheme, as clients make it of a token. local is false for any other name.
func (s *Service) userPoolOf(ctx context.Context, name string) (sn *pool.Snapshot, local bool, err error) {
	host, id, ok := cutProvider(name)
	if !ok {
		return nil, false, nil
	}
	// A pool of another Region may log in here.
	sn, err = s.deps.Pools.Load(api.WithRequest(ctx, &api.Request{}), id)
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	if host == awsHost(sn.Region) {
		return sn, true, nil
	}
	_, issuer, _ := strings.Cut(s.deps.Tokens.Issuer(sn), "://")
	return sn, issuer == name, nil
}

// awsHost returns the host of Cognito's names of user pools.
func awsHost(region string) string {
	_, host, _ := strings.Cut(token.AWSIssuerBase(region), "://")
	return host
}

// accepts returns the entry of the pool's settings for an app client of a user pool.
func (s *Service) accepts(ctx context.Context, p *Pool, sn *pool.Snapshot, clientID string) (*userPool, error) {
	for i := range p.UserPools {
		u := &p.UserPools[i]
		if u.ClientID != clientID {
			continue
		}
		other, local, err := s.userPoolOf(ctx, u.Name)
		if err != nil {
			return nil, err
		}
		if local && other.ID == sn.ID {
			return u, nil
		}
	}
	return nil, nil
}

// verifyUserPool verifies an ID token of a user pool of this server.
func (s *Service) verifyUserPool(ctx context.Context, p *Pool, sn *pool.Snapshot, raw string) (*login, error) {
	l, err := s.deps.Tokens.VerifyLogin(ctx, sn, raw)
	switch {
	case errors.Is(err, token.ErrNotToken):
		return nil, badLogin(textMalformed)
	case errors.Is(err, token.ErrOtherIssuer) && s.isOwn(p, raw):
		return nil, badLogin(textCognito)
	case errors.Is(err, token.ErrOtherIssuer):
		return nil, badLogin(textIssuer)
	case errors.Is(err, token.ErrNotVerified):
		return nil, badLogin(textSignature)
	case err != nil:
		return nil, err
	}
	if err := s.checkExpiry(l); err != nil {
		return nil, err
	}
	client := l.Text("aud")
	if client == "" || l.Text("token_use") != "id" { // An access token may have an aud, too.
		return nil, badLogin("Invalid login token. Missing a required claim: aud")
	}
	u, err := s.accepts(ctx, p, sn, client)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, badLogin(textUnsupported)
	}
	if u.Check {
		current, err := s.deps.Tokens.IsCurrent(ctx, sn, l)
		if err != nil {
			return nil, err
		}
		if !current {
			return nil, refused(textRevoked).WithReason(api.ReasonAccessTokenRevoked)
		}
	}
	name := awsHost(sn.Region) + "/" + sn.ID
	subject := l.Text("sub")
	return &login{
		provider: name, local: true, subject: subject, claims: l.Claims, amr: []string{name, name + ":CognitoSignIn:" + subject},
	}, nil
}

// checkExpiry rejects an expired token.
func (s *Service) checkExpiry(l *token.Login) error {
	exp, err := expiryOf(l)
	if err != nil {
		return badLogin("Invalid login token. Missing a required claim: exp")
	}
	if now := s.deps.Now().Unix(); now >= exp {
		return refused(fmt.Sprintf("Invalid login token. Token expired: %d >= %d", now, exp)).WithReason(api.ReasonAccessTokenExpired)
	}
	return nil
}

// expiryOf returns the claim exp. A fraction is an error.
func expiryOf(l *token.Login) (int64, error) {
	n, _ := l.Claims["exp"].(json.Number)
	return n.Int64()
}

// verifyCognito verifies a token of this server for an identity.
func (s *Service) verifyCognito(ctx context.Context, p *Pool, raw string) (*login, error) {
	l, err := s.deps.Tokens.VerifyIdentity(ctx, raw)
	switch {
	case errors.Is(err, token.ErrNotToken), errors.Is(err, token.ErrNotVerified):
		return nil, badLogin(textSignature)
	case err != nil:
		return nil, err
	}
	if err := s.checkExpiry(l); err != nil {
		return nil, err
	}
	if l.Text("aud") != p.ID {
		return nil, badLogin(textUnsupported)
	}
	list, _ := l.Claims["amr"].([]any)
	if len(list) == 0 || list[0] != methodAuthenticated {
		return nil, badLogin(textCognito) // A guest's token proves nobody.
	}
	out := &login{provider: cognitoProvider, identity: l.Text("sub"), claims: l.Claims}
	if out.expires, err = expiryOf(l); err != nil {
		return nil, err
	}
	// The methods go on, but for the first, which every login adds.
	for _, v := range list[1:] {
		if text, ok := v.(string); ok {
			out.amr = append(out.amr, text)
		}
	}
	return out, nil
}

// developerLogin returns the login of a developer's own user.
func developerLogin(p *Pool, user string) *login {
	return &login{
		provider: p.Developer, subject: user, developer: true, amr: []string{p.Developer, p.Developer + ":" + p.ID + ":" + user},
	}
}

// Times of OpenID tokens.
const (
	openIDLife       = 10 * time.Minute
	defaultTokenLife = 15 * time.Minute
)
