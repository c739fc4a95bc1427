package server

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"

	"cognate/internal/api"
	"cognate/internal/audit"
	"cognate/internal/iam/gateway"
	"cognate/internal/iam/policy"
	"cognate/internal/server/edge"
)

func clientSecure(r *http.Request) bool    { return api.RequestFrom(r.Context()).Secure() }
func clientAddress(r *http.Request) string { return api.RequestFrom(r.Context()).SourceIP }
func requestID(r *http.Request) string     { return api.RequestFrom(r.Context()).ID }

// operationGateway stands in the log and in the metrics for requests whose operation is not
// known.
const operationGateway = "Gateway"

// observeGateway adds what is known of a request to the gateway to its line in the log and to
// its metrics.
func observeGateway(ctx context.Context, e *gateway.Event) {
	request, event := api.RequestFrom(ctx), audit.From(ctx)
	request.Operation = cmp.Or(e.Operation, operationGateway)
	request.AccessKeyID, request.PrincipalARN = e.AccessKeyID, e.Principal
	if e.AccessKeyID == "" && e.ClaimedKey != "" {
		event.SetClaimedKey(e.ClaimedKey)
	}
	event.SetBucket(e.Bucket)
	for _, d := range e.Decisions {
		if d.Result.Decision != policy.Allow {
			event.SetDenied(d.Action + " on " + edge.Clip(d.Resource, 300))
			break
		}
	}
	code := e.Code
	switch {
	case code == "" && e.Status >= http.StatusBadRequest:
		code = "Backend" + strconv.Itoa(e.Status) // The store's own refusal.
	case e.Cause != nil && edge.TooSlow(ctx):
		code = "RequestTimeout"
	case e.Cause != nil && (edge.Gone(ctx) || audit.ClientLeft(ctx)):
		code = audit.CodeClientGone
	case e.Cause != nil:
		event.SetCause(e.Cause)
	}
	event.SetAnswer(code)
}

// refuseGateway answers 503 in the form of S3.
func refuseGateway(w http.ResponseWriter, r *http.Request) {
	request := api.RequestFrom(r.Context())
	request.Operation = operationGateway
	audit.From(r.Context()).SetAnswer("ServiceUnavailable")
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Error><Code>ServiceUnavailable</Code><Message>Service is unable to handle request.</Message><RequestId>%s</RequestId></Error>`, request.ID)
}
