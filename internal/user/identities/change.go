package identities

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"cognate/internal/federation"
	"cognate/internal/pool/schema"
	"cognate/internal/user"
)

// change is what a provider's claims say of a user's attributes.
type change struct {
	claims map[string]any
	// values are the attributes by name; "" removes one.
	values map[string]string
}

// newChange maps claims to attributes (Cognito: attribute mapping). Claims that are missing
// change nothing, and attributes that the app client may not write stay as they are.
func newChange(a *Arrival, claims map[string]any) (*change, error) {
	c := &change{claims: claims, values: map[string]string{}}
	for _, attribute := range slices.Sorted(maps.Keys(a.Provider.Mapping)) {
		source := a.Provider.Mapping[attribute]
		if attribute == "username" {
			if source != a.Provider.SubjectSource() {
				return nil, refuse("Invalid user attributes: username: Attribute does not exist in the schema.\n")
			}
			continue
		}
		value, sent := federation.Text(claims[source])
		if !sent || !a.writes(attribute) {
			continue
		}
		if strings.Contains(value, "\x00") { // No database stores it.
			return nil, refuse("Invalid user attributes: " + attribute + ": The value is malformed.\n")
		}
		if schema.IsVerifiedFlag(attribute) {
			value = strconv.FormatBool(federation.Verified(claims[source]))
		}
		c.values[attribute] = strings.ToValidUTF8(value, "\uFFFD")
	}
	return c, nil
}

// writes reports whether the app client may write the attribute. The flag of an address goes
// with the address.
func (a *Arrival) writes(attribute string) bool {
	switch attribute {
	case schema.VerifiedFlag(schema.Email):
		attribute = schema.Email
	case schema.VerifiedFlag(schema.PhoneNumber):
		attribute = schema.PhoneNumber
	}
	return a.Client.CanWrite(attribute)
}

// apply changes the user's attributes and reports whether it changed any. It checks them
// against the schema.
func (c *change) apply(a *Arrival, u *user.User, isNew bool) (changed bool, err error) {
	next := maps.Clone(u.Attributes)
	for attribute, value := range c.values {
		if value == "" {
			delete(next, attribute)
		} else {
			next[attribute] = value
		}
	}
	for _, address := range []string{schema.Email, schema.PhoneNumber} {
		flag := flagOf(address)
		_, told := c.values[flag]
		if _, sent := c.values[address]; told && !sent {
			// The provider speaks of an address that it did not send, not of the user's.
			told, next[flag] = false, u.Attributes[flag]
		}
		switch {
		case next[address] == "":
			delete(next, flag)
		case !told && next[address] != u.Attributes[address]:
			next[flag] = "false" // Nobody said that the new address is verified.
		case next[flag] == "":
			delete(next, flag)
		}
	}
	if err := c.check(a, u, next, isNew); err != nil {
		return false, err
	}
	changed = !maps.Equal(next, u.Attributes)
	u.Attributes = next
	return changed, nil
}

// check rejects attributes that the schema does not allow.
func (c *change) check(a *Arrival, u *user.User, next map[string]string, isNew bool) error {
	sn := a.Pool
	var missing []string
	for _, name := range slices.Sorted(slices.Values(sn.Schema.Required())) {
		if _, touched := c.values[name]; name != schema.Sub && next[name] == "" && (isNew || touched) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return refuse("attributes required: [" + strings.Join(missing, ", ") + "]")
	}
	values := map[string]string{}
	for name := range c.values {
		attribute, known := sn.Schema.Attribute(name)
		switch {
		case !known:
			return refuse("Invalid user attributes: " + name + ": Attribute does not exist in the schema.\n")
		case !isNew && !attribute.Mutable && next[name] != u.Attributes[name]:
			return refuse("user." + name + ": Attribute cannot be updated.\n")
		case next[name] != "" && next[name] != u.Attributes[name]:
			values[name] = next[name]
		}
	}
	if err := user.CheckValues(sn, values); err != nil {
		return err
	}
	maps.Copy(next, values)
	return nil
}
