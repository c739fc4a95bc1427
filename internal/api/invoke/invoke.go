// Package invoke helps programs inside the server that call operations of the API, such as seeds and
// templates: it reads their requests, names the faults in them, and repeats what lost a race. It
// imports nothing but api, and knows no operation.
package invoke

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"cognate/internal/api"
)

// In returns a context for operations in a Region.
func In(ctx context.Context, region string) context.Context {
	return api.WithRequest(ctx, &api.Request{Region: region})
}

// Decode reads the body of a request by the rules of the API's model.
func Decode[T any](op *api.Operation, body []byte) (*T, error) {
	in, err := op.Decode(body)
	if err != nil {
		return nil, err
	}
	return in.(*T), nil
}

// Text returns the text of an error as a user of the API sees it.
func Text(err error) string {
	if e, ok := errors.AsType[*api.Error](err); ok && e.Message != "" {
		return strings.ReplaceAll(strings.TrimSpace(e.Message), "\n", " ")
	}
	return err.Error()
}

// Again repeats an operation that lost a race.
func Again(f func() error) error {
	var err error
	for range 20 {
		err = f()
		code := api.CodeOf(err)
		if code != "ConcurrentModificationException" && !(code == "TooManyRequestsException" && api.ReasonOf(err) == api.ReasonConflict) {
			break
		}
	}
	return err
}

// IsMissing reports whether an error says that a thing does not exist.
func IsMissing(err error) bool {
	switch api.CodeOf(err) {
	case "ResourceNotFoundException", "NoSuchEntity", "ScopeDoesNotExistException", "UserNotFoundException":
		return true
	}
	return false
}

var constraintAt = regexp.MustCompile(` at '([^']+)' failed`)

// MemberPath returns the path of the member that the text of a validation error names, such as
// Schema[0].Name. It returns "" if the text names no member.
func MemberPath(message string) string {
	m := constraintAt.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	var path string
	for step := range strings.SplitSeq(m[1], ".") {
		if i, err := strconv.Atoi(step); err == nil {
			path += fmt.Sprintf("[%d]", i-1)
		} else if step != "member" && step != "" {
			if path != "" {
				path += "."
			}
			path += strings.ToUpper(step[:1]) + step[1:]
		}
	}
	return path
}
