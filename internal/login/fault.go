package login

import (
	"errors"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
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
	return v.text.message(e)
}

// translatedErrors are the texts of errors whose message has parts that vary. English pages show the message.
var translatedErrors = map[string]string{
	idp.CodeAliasExistsException:                    "error.alias",
	idp.CodeInvalidPasswordException:                "error.password",
	idp.CodePasswordHistoryPolicyViolationException: "error.passwordUsed",
}

// message returns the message of the API's error in the page's language. A message without a translation stays as it is:
// it may be that of the operator's own trigger.
func (l translator) message(e *api.Error) string {
	if key, ok := translatedErrors[e.Code]; ok && l != defaultLanguage {
		return l.T(key)
	}
	return l.known(strings.TrimSpace(e.Message))
}
