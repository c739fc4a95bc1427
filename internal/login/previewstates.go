package login

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/login/texts"
	"cognate/internal/oauth"
	"cognate/internal/protection"
)

// A previewState is a page in one of the states that a person can meet.
type previewState struct {
	path string
	// name is unique among the states of the page. It is in the address of the state.
	name, title string
	// state is what the page continues from.
	state *pageState
	// form is what the person has entered.
	form url.Values
	// failed is the error of the form, notice the key of a notice.
	failed error
	notice string
	// show, if set, takes the place of the page's own show. It is for states that the settings
	// of the app client may not lead to, and for pages whose own show changes data.
	show func(v *visit) (any, error)
	// write, if set, writes a page that is not one of pages().
	write func(s *Service, w http.ResponseWriter, r *http.Request, l texts.Language)
}

// Values that the people of the preview have entered or see.
const (
	previewName    = "ada@example.com"
	previewMasked  = "a***@e***"
	previewPhone   = "+*******0100"
	previewSecret  = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSW"
	previewPasskey = `{"challenge":"cHJldmlldw","rp":{"name":"preview"},"user":{"id":"cHJldmlldw","name":"preview","displayName":"preview"},"pubKeyCredParams":[]}`
)

// previewFactors are all second factors, and previewFirst all first factors.
var (
	previewFactors = []string{string(idp.ChallengeNameTypeSmsMfa), string(idp.ChallengeNameTypeSoftwareTokenMfa), string(idp.ChallengeNameTypeEmailOtp)}
	previewFirst   = []string{
		string(idp.ChallengeNameTypeWebAuthn), string(idp.ChallengeNameTypePassword), string(idp.ChallengeNameTypeEmailOtp), string(idp.ChallengeNameTypeSmsOtp),
	}
	// previewAttributes are the standard attributes that a pool can ask for.
	previewAttributes = []string{
		"name", "given_name", "middle_name", "family_name", "nickname", "preferred_username", "email", "phone_number", "birthdate",
		"gender", "address", "website", "profile", "picture", "locale", "zoneinfo", "updated_at",
	}
)

// Errors that the services below the pages return.
var (
	errPreviewWrongPassword = idp.NotAuthorizedException("Incorrect username or password.").WithReason(api.ReasonWrongPassword)
	errPreviewWrongCode     = idp.CodeMismatchException("Invalid verification code provided, please try again.").WithReason(api.ReasonCodeMismatch)
	errPreviewUsedCode      = idp.ExpiredCodeException("Your software token has already been used once.").WithReason(api.ReasonCodeUsed)
	errPreviewOldCode       = idp.ExpiredCodeException("Invalid code provided, please request a code again.").WithReason(api.ReasonCodeExpired)
	errPreviewBadPassword   = idp.InvalidPasswordException("Password did not conform with policy: Password must have uppercase characters").WithReason(api.ReasonBadPassword)
	errPreviewBadEmail      = idp.InvalidParameterException("Invalid email address format.").WithReason(api.ReasonInvalidRequest)
)

// previewStates returns the states of all pages, in the order in which people meet them.
func previewStates() []previewState {
	var list []previewState
	for _, part := range [][]previewState{previewSignIn(), previewFirstFactors(), previewSecondFactors(), previewSetUp(), previewSignUp(), previewRecovery(), previewEnds()} {
		list = append(list, part...)
	}
	return list
}

func previewSignIn() []previewState {
	entered := url.Values{"username": {previewName}}
	return []previewState{
		{path: pathSignIn, name: "plain", title: "Sign in"},
		{path: pathSignIn, name: "wrong", title: "Sign in, wrong password", form: entered, failed: errPreviewWrongPassword},
		{path: pathSignIn, name: "missing", title: "Sign in, nothing entered", failed: errMissing, form: url.Values{}},
		{path: pathSignIn, name: "busy", title: "Sign in, too many requests", form: entered, failed: idp.TooManyRequestsException("Too many requests").WithReason(api.ReasonOverloaded)},
		{path: pathSignIn, name: "first", title: "Sign in, the name first", show: showSignInFirst},
		{path: pathSignIn, name: "first-missing", title: "Sign in, the name first and missing", failed: errMissing, show: showSignInFirst},
		{path: pathSignIn, name: "none", title: "Sign in, no way to sign in", show: func(*visit) (any, error) { return signInView{}, nil }},
		{path: pathSignIn, name: "known", title: "Sign in, signed in before", show: showKnownPerson},
		{path: pathSignIn, name: "providers", title: "Sign in, with other providers", show: showProviders(true, false)},
		{path: pathSignIn, name: "away", title: "Sign in, other providers only", show: showProviders(false, false)},
		{path: pathSignIn, name: "search", title: "Sign in, search by address", show: showProviders(true, true)},
		{path: pathSignIn, name: "unknown", title: "Sign in, address without a provider", failed: errNoProvider, form: url.Values{"idp_search": {"ada@example.com"}}, show: showProviders(false, true)},
		{path: pathSignIn, name: "confirmed", title: "Sign in after confirmation", notice: noticeConfirmed},
		{path: pathSignIn, name: "changed", title: "Sign in after a new password", notice: noticePasswordChanged},
		{path: pathSignIn, name: "expired", title: "Sign in after an attempt that took too long", notice: noticeExpired},
	}
}

// showKnownPerson shows the page to a person who has signed in already.
func showKnownPerson(v *visit) (any, error) {
	out := v.signInView(false)
	out.Known = previewName
	return out, nil
}

// showProviders shows the page of an app client with other identity providers: with the form
// for the pool's own people or without, with buttons or with the search by address.
func showProviders(local, search bool) func(v *visit) (any, error) {
	return func(v *visit) (any, error) {
		out := v.signInView(false)
		out.Local = local
		out.Providers = &providersView{First: true}
		if search {
			out.Providers.Search = v.searchField()
			return out, nil
		}
		for _, name := range []string{"Google", "Apple", "Example Corporation"} {
			out.Providers.Buttons = append(out.Providers.Buttons, providerButton{
				Label: v.text.T("provider.continue", name), URL: v.providerURL(name), Company: name == "Example Corporation",
			})
		}
		return out, nil
	}
}

// showSignInFirst shows the page of an app client with a choice of the first factor.
func showSignInFirst(v *visit) (any, error) {
	out := v.signInView(true)
	out.Local = true
	return out, nil
}

func previewFirstFactors() []previewState {
	password := &pageState{Username: previewName, Challenge: idp.ChallengeNameTypePassword, Others: true}
	passkey := &pageState{Username: previewName, Challenge: idp.ChallengeNameTypeWebAuthn, Others: true}
	return []previewState{
		{path: pathFirst, name: "plain", title: "Choose the first factor", state: &pageState{Username: previewName, Choices: previewFirst}},
		{path: pathPassword, name: "plain", title: "Password as the first factor", state: password},
		{path: pathPassword, name: "wrong", title: "Password as the first factor, wrong", state: password, failed: errPreviewWrongPassword},
		{path: pathPassword, name: "missing", title: "Password as the first factor, missing", state: password, failed: errMissing},
		{path: pathPasskey, name: "plain", title: "Passkey", state: passkey, show: showPasskeyPreview},
		{path: pathPasskey, name: "failed", title: "Passkey, failed", state: passkey, show: showPasskeyPreview, failed: pageError("passkey.failed")},
	}
}

// showPasskeyPreview shows the page with invented options: a real challenge would change data.
func showPasskeyPreview(v *visit) (any, error) {
	return v.passkeyView(json.RawMessage(previewPasskey)), nil
}

func previewSecondFactors() []previewState {
	sms := &pageState{Username: previewName, Challenge: idp.ChallengeNameTypeSmsMfa, Destination: previewPhone}
	app := &pageState{Username: previewName, Challenge: idp.ChallengeNameTypeSoftwareTokenMfa}
	named := &pageState{Username: previewName, Challenge: idp.ChallengeNameTypeSoftwareTokenMfa, Device: "Ada's phone"}
	mail := &pageState{Username: previewName, Challenge: idp.ChallengeNameTypeEmailOtp, Destination: previewMasked}
	first := &pageState{Username: previewName, Challenge: idp.ChallengeNameTypeSmsOtp, Destination: previewPhone, Others: true}
	return []previewState{
		{path: pathCode, name: "plain", title: "Code by SMS", state: sms},
		{path: pathCode, name: "app", title: "Code of an app", state: app},
		{path: pathCode, name: "named-app", title: "Code of an app with a name", state: named},
		{path: pathCode, name: "email", title: "Code by email", state: mail},
		{path: pathCode, name: "first", title: "Code by SMS as the first factor", state: first},
		{path: pathCode, name: "wrong", title: "Code, wrong", state: mail, failed: errPreviewWrongCode},
		{path: pathCode, name: "used", title: "Code of an app, used before", state: app, failed: errPreviewUsedCode},
		{path: pathCode, name: "missing", title: "Code, missing", state: app, failed: errMissing},
		{path: pathCode, name: "sent", title: "Code, sent again", state: mail, notice: noticeCodeSent},
		{path: pathChoose, name: "plain", title: "Choose the second factor", state: &pageState{Username: previewName, Choices: previewFactors}},
	}
}

func previewSetUp() []previewState {
	mail := &pageState{Username: previewName, Choices: []string{string(idp.ChallengeNameTypeEmailOtp)}}
	phone := &pageState{Username: previewName, Choices: []string{string(idp.ChallengeNameTypeSmsMfa)}}
	app := &pageState{Username: previewName, Secret: previewSecret}
	attributes := &pageState{Username: previewName, Choices: []string{"userAttributes.given_name", "userAttributes.birthdate"}}
	mixed := url.Values{"password": {"One"}, "confirm_password": {"Other"}}
	return []previewState{
		{path: pathChangePassword, name: "plain", title: "Replace a temporary password", state: &pageState{Username: previewName}},
		{path: pathChangePassword, name: "attributes", title: "Replace a temporary password and fill in attributes", state: attributes},
		{path: pathChangePassword, name: "missing", title: "Replace a temporary password, nothing entered", state: attributes, failed: errMissing},
		{path: pathChangePassword, name: "mismatch", title: "Replace a temporary password, not the same twice", state: &pageState{Username: previewName}, form: mixed, failed: pageError("error.mismatch")},
		{path: pathSetup, name: "plain", title: "Choose a second factor to set up", state: &pageState{Username: previewName, Choices: previewFactors}},
		{path: pathSetupAddress, name: "plain", title: "Set up codes by email", state: mail},
		{path: pathSetupAddress, name: "phone", title: "Set up codes by SMS", state: phone},
		{path: pathSetupAddress, name: "wrong", title: "Set up codes by email, not an address", state: mail, form: url.Values{"address": {"ada@"}}, failed: errPreviewBadEmail},
		{path: pathSetupApp, name: "plain", title: "Set up an app", state: app},
		{path: pathSetupApp, name: "wrong", title: "Set up an app, wrong code", state: app, form: url.Values{"device_name": {"Ada's phone"}}, failed: errPreviewWrongCode},
		{path: pathAddPasskey, name: "plain", title: "Add a passkey", show: showAddPasskeyPreview("")},
		{path: pathAddPasskey, name: "failed", title: "Add a passkey, failed", show: showAddPasskeyPreview(""), failed: pageError("addPasskey.failed")},
		{path: pathAddPasskey, name: "elsewhere", title: "Add a passkey, not on this host", show: showAddPasskeyPreview("addPasskey.notHere")},
		{path: pathAddPasskey, name: "too-many", title: "Add a passkey, too many", show: showAddPasskeyPreview("addPasskey.tooMany")},
	}
}

// showAddPasskeyPreview shows the page with invented options, or with a refusal.
func showAddPasskeyPreview(refusal string) func(*visit) (any, error) {
	return func(v *visit) (any, error) {
		out := v.addPasskeyView(previewName)
		if refusal != "" {
			out.Refusal = v.text.T(refusal)
		} else {
			out.Options = previewPasskey
		}
		return out, nil
	}
}

func previewSignUp() []previewState {
	entered := url.Values{"username": {previewName}, attributeName("email"): {previewName}, "password": {"secret"}, "confirm_password": {"secret"}}
	sent := &pageState{Username: previewName, Destination: previewMasked}
	return []previewState{
		{path: pathSignUp, name: "plain", title: "Sign up", show: showSignUpPreview(nil)},
		{path: pathSignUp, name: "terms", title: "Sign up with terms", show: showSignUpPreview(func(v *visit, out *newPasswordView) {
			out.Terms = v.termsSentence("https://example.com/terms", "https://example.com/privacy")
		})},
		{path: pathSignUp, name: "all", title: "Sign up with every attribute", show: showAllAttributes},
		{path: pathSignUp, name: "missing", title: "Sign up, nothing entered", failed: errMissing, show: showAllAttributes},
		{path: pathSignUp, name: "taken", title: "Sign up, name taken", form: entered, show: showSignUpPreview(nil), failed: idp.UsernameExistsException("User already exists").WithReason(api.ReasonNameTaken)},
		{path: pathSignUp, name: "password", title: "Sign up, weak password", form: entered, show: showSignUpPreview(nil), failed: errPreviewBadPassword},
		{path: pathSignUp, name: "unconfirmed", title: "Sign up, an administrator must confirm", form: entered, show: showSignUpPreview(nil), failed: pageError("error.notConfirmable")},
		{path: pathConfirm, name: "plain", title: "Confirm an account", state: sent},
		{path: pathConfirm, name: "unknown", title: "Confirm an account, code sent before", state: &pageState{Username: previewName}},
		{path: pathConfirm, name: "link", title: "Confirm an account by a link", state: &pageState{Username: previewName, Destination: previewMasked, ByLink: true}},
		{path: pathConfirm, name: "link-sent", title: "Confirm an account by a link, sent again", state: &pageState{Username: previewName, Destination: previewMasked, ByLink: true}, notice: noticeLinkSent},
		{path: pathConfirm, name: "wrong", title: "Confirm an account, wrong code", state: sent, failed: errPreviewWrongCode},
		{path: pathConfirm, name: "sent", title: "Confirm an account, code sent again", state: sent, notice: noticeCodeSent},
	}
}

// showSignUpPreview shows the page even if the pool does not allow sign-up.
func showSignUpPreview(change func(v *visit, out *newPasswordView)) func(*visit) (any, error) {
	return func(v *visit) (any, error) {
		out, err := v.signUpView(v.signUpAttributes())
		if err == nil && change != nil {
			change(v, &out)
		}
		return out, err
	}
}

// showAllAttributes shows the page of a pool that requires every standard attribute.
func showAllAttributes(v *visit) (any, error) {
	return v.signUpView(slices.DeleteFunc(slices.Clone(previewAttributes), v.isIdentifier))
}

func previewRecovery() []previewState {
	sent := &pageState{Username: previewName, Destination: previewMasked}
	return []previewState{
		{path: pathForgot, name: "plain", title: "Forgotten password"},
		{path: pathForgot, name: "refused", title: "Forgotten password, refused", form: url.Values{"username": {previewName}}, failed: pageError("error.noReset")},
		{path: pathForgot, name: "missing", title: "Forgotten password, nothing entered", failed: pageError("error.username")},
		{path: pathReset, name: "plain", title: "Choose a new password", state: sent},
		{path: pathReset, name: "expired", title: "Choose a new password, old code", state: sent, failed: errPreviewOldCode},
		{path: pathReset, name: "missing", title: "Choose a new password, nothing entered", state: sent, failed: errMissing},
		{path: pathReset, name: "password", title: "Choose a new password, weak password", state: sent, failed: errPreviewBadPassword},
	}
}

func previewEnds() []previewState {
	return []previewState{
		{path: pathConfirmUser, name: "plain", title: "Link of a mail, confirmed", write: func(s *Service, w http.ResponseWriter, r *http.Request, l texts.Language) {
			s.writeConfirmed(w, r, l, true)
		}},
		{path: pathConfirmUser, name: "failed", title: "Link of a mail, not valid", write: func(s *Service, w http.ResponseWriter, r *http.Request, l texts.Language) {
			s.writeConfirmed(w, r, l, false)
		}},
		{path: protection.FeedbackPath, name: "valid", title: "Link of a notice, it was me", write: writeFeedbackPreview("", askedPreview(idp.FeedbackValueTypeValid))},
		{path: protection.FeedbackPath, name: "invalid", title: "Link of a notice, it was not me", write: writeFeedbackPreview("", askedPreview(idp.FeedbackValueTypeInvalid))},
		{path: protection.FeedbackPath, name: "again", title: "Link of a notice, form refused", write: writeFeedbackPreview("feedback.again", askedPreview(idp.FeedbackValueTypeInvalid))},
		{path: protection.FeedbackPath, name: "was", title: "Link of a notice, answered that it was me", write: writeFeedbackPreview("", func(l texts.Language) *feedbackView {
			return thankForFeedback(l, idp.FeedbackValueTypeValid, false)
		})},
		{path: protection.FeedbackPath, name: "was-not", title: "Link of a notice, answered that it was not me", write: writeFeedbackPreview("", func(l texts.Language) *feedbackView {
			return thankForFeedback(l, idp.FeedbackValueTypeInvalid, false)
		})},
		{path: protection.FeedbackPath, name: "signed-out", title: "Link of a notice, answered and signed out", write: writeFeedbackPreview("", func(l texts.Language) *feedbackView {
			return thankForFeedback(l, idp.FeedbackValueTypeInvalid, true)
		})},
		{path: protection.FeedbackPath, name: "failed", title: "Link of a notice, not valid", write: writeFeedbackPreview("feedback.linkFailed", failedFeedback)},
		{path: pathError, name: "plain", title: "Error", write: func(s *Service, w http.ResponseWriter, r *http.Request, l texts.Language) {
			s.writeError(w, r, l, "Something went wrong", "")
		}},
		{path: pathError, name: "redirect", title: "Error, address not registered", write: func(s *Service, w http.ResponseWriter, r *http.Request, l texts.Language) {
			s.writeError(w, r, l, "redirect_mismatch", "")
		}},
	}
}

// askedPreview returns the view of a link with this answer.
func askedPreview(value idp.FeedbackValueType) func(texts.Language) *feedbackView {
	return func(l texts.Language) *feedbackView {
		return askFeedback(l, protection.FeedbackLink{Value: value}, protection.LinkedSignIn{
			At: time.Date(2026, 5, 4, 7, 15, 0, 0, time.UTC), Device: "Chrome 126, Windows 10", City: "Auckland", Country: "New Zealand",
		})
	}
}

// writeFeedbackPreview writes the page of a link, with the text of an error.
func writeFeedbackPreview(failure string, show func(texts.Language) *feedbackView) func(*Service, http.ResponseWriter, *http.Request, texts.Language) {
	return func(s *Service, w http.ResponseWriter, r *http.Request, l texts.Language) {
		v := &visit{Service: s, w: w, r: r, site: oauth.SiteOf(r.Context()), text: l, csrf: "preview"}
		if failure != "" {
			v.failure = l.T(failure)
		}
		v.writeFeedback(http.StatusOK, r.URL.Query().Get(previewClientParameter), show(l))
	}
}
