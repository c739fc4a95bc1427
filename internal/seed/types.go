// Package seed brings a development server into the state that a file describes: user pools with
// their app clients and users, identity pools and roles. It also writes the state of a server as
// such a file.
//
// It works through the operations of the API, so that its rules are those of the API. What the API
// cannot say, such as an id, a sub or a hash of a password, goes through functions of packages pool
// and user. A file is read and checked as a whole before anything is stored.
package seed

import (
	"encoding/json"
	"reflect"

	"cognate/internal/api/identity"
	"cognate/internal/api/idp"
	"cognate/internal/keys"
)

// A File is a seed. The tags of its types name the fields in the file and describe them for editors:
// docs/seed.schema.json is made from them.
type File struct {
	Schema        string         `seed:"$schema" doc:"Address of the JSON Schema of this file, for editors."`
	Region        string         `seed:"region" doc:"Region of pools whose id is not given. The default is us-east-1."`
	Roles         []Role         `seed:"roles" doc:"Roles of IAM."`
	UserPools     []UserPool     `seed:"userPools" doc:"User pools."`
	IdentityPools []IdentityPool `seed:"identityPools" doc:"Identity pools."`

	source *source
}

// A UserPool is a user pool and what belongs to it.
type UserPool struct {
	ID                string             `seed:"id" doc:"Id of the pool, such as us-east-1_example1. Without it the pool is found by its name, and a new pool gets a random id."`
	Name              string             `seed:"name,required" doc:"Name of the pool."`
	Settings          Settings           `seed:"settings" shape:"userPool" doc:"Settings, as CreateUserPool takes them."`
	MFA               Settings           `seed:"mfa" shape:"mfa" doc:"Second factors, as SetUserPoolMfaConfig takes them."`
	Domain            *Domain            `seed:"domain" doc:"Prefix domain of the pool, for login pages."`
	CustomDomain      *Domain            `seed:"customDomain" doc:"Custom domain of the pool, for login pages."`
	ResourceServers   []ResourceServer   `seed:"resourceServers" doc:"Resource servers with their scopes."`
	IdentityProviders []IdentityProvider `seed:"identityProviders" doc:"External identity providers."`
	Clients           []Client           `seed:"clients" doc:"App clients."`
	Groups            []Group            `seed:"groups" doc:"Groups of users."`
	Users             []User             `seed:"users" doc:"Users."`
	// homonyms are custom attributes with the names of standard ones.
	homonyms []idp.SchemaAttributeType
}

// A Domain is where a pool's login pages are.
type Domain struct {
	Name                string `seed:"name,required" doc:"The prefix, or the whole name of a custom domain."`
	ManagedLoginVersion *int32 `seed:"managedLoginVersion" doc:"1 for the classic pages, 2 for managed login."`
	CertificateARN      string `seed:"certificateArn" doc:"ARN of the certificate of a custom domain. It is stored only."`
}

// A ResourceServer is an API with scopes.
type ResourceServer struct {
	Identifier string  `seed:"identifier,required" doc:"Identifier, such as https://api.example.com."`
	Name       string  `seed:"name" doc:"Name. The default is the identifier."`
	Scopes     []Scope `seed:"scopes" doc:"Scopes."`
}

// A Scope is a scope of a resource server.
type Scope struct {
	Name        string `seed:"name,required" doc:"Name of the scope, without the identifier."`
	Description string `seed:"description" doc:"Description. The default is the name."`
}

// An IdentityProvider is an external identity provider of a user pool.
type IdentityProvider struct {
	Name             string            `seed:"name,required" doc:"Name of the provider."`
	Type             string            `seed:"type,required" doc:"OIDC, SAML, Google, Facebook, LoginWithAmazon or SignInWithApple."`
	Details          map[string]string `seed:"details" doc:"ProviderDetails, as CreateIdentityProvider takes them."`
	AttributeMapping map[string]string `seed:"attributeMapping" doc:"Attributes of the pool, and the provider's names of them."`
	Identifiers      []string          `seed:"identifiers" doc:"Identifiers, such as domains of mail addresses."`
}

// A Client is an app client.
type Client struct {
	ID       string      `seed:"id" doc:"Id of the client: letters, digits, _, + and -. Without it the client is found by its name, and a new client gets a random id."`
	Name     string      `seed:"name,required" doc:"Name of the client."`
	Secret   keys.Secret `seed:"secret" doc:"Secret: 24 to 64 letters, digits, _ and +. A client without this field has no secret, unless settings say GenerateSecret."`
	Settings Settings    `seed:"settings" shape:"client" doc:"Settings, as CreateUserPoolClient takes them."`
}

// A Group is a group of users.
type Group struct {
	Name        string `seed:"name,required" doc:"Name of the group."`
	Description string `seed:"description" doc:"Description."`
	Precedence  *int32 `seed:"precedence" doc:"Precedence. The lowest number comes first."`
	Role        string `seed:"role" doc:"ARN of the group's role, or the name of a role of this file."`
}

// A User is a user of a pool.
type User struct {
	Username     string            `seed:"username,required" doc:"Name of the user. In a pool whose usernames are addresses, the address."`
	Sub          string            `seed:"sub" doc:"Id of the user: a UUID in lower case. A new user without it gets a random sub."`
	Password     keys.Secret       `seed:"password" doc:"Password. It must satisfy the pool's policy."`
	PasswordHash keys.Secret       `seed:"passwordHash" doc:"Hash of the password instead: bcrypt, scrypt, argon2id or PBKDF2-SHA256, as a PHC or crypt string. It is ignored for an existing user."`
	Status       string            `seed:"status" enum:"CONFIRMED,FORCE_CHANGE_PASSWORD,RESET_REQUIRED,UNCONFIRMED" doc:"Status. The default of a new user is CONFIRMED. With FORCE_CHANGE_PASSWORD the password is temporary."`
	Enabled      *bool             `seed:"enabled" doc:"Whether the user may sign in. The default of a new user is true."`
	Attributes   map[string]string `seed:"attributes" doc:"Attributes by name, such as email and email_verified."`
	Groups       []string          `seed:"groups" doc:"Groups of the user, by name. They are groups of this pool in this file."`
	TOTPSecret   keys.Secret       `seed:"totpSecret" doc:"Secret of the user's authenticator app, in base 32."`
	MFA          []string          `seed:"mfa" enum:"SOFTWARE_TOKEN_MFA,SMS_MFA,EMAIL_OTP" doc:"Second factors. The first is preferred. The default with totpSecret is SOFTWARE_TOKEN_MFA."`

	// lenient is true for users of cognito-local: the password need not satisfy the policy, and a
	// user that fails the rules of the pool is left out.
	lenient bool
}

// An IdentityPool is an identity pool.
type IdentityPool struct {
	ID       string            `seed:"id" doc:"Id of the pool: the Region, a colon and a UUID. Without it the pool is found by its name, and a new pool gets a random id."`
	Name     string            `seed:"name,required" doc:"Name of the pool."`
	Settings Settings          `seed:"settings" shape:"identityPool" doc:"Settings, as CreateIdentityPool takes them."`
	Roles    map[string]string `seed:"roles" doc:"Roles for authenticated and unauthenticated: ARNs, or names of roles of this file."`
	Mappings Settings          `seed:"roleMappings" shape:"roleMappings" doc:"RoleMappings, as SetIdentityPoolRoles takes them."`
}

// A Role is a role of IAM.
type Role struct {
	Name        string              `seed:"name,required" doc:"Name of the role."`
	Path        string              `seed:"path" doc:"Path. The default is /."`
	Description string              `seed:"description" doc:"Description."`
	TrustPolicy Document            `seed:"trustPolicy,required" doc:"Who may assume the role: a policy of IAM."`
	Policies    map[string]Document `seed:"policies" doc:"Policies of the role by name: what it may do."`
	Managed     []string            `seed:"managedPolicies" doc:"ARNs of managed policies of the role."`
}

// Settings are members of a request of the API, by name.
type Settings map[string]json.RawMessage

// A Document is a policy of IAM as JSON.
type Document []byte

// A shape is a request of the API whose members a file can set.
type shape struct {
	operation string
	kind      reflect.Type
	// hidden are the members that other fields of the file set.
	hidden []string
}

// shapes are the requests by the name in the tags.
var shapes = map[string]shape{
	"userPool":     {"CreateUserPool", reflect.TypeFor[idp.CreateUserPoolRequest](), []string{"PoolName"}},
	"mfa":          {"SetUserPoolMfaConfig", reflect.TypeFor[idp.SetUserPoolMfaConfigRequest](), []string{"UserPoolId"}},
	"client":       {"CreateUserPoolClient", reflect.TypeFor[idp.CreateUserPoolClientRequest](), []string{"UserPoolId", "ClientName", "ClientSecret"}},
	"identityPool": {"CreateIdentityPool", reflect.TypeFor[identity.CreateIdentityPoolInput](), []string{"IdentityPoolName"}},
	"roleMappings": {"SetIdentityPoolRoles", reflect.TypeFor[map[string]identity.RoleMapping](), nil},
}
