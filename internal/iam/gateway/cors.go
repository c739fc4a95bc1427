package gateway

import (
	"net/http"
	"slices"

	"cognate/internal/iam/gateway/operation"
)

// exposedHeaders are the headers of answers that web pages may read.
const exposedHeaders = "ETag, Content-Length, Content-Range, Last-Modified, x-amz-request-id, x-amz-id-2, " +
	"x-amz-version-id, x-amz-delete-marker, x-amz-server-side-encryption, x-amz-meta-*"

// allowOrigin adds the headers that let a web page of one of the origins read the answer.
func allowOrigin(h http.Header, r *http.Request, origins []string, exposed string) {
	origin := r.Header.Get("Origin")
	if origin == "" || len(origins) == 0 {
		return
	}
	h.Add("Vary", "Origin")
	switch {
	case slices.Contains(origins, "*"):
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.Contains(origins, origin):
		h.Set("Access-Control-Allow-Origin", origin)
	default:
		return
	}
	h.Set("Access-Control-Expose-Headers", exposed)
}

// allowRequest adds the headers that let a web page send a request.
func allowRequest(h http.Header, r *http.Request, methods string) {
	h.Set("Access-Control-Allow-Methods", methods)
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	h.Set("Access-Control-Max-Age", "3600")
}

// preflight answers the question of a browser whether a page may send a request. Such
// questions are not signed. Without origins of the Gateway, the store answers.
func (x *exchange) preflight(bucket string) error {
	origin, method := x.r.Header.Get("Origin"), x.r.Header.Get("Access-Control-Request-Method")
	if origin == "" || method == "" {
		return &s3Error{status: 400, code: "BadRequest", message: "Insufficient information. Origin request header needed."}
	}
	if x.r.ContentLength != 0 {
		return &s3Error{status: 400, code: "InvalidRequest", message: "The request must not have a body."}
	}
	if len(x.gateway.config.Origins) == 0 {
		return x.forwardPreflight(bucket, method)
	}
	h := x.w.Header()
	if h.Get("Access-Control-Allow-Origin") == "" {
		return &s3Error{status: 403, code: "AccessForbidden", message: "CORSResponse: This CORS request is not allowed."}
	}
	allowRequest(h, x.r, "GET, HEAD, PUT, POST, DELETE")
	x.event.Operation, x.event.Status = "Preflight", http.StatusOK
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// forwardPreflight asks the store, without a signature and without a query.
func (x *exchange) forwardPreflight(bucket, method string) error {
	o, failed := operation.S3(&operation.Request{
		Method: http.MethodGet, Path: x.r.URL.EscapedPath(), Header: http.Header{}, Bucket: bucket,
		PathKeys: x.gateway.config.Backend.PathKeys,
	})
	if failed != nil {
		return failed
	}
	o.Header = http.Header{"Origin": {x.r.Header.Get("Origin")}, "Access-Control-Request-Method": {method}, "User-Agent": {""}}
	if asked := x.r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		o.Header.Set("Access-Control-Request-Headers", asked)
	}
	x.operation, x.event.Operation = o, "Preflight"
	res, err := x.roundTrip(x.backendRequest(http.MethodOptions, o))
	if err != nil {
		return err
	}
	return x.answer(res)
}
