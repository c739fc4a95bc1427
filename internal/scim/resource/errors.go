package resource

import (
	"fmt"
	"net/http"

	scimerrors "github.com/elimity-com/scim/errors"
)

// Error is an error response (RFC 7644 §3.12). Its JSON form is the body of the response,
// where the status is a string.
type Error = scimerrors.ScimError

// Errorf returns an error of a status that has no detail keyword.
func Errorf(status int, format string, args ...any) *Error {
	return &Error{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// InvalidFilterf returns the error for a filter that is malformed or not supported.
func InvalidFilterf(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, scimerrors.ScimTypeInvalidFilter, format, args...)
}

// InvalidPathf returns the error for the path of a change that is malformed or names an
// attribute that does not exist.
func InvalidPathf(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, scimerrors.ScimTypeInvalidPath, format, args...)
}

// InvalidSyntaxf returns the error for a body without the structure of its message.
func InvalidSyntaxf(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, format, args...)
}

// InvalidValuef returns the error for a value that is missing or that the attribute or the
// parameter does not accept.
func InvalidValuef(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, format, args...)
}

// Mutabilityf returns the error for the change of an attribute that cannot be changed.
func Mutabilityf(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, scimerrors.ScimTypeMutability, format, args...)
}

// NoTargetf returns the error for a path that selects no value.
func NoTargetf(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, scimerrors.ScimTypeNoTarget, format, args...)
}

// TooManyf returns the error for a filter that yields too many results.
func TooManyf(format string, args ...any) *Error {
	return newError(http.StatusBadRequest, scimerrors.ScimTypeTooMany, format, args...)
}

// Uniquenessf returns the error for a value that another resource has.
func Uniquenessf(format string, args ...any) *Error {
	return newError(http.StatusConflict, scimerrors.ScimTypeUniqueness, format, args...)
}

func newError(status int, kind scimerrors.ScimType, format string, args ...any) *Error {
	return &Error{Status: status, ScimType: kind, Detail: fmt.Sprintf(format, args...)}
}

// quote returns a client's text for an error message. It shortens long texts.
func quote(text string) string {
	const longest = 100
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
