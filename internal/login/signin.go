package login

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool/schema"
	"cognate/internal/signin"
)

// signInView is what the sign-in page shows.
type signInView struct {
	// Known is the display name of the user whose session the browser has, "" if no
	// session can answer the request. The page offers that account first.
	Known string
	Local bool // people of the pool's own directory sign in here
	Name  Field
	// First is true if the page asks for the name only: a page for the first factor
	// follows.
	First    bool
	Password Field
	Recover  bool
	SignUp   bool
	Autofill *autofillView
	// Providers are other identity providers; nil if the app client has no others.
	Providers *providersView
}

func (v *visit) showSignIn() (any, error) {
	known, err := v.knownPerson()
	if err != nil {
		return nil, err
	}
	out := v.signInView(v.choosesFactor())
	out.Known = known
	if out.Local && known == "" {
		if out.Autofill, err = v.autofill(); err != nil {
			return nil, err
		}
	}
	if known == "" {
		if out.Providers, err = v.providersView(); err != nil {
			return nil, err
		}
	}
	if out.Autofill != nil {
		out.Name.Autocomplete += " webauthn"
	}
	return out, nil
}

// signInView returns what the page shows without a session. If first is true, the page asks for the name only.
func (v *visit) signInView(first bool) signInView {
	out := signInView{Local: v.isLocal(), First: first, Name: v.signInNameField(), Recover: v.recoveryAllowed(), SignUp: v.signUpAllowed()}
	if !first {
		out.Password = v.passwordField("signInFormPassword", "password", "label.password", "current-password")
	}
	return out
}

// signInNameField returns the input of the name by which a person signs in.
func (v *visit) signInNameField() Field {
	f := v.nameField("signInFormUsername")
	f.Value = cmp.Or(f.Value, v.request.LoginHint)
	return v.withError(f)
}

// knownPerson returns the display name of the user whose session the browser has, "" if no
// session can answer the request. After a POST it returns "": the form and its error stay.
func (v *visit) knownPerson() (string, error) {
	if v.r.Method != http.MethodGet {
		return "", nil
	}
	u, err := v.deps.OAuth.SignedInFor(v.r, v.request, time.Time{})
	if err != nil {
		return "", err
	}
	if u == nil {
		session, err := v.deps.OAuth.WeakSession(v.r, v.request)
		if session == nil || err != nil {
			return "", err
		}
		u = session.User()
	}
	return u.DisplayName(v.site.Pool), nil
}

// continueSession answers the request with the browser's session, or steps the session up.
func (v *visit) continueSession() error {
	location, err := v.deps.OAuth.Continue(v.r, v.request, time.Time{})
	switch {
	case err != nil:
		v.deps.OAuth.Refuse(v.w, v.r, err)
	case location == "":
		return v.stepUp()
	default:
		v.redirect(location)
	}
	return nil
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

// submitSignIn checks a username and a password, or uses the browser's session.
func (v *visit) submitSignIn() error {
	switch {
	case v.form.Get("continue") != "":
		return v.continueSession()
	case v.form.Get("another") != "":
		v.render(nil)
		return nil
	}
	if v.form.Has(inputSearch) {
		return v.submitSearch()
	}
	if !v.isLocal() {
		return pageError("signIn.none")
	}
	if v.form.Get("credential") != "" {
		return v.submitAutofill()
	}
	name := v.form.Get("username")
	if v.choosesFactor() && v.form.Get("password") == "" {
		return v.startChoice(name)
	}
	err := v.signIn(func(ctx context.Context, c signin.PageCall) (*signin.PageAnswer, error) {
		return v.deps.SignIns.StartOnPage(ctx, c, idp.AuthFlowTypeUserPasswordAuth)
	}, map[string]string{"USERNAME": name, "PASSWORD": v.form.Get("password")})
	return v.unfinished(name, err)
}

// unfinished leads an account that is not confirmed, or whose password was reset, to the
// page for its code. Neither page does anything without a code that was sent to the user.
func (v *visit) unfinished(name string, err error) error {
	switch api.CodeOf(err) {
	case idp.CodeUserNotConfirmedException:
		_, _ = v.note(err)
		// Where the code went is not known here. A pool that verifies phone numbers prefers SMS.
		return v.goTo(pathConfirm, &pageState{Username: name, ByLink: v.site.Pool.ConfirmsByLink() && !v.site.Pool.AutoVerified.Has(schema.PhoneNumber)})
	case idp.CodePasswordResetRequiredException:
		_, _ = v.note(err)
		return v.goTo(pathReset, &pageState{Username: name})
	}
	return err
}
