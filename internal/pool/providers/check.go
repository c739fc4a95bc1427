package providers

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"cognate/internal/federation/oidc"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
)

// Rules of what a request says of a provider, apart from its details.

// social are the types whose providers have the type as their name.
var social = []string{oidc.Facebook, oidc.Google, oidc.LoginWithAmazon, oidc.SignInWithApple}

// checkName rejects names that another type or the pool itself has.
func checkName(name, kind string) error {
	if slices.Contains(social, kind) {
		if name != kind {
			return invalid("The provider name of a " + kind + " provider must be " + kind + ".")
		}
		return nil
	}
	if slices.Contains(social, name) || strings.EqualFold(name, "COGNITO") {
		return invalid("The provider name " + name + " is reserved.")
	}
	return nil
}

// checkMapping rejects attributes that the pool does not have. The attribute username is the
// person's name at the provider.
func checkMapping(sn *pool.Snapshot, mapping map[string]string) error {
	for attribute := range mapping {
		switch attribute {
		case usernameAttribute:
			continue
		case schema.Sub, schema.Identities:
			return invalid("The attribute " + attribute + " cannot be mapped.")
		}
		if _, known := sn.Schema.Attribute(attribute); !known {
			return invalid("Invalid user attributes: Type for attribute {" + attribute + "} could not be determined")
		}
	}
	return nil
}

// usernameAttribute is the target of a mapping that names the person.
const usernameAttribute = "username"

// withUsername adds the source of the username, which the API shows for every type but SAML.
func withUsername(kind string, mapping map[string]string) map[string]string {
	source := oidc.SubjectClaim(kind)
	if source == "" || mapping[usernameAttribute] != "" {
		return mapping
	}
	out := map[string]string{usernameAttribute: source}
	maps.Copy(out, mapping)
	return out
}

var levelKey = regexp.MustCompile(`^Level[1-4]$`)

// checkLevels checks the names of authentication levels, which OpenID Connect alone has
// (Cognito: AcrMapping).
func checkLevels(kind string, levels map[string]string) error {
	if len(levels) > 0 && kind != oidc.OIDC {
		return invalid("AcrMapping is for providers of type OIDC only.")
	}
	seen := map[string]bool{}
	for key, value := range levels {
		switch {
		case !levelKey.MatchString(key):
			return invalid("AcrMapping has an unknown level: " + key)
		case value == "" || seen[value]:
			return invalid("AcrMapping must have a distinct value for each level.")
		}
		seen[value] = true
	}
	return nil
}

// checkIdentifiers rejects an identifier that another provider of the pool has.
func checkIdentifiers(all []*pool.Item[document], name string, identifiers []string) error {
	for n, text := range identifiers {
		if slices.Contains(identifiers[:n], text) {
			return invalid("The identifier " + text + " is there twice.")
		}
		for _, other := range all {
			if other.Key != name && slices.Contains(other.Doc.Identifiers, text) {
				return invalid("The identifier " + text + " belongs to another identity provider.")
			}
		}
	}
	return nil
}
