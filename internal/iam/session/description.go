package session

import "time"

// A Kind is the kind of identity that a session acts for.
type Kind uint8

// The kinds.
const (
	// AssumedRole is a session of a role.
	AssumedRole Kind = iota + 1
	// FederatedUser is a session that a user made for somebody else (GetFederationToken).
	FederatedUser
	// User is a session that a user made for itself (GetSessionToken).
	User
)

// A Description is all that is known about a session. It must not be changed, since requests
// share it.
type Description struct {
	Kind Kind `json:"k"`
	// Name is the session name of a role, or the name of a federated user.
	Name string `json:"n,omitempty"`
	// Role is the ARN of the role, RoleID is its unique id. A role that was made again
	// under the same name has another id.
	Role   string `json:"r,omitempty"`
	RoleID string `json:"ri,omitempty"`
	// ParentKey is the access key of the user that made the session, UserID is the user's
	// unique id. Both are "" for the root user of a development server.
	ParentKey string `json:"pk,omitempty"`
	UserID    string `json:"ui,omitempty"`

	Issued  time.Time `json:"-"` // in seconds
	Expires time.Time `json:"-"`

	// Policy is the inline session policy, PolicyARNs are the managed ones.
	Policy     string   `json:"p,omitempty"`
	PolicyARNs []string `json:"pa,omitempty"`
	// Tags are the session tags. Sessions that this session makes keep those of
	// TransitiveKeys.
	Tags           map[string]string `json:"t,omitempty"`
	TransitiveKeys []string          `json:"tt,omitempty"`
	SourceIdentity string            `json:"si,omitempty"`
	// Login is the login by which a role was assumed, nil for others.
	Login *Login `json:"l,omitempty"`
	// IdentityPool and Identity are the identity for which an identity pool made the
	// session, or "".
	IdentityPool string `json:"ip,omitempty"`
	Identity     string `json:"id,omitempty"`
}

// A Login is an identity that a provider vouched for.
type Login struct {
	// Provider is the principal in trust policies: the ARN of an OIDC or SAML provider, or
	// a domain such as cognito-identity.amazonaws.com.
	Provider string `json:"p"`
	// Keys are the provider's condition keys, such as cognito-identity.amazonaws.com:sub.
	Keys map[string][]string `json:"k,omitempty"`
}
