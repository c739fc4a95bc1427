package login

import (
	"context"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/oauth"
	"cognate/internal/pool/schema"
	"cognate/internal/signin"
)

// signUpAllowed reports whether people can sign up by themselves.
func (v *visit) signUpAllowed() bool { return v.isLocal() && !v.site.Pool.AdminCreateOnly }

// signUpAttributes returns the attributes that the page asks for: the required ones but
// for that by which people sign in.
func (v *visit) signUpAttributes() []string {
	var list []string
	for _, attr := range v.site.Pool.Schema.Required() {
		if attr != schema.Sub && !v.isIdentifier(attr) {
			list = append(list, attr)
		}
	}
	return list
}

// isIdentifier reports whether the attribute is the only name by which people sign in.
func (v *visit) isIdentifier(attr string) bool {
	kind := v.identifierKind()
	return attr == schema.Email && kind == "email" || attr == schema.PhoneNumber && kind == "phone"
}

// identifierField returns the input of the name by which people sign in.
func (v *visit) identifierField() Field {
	f := v.nameField("username")
	switch f.Type {
	case "email":
		f.InputMode, f.Hint = "email", v.text.T("hint.email")
	case "tel":
		f.InputMode, f.Hint = "tel", v.text.T("hint.phone_number")
	}
	return v.withError(f)
}

func (v *visit) showSignUp() (any, error) {
	if !v.signUpAllowed() {
		return nil, &oauth.ShownError{Text: "SignUp is not permitted for this user pool", ClientID: v.request.Client.ID}
	}
	return v.signUpView(v.signUpAttributes())
}

// signUpView returns what the page shows when it asks for these attributes.
func (v *visit) signUpView(attributes []string) (newPasswordView, error) {
	out := newPasswordView{Fields: []Field{v.identifierField()}, Rules: v.passwordRules(v.site.Pool.PasswordPolicy)}
	for _, attr := range attributes {
		out.Fields = append(out.Fields, v.attributeField(attr))
	}
	out.Passwords = []Field{
		v.passwordField("password", "password", "label.password", "new-password"),
		v.passwordField("confirm_password", "confirm_password", "label.confirmPassword", "new-password"),
	}
	var err error
	out.Terms, err = v.termsNote()
	return out, err
}

// identifier returns the name of the form by which a person signs in. Scripts for
// Cognito's pages send an address in its attribute's field.
func (v *visit) identifier() string {
	name := strings.TrimSpace(v.form.Get("username"))
	for _, attr := range []string{schema.Email, schema.PhoneNumber} {
		if name == "" && v.site.Pool.UsernameAttributes.Has(attr) {
			name = strings.TrimSpace(v.form.Get(attributeName(attr)))
		}
	}
	return name
}

// submitSignUp stores the new user, and asks for the code that it was sent.
func (v *visit) submitSignUp() error {
	if !v.signUpAllowed() {
		return idp.NotAuthorizedException("SignUp is not permitted for this user pool").WithReason(api.ReasonSignUpDisabled)
	}
	name := v.identifier()
	if !schema.IsUsername(name) {
		return pageError("error.username")
	}
	// Scripts for Cognito's pages send the password once.
	if _, twice := v.form["confirm_password"]; !twice {
		v.form.Set("confirm_password", v.form.Get("password"))
	}
	password, err := v.newPassword()
	if err != nil {
		return err
	}
	in := &idp.SignUpRequest{Username: name, Password: &password}
	for _, attr := range v.signUpAttributes() {
		value := strings.TrimSpace(v.form.Get(attributeName(attr)))
		if value == "" {
			return errMissing
		}
		in.UserAttributes = append(in.UserAttributes, idp.AttributeType{Name: attr, Value: &value})
	}
	out, err := v.deps.Registrations.SignUpOnPage(v.r.Context(), v.site.Pool, v.request.Client, in, v.contextData())
	switch {
	case err != nil:
		return err
	case out.UserConfirmed:
		return v.followSignUp(name, api.Val(out.Session))
	case out.CodeDeliveryDetails == nil:
		return pageError("error.notConfirmable")
	}
	return v.awaitConfirmation(name, out.CodeDeliveryDetails)
}

// followSignUp signs in who has just been confirmed, and offers a passkey.
func (v *visit) followSignUp(name, session string) error {
	v.offersPasskey = v.site.Domain.Managed && v.passkeysWork()
	return v.continueSignIn(func(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
		return v.deps.SignIns.StartOnPage(ctx, c, idp.AuthFlowTypeUserAuth)
	}, map[string]string{"USERNAME": name}, session)
}
