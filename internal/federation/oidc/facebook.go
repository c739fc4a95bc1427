package oidc

import (
	"slices"
	"strings"
)

// Facebook speaks OAuth 2.0 without OpenID Connect: its token endpoint is called by GET,
// there is no ID token, and the Graph API answers only with fields that are asked for.

// graphFields are the fields that the Graph API is asked for: the person's ID and the mapped
// names. A name that is no plain word could ask for nested data, and is left out.
func graphFields(mapped []string, _ map[string]any) []string {
	fields := []string{"id"}
	for _, name := range mapped {
		plain := !strings.ContainsFunc(name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
		})
		if plain && name != "" && !slices.Contains(fields, name) {
			fields = append(fields, name)
		}
	}
	return fields
}
