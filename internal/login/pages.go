package login

import "cognate/internal/pool"

// A page is where the person answers one question.
type page struct {
	path     string
	template string
	// state is the path of the page whose state the page needs: its own, or that of the
	// page to whose buttons it answers. It is "" for a page that needs none.
	state string
	// local says that the page is for people of the pool's own directory.
	local bool
	// signedIn says that the page is for a person who has signed in. Others sign in
	// first and come back. The state of such a page says that the sign-in was for this
	// request; a page without it is good, too.
	signedIn bool
	// show returns what the template shows beside what every page has. A page without
	// it has a form on another page, to which a GET leads.
	show func(v *visit) (any, error)
	// submit handles the page's form. It answers the request itself, or returns an
	// error for the page to show.
	submit func(v *visit) error
}

// The paths of pages that others lead to.
const (
	pathSignIn         = "/login"
	pathCode           = "/mfa"
	pathChoose         = "/mfa/choose"
	pathSetup          = "/mfa/setup"
	pathSetupAddress   = "/mfa/address"
	pathSetupApp       = "/mfa/app"
	pathChangePassword = "/changePassword"
	pathConfirm        = "/confirm"
	pathReset          = "/confirmForgotPassword"
	pathFirst          = "/login/choose"
	pathPassword       = "/verifyPassword"
	pathPasskey        = "/login/passkey"
	pathAddPasskey     = "/passkeys/add"
	pathSignUp         = "/signup"
	pathForgot         = "/forgotPassword"
	pathConfirmUser    = pool.ConfirmationPath
	pathError          = "/error"
)

// pages returns all pages except the error page and the page of confirmation links.
// Every page with a template has its states in previewStates.
func pages() []page {
	return []page{
		{path: pathSignIn, template: "signin.html", show: (*visit).showSignIn, submit: (*visit).submitSignIn},
		{path: "/oauth2/login", template: "signin.html", show: (*visit).showSignIn, submit: (*visit).submitSignIn},
		{path: pathFirst, template: "choose.html", state: pathFirst, local: true, show: (*visit).showFirst, submit: (*visit).submitFirst},
		{path: pathPassword, template: "password.html", state: pathPassword, local: true, show: (*visit).showPassword, submit: (*visit).submitPassword},
		{path: pathPasskey, template: "passkey.html", state: pathPasskey, local: true, show: (*visit).showPasskey, submit: (*visit).submitPasskey},
		{path: pathAddPasskey, template: "addpasskey.html", state: pathAddPasskey, local: true, signedIn: true, show: (*visit).showAddPasskey, submit: (*visit).submitAddPasskey},
		{path: pathCode, template: "code.html", state: pathCode, local: true, show: (*visit).showCode, submit: (*visit).submitCode},
		{path: "/mfa/resend", state: pathCode, local: true, submit: (*visit).resendCode},
		{path: pathChoose, template: "choose.html", state: pathChoose, local: true, show: (*visit).showChoose, submit: (*visit).submitChoose},
		{path: pathChangePassword, template: "newpassword.html", state: pathChangePassword, local: true, show: (*visit).showNewPassword, submit: (*visit).submitNewPassword},
		{path: pathSetup, template: "choose.html", state: pathSetup, local: true, show: (*visit).showSetup, submit: (*visit).submitSetup},
		{path: pathSetupAddress, template: "setupaddress.html", state: pathSetupAddress, local: true, show: (*visit).showSetupAddress, submit: (*visit).submitSetupAddress},
		{path: pathSetupApp, template: "setupapp.html", state: pathSetupApp, local: true, show: (*visit).showSetupApp, submit: (*visit).submitSetupApp},
		{path: pathSignUp, template: "signup.html", show: (*visit).showSignUp, submit: (*visit).submitSignUp},
		{path: pathConfirm, template: "confirm.html", state: pathConfirm, local: true, show: (*visit).showConfirm, submit: (*visit).submitConfirm},
		{path: "/resendcode", state: pathConfirm, local: true, submit: (*visit).resendConfirmation},
		{path: pathForgot, template: "forgot.html", local: true, show: (*visit).showForgot, submit: (*visit).submitForgot},
		{path: pathReset, template: "reset.html", state: pathReset, local: true, show: (*visit).showReset, submit: (*visit).submitReset},
	}
}
