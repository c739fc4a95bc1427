package gateway

import (
	"strconv"
	"time"

	"cognate/internal/iam/gateway/operation"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/sigv4"
)

// authorize asks the policies about every check, and returns the error of the first that
// they deny.
func (x *exchange) authorize(checks []operation.Check) error {
	var common policy.Context
	if len(checks) > 0 {
		common = x.context(nil)
	}
	for i := range checks {
		c := &checks[i]
		conditions := common
		if len(c.Keys) > 0 {
			conditions = x.context(c.Keys)
		}
		result := x.decide(c, conditions)
		if result.Decision != policy.Allow {
			return x.denial(c, result)
		}
	}
	return nil
}

// decide asks the policies about one check.
func (x *exchange) decide(c *operation.Check, conditions policy.Context) policy.Result {
	result := policy.Evaluate(x.caller.Layers, &policy.Request{
		Action: c.Action, Resource: c.Resource, Principal: x.caller.Principal, Context: conditions,
	})
	x.event.Decisions = append(x.event.Decisions, Decision{c.Action, c.Resource, result})
	return result
}

// denial returns AWS's answer for a denied check.
func (x *exchange) denial(c *operation.Check, r policy.Result) *s3Error {
	return accessDenied("User: " + x.caller.arn() + " is not authorized to perform: " + c.Action +
		` on resource: "` + c.Resource + `" ` + r.Reason(c.Action))
}

// context returns the condition keys of the request, with those of one check.
func (x *exchange) context(more []operation.Key) policy.Context {
	var c policy.Context
	now := x.now.UTC()
	set := func(key, value string) {
		if value != "" {
			c.Set(key, value)
		}
	}
	set("aws:CurrentTime", now.Format(time.RFC3339))
	set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	set("aws:PrincipalAccount", x.caller.Principal.Account)
	set("aws:PrincipalArn", x.caller.Principal.ARN)
	set("aws:RequestedRegion", x.signature.Region)
	set("aws:ResourceAccount", x.caller.Principal.Account)
	set("aws:SecureTransport", strconv.FormatBool(x.gateway.config.Secure(x.r)))
	set("aws:SourceIp", x.gateway.config.SourceIP(x.r))
	set("aws:UserAgent", x.r.UserAgent())
	set("aws:Referer", x.r.Referer())
	set("s3:ResourceAccount", x.caller.Principal.Account)
	set("s3:signatureversion", "AWS4-HMAC-SHA256")
	if x.signature.Presigned {
		set("s3:authType", "REST-QUERY-STRING")
		set("s3:signatureAge", strconv.FormatInt(x.now.Sub(x.signature.Time).Milliseconds(), 10))
		set("s3:x-amz-content-sha256", x.r.Header.Get("X-Amz-Content-Sha256"))
		if x.r.Header.Get("X-Amz-Content-Sha256") == "" {
			set("s3:x-amz-content-sha256", sigv4.UnsignedPayload)
		}
	} else {
		set("s3:authType", "REST-HEADER")
		set("s3:x-amz-content-sha256", x.r.Header.Get("X-Amz-Content-Sha256"))
	}
	for _, keys := range [][]operation.Key{x.operation.Keys, x.caller.Keys, more} {
		for _, k := range keys {
			c.Set(k.Name, k.Values...)
		}
	}
	return c
}
