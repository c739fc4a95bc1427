package login

import "strings"

// newPasswordView is what a page for a new password shows.
type newPasswordView struct {
	Fields    []Field // what comes before the passwords
	Passwords []Field
	Rules     []rule
	Terms     []linkedText
}

// newPasswordFields returns the inputs of a new password, which is entered twice.
func (v *visit) newPasswordFields() []Field {
	return []Field{
		v.passwordField("password", "password", "label.newPassword", "new-password"),
		v.passwordField("confirm_password", "confirm_password", "label.confirmNewPassword", "new-password"),
	}
}

// attributeOf returns the name of an attribute in the state's list.
func attributeOf(listed string) string { return strings.TrimPrefix(listed, "userAttributes.") }

func (v *visit) showNewPassword() (any, error) {
	out := newPasswordView{Rules: v.passwordRules(v.site.Pool.PasswordPolicy)}
	for _, listed := range v.state.Choices {
		out.Fields = append(out.Fields, v.attributeField(attributeOf(listed)))
	}
	out.Passwords = v.newPasswordFields()
	return out, nil
}

// submitNewPassword answers NEW_PASSWORD_REQUIRED.
func (v *visit) submitNewPassword() error {
	password, err := v.newPassword()
	if err != nil {
		return err
	}
	params := map[string]string{"NEW_PASSWORD": password}
	for _, listed := range v.state.Choices {
		value := v.form.Get(attributeName(attributeOf(listed)))
		if value == "" {
			return errMissing
		}
		params[listed] = value
	}
	return v.answer(params)
}
