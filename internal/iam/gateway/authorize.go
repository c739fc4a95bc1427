package gateway

import (
	"net/http"
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
		keys, err := x.checkKeys(c)
		if err != nil {
			return err
		}
		conditions := common
		if len(keys) > 0 {
			conditions = x.context(keys)
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
	c := commonContext(x.r, x.now, x.signature, x.gateway.config.Secure(x.r), x.gateway.config.SourceIP(x.r), x.caller)
	c.Set("s3:resourceaccount", x.caller.Principal.Account)
	c.Set("s3:signatureversion", "AWS4-HMAC-SHA256")
	payload := x.r.Header.Get("X-Amz-Content-Sha256")
	if x.signature.Presigned {
		c.Set("s3:authtype", "REST-QUERY-STRING")
		c.Set("s3:signatureage", strconv.FormatInt(x.now.Sub(x.signature.Time).Milliseconds(), 10))
		if payload == "" {
			payload = sigv4.UnsignedPayload
		}
	} else {
		c.Set("s3:authtype", "REST-HEADER")
	}
	c.Set("s3:x-amz-content-sha256", payload)
	for _, keys := range [][]operation.Key{x.operation.Keys, x.caller.Keys, more} {
		for _, k := range keys {
			c.Set(k.Name, k.Values...)
		}
	}
	return c
}

// commonContext returns the condition keys that requests of every service have. Those of
// the caller are not among them. Names in lower case need no conversion.
func commonContext(r *http.Request, now time.Time, s *sigv4.Signature, secure bool, sourceIP string, caller *Caller) policy.Context {
	var c policy.Context
	set := func(key, value string) {
		if value != "" {
			c.Set(key, value)
		}
	}
	now = now.UTC()
	set("aws:currenttime", now.Format(time.RFC3339))
	set("aws:epochtime", strconv.FormatInt(now.Unix(), 10))
	set("aws:principalaccount", caller.Principal.Account)
	set("aws:principalarn", caller.Principal.ARN)
	set("aws:requestedregion", s.Region)
	set("aws:resourceaccount", caller.Principal.Account)
	set("aws:securetransport", strconv.FormatBool(secure))
	set("aws:sourceip", sourceIP)
	set("aws:useragent", r.UserAgent())
	set("aws:referer", r.Referer())
	return c
}
