package store

import "time"

// Records are passed by value, and no method changes the caller's copy: a transaction that runs twice then starts twice
// from the same values. Insert writes Version 1; an update of a record compares its Version and writes Version+1.

// A Pool is a user pool. Doc holds its settings.
type Pool struct {
	ID, Region, Name      string
	Version               int64
	CreatedAt, ModifiedAt time.Time
	Doc                   []byte
}

// PoolCursor is a place in the list of pools, which is ordered by creation, then id.
type PoolCursor struct {
	CreatedAt time.Time
	ID        string
}

// A Client is an app client. IDs are unique over all pools.
type Client struct {
	PoolID, ID, Name      string
	Version               int64
	CreatedAt, ModifiedAt time.Time
	Doc                   []byte
}

// Kinds of items.
const (
	KindGroup            = "group"
	KindResourceServer   = "resource-server"
	KindIdentityProvider = "identity-provider"
	// KindProviderDocument has the long documents of identity providers.
	KindProviderDocument = "identity-provider-document"
	// KindProviderLinks has the attributes by which users are linked to people of a deleted
	// identity provider.
	KindProviderLinks   = "identity-provider-links"
	KindTerms           = "terms"
	KindBranding        = "branding"
	KindUICustomization = "ui-customization"
	KindRisk            = "risk"
	// KindLogDelivery has where a pool sends its logs, by event source.
	KindLogDelivery = "log-delivery"
	// KindLearning says when threat protection began to learn.
	KindLearning = "learning"
	// KindSAMLKey has the key by which a pool signs its requests of SAML providers.
	KindSAMLKey = "saml-key"
)

// An Item is a named setting of a pool: a group, a resource server, an identity provider.
type Item struct {
	PoolID, Kind, Key     string
	Version               int64
	CreatedAt, ModifiedAt time.Time
	Doc                   []byte
}

// A Domain is a login domain, unique over all pools.
type Domain struct {
	Domain, PoolID        string
	Version               int64
	CreatedAt, ModifiedAt time.Time
	Doc                   []byte
}

// A User is a person in a pool. ID is the sub, a random UUID. UsernameKey is the username as the pool compares it.
type User struct {
	PoolID, ID            string
	Username, UsernameKey string
	Status                string // upper case, as UserStatusType has it
	Enabled               bool
	Version               int64
	CreatedAt, ModifiedAt time.Time
	TokensValidAfter      time.Time // zero: never signed out everywhere

	// Searchable copies of attributes; nil: the user lacks it. A copy longer than 2,048 bytes is cut there, which no
	// filter (at most 256 characters) can tell.
	Email, PhoneNumber, Name, GivenName, FamilyName, PreferredUsername *string

	Profile    []byte // attributes, pending values, MFA
	Credential []byte // sealed
}

// Kinds of sign-in names besides the username.
const (
	NameEmail             = "email"
	NamePhoneNumber       = "phone_number"
	NamePreferredUsername = "preferred_username"
	NameUsername          = "username" // as LookupUser's matched kind only
)

// A Name is a sign-in name of a user. Value is folded as the pool compares it and is unique for its kind in the pool; a
// user has at most one of each kind.
type Name struct{ Kind, Value string }

// A Code is a verification code that was sent. Target is the attribute it proves, Value its pending value.
type Code struct {
	PoolID, UserID, Purpose string
	Hash                    [32]byte
	Target, Value           string
	Attempts                int
	CreatedAt, ExpiresAt    time.Time
}

// A Lockout tells how often a user's sign-in failed.
type Lockout struct {
	PoolID, UserID      string
	Failures            int
	LastAt, LockedUntil time.Time
}

// States of a message. Only queued messages are claimed; any other state is the caller's word for "done".
const (
	MessageQueued = "queued"
	MessageSent   = "sent"
	MessageFailed = "failed"
)

// Lanes of the outbox: the ways by which messages leave. Each is worked on by itself.
const (
	LaneEmail         = "EMAIL"
	LaneSMS           = "SMS"
	LaneEmailFunction = "EMAIL function" // a function of the pool sends
	LaneSMSFunction   = "SMS function"
	// LaneNowhere has no worker. Its messages are for users who do not exist: they are swept, and not listed.
	LaneNowhere = "nowhere"
)

// Lanes lists those that have a worker.
func Lanes() []string { return []string{LaneEmail, LaneSMS, LaneEmailFunction, LaneSMSFunction} }

// A Message is a mail or SMS of the outbox.
type Message struct {
	ID, PoolID, UserID, Username, Medium, To string
	Body                                     []byte // sealed
	Lane                                     string // which worker sends it; empty means that of the medium
	State                                    string // empty means queued
	Attempts                                 int
	NextAt, CreatedAt, ExpiresAt             time.Time
	LastError                                string
}

// MessageQuery selects messages of a pool; empty fields match all.
type MessageQuery struct {
	PoolID, Username, To, Medium string
	Limit                        int
}

// Kinds of the account's entities (IAM).
const (
	IAMUser         = "user"
	IAMGroup        = "group"
	IAMRole         = "role"
	IAMPolicy       = "policy"
	IAMOIDCProvider = "oidc-provider"
	IAMSAMLProvider = "saml-provider"
	// IAMSAMLMetadata has the metadata of SAML providers, which lists of providers need not read.
	IAMSAMLMetadata = "saml-metadata"
)

// Kinds of links between the account's entities.
const (
	IAMAttached = "attached" // to a managed policy
	IAMBoundary = "boundary" // to the managed policy that is the permissions boundary
	IAMMember   = "member"   // of a user to a group
)

// An IAMEntity is a user, a group, a role, a managed policy or an identity provider of the account. Key is unique for the
// kind.
type IAMEntity struct {
	Kind, Key, ID, Name, Path string
	Version                   int64
	CreatedAt                 time.Time
	Doc                       []byte
}

// An IAMLink says that the entity refers to a target: a policy, or a group by its key.
type IAMLink struct{ Kind, Key, Link, Target string }

// An AccessKey signs requests. Doc holds its policies and status.
type AccessKey struct {
	ID, PrincipalARN, Name string
	UserKey                string // the key of the user
	Version                int64
	Secret                 []byte // sealed
	Doc                    []byte
	CreatedAt              time.Time
}

// A DataKey is a wrapped key of the key ring.
type DataKey struct {
	Purpose, ID string
	Wrapped     []byte
	CreatedAt   time.Time
	RetiredAt   time.Time // zero: not retired
}

// A SigningKey signs a pool's tokens.
type SigningKey struct {
	PoolID, KID, Use, State                    string
	Sealed, Public                             []byte
	CreatedAt, ActivatesAt, RetiresAt, DropsAt time.Time
	Version                                    int64
}
