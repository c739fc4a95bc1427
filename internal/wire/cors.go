package wire

import (
	"net/http"
	"strings"
)

const (
	exposedHeaders = "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date"
	allowedHeaders = "content-type,x-amz-target,x-amz-user-agent,cache-control,authorization,x-amz-date,x-amz-security-token,amz-sdk-invocation-id,amz-sdk-request"
)

// preflight answers a browser's preflight request (Fetch: CORS). Operations ignore
// cookies, so any origin may call them.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Access-Control-Allow-Origin"] = []string{"*"}
	h["Access-Control-Allow-Methods"] = []string{http.MethodPost}
	h["Access-Control-Allow-Headers"] = []string{allowHeaders(r.Header.Get("Access-Control-Request-Headers"))}
	h["Access-Control-Max-Age"] = []string{"172800"}
	h["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusOK)
}

// allowHeaders returns the headers that are always allowed and the requested ones: newer
// SDKs send new headers.
func allowHeaders(asked string) string {
	allowed := allowedHeaders
	if len(asked) > 1024 {
		return allowed
	}
	for name := range strings.SplitSeq(strings.ToLower(asked), ",") {
		name = strings.TrimSpace(name)
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || strings.Contains(","+allowed+",", ","+name+",") {
			continue
		}
		allowed += "," + name
	}
	return allowed
}
