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
	// IssuerBase returns what stands before "/<pool id>" in a pool's issuer.
	// nil is AWS's own form, see [AWSIssuerBase].
	IssuerBase func(*pool.Snapshot) string
	// DomainBase returns the base URL of the pool's sign-in domain for discovery,
	// "" where the pool has none. nil: no pool has one.
	DomainBase func(*pool.Snapshot) string
	// SigningKeys has keys ready for new pools; nil: they are made when needed.
	SigningKeys *keys.SigningKeyPool
	// Triggers ask what a pool's own function wants tokens to say.
	Triggers *trigger.Service
	// Rand is crypto/rand unless a test needs fixed ids.
	Rand io.Reader
	Log  *slog.Logger
}

// Service issues, verifies and revokes the tokens of all pools.
type Service struct {
	store      *store.Store
	pools      *pool.Service
	ring       *keys.Ring
	gate       *keys.Gate
	now        func() time.Time
	issuerBase func(*pool.Snapshot) string
	domainBase func(*pool.Snapshot) string
	ready      *keys.SigningKeyPool
	triggers   *trigger.Service
	rand       io.Reader
	log        *slog.Logger

	signing  *signingKeys
	verified *verifiedTokens
	touched  *touches
}

// New builds the service.
func New(d Deps) *Service {
	s := &Service{
		store: d.Store, pools: d.Pools, ring: d.Ring, gate: d.Gate, now: d.Now,
		issuerBase: d.IssuerBase, domainBase: d.DomainBase, ready: d.SigningKeys, triggers: d.Triggers, rand: d.Rand, log: d.Log,
	}
	if s.issuerBase == nil {
		s.issuerBase = func(sn *pool.Snapshot) string { return AWSIssuerBase(sn.Region) }
	}
	if s.domainBase == nil {
		s.domainBase = func(*pool.Snapshot) string { return "" }
	}
	if s.rand == nil {
		s.rand = rand.Reader
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.signing = newSigningKeys(s)
	s.verified = newVerifiedTokens()
	s.touched = newTouches()
	return s
}

// Group is a group of the user as tokens tell it.
type Group struct {
	Name    string
	RoleARN string
	// Precedence is nil where the group has none, which is the worst.
	Precedence *int32
}

// Subject is the user as tokens tell of it, read at each issue.
type Subject struct {
	UserID   string // sub
	Username string
	Status   string // as PreTokenGeneration is told
	// Attributes are all of the user's but sub.
	Attributes map[string]string
	Groups     []Group
	// TokensValidAfter is the mark of the user's row that the caller read: a
	// token lives as long as the row's mark is the same ([SignOut]).
	TokensValidAfter time.Time
}

// Grant is a finished sign-in, or a refresh of one.
type Grant struct {
	Pool    *pool.Snapshot
	Client  *pool.Client
	Subject Subject
	// AuthTime is when the user proved who it is; zero is now.
	AuthTime time.Time
	// Origin is the family of refresh tokens, "" for a new one.
	Origin  string
	EventID string // "" for a new one
	// DeviceKey is the device known for this sign-in, "" for none.
	DeviceKey string

	// OAuth marks tokens of the domain's endpoints, which have Scopes and tell
	// version 2. Otherwise the scope is aws.cognito.signin.user.admin.
	OAuth    bool
	Scopes   []string
	Nonce    string
	Resource string // RFC 8707; the access token's aud

	// Source is the triggerSource of PreTokenGeneration; "" is that of a sign-in
	// by the API. ClientMetadata is what it is told besides; nil for nothing.
	Source         string
	ClientMetadata map[string]string

	WithRefresh bool
	// RefreshExpires is when the new refresh token ends; zero is the client's
	// validity from now.
	RefreshExpires time.Time

	// Seen describes the user's client where an administrator signs the user in
	// and says where the user is. nil: the client is the request's.
	Seen *Sighting
}

// Sighting is from where a user signs in or refreshes.
type Sighting struct{ Address, UserAgent string }

// Set is what Issue gives.
type Set struct {
	AccessToken  string
	IDToken      string // "" for OAuth without the scope openid
	RefreshToken string // "" unless asked for
	ExpiresIn    int32  // of the access token, in seconds
	Origin       string
	EventID      string
	session      *store.UserSession // nil where there is none to record
}

// LogValue keeps tokens out of logs.
func (s *Set) LogValue() slog.Value { return slog.StringValue("tokens") }

// Principal is who holds an access token.
type Principal struct {
	Pool   *pool.Snapshot
	Client *pool.Client
	User   store.User
	Claims AccessClaims
}

// AccessClaims are those of a verified access token that operations look at.
type AccessClaims struct {
	Subject   string
	Username  string
	ClientID  string
	Scopes    []string
	JTI       string
	Origin    string // "" where the client's tokens cannot be revoked by family
	EventID   string
	DeviceKey string
	AuthTime  time.Time
	IssuedAt  time.Time
	ExpiresAt time.Time
}
