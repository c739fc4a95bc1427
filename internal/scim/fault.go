package scim

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/federation"
	"cognate/internal/scim/resource"
	"cognate/internal/store"
	"cognate/internal/user/identities"
)

// asError returns the error for the directory, and the reason for the log.
func asError(err error) (*resource.Error, api.Reason) {
	if e, ok := errors.AsType[*resource.Error](err); ok {
		return e, reasonOf(e.Status)
	}
	if e, ok := errors.AsType[*federation.Error](err); ok {
		return resource.InvalidValuef("%s", strings.TrimSpace(e.Text)), api.ReasonInvalidRequest
	}
	exists, taken := errors.AsType[*store.ExistsError](err)
	switch {
	case taken && exists.What == "resource", errors.Is(err, identities.ErrOtherOwner):
		return resource.Uniquenessf("Another resource of the directory has this name."), api.ReasonNameTaken
	case errors.Is(err, identities.ErrDisabled):
		return resource.Uniquenessf("A user of the pool has this name, but an administrator has disabled the provider for the user."), api.ReasonNameTaken
	case errors.Is(err, store.ErrNotFound):
		return resource.Errorf(http.StatusNotFound, "The resource does not exist."), api.ReasonNotFound
	case errors.Is(err, store.ErrConflict):
		return resource.Errorf(http.StatusConflict, "The resource was changed at the same time. Try again."), api.ReasonConflict
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, store.ErrFull):
		return resource.Errorf(http.StatusServiceUnavailable, "The database is unavailable. Try again."), api.ReasonOverloaded
	}
	switch code := api.CodeOf(err); code {
	case "UserNotFoundException", "ResourceNotFoundException":
		return resource.Errorf(http.StatusNotFound, "The resource does not exist."), api.ReasonNotFound
	case "GroupExistsException":
		return resource.Uniquenessf("The pool has a group of this name that the directory did not make."), api.ReasonNameTaken
	case "InvalidParameterException", "LimitExceededException", "UsernameExistsException", "AliasExistsException":
		return resource.InvalidValuef("%s", messageOf(err)), api.ReasonInvalidRequest
	}
	return resource.Errorf(http.StatusInternalServerError, "An internal error occurred."), ""
}

func reasonOf(status int) api.Reason {
	switch status {
	case http.StatusUnauthorized:
		return api.ReasonBadAccessToken
	case http.StatusNotFound:
		return api.ReasonNotFound
	case http.StatusConflict:
		return api.ReasonNameTaken
	case http.StatusPreconditionFailed:
		return api.ReasonConflict
	case http.StatusTooManyRequests:
		return api.ReasonRateLimited
	}
	return api.ReasonInvalidRequest
}

// messageOf returns the text of an exception of the API.
func messageOf(err error) string {
	e, _ := errors.AsType[*api.Error](err)
	return e.Message
}

// refuse notes an error in the log line of the request and renders it.
func (s *Service) refuse(r *http.Request, err error) *answer {
	e, reason := asError(err)
	event := audit.From(r.Context())
	event.SetCode(cmp.Or(string(e.ScimType), "scim_"+strconv.Itoa(e.Status)))
	if reason != "" {
		event.SetReason(reason)
	}
	if e.Status >= http.StatusInternalServerError {
		event.SetCause(err)
	}
	return &answer{status: e.Status, body: e}
}
