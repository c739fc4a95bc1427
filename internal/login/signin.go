package login

import (
	"slices"

	"cognate/internal/api/idp"
	"cognate/internal/signin"
)

// signInView is what the sign-in page shows.
type signInView struct {
	Local    bool // people of the pool's own directory sign in here
	Username string
	// Kind is what people sign in by: "email", "phone", "both" or "username".
	Kind    string
	Recover bool
	SignUp  bool
}

func (v *visit) showSignIn() (any, error) {
	sn, c := v.site.Pool, v.request.Client
	out := signInView{
		Local: slices.Contains(c.Config.SupportedIdentityProviders, "COGNITO"), Username: v.request.LoginHint, Kind: "username",
	}
	email, phone := sn.UsernameAttributes.Has("email"), sn.UsernameAttributes.Has("phone_number")
	switch {
	case email && phone:
		out.Kind = "both"
	case email:
		out.Kind = "email"
	case phone:
		out.Kind = "phone"
	}
	if name := v.form.Get("username"); name != "" {
		out.Username = name
	}
	return out, nil
}

// submitSignIn checks a username and a password.
func (v *visit) submitSignIn() error {
	return v.signIn(func(c signin.PageCall) (*signin.PageAnswer, error) {
		return v.deps.SignIns.StartOnPage(v.r.Context(), c, idp.AuthFlowTypeUserPasswordAuth)
	}, map[string]string{"USERNAME": v.form.Get("username"), "PASSWORD": v.form.Get("password")}, "")
}
