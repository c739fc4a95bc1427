package api

import (
	"context"
	"slices"
	"strings"
)

// Auth says how an operation knows its caller.
type Auth uint8

const (
	// AuthNone operations are public: a client id, a code or a session is all they need.
	AuthNone Auth = iota
	// AuthAccessToken operations carry the user's access token in the body.
	AuthAccessToken
	// AuthAccessTokenOrSession operations carry an access token or a sign-in's session.
	AuthAccessTokenOrSession
	// AuthSigV4 operations are an administrator's: signed, and allowed by policy.
	AuthSigV4
)

var authNames = [...]string{"none", "access-token", "access-token-or-session", "sigv4"}

// String returns the name that the interface tables use.
func (a Auth) String() string { return authNames[a] }

// ServiceInfo is what the wire needs to know of a service.
type ServiceInfo struct {
	// Name is the service's own name and its namespace in ARNs and IAM actions: "cognito-idp".
	Name string
	// SigningName is the service in a SigV4 credential scope.
	SigningName string
	// TargetPrefix stands before the dot of X-Amz-Target (awsJson services).
	TargetPrefix string
	// Protocol is "json" (awsJson 1.1) or "query" (awsQuery, XML).
	Protocol string
	// APIVersion is the model's date.
	APIVersion string
	// XMLNamespace is the namespace of responses (awsQuery services).
	XMLNamespace string
}

// Paging names an operation's paging members; LimitKey is "" where no page size can be asked for.
type Paging struct {
	InputToken, OutputToken, LimitKey, ResultKey string
}

// Operation is one row of a service's table, with the generated functions that
// move its input and output on and off the wire.
type Operation struct {
	Service *ServiceInfo
	Name    string
	Auth    Auth
	// Errors are the codes that the model lists for the operation, sorted.
	Errors []string
	// Paging is nil for operations that do not page.
	Paging *Paging
	// HasOutput is false where the answer has no body at all.
	HasOutput bool
	// ResultWrapper is the element around the output (awsQuery services).
	ResultWrapper string

	// Decode reads and validates a JSON body. Its errors are *Error:
	// SerializationException or the service's validation error.
	Decode func(body []byte) (in any, err error)
	// Encode appends the output as JSON.
	Encode func(dst []byte, out any) []byte
	// Resource tells what the input is about; nil where the model has no such member.
	Resource func(in any) Resource
}

// Declares reports whether the model lists code for the operation.
func (o *Operation) Declares(code string) bool {
	_, ok := slices.BinarySearch(o.Errors, code)
	return ok
}

// Action is the operation's name in IAM policies: "cognito-idp:AdminGetUser".
func (o *Operation) Action() string { return o.Service.Name + ":" + o.Name }

// Binding joins an operation with the method that does it.
type Binding struct {
	*Operation
	// Call runs the operation. The output is nil where HasOutput is false.
	Call func(ctx context.Context, in any) (out any, err error)
}

// Resource is what an operation works on, as far as its input names it.
type Resource struct {
	// Type is the ARN's resource type, "userpool" or "identitypool"; "" if unknown.
	Type string
	// ID is the pool's id.
	ID string
	// Name is an ARN that the input itself carries (tagging operations).
	Name string
}

// ARN returns the resource as IAM policies name it, "*" where the input names none.
func (r Resource) ARN(service, region, account string) string {
	switch {
	case r.Name != "":
		return r.Name
	case r.ID == "":
		return "*"
	}
	return "arn:" + Partition(region) + ":" + service + ":" + region + ":" + account + ":" + r.Type + "/" + r.ID
}

// Partition returns the first part of a Region's ARNs: those of China and the
// government clouds have their own. A policy that names such a pool by the ARN
// that DescribeUserPool shows must match it.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// Region is the Region that the resource's id or ARN begins with, or "".
func (r Resource) Region() string {
	if r.Name != "" {
		if parts := strings.SplitN(r.Name, ":", 6); len(parts) == 6 {
			return parts[3]
		}
		return ""
	}
	// User pools: us-east-1_abc; identity pools: us-east-1:uuid.
	if i := strings.IndexAny(r.ID, "_:"); i > 0 {
		return r.ID[:i]
	}
	return ""
}

// Val returns what p points to, or the zero value.
func Val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
