package schema

import (
	"math/big"
	"slices"
	"strconv"

	"cognate/internal/api"
	"cognate/internal/api/idp"
)

const (
	// maxCustomAttributes is Cognito's quota per pool.
	maxCustomAttributes = 50
	// maxAttributeLength is the longest value of any attribute.
	maxAttributeLength = 2048
)

// standardSchema returns the attributes that every pool has, in the order in which
// Cognito shows them for new pools.
func standardSchema() []idp.SchemaAttributeType {
	text := func(name string) idp.SchemaAttributeType {
		return standard(name, idp.AttributeDataTypeString, stringBounds("0", "2048"), nil)
	}
	flag := func(name string) idp.SchemaAttributeType {
		return standard(name, idp.AttributeDataTypeBoolean, nil, nil)
	}
	sub := standard(Sub, idp.AttributeDataTypeString, stringBounds("1", "2048"), nil)
	sub.Mutable, sub.Required = new(false), new(true)
	return []idp.SchemaAttributeType{
		text("profile"),
		text("address"),
		standard("birthdate", idp.AttributeDataTypeString, stringBounds("10", "10"), nil),
		text("gender"),
		text(PreferredUsername),
		standard("updated_at", idp.AttributeDataTypeNumber, nil, &idp.NumberAttributeConstraintsType{MinValue: new("0")}),
		text("website"),
		text("picture"),
		standard(Identities, idp.AttributeDataTypeString, &idp.StringAttributeConstraintsType{}, nil),
		sub,
		text(PhoneNumber),
		flag(VerifiedFlag(PhoneNumber)),
		text("zoneinfo"),
		text("locale"),
		text(Email),
		flag(VerifiedFlag(Email)),
		text("given_name"),
		text("family_name"),
		text("middle_name"),
		text("name"),
		text("nickname"),
	}
}

func standard(name string, t idp.AttributeDataType, s *idp.StringAttributeConstraintsType, n *idp.NumberAttributeConstraintsType) idp.SchemaAttributeType {
	return idp.SchemaAttributeType{
		Name: new(name), AttributeDataType: t,
		DeveloperOnlyAttribute: new(false), Mutable: new(true), Required: new(false),
		StringAttributeConstraints: s, NumberAttributeConstraints: n,
	}
}

func stringBounds(low, high string) *idp.StringAttributeConstraintsType {
	return &idp.StringAttributeConstraintsType{MinLength: new(low), MaxLength: new(high)}
}

// Merge returns the schema of a new pool: the standard attributes with the changes
// of the request, then the request's custom attributes.
func Merge(request []idp.SchemaAttributeType) ([]idp.SchemaAttributeType, error) {
	list := standardSchema()
	for _, e := range request {
		i := slices.IndexFunc(list, func(a idp.SchemaAttributeType) bool { return *a.Name == api.Val(e.Name) })
		// An entry with the name of a verified flag makes a custom attribute beside it.
		if i >= 0 && i < len(standardSchema()) && !IsVerifiedFlag(api.Val(e.Name)) {
			if err := applyStandard(&list[i], e); err != nil {
				return nil, err
			}
			continue
		}
		var err error
		if list, err = AppendCustom(list, e); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// applyStandard applies a request's entry to a standard attribute.
func applyStandard(a *idp.SchemaAttributeType, e idp.SchemaAttributeType) error {
	name := *a.Name
	if e.AttributeDataType != "" && e.AttributeDataType != a.AttributeDataType || api.Val(e.DeveloperOnlyAttribute) {
		return invalid("You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute " + name)
	}
	switch {
	case name == Sub && (e.Required != nil && !*e.Required || api.Val(e.Mutable)):
		return invalid("You can not change the standard schema attribute sub")
	case IsServiceOnly(name) && name != Sub && api.Val(e.Required):
		return invalid("Attribute " + name + " can not be required")
	}
	if e.Required != nil {
		a.Required = e.Required
	}
	if e.Mutable != nil {
		a.Mutable = e.Mutable
	}
	if e.AttributeDataType == "" {
		return nil
	}
	if err := checkConstraints(name, e); err != nil {
		return err
	}
	if c := e.StringAttributeConstraints; c != nil && a.AttributeDataType == idp.AttributeDataTypeString {
		a.StringAttributeConstraints = c
	}
	if c := e.NumberAttributeConstraints; c != nil && a.AttributeDataType == idp.AttributeDataTypeNumber {
		a.NumberAttributeConstraints = c
	}
	return nil
}

// AppendAll adds custom attributes to a schema.
func AppendAll(list, added []idp.SchemaAttributeType) ([]idp.SchemaAttributeType, error) {
	for _, e := range added {
		var err error
		if list, err = AppendCustom(list, e); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// AppendCustom adds a custom attribute to a schema.
func AppendCustom(list []idp.SchemaAttributeType, e idp.SchemaAttributeType) ([]idp.SchemaAttributeType, error) {
	name := api.Val(e.Name)
	switch {
	case name == "":
		return nil, invalid("Invalid attribute name. The name of a custom attribute is required.")
	case api.Val(e.Required):
		return nil, invalid("Required custom attributes are not supported currently.")
	case e.AttributeDataType == "":
		return nil, invalid("Invalid AttributeDataType input, consider using the provided AttributeDataType enum.")
	}
	if err := checkConstraints(name, e); err != nil {
		return nil, err
	}
	full := customPrefix + name
	if api.Val(e.DeveloperOnlyAttribute) {
		full = developerPrefix + name
	}
	customs := 0
	for _, a := range list {
		if *a.Name == full {
			return nil, invalid(customPrefix + name + ": Existing attribute already has name " + full + ".")
		}
		if newAttribute(a).Custom {
			customs++
		}
	}
	if customs >= maxCustomAttributes {
		return nil, idp.InvalidParameterExceptionf("A user pool can not have more than %d custom attributes.", maxCustomAttributes)
	}
	a := idp.SchemaAttributeType{
		Name: new(full), AttributeDataType: e.AttributeDataType,
		DeveloperOnlyAttribute: new(api.Val(e.DeveloperOnlyAttribute)), Mutable: new(true), Required: new(false),
	}
	if e.Mutable != nil {
		a.Mutable = e.Mutable
	}
	switch e.AttributeDataType {
	case idp.AttributeDataTypeString:
		a.StringAttributeConstraints = e.StringAttributeConstraints
		if a.StringAttributeConstraints == nil {
			a.StringAttributeConstraints = &idp.StringAttributeConstraintsType{}
		}
	case idp.AttributeDataTypeNumber:
		a.NumberAttributeConstraints = e.NumberAttributeConstraints
		if a.NumberAttributeConstraints == nil {
			a.NumberAttributeConstraints = &idp.NumberAttributeConstraintsType{}
		}
	}
	return append(list, a), nil
}

// checkConstraints checks the bounds for the entry's type. Bounds for another type
// have no effect.
func checkConstraints(name string, e idp.SchemaAttributeType) error {
	switch e.AttributeDataType {
	case idp.AttributeDataTypeString:
		if e.StringAttributeConstraints != nil {
			return checkLengths(name, e.StringAttributeConstraints)
		}
	case idp.AttributeDataTypeNumber:
		if e.NumberAttributeConstraints != nil {
			return checkValues(name, e.NumberAttributeConstraints)
		}
	}
	return nil
}

func checkLengths(name string, c *idp.StringAttributeConstraintsType) error {
	bound := func(s *string, absent int) (int, bool) {
		if s == nil {
			return absent, true
		}
		n, err := strconv.ParseInt(*s, 10, 32)
		return int(n), err == nil && n >= 0
	}
	low, okLow := bound(c.MinLength, 0)
	high, okHigh := bound(c.MaxLength, maxAttributeLength)
	switch {
	case !okLow || !okHigh:
		return invalid("Invalid StringAttributeConstraints for schema attribute " + name)
	case high > maxAttributeLength || c.MaxLength == nil && low > maxAttributeLength:
		return idp.InvalidParameterExceptionf("user.%s: String attributes cannot have a length of more than %d", name, maxAttributeLength)
	case high < low:
		return idp.InvalidParameterExceptionf("user.%s: Max length cannot be less than min length.", name)
	}
	return nil
}

// maxNumber is the largest magnitude of a Number's bounds, 2^1023.
var maxNumber = new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), 1023))

func checkValues(name string, c *idp.NumberAttributeConstraintsType) error {
	bound := func(s *string) (*big.Rat, bool) {
		if s == nil {
			return nil, true
		}
		r := number(*s)
		return r, r != nil && new(big.Rat).Abs(r).Cmp(maxNumber) <= 0
	}
	low, okLow := bound(c.MinValue)
	high, okHigh := bound(c.MaxValue)
	switch {
	case !okLow || !okHigh:
		return invalid("Invalid NumberAttributeConstraints for schema attribute " + name)
	case low != nil && high != nil && high.Cmp(low) < 0:
		return idp.InvalidParameterExceptionf("user.%s: Max value cannot be less than min value.", name)
	}
	return nil
}
