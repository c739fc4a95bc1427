package login

import (
	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool/schema"
)

// recoveryAllowed reports whether people can recover an account by themselves.
func (v *visit) recoveryAllowed() bool {
	recovery := v.site.Pool.Recovery
	return v.isLocal() && !(len(recovery) == 1 && recovery[0] == idp.RecoveryOptionNameTypeAdminOnly)
}

// forgotView is what the page for a forgotten password shows.
type forgotView struct{ Fields []Field }

func (v *visit) showForgot() (any, error) {
	f := v.identifierField()
	f.Hint = ""
	return forgotView{Fields: []Field{f}}, nil
}

// submitForgot sends a code with which the person can set a new password.
func (v *visit) submitForgot() error {
	name := v.identifier()
	if !schema.IsUsername(name) {
		return pageError("error.username")
	}
	to, err := v.deps.Registrations.ForgotPasswordOnPage(v.r.Context(), v.site.Pool, v.request.Client, name, v.contextData())
	switch api.CodeOf(err) {
	case "":
	case idp.CodeNotAuthorizedException, idp.CodeInvalidParameterException:
		return &replacedError{"error.noReset", err}
	}
	if err != nil {
		return err
	}
	return v.goTo(pathReset, &pageState{Username: name, Destination: to})
}

func (v *visit) showReset() (any, error) {
	return sentView{
		Lead: v.sentLead(), Username: v.state.Username, Fields: []Field{v.codeField("code")},
		Passwords: v.newPasswordFields(), Rules: v.passwordRules(v.site.Pool.PasswordPolicy),
	}, nil
}

// submitReset sets a new password. The person signs in with it.
func (v *visit) submitReset() error {
	code := v.code("code")
	if code == "" {
		return errMissing
	}
	password, err := v.newPassword()
	if err != nil {
		return err
	}
	err = v.deps.Registrations.ConfirmForgotPasswordOnPage(v.r.Context(), v.site.Pool, v.request.Client, v.state.Username, code, password, v.contextData())
	if err != nil {
		return err
	}
	v.setCookie(stateCookie, "", -1)
	v.startAgain(noticePasswordChanged)
	return nil
}
