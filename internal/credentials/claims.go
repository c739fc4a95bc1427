package credentials

import (
	"encoding/json"
	"slices"
	"strings"

	"cognate/internal/iam"
)

// The claims of a token for the session (IAM User Guide: "Pass session tags in AWS STS",
// "Monitor and control actions taken with assumed roles").
const (
	claimTags           = "https://aws.amazon.com/tags"
	claimTag            = claimTags + "/principal_tags/"
	claimTransitive     = claimTags + "/transitive_tag_keys"
	claimSourceIdentity = "https://aws.amazon.com/source_identity"
)

func missing(claim string) error { return badToken("Missing a required claim: " + claim) }

// timeOf returns a claim that is a time, in seconds. Fractions are refused, as AWS does.
func timeOf(claims map[string]any, name string) (int64, error) {
	n, ok := claims[name].(json.Number)
	if !ok {
		return 0, missing(name)
	}
	seconds, err := n.Int64()
	if err != nil {
		return 0, badToken("The claim " + name + " is not an integer.")
	}
	return seconds, nil
}

// textsOf returns a text, or a list of texts, as a list.
func textsOf(v any) []string {
	switch v := v.(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []any:
		var list []string
		for _, e := range v {
			if text, ok := e.(string); ok && text != "" {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// readSession reads the tags and the source identity of a session from the claims of a token.
// Package iam checks the form of tags.
func readSession(claims map[string]any, a *iam.Assumption) error {
	tags := map[string]any{}
	var transitive any
	if nested, ok := claims[claimTags].(map[string]any); ok {
		if list, ok := nested["principal_tags"].(map[string]any); ok {
			tags = list
		}
		transitive = nested["transitive_tag_keys"]
	} else {
		for name, v := range claims {
			if key, ok := strings.CutPrefix(name, claimTag); ok {
				tags[key] = v
			}
		}
		transitive = claims[claimTransitive]
	}
	for key, v := range tags {
		value, ok := tagValue(v)
		if !ok {
			return badToken("The session tags in the token are not valid.")
		}
		if a.Tags == nil {
			a.Tags = map[string]string{}
		}
		a.Tags[key] = value
	}
	a.TransitiveKeys = textsOf(transitive)
	if v, ok := claims[claimSourceIdentity]; ok {
		a.SourceIdentity, _ = v.(string)
		if !isSourceIdentity(a.SourceIdentity) {
			return badToken("The source identity in the token is not valid.")
		}
	}
	return nil
}

// tagValue returns the value of a tag: a text, or a list of one text.
func tagValue(v any) (string, bool) {
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	text, ok := v.(string)
	return text, ok
}

// isSourceIdentity reports whether a text has the form of a source identity (STS: SourceIdentity).
func isSourceIdentity(s string) bool { return isName(s, 2, 64) }

// isName reports whether a text has the form of a session name.
func isName(s string, shortest, longest int) bool {
	return len(s) >= shortest && len(s) <= longest && !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("_+=,.@-", rune(c))
	})
}
