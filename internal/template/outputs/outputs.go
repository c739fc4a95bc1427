// Package outputs writes the files from which applications read the ids of a deployed template:
// amplify_outputs.json, aws-exports.js and .env. With these files Amplify, unchanged, uses this server instead
// of AWS.
package outputs

import (
	"bytes"
	"encoding/json"
)

// A Deployment describes the resources of a deployed template. Amplify's files have one user pool, one app
// client and one identity pool: the caller chooses them.
type Deployment struct {
	Region string
	// Endpoint is the address of the server, such as http://localhost:9229.
	Endpoint     string
	UserPool     *UserPool
	Client       *Client
	IdentityPool *IdentityPool
	// Custom are the outputs of the template, for the entry "custom" of amplify_outputs.json.
	Custom map[string]string
	// Values are all ids and outputs, for .env.
	Values []Value
}

// A UserPool has the settings that login forms depend on.
type UserPool struct {
	ID string
	// UsernameAttributes are the attributes that people sign in with instead of a username. AliasAttributes are
	// those that they may sign in with beside the username.
	UsernameAttributes, AliasAttributes []string
	RequiredAttributes                  []string
	VerifiedAttributes                  []string
	// VerificationLink is set if the pool sends links instead of codes.
	VerificationLink bool
	// MFA is OFF, OPTIONAL or ON.
	MFA string
	// MFAMethods are SMS, TOTP and EMAIL.
	MFAMethods   []string
	Password     *PasswordPolicy
	Passwordless *Passwordless
	Groups       []Group
}

// A PasswordPolicy is the policy of a pool.
type PasswordPolicy struct {
	MinimumLength                          int
	Lowercase, Uppercase, Numbers, Symbols bool
}

// Passwordless are the first factors of a pool beside passwords.
type Passwordless struct {
	EmailOTP, SMSOTP bool
	// RelyingParty is the domain of passkeys; empty without passkeys.
	RelyingParty, UserVerification string
}

// A Group is a group of a pool.
type Group struct {
	Name       string
	Precedence *int
}

// A Client is an app client.
type Client struct {
	ID    string
	OAuth *OAuth
}

// An OAuth has the settings of an app client's sign-in by redirects.
type OAuth struct {
	// Domain is the host of the pool's domain, with its port. Amplify uses only https for it.
	Domain                   string
	Scopes                   []string
	CallbackURLs, LogoutURLs []string
	Implicit                 bool
	// Providers are the names of the identity providers, without COGNITO.
	Providers []string
}

// An IdentityPool is an identity pool.
type IdentityPool struct {
	ID     string
	Guests bool
}

// socialProviders are Amplify's names of providers: first the name in amplify_outputs.json, then the name in
// Amplify's own configuration.
var socialProviders = map[string][2]string{
	"Google":          {"GOOGLE", "Google"},
	"Facebook":        {"FACEBOOK", "Facebook"},
	"LoginWithAmazon": {"LOGIN_WITH_AMAZON", "Amazon"},
	"SignInWithApple": {"SIGN_IN_WITH_APPLE", "Apple"},
}

// orEmpty returns the list, or an empty list for nil, which would be null in JSON.
func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// indented returns JSON for a file.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}
