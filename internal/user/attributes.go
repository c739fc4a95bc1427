package user

import (
	"maps"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/pool/schema"
)

// Texts of what a schema does not allow (Cognito: errors of SignUp,
// AdminCreateUser, UpdateUserAttributes and their kin).
const (
	nonconforming = "Attributes did not conform to the schema: "
	noSuchName    = ": Attribute does not exist in the schema.\n"
	isRequired    = ": The attribute is required\n"
	isImmutable   = ": Attribute cannot be updated.\n"
)

// MissingText returns the text of the error for attributes that the schema requires and
// that are missing.
func MissingText(names []string) string {
	var text strings.Builder
	text.WriteString(nonconforming)
	for _, name := range names {
		text.WriteString(name + isRequired)
	}
	return text.String()
}

func unauthorizedAttribute() error {
	return idp.NotAuthorizedException("A client attempted to write unauthorized attribute").WithReason(api.ReasonNotAllowed)
}

// attributeValues returns a request's values by name, and the names in the
// request's order. Where a name is sent several times, its last value counts.
func attributeValues(list []idp.AttributeType) (values map[string]string, names []string, err error) {
	values = make(map[string]string, len(list))
	for _, a := range list {
		if a.Value == nil {
			return nil, nil, idp.InvalidParameterException("Attribute value for " + a.Name + " must not be null")
		}
		if _, again := values[a.Name]; !again {
			names = append(names, a.Name)
		}
		values[a.Name] = *a.Value
	}
	return values, names, nil
}

// NewAttributes checks the attributes of a new user and returns their stored form. client
// is nil for an administrator, who may set verified flags and developer-only attributes,
// and may leave out attributes that the schema requires. implied are the values that
// follow from the username. They need no permission of the client.
func NewAttributes(sn *pool.Snapshot, client *pool.Client, list []idp.AttributeType, implied map[string]string) (map[string]string, error) {
	given, names, err := attributeValues(list)
	if err != nil {
		return nil, err
	}
	stored := maps.Clone(given)
	for name, value := range implied {
		if own := given[name]; own != "" && sn.FoldAlias(name, own) != sn.FoldAlias(name, value) {
			return nil, idp.InvalidParameterException("User " + name + " should be empty or same as username, since username attribute is " + name + ".")
		}
		if given[name] == "" {
			stored[name] = value
		}
	}
	maps.DeleteFunc(stored, func(_, v string) bool { return v == "" })
	if err := checkNewNames(sn, client, names, stored); err != nil {
		return nil, err
	}
	if client != nil {
		for name := range given {
			if !mayWrite(sn, client, name) {
				return nil, unauthorizedAttribute()
			}
		}
	}
	if err := CheckValues(sn, stored); err != nil {
		return nil, err
	}
	if client == nil {
		return stored, checkFlags(stored, stored)
	}
	return stored, nil
}

// checkNewNames rejects names that the schema does not have, all at once and in
// the request's order. For a client it also rejects missing names that the schema
// requires.
func checkNewNames(sn *pool.Snapshot, client *pool.Client, names []string, stored map[string]string) error {
	var faults strings.Builder
	for _, name := range names {
		_, known := sn.Schema.Attribute(name)
		switch {
		case !known:
			faults.WriteString(name + noSuchName)
		case client == nil && (name == schema.Sub || name == schema.Identities):
			return idp.InvalidParameterException("user." + name + isImmutable)
		}
	}
	if client != nil {
		for _, name := range slices.Sorted(slices.Values(sn.Schema.Required())) {
			if stored[name] == "" && name != schema.Sub {
				faults.WriteString(name + isRequired)
			}
		}
	}
	if faults.Len() > 0 {
		return idp.InvalidParameterException(nonconforming + faults.String())
	}
	return nil
}

// mayWrite reports whether an app client may write the attribute. It may never write an
// attribute that only the service or an administrator sets (Cognito: attribute
// permissions).
func mayWrite(sn *pool.Snapshot, client *pool.Client, name string) bool {
	switch name {
	case schema.Sub, schema.Identities, schema.VerifiedFlag(schema.Email), schema.VerifiedFlag(schema.PhoneNumber):
		return false
	}
	if a, ok := sn.Schema.Attribute(name); ok && a.DeveloperOnly {
		return false
	}
	return client.CanWrite(name)
}

// MayRead reports whether an app client may see the attribute.
func MayRead(sn *pool.Snapshot, client *pool.Client, name string) bool {
	if a, ok := sn.Schema.Attribute(name); ok && a.DeveloperOnly {
		return false
	}
	return client.CanRead(name)
}

// CheckValues checks values against the types and bounds of their attributes. It puts
// Booleans into their stored form.
func CheckValues(sn *pool.Snapshot, values map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		a, _ := sn.Schema.Attribute(name)
		if a.Type == idp.AttributeDataTypeBoolean {
			values[name] = strings.ToLower(values[name])
		}
		value := values[name]
		switch {
		case name == schema.Email && !schema.IsEmail(value):
			return idp.InvalidParameterException("Invalid email address format.")
		case name == schema.PhoneNumber && !schema.IsPhone(value):
			return idp.InvalidParameterException("Invalid phone number format.")
		case name == schema.PreferredUsername && looksLikeAlias(sn, value) != "":
			// As for usernames: a user could take the address of another user's alias.
			return idp.InvalidParameterException("preferred_username cannot be of " + looksLikeAlias(sn, value) + " format, since user pool is configured for " + looksLikeAlias(sn, value) + " alias.")
		case a.Type == idp.AttributeDataTypeDateTime && !schema.IsDateTime(value):
			return idp.InvalidParameterException(nonconforming + name + ": Value is not a date and time")
		case schema.IsVerifiedFlag(name) && value != "true" && value != "false":
			return idp.InvalidParameterException(nonconforming + name + ": Value is out of range")
		}
		if fault := a.Violation(value); fault != "" {
			return idp.InvalidParameterException(nonconforming + name + ": " + fault)
		}
	}
	return nil
}

// looksLikeAlias returns the kind of address that a preferred_username has the shape of,
// if users of the pool sign in by this kind too. It returns "" for any other name.
func looksLikeAlias(sn *pool.Snapshot, name string) string {
	switch {
	case !sn.AliasAttributes.Has(schema.PreferredUsername):
		return ""
	case sn.AliasAttributes.Has(schema.Email) && schema.IsEmail(name):
		return "email"
	case sn.AliasAttributes.Has(schema.PhoneNumber) && schema.IsPhone(name):
		return "phone number"
	}
	return ""
}

// checkFlags rejects a verified flag of an address that the user does not have after the
// change.
func checkFlags(set, after map[string]string) error {
	if set[schema.VerifiedFlag(schema.Email)] != "" && after[schema.Email] == "" {
		return idp.InvalidParameterException("Email is required to verify/un-verify an email")
	}
	if set[schema.VerifiedFlag(schema.PhoneNumber)] != "" && after[schema.PhoneNumber] == "" {
		return idp.InvalidParameterException("Phone Number is required to verify/un-verify a phone number")
	}
	return nil
}

// checkUpdate checks an update against the schema and the client's permissions. It returns
// the values in their stored form; "" removes the attribute. Names that the schema does
// not have, or that cannot be updated, are rejected all at once and in the request's
// order. client is nil for an administrator.
func checkUpdate(sn *pool.Snapshot, client *pool.Client, list []idp.AttributeType) (map[string]string, error) {
	values, names, err := attributeValues(list)
	if err != nil {
		return nil, err
	}
	if client != nil {
		for name := range values {
			if !mayWrite(sn, client, name) {
				return nil, unauthorizedAttribute()
			}
		}
	}
	var faults strings.Builder
	for _, name := range names {
		a, known := sn.Schema.Attribute(name)
		switch {
		case !known:
			faults.WriteString("user." + name + noSuchName)
		case !a.Mutable || name == schema.Sub || name == schema.Identities:
			faults.WriteString("user." + name + isImmutable)
		}
	}
	if faults.Len() > 0 {
		return nil, idp.InvalidParameterException(faults.String())
	}
	present := make(map[string]string, len(values))
	for _, name := range names {
		a, _ := sn.Schema.Attribute(name)
		switch {
		case values[name] == "" && a.Required:
			return nil, cannotDeleteRequired(name)
		case values[name] != "":
			present[name] = values[name]
		}
	}
	if err := CheckValues(sn, present); err != nil {
		return nil, err
	}
	maps.Copy(values, present)
	return values, nil
}

func cannotDeleteRequired(name string) error {
	return idp.InvalidParameterException("Invalid user attributes: " + name + ": Required attribute cannot be deleted.\n")
}

// checkDelete checks the names of a deletion. Names that the schema does not have
// are rejected all at once. Names that the user does not have are accepted.
func checkDelete(sn *pool.Snapshot, client *pool.Client, names []string) error {
	for _, name := range names {
		if client != nil && !mayWrite(sn, client, name) {
			if _, known := sn.Schema.Attribute(name); known {
				return unauthorizedAttribute()
			}
		}
	}
	var faults strings.Builder
	for _, name := range names {
		if _, known := sn.Schema.Attribute(name); !known {
			faults.WriteString("user." + name + noSuchName)
		}
	}
	if faults.Len() > 0 {
		return idp.InvalidParameterException("Invalid user attributes: " + faults.String())
	}
	for _, name := range names {
		switch a, _ := sn.Schema.Attribute(name); {
		case a.Required || name == schema.Sub:
			return cannotDeleteRequired(name)
		case !a.Mutable || name == schema.Identities:
			return idp.InvalidParameterException("user." + name + isImmutable)
		}
	}
	return nil
}
