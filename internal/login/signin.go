package login

import (
	"context"

	"cognate/internal/api/idp"
	"cognate/internal/signin"
)

// signInView is what the sign-in page shows.
type signInView struct {
	Local    bool // people of the pool's own directory sign in here
	Username string
	// Kind is what people sign in by: "email", "phone", "both" or "username".
	Kind     string
	Password Field
	Recover  bool
	SignUp   bool
}

func (v *visit) showSignIn() (any, error) {
	out := signInView{
		Local: v.isLocal(), Username: v.request.LoginHint, Kind: v.identifierKind(),
		Password: v.passwordField("signInFormPassword", "password", "label.password", "current-password"),
	}
	if name := v.form.Get("username"); name != "" {
		out.Username = name
	}
	return out, nil
}

// identifierKind returns what people of the pool sign in by: "email", "phone", "both" or
// "username".
func (v *visit) identifierKind() string {
	sn := v.site.Pool
	email, phone := sn.UsernameAttributes.Has("email"), sn.UsernameAttributes.Has("phone_number")
	switch {
	case email && phone:
		return "both"
	case email:
		return "email"
	case phone:
		return "phone"
	}
	return "username"
}

// submitSignIn checks a username and a password.
func (v *visit) submitSignIn() error {
	if !v.isLocal() {
		return pageError("signIn.none")
	}
	return v.signIn(func(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
		return v.deps.SignIns.StartOnPage(ctx, c, idp.AuthFlowTypeUserPasswordAuth)
	}, map[string]string{"USERNAME": v.form.Get("username"), "PASSWORD": v.form.Get("password")})
}
