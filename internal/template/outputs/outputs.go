// Package outputs writes the files from which applications read what a template made: amplify_outputs.json,
// aws-exports.js and .env. Amplify, unchanged, then uses this server instead of AWS.
package outputs

import (
	"bytes"
	"encoding/json"
)

// A Deployment describes what a template made. Amplify's files have one user pool, one app client and one
// identity pool; the deployer chooses them.
type Deployment struct {
	Region string
	// Endpoint is the address of the server, such as http://localhost:9229.
	Endpoint     string
	UserPool     *UserPool
	Client       *Client
	IdentityPool *IdentityPool
	// Custom are outputs of the template: they go to the part "custom" of amplify_outputs.json.
	Custom map[string]string
	// Values are all ids and outputs, for .env.
	Values []Value
}

// A UserPool has the settings that login forms depend on.
type UserPool struct {
	ID string
	// UsernameAttributes are those that people sign in with instead of a username, and AliasAttributes those
	// that they may sign in with beside it.
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
	// Domain is the host of the pool's domain, with its port. Amplify calls it by https only.
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

// socialProviders are Amplify's names of providers: those in amplify_outputs.json, and in its configuration.
var socialProviders = map[string][2]string{
	"Google":          {"GOOGLE", "Google"},
	"Facebook":        {"FACEBOOK", "Facebook"},
	"LoginWithAmazon": {"LOGIN_WITH_AMAZON", "Amazon"},
	"SignInWithApple": {"SIGN_IN_WITH_APPLE", "Apple"},
}

// orEmpty returns a list that is not null in JSON.
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
