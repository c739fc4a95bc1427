package services

import "cognate/internal/api/idp"

// Changes of a new user pool.

// ByEmail makes email addresses the usernames.
func ByEmail(in *idp.CreateUserPoolRequest) {
	in.UsernameAttributes = []idp.UsernameAttributeType{idp.UsernameAttributeTypeEmail}
}

// WithAliases lets users sign in by each attribute that can be an alias.
func WithAliases(in *idp.CreateUserPoolRequest) {
	in.AliasAttributes = []idp.AliasAttributeType{"email", "phone_number", "preferred_username"}
}

// AnyCase makes usernames that differ in case the same.
func AnyCase(in *idp.CreateUserPoolRequest) {
	in.UsernameConfiguration = &idp.UsernameConfigurationType{CaseSensitive: false}
}

// Requires makes attributes mandatory.
func Requires(names ...string) func(in *idp.CreateUserPoolRequest) {
	return func(in *idp.CreateUserPoolRequest) {
		for _, n := range names {
			in.Schema = append(in.Schema, idp.SchemaAttributeType{Name: new(n), Required: new(true), Mutable: new(true)})
		}
	}
}

// CustomAttributes adds a custom attribute of each type to the schema, and one that cannot change.
func CustomAttributes(in *idp.CreateUserPoolRequest) {
	in.Schema = []idp.SchemaAttributeType{
		{Name: new("plan"), AttributeDataType: idp.AttributeDataTypeString, Mutable: new(true), StringAttributeConstraints: &idp.StringAttributeConstraintsType{MinLength: new("2"), MaxLength: new("4")}},
		{Name: new("age"), AttributeDataType: idp.AttributeDataTypeNumber, Mutable: new(true), NumberAttributeConstraints: &idp.NumberAttributeConstraintsType{MinValue: new("18"), MaxValue: new("99")}},
		{Name: new("tenant"), AttributeDataType: idp.AttributeDataTypeString, Mutable: new(false)},
		{Name: new("news"), AttributeDataType: idp.AttributeDataTypeBoolean, Mutable: new(true)},
		{Name: new("since"), AttributeDataType: idp.AttributeDataTypeDateTime, Mutable: new(true)},
	}
}

// Changes of a new app client.

// Writes lets the client write these attributes alone.
func Writes(names ...string) func(in *idp.CreateUserPoolClientRequest) {
	return func(in *idp.CreateUserPoolClientRequest) { in.WriteAttributes = names }
}

// Hiding makes the client hide who exists.
func Hiding(in *idp.CreateUserPoolClientRequest) {
	in.PreventUserExistenceErrors = idp.PreventUserExistenceErrorTypesEnabled
}
