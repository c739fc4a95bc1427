package token

import (
	"crypto/rand"
	"io"
	"log/slog"
	"time"

	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
	"cognate/internal/trigger"
)

// Deps are what the service is built from.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
	Ring  *keys.Ring
	Gate  *keys.Gate
	Now   func() time.Time
	// IssuerBase returns the part of a pool's issuer before "/<pool id>". nil
	// stands for AWS's own form, see [AWSIssuerBase].
	IssuerBase func(*pool.Snapshot) string
	// DomainBase returns the base URL of the pool's sign-in domain for discovery,
	// or "" if the pool has no domain. nil: no pool has a domain.
	DomainBase func(*pool.Snapshot) string
	// SigningKeys has keys ready for new pools; nil: they are made when needed.
	SigningKeys *keys.SigningKeyPool
	// Triggers calls the functions that change the claims of tokens.
	Triggers *trigger.Service
	// Rand is crypto/rand unless a test needs fixed ids.
	Rand io.Reader
	Log  *slog.Logger
}

// Service issues, verifies and revokes the tokens of all pools.
type Service struct {
	deps     Deps
	signing  *signingKeys
	verified *verifiedTokens
	touched  *touches
}

// New builds the service.
func New(d Deps) *Service {
	if d.IssuerBase == nil {
		d.IssuerBase = func(sn *pool.Snapshot) string { return AWSIssuerBase(sn.Region) }
	}
	if d.DomainBase == nil {
		d.DomainBase = func(*pool.Snapshot) string { return "" }
	}
	if d.Rand == nil {
		d.Rand = rand.Reader
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{deps: d}
	s.signing = newSigningKeys(s)
	s.verified = newVerifiedTokens()
	s.touched = newTouches()
	return s
}

// Group is a group of the user as it stands in tokens.
type Group struct {
	Name    string
	RoleARN string
	// Precedence is nil for a group without precedence. Such a group comes last.
	Precedence *int32
}

// Subject is the user as it stands in tokens. It is read at each issue.
type Subject struct {
	UserID   string // sub
	Username string
	Status   string // for PreTokenGeneration
	// Attributes are all attributes of the user except sub.
	Attributes map[string]string
	Groups     []Group
	// TokensValidAfter is the token epoch of the user's row that the caller read.
	// A token is valid as long as the row's epoch stays the same ([SignOut]).
	TokensValidAfter time.Time
}

// Grant is a finished sign-in, or a refresh of one.
type Grant struct {
	Pool    *pool.Snapshot
	Client  *pool.Client
	Subject Subject
	// AuthTime is the time of the user's proof; zero means now.
	AuthTime time.Time
	// ACR and AMR are the claims of these names. They say how the user signed in, and a
	// refresh does not change them. Without a known factor they are empty.
	ACR string
	AMR []string
	// Origin is the family of refresh tokens, "" for a new one. NewFamily says that
	// the grant begins the family that Origin names.
	Origin    string
	NewFamily bool
	// Parent is the SSO session that the grant came through, "" for none.
	Parent  string
	EventID string // "" for a new one
	// DeviceKey is the device known for this sign-in, "" for none.
	DeviceKey string

	// OAuth is true for tokens of the domain's endpoints. They have Scopes and
	// version 2. Other tokens have the scope aws.cognito.signin.user.admin.
	OAuth    bool
	Scopes   []string
	Nonce    string
	Resource string // RFC 8707; the access token's aud

	// Source is the triggerSource of PreTokenGeneration; "" means a sign-in by the
	// API. ClientMetadata is passed to the function.
	Source         string
	ClientMetadata map[string]string

	// Overridden says that PreTokenGeneration was called before, and Override is
	// what it changes.
	Overridden bool
	Override   *Override

	WithRefresh bool
	// RefreshExpires is the end of the new refresh token. Zero means now plus the
	// validity that the app client has set.
	RefreshExpires time.Time

	// ClientContext describes the user's device. An administrator who signs the
	// user in sends it. nil: the device is the one that sent the request.
	ClientContext *ClientContext
}

// ClientContext describes the device from which a user signs in or refreshes.
type ClientContext struct{ Address, UserAgent string }

// Set is the result of Issue: the tokens of one grant.
type Set struct {
	AccessToken  string
	IDToken      string // "" for OAuth without the scope openid
	RefreshToken string // "" unless asked for
	ExpiresIn    int32  // of the access token, in seconds
	Origin       string
	EventID      string
	session      *store.UserSession // nil where the pool tracks no sessions
}

// LogValue keeps tokens out of logs.
func (s *Set) LogValue() slog.Value { return slog.StringValue("tokens") }

// Principal is the holder of an access token.
type Principal struct {
	Pool   *pool.Snapshot
	Client *pool.Client
	User   store.User
	Claims AccessClaims
}

// AccessClaims are the claims of a verified access token that operations use.
type AccessClaims struct {
	Subject   string
	Username  string
	ClientID  string
	Scopes    []string
	JTI       string
	Origin    string // "" where the client's tokens cannot be revoked by family
	EventID   string
	DeviceKey string
	ACR       string
	AMR       []string
	AuthTime  time.Time
	IssuedAt  time.Time
	ExpiresAt time.Time
}
