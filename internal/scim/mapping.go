package scim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cognate/internal/pool"
	"cognate/internal/pool/schema"
	"cognate/internal/scim/resource"
)

// Where a directory has a person's name at the provider: the subject of a sign-in.
const (
	SubjectUserName   = "userName"
	SubjectExternalID = "externalId"
)

// settings are what an operator chose for a directory.
type settings struct {
	// Subject is SubjectUserName or SubjectExternalID.
	Subject string `json:"subject"`
	// Attributes has the SCIM attribute of pool attributes, beside and instead of defaultMapping. ""
	// leaves the pool's attribute out.
	Attributes map[string]string `json:"attributes,omitempty"`
}

// defaultMapping has the SCIM attributes (RFC 7643 §4.1) of the pool's standard attributes.
// preferred_username is not among them: it can be a sign-in name.
var defaultMapping = map[string]string{
	"email":        "emails.value",
	"phone_number": "phoneNumbers.value",
	"name":         "name.formatted",
	"given_name":   "name.givenName",
	"family_name":  "name.familyName",
	"middle_name":  "name.middleName",
	"nickname":     "nickName",
	"profile":      "profileUrl",
	"picture":      "photos.value",
	"address":      "addresses.formatted",
	"locale":       "locale",
	"zoneinfo":     "timezone",
}

// maxMapped bounds how many attributes an operator maps.
const maxMapped = 100

// check rejects settings that the pool cannot have.
func (s *settings) check(sn *pool.Snapshot) error {
	if s.Subject != SubjectUserName && s.Subject != SubjectExternalID {
		return fmt.Errorf("the subject must be %s or %s", SubjectUserName, SubjectExternalID)
	}
	if len(s.Attributes) > maxMapped {
		return fmt.Errorf("at most %d attributes can be mapped", maxMapped)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Attributes)) {
		path := s.Attributes[name]
		switch _, known := sn.Schema.Attribute(name); {
		case !known:
			return fmt.Errorf("the pool has no attribute %q", name)
		case name == schema.Sub || name == schema.Identities || schema.IsVerifiedFlag(name):
			return fmt.Errorf("a directory cannot set the attribute %q", name)
		case path != "" && !resource.User.Has(path):
			return fmt.Errorf("users of SCIM have no attribute %q", path)
		}
	}
	return nil
}

// values returns the attributes of the pool that a user document sets.
func (s *settings) values(sn *pool.Snapshot, doc resource.Document) map[string]string {
	paths := maps.Clone(defaultMapping)
	maps.Copy(paths, s.Attributes)
	values := map[string]string{}
	for name, path := range paths {
		if _, known := sn.Schema.Attribute(name); !known || path == "" {
			continue
		}
		value := resource.User.TextAt(doc, path)
		if name == "name" && path == defaultMapping["name"] && value == "" {
			value = resource.User.TextAt(doc, "displayName")
		}
		if name == schema.PhoneNumber {
			value = phoneNumber(value)
		}
		if value != "" {
			values[name] = value
		}
	}
	return values
}

// change returns values with "" for the attributes that the document had before and lacks now.
func (s *settings) change(sn *pool.Snapshot, before, after resource.Document) map[string]string {
	values := s.values(sn, after)
	for name := range s.values(sn, before) {
		if _, stays := values[name]; !stays {
			values[name] = ""
		}
	}
	return values
}

// phoneNumber returns the number as the pool stores it (E.164). It returns "" for a text that does
// not become such a number without its blanks and punctuation.
func phoneNumber(text string) string {
	text = strings.TrimPrefix(text, "tel:")
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()/\u00a0", r) {
			return -1
		}
		return r
	}, text)
	if !schema.IsPhone(text) {
		return ""
	}
	return text
}
