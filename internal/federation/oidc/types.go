package oidc

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Types of providers, as the API names them.
const (
	OIDC            = "OIDC"
	Google          = "Google"
	Facebook        = "Facebook"
	LoginWithAmazon = "LoginWithAmazon"
	SignInWithApple = "SignInWithApple"
)

// Keys of ProviderDetails.
const (
	keyClientID      = "client_id"
	keyClientSecret  = "client_secret"
	keyScopes        = "authorize_scopes"
	keyIssuer        = "oidc_issuer"
	keyAuthorizeURL  = "authorize_url"
	keyTokenURL      = "token_url"
	keyTokenMethod   = "token_request_method"
	keyAttributesURL = "attributes_url"
	keyAddAttributes = "attributes_url_add_attributes"
	keyRequestMethod = "attributes_request_method"
	keyJWKS          = "jwks_uri"
	keyAPIVersion    = "api_version"
	keyTeamID        = "team_id"
	keyKeyID         = "key_id"
	keyPrivateKey    = "private_key"
)

// kind is what distinguishes a type of provider, as far as it is data.
type kind struct {
	required, optional []string
	// fixed are the details that the type sets itself and that Describe shows.
	fixed map[string]string
	// issuers are accepted in ID tokens and in the iss parameter of an answer.
	issuers []string
	keysURL string
	// subject is the claim that names the person.
	subject string
	// idToken means that the token endpoint returns an ID token.
	idToken bool
	// formPost means that the provider sends its answer by POST.
	formPost bool
	// pkce means that the provider understands PKCE. OIDC learns it by discovery.
	pkce bool
	// scopeSeparator parts scopes in the authorization request, if it is not a space.
	scopeSeparator string
	// fields selects the claims that are asked of the attributes URL by name.
	fields func(mapped []string, idToken map[string]any) []string
}

// kinds are the types of providers. Cognito: CreateIdentityProvider, ProviderDetails.
var kinds = map[string]*kind{
	OIDC: {
		required: []string{keyClientID, keyScopes, keyIssuer, keyRequestMethod},
		optional: []string{keyClientSecret, keyAuthorizeURL, keyTokenURL, keyAttributesURL, keyJWKS},
		fixed:    map[string]string{keyAddAttributes: "false"},
		subject:  "sub", idToken: true,
	},
	Google: {
		required: []string{keyClientID, keyClientSecret, keyScopes},
		fixed: map[string]string{
			keyAttributesURL: "https://people.googleapis.com/v1/people/me?personFields=",
			keyAddAttributes: "true",
			keyAuthorizeURL:  "https://accounts.google.com/o/oauth2/v2/auth",
			keyIssuer:        "https://accounts.google.com",
			keyTokenMethod:   "POST",
			keyTokenURL:      "https://www.googleapis.com/oauth2/v4/token",
		},
		issuers: []string{"https://accounts.google.com", "accounts.google.com"},
		keysURL: "https://www.googleapis.com/oauth2/v3/certs",
		subject: "sub", idToken: true, pkce: true, fields: personFields,
	},
	Facebook: {
		required: []string{keyClientID, keyClientSecret, keyScopes},
		optional: []string{keyAPIVersion},
		fixed: map[string]string{
			keyAttributesURL: "https://graph.facebook.com/{ver}/me?fields=",
			keyAddAttributes: "true",
			keyAuthorizeURL:  "https://www.facebook.com/{ver}/dialog/oauth",
			keyTokenMethod:   "GET",
			keyTokenURL:      "https://graph.facebook.com/{ver}/oauth/access_token",
		},
		issuers: []string{"https://www.facebook.com"},
		subject: "id", scopeSeparator: ",", fields: graphFields,
	},
	LoginWithAmazon: {
		required: []string{keyClientID, keyClientSecret, keyScopes},
		fixed: map[string]string{
			keyAttributesURL: "https://api.amazon.com/user/profile",
			keyAddAttributes: "false",
			keyAuthorizeURL:  "https://www.amazon.com/ap/oa",
			keyTokenMethod:   "POST",
			keyTokenURL:      "https://api.amazon.com/auth/o2/token",
		},
		issuers: []string{"https://www.amazon.com"},
		subject: "user_id",
	},
	SignInWithApple: {
		required: []string{keyClientID, keyTeamID, keyKeyID, keyPrivateKey, keyScopes},
		fixed: map[string]string{
			keyAddAttributes: "false",
			keyAuthorizeURL:  "https://appleid.apple.com/auth/authorize",
			keyIssuer:        "https://appleid.apple.com",
			keyTokenMethod:   "POST",
			keyTokenURL:      "https://appleid.apple.com/auth/token",
		},
		issuers: []string{"https://appleid.apple.com"},
		keysURL: "https://appleid.apple.com/auth/keys",
		subject: "sub", idToken: true, formPost: true,
	},
}

// newestGraph is the version of Facebook's API if the details name no version.
const newestGraph = "v17.0"

// Defaults returns the read-only details that a type sets itself; nil for an unknown type.
func Defaults(providerType string, details map[string]string) map[string]string {
	k := kinds[providerType]
	if k == nil {
		return nil
	}
	version := details[keyAPIVersion]
	if version == "" {
		version = newestGraph
	}
	fixed := make(map[string]string, len(k.fixed))
	for key, value := range k.fixed {
		fixed[key] = strings.ReplaceAll(value, "{ver}", version)
	}
	return fixed
}

// Describe returns the details that DescribeIdentityProvider shows: those that were given,
// without a private key, and the read-only ones.
func Describe(providerType string, details map[string]string) map[string]string {
	shown := Given(providerType, details)
	delete(shown, keyPrivateKey)
	maps.Copy(shown, Defaults(providerType, details))
	return shown
}

// Given returns those of the details that are the caller's to set. Terraform sends the
// read-only ones, too, as it has read them.
func Given(providerType string, details map[string]string) map[string]string {
	given := map[string]string{}
	if k := kinds[providerType]; k != nil {
		for _, key := range slices.Concat(k.required, k.optional) {
			if value, ok := details[key]; ok {
				given[key] = value
			}
		}
	}
	return given
}

// SubjectClaim returns the claim that names the person, which the attribute username has as
// its source; "" for an unknown type.
func SubjectClaim(providerType string) string {
	if k := kinds[providerType]; k != nil {
		return k.subject
	}
	return ""
}

// personFields are the fields of Google's People API that mapped names ask for. The API
// refuses names that it does not know. Claims of the ID token are not asked for again.
func personFields(mapped []string, idToken map[string]any) []string {
	return slices.DeleteFunc(mapped, func(name string) bool {
		_, known := idToken[name]
		return known || !slices.Contains(peopleFields, name)
	})
}

// peopleFields are the fields of people.get. Google: People API, people.get, personFields.
var peopleFields = []string{
	"addresses", "ageRanges", "biographies", "birthdays", "calendarUrls", "clientData", "coverPhotos", "emailAddresses",
	"events", "externalIds", "genders", "imClients", "interests", "locales", "locations", "memberships", "metadata",
	"miscKeywords", "names", "nicknames", "occupations", "organizations", "phoneNumbers", "photos", "relations",
	"sipAddresses", "skills", "urls", "userDefined",
}

func unknownType(providerType string) error {
	return fmt.Errorf("oidc: unknown type of provider %q", providerType)
}
