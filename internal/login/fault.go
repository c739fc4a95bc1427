package login

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/login/texts"
	"cognate/internal/pool/schema"
)

// A pageError is an error that a page itself finds; it is the key of its text.
type pageError string

// Error returns the key for a log.
func (e pageError) Error() string { return "login: " + string(e) }

// A replacedError is an error for which a page has a text of its own.
type replacedError struct {
	key   string
	cause error
}

// Error returns the cause for a log.
func (e *replacedError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *replacedError) Unwrap() error { return e.cause }

// errorTexts are the texts of errors for which the API's text does not suit a page. A
// text never depends on the reason of an error: reasons are for the log, and tell who
// exists.
var errorTexts = map[string]string{
	idp.CodeCodeMismatchException:           "error.code",
	idp.CodeExpiredCodeException:            "error.codeExpired",
	idp.CodeEnableSoftwareTokenMFAException: "error.code",
	idp.CodeLimitExceededException:          "error.limit",
	idp.CodeTooManyRequestsException:        "error.busy",
	idp.CodeUsernameExistsException:         "error.usernameExists",
}

// note puts an error into the request's log line, and reports whether it is one that a
// person may read.
func (v *visit) note(err error) (*api.Error, bool) {
	event := audit.From(v.r.Context())
	e, ok := errors.AsType[*api.Error](err)
	if !ok || e.Code == api.CodeInternalError {
		event.SetCause(err)
		return nil, false
	}
	event.SetCode(e.Code)
	event.SetReason(api.ReasonOf(err))
	return e, true
}

// textOf returns what a page says of an error. What nobody expects is only logged.
func (v *visit) textOf(err error) string {
	if e, ok := errors.AsType[pageError](err); ok {
		audit.From(v.r.Context()).SetReason(api.ReasonInvalidRequest)
		return v.text.T(string(e))
	}
	e, ok := v.note(err)
	if replaced, is := errors.AsType[*replacedError](err); ok && is {
		return v.text.T(replaced.key)
	}
	if !ok {
		return v.text.T("error.unexpected", api.RequestFrom(v.r.Context()).ID)
	}
	if e.Code == idp.CodeExpiredCodeException && v.state != nil && v.state.Challenge == idp.ChallengeNameTypeSoftwareTokenMfa {
		return v.text.T("error.codeUsed")
	}
	if key, ok := errorTexts[e.Code]; ok {
		return v.text.T(key)
	}
	return messageIn(v.text, e)
}

// fail sets the error of the visit's form. Call it before the inputs are built: each input shows the error if the error is
// about that input.
func (v *visit) fail(err error) {
	if v.failed = err; err != nil {
		v.failure = v.textOf(err)
	}
}

// withError returns the input with the error of the form, if the error is about the input. The summary of the page then
// links to the input.
func (v *visit) withError(f Field) Field {
	switch {
	case v.failed == nil:
		return f
	case errors.Is(v.failed, errMissing):
		// Each empty field shows an error of its own.
		if !f.Optional && strings.TrimSpace(v.form.Get(f.Name)) == "" {
			f.Error = v.text.T("error.fieldMissing")
		}
	case slices.Contains(v.faultyInputs(), f.ID):
		f.Error = v.failure
	}
	if f.Error != "" {
		v.faults = append(v.faults, f)
	}
	return f
}

// errMissing is the error of a form with an empty field.
const errMissing = pageError("error.missing")

// Ids of inputs that errors are about.
const (
	inputName     = "username"
	inputCode     = "code"
	inputPassword = "password"
	inputSearch   = "idp_search"
)

// pageErrorInputs maps an error of a page to the input that it is about.
var pageErrorInputs = map[pageError]string{"error.mismatch": "confirm_password", "error.username": inputName, errNoProvider: inputSearch}

// errorInputs maps the code of an API error to the input that the error is about.
var errorInputs = map[string]string{
	idp.CodeCodeMismatchException:                   inputCode,
	idp.CodeExpiredCodeException:                    inputCode,
	idp.CodeEnableSoftwareTokenMFAException:         inputCode,
	idp.CodeInvalidPasswordException:                inputPassword,
	idp.CodePasswordHistoryPolicyViolationException: inputPassword,
	idp.CodeUsernameExistsException:                 inputName,
}

// messageInputs maps the key of an API error's message to the input that the error is about.
var messageInputs = map[string]string{
	"api.usernameEmail": inputName, "api.usernamePhone": inputName, "api.usernameEither": inputName,
	"api.usernameNotEmail": inputName, "api.usernameNotPhone": inputName,
}

// faultyInputs returns the ids of the inputs that the error of the form is about. It returns no
// id if several inputs can be wrong: the cause of "wrong password" may be a wrong name.
func (v *visit) faultyInputs() []string {
	if e, ok := errors.AsType[pageError](v.failed); ok {
		return []string{pageErrorInputs[e]}
	}
	e, ok := errors.AsType[*api.Error](v.failed)
	if !ok {
		return nil
	}
	key := texts.KeyOf(strings.TrimSpace(e.Message))
	isAlias := e.Code == idp.CodeAliasExistsException
	switch {
	case key == "api.emailFormat" || isAlias && strings.Contains(e.Message, "email"):
		return v.attributeInputIDs(schema.Email)
	case key == "api.phoneFormat" || isAlias && strings.Contains(e.Message, "phone"):
		return v.attributeInputIDs(schema.PhoneNumber)
	}
	return []string{cmp.Or(errorInputs[e.Code], messageInputs[key])}
}

// attributeInputIDs returns the ids of the inputs for an attribute. If people sign in by the attribute, the sign-up page
// asks for it in the input of the name.
func (v *visit) attributeInputIDs(attr string) []string {
	ids := []string{"attribute-" + attr}
	if v.isIdentifier(attr) {
		ids = append(ids, inputName)
	}
	return ids
}

// translatedErrors are the texts of errors whose message has parts that vary. English pages show the message.
var translatedErrors = map[string]string{
	idp.CodeAliasExistsException:                    "error.alias",
	idp.CodeInvalidPasswordException:                "error.password",
	idp.CodePasswordHistoryPolicyViolationException: "error.passwordUsed",
}

// message returns the message of the API's error in the page's language. A message without a translation stays as it is:
// it may be that of the operator's own trigger.
func messageIn(l texts.Language, e *api.Error) string {
	if key, ok := translatedErrors[e.Code]; ok && l != texts.Default {
		return l.T(key)
	}
	return l.Message(strings.TrimSpace(e.Message))
}
