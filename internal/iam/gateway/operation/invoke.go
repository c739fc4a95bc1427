package operation

import (
	"strings"
	"unicode/utf8"
)

// An InvokeRequest is a request of an API that is the operator's own.
type InvokeRequest struct {
	// Method and Path are as in the request line. The path is not decoded.
	Method, Path string
	// Region, Account, API and Stage are those of the ARN.
	Region, Account, API, Stage string
}

// actionInvoke is the permission to call an API (API Gateway: "Control access for invoking
// an API").
const actionInvoke = "execute-api:Invoke"

// invokeMethods are the methods that an API has.
const invokeMethods = "GET HEAD POST PUT PATCH DELETE"

// Invoke returns the check of a request, or the error to answer. It refuses paths that the
// API could read in another way than the policies: dots, empty names, encoded slashes, path
// parameters and what is encoded twice.
func Invoke(r *InvokeRequest) (Check, *Error) {
	if !hasWord(invokeMethods, r.Method) {
		return Check{}, &Error{405, "MethodNotAllowed", "The method is not allowed."}
	}
	path, ok := unescape(r.Path, false)
	if !ok || !strings.HasPrefix(path, "/") || !plainInvokePath(path) || hasEncodedSlash(r.Path) {
		return Check{}, &Error{400, "BadRequestException", "The path has more than one meaning."}
	}
	return Check{
		Action: actionInvoke, Resource: "arn:aws:execute-api:" + r.Region + ":" + r.Account + ":" + r.API + "/" + r.Stage + "/" + r.Method + path,
	}, nil
}

// plainInvokePath reports whether a path, which was decoded once, has one meaning alone.
func plainInvokePath(path string) bool {
	if !utf8.ValidString(path) || strings.ContainsAny(path, `\;`) {
		return false
	}
	for i := range len(path) {
		if path[i] < ' ' || path[i] == 0x7f || path[i] == '%' && i+2 < len(path) && digit(path[i+1]) >= 0 && digit(path[i+2]) >= 0 {
			return false
		}
	}
	return path == "/" || plainPath(path[1:])
}

func hasEncodedSlash(raw string) bool {
	raw = strings.ToLower(raw)
	return strings.Contains(raw, "%2f") || strings.Contains(raw, "%5c")
}
