package api

import (
	"context"
	"slices"
	"strings"
)

// Auth says how an operation authenticates its caller.
type Auth uint8

const (
	// AuthNone operations are public: they need only a client id, a code or a session.
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

// ServiceInfo describes a service for package wire.
type ServiceInfo struct {
	// Name is the service's own name and its namespace in ARNs and IAM actions: "cognito-idp".
	Name string
	// SigningName is the service in a SigV4 credential scope.
	SigningName string
	// TargetPrefix is the part of X-Amz-Target before the dot (awsJson services).
	TargetPrefix string
	// Protocol is "json" (awsJson 1.1) or "query" (awsQuery, XML).
	Protocol string
	// APIVersion is the model's date.
	APIVersion string
	// XMLNamespace is the namespace of responses (awsQuery services).
	XMLNamespace string
}

// Paging names an operation's paging members. LimitKey is "" if requests cannot set a page size.
type Paging struct {
	InputToken, OutputToken, LimitKey, ResultKey string
}

// An Operation is one row of a service's table, with the generated functions that decode its
// input and encode its output.
type Operation struct {
	Service *ServiceInfo
	Name    string
	Auth    Auth
	// Errors are the codes that the model lists for the operation, sorted.
	Errors []string
	// Paging is nil for operations that do not page.
	Paging *Paging
	// HasOutput is false if the answer has no body.
	HasOutput bool
	// ResultWrapper is the element around the output (awsQuery services).
	ResultWrapper string

	// Decode reads and validates a JSON body. Its errors are *Error:
	// SerializationException or the service's validation error.
	Decode func(body []byte) (in any, err error)
	// Encode appends the output as JSON.
	Encode func(dst []byte, out any) []byte
	// EncodeXML appends the output's members as XML elements (awsQuery services).
	EncodeXML func(dst []byte, out any) []byte
	// Resource returns the resource that the input names. It is nil if the model has no such
	// member.
	Resource func(in any) Resource
	// Target returns the name and the path that an operation of IAM assigns to its resource. It is
	// nil if the operation renames nothing.
	Target func(in any) Resource
	// Conditions returns the condition keys that the input carries. It is nil if the model has
	// no such member.
	Conditions func(in any) map[string][]string
	// Roles returns the ARNs of roles that the input passes to the service. It is nil if the
	// model has no such member.
	Roles func(in any) []string
}

// Declares reports whether the model lists code for the operation.
func (o *Operation) Declares(code string) bool {
	_, ok := slices.BinarySearch(o.Errors, code)
	return ok
}

// Action returns the operation's name in IAM policies: "cognito-idp:AdminGetUser".
func (o *Operation) Action() string { return o.Service.Name + ":" + o.Name }

// A Binding joins an operation with the method that implements it.
type Binding struct {
	*Operation
	// Call runs the operation. The output is nil if HasOutput is false.
	Call func(ctx context.Context, in any) (out any, err error)
}

// A Resource is the object of an operation, as far as its input names it.
type Resource struct {
	// Type is the ARN's resource type, "userpool" or "identitypool"; "" if unknown.
	Type string
	// ID is the pool's id.
	ID string
	// Name is an ARN that the input itself carries (tagging operations).
	Name string
	// Path is the path of a new entity of IAM; "" if the input does not set it.
	Path string
	// NewName is the name that an entity of IAM gets; "" if it keeps its name.
	NewName string
}

// ARN returns the resource as IAM policies name it, or "*" if the input names no resource.
func (r Resource) ARN(service, region, account string) string {
	switch {
	case r.Name != "":
		return r.Name
	case r.ID == "":
		return "*"
	}
	return "arn:" + Partition(region) + ":" + service + ":" + region + ":" + account + ":" + r.Type + "/" + r.ID
}

// Partition returns the partition of a Region's ARNs. China and the government clouds have
// partitions of their own. A policy that names a pool by the ARN of DescribeUserPool must
// match it.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// GlobalRegion returns the Region in which IAM is, in the partition of a Region.
func GlobalRegion(region string) string {
	switch Partition(region) {
	case "aws-cn":
		return "cn-north-1"
	case "aws-us-gov":
		return "us-gov-west-1"
	}
	return "us-east-1"
}

// Region returns the Region in the resource's id or ARN, or "".
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

// Val returns the value that p points to, or the zero value.
func Val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
