package login

import (
	"strings"

	"cognate/internal/pool"
	"cognate/internal/pool/schema"
)

// A Field is an input of a form as templates show it.
type Field struct {
	ID, Name, Label, Type, Value, Hint string
	Autocomplete, InputMode            string
	Optional, Password                 bool
	// Error says what is wrong with the value.
	Error string
	// Show and Hide are the labels of the button that shows a password.
	Show, Hide string
}

// DescribedBy returns the ids of the texts that describe the input.
func (f Field) DescribedBy() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.ID+"-error")
	}
	if f.Hint != "" {
		ids = append(ids, f.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// attributeName returns the name of an attribute's input (Cognito: classic pages).
func attributeName(attr string) string { return "requiredAttributes[" + attr + "]" }

// attributeInputs are the inputs of attributes that are not plain text.
var attributeInputs = map[string]Field{
	schema.Email:         {Type: "email", Autocomplete: "email", InputMode: "email"},
	schema.PhoneNumber:   {Type: "tel", Autocomplete: "tel", InputMode: "tel"},
	"address":            {Autocomplete: "street-address"},
	"birthdate":          {Type: "date", Autocomplete: "bday"},
	"family_name":        {Autocomplete: "family-name"},
	"gender":             {Autocomplete: "sex"},
	"given_name":         {Autocomplete: "given-name"},
	"locale":             {Autocomplete: "language"},
	"middle_name":        {Autocomplete: "additional-name"},
	"name":               {Autocomplete: "name"},
	"nickname":           {Autocomplete: "nickname"},
	"picture":            {Type: "url", Autocomplete: "photo"},
	"preferred_username": {Autocomplete: "off"},
	"profile":            {Type: "url", Autocomplete: "off"},
	"updated_at":         {InputMode: "numeric", Autocomplete: "off"},
	"website":            {Type: "url", Autocomplete: "url"},
	"zoneinfo":           {Autocomplete: "off"},
}

// attributeField returns the input of an attribute.
func (v *visit) attributeField(attr string) Field {
	return v.namedAttributeField(attr, attributeName(attr))
}

// namedAttributeField returns the input of an attribute with another name in the form.
func (v *visit) namedAttributeField(attr, name string) Field {
	f := attributeInputs[attr]
	f.Name = name
	f.ID, f.Label, f.Hint, f.Value = "attribute-"+attr, v.text.OrElse("attribute."+attr, attr), v.text.T("hint."+attr), v.form.Get(f.Name)
	if f.Type == "" {
		f.Type = "text"
	}
	return v.withError(f)
}

// passwordField returns the input of a password.
func (v *visit) passwordField(id, name, label, autocomplete string) Field {
	return v.withError(Field{
		ID: id, Name: name, Label: v.text.T(label), Type: "password", Autocomplete: autocomplete, Password: true,
		Show: v.text.T("action.show"), Hide: v.text.T("action.hide"),
	})
}

// nameField returns the input of the name by which people sign in.
func (v *visit) nameField(id string) Field {
	kind := v.identifierKind()
	f := Field{ID: id, Name: "username", Label: v.text.T("kind." + kind), Type: "text", Autocomplete: "username", Value: v.form.Get("username")}
	switch kind {
	case "email":
		f.Type = "email"
	case "phone":
		f.Type = "tel"
	}
	return f
}

// codeField returns the input of a code.
func (v *visit) codeField(name string) Field {
	return v.withError(Field{ID: "code", Name: name, Label: v.text.T("label.code"), Type: "text", Autocomplete: "one-time-code", InputMode: "numeric"})
}

// A rule is a rule of a password policy. A script ticks it by its Name.
type rule struct {
	Name, Text string
	Least      int
}

// passwordRules returns the rules of the pool's passwords.
func (v *visit) passwordRules(p pool.PasswordPolicy) []rule {
	rules := []rule{}
	for _, r := range []struct {
		name string
		on   bool
	}{{"lower", p.RequireLowercase}, {"upper", p.RequireUppercase}, {"number", p.RequireNumbers}, {"symbol", p.RequireSymbols}} {
		if r.on {
			rules = append(rules, rule{Name: r.name, Text: v.text.T("rule." + r.name)})
		}
	}
	return append(rules, rule{Name: "length", Text: v.text.T("rule.length", p.MinimumLength), Least: p.MinimumLength})
}

// newPassword returns the password of a form that asks for it twice.
func (v *visit) newPassword() (string, error) {
	password := v.form.Get("password")
	switch {
	case password == "":
		return "", errMissing
	case password != v.form.Get("confirm_password"):
		return "", pageError("error.mismatch")
	}
	return password, nil
}
