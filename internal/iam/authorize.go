package iam

import (
	"context"
	"slices"
	"strings"

	"cognate/internal/api"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/session"
)

// Denied is the error of an operation that is not allowed.
type Denied struct {
	// Explicit is true if a statement denies the operation, false if no statement
	// allows it.
	Explicit bool
	// Reason is the end of AWS's message: "because no identity-based policy allows the … action".
	Reason string
	// Encoded describes the decision. [Service.DecodeDenial] reads it.
	Encoded string
}

// Message returns AWS's message for a denied request of a caller.
func (d *Denied) Message(p *Principal, action, resource string) string {
	text := "User: " + p.ARN + " is not authorized to perform: " + action + " on resource: " + resource
	if d.Reason != "" {
		text += " " + d.Reason
	}
	if d.Encoded != "" {
		text += ". Encoded authorization failure message: " + d.Encoded
	}
	return text
}

func (d *Denied) Error() string {
	if d.Explicit {
		return "iam: denied by a statement"
	}
	return "iam: no statement allows it"
}

// Request is an operation that a principal asks for.
type Request struct {
	Action   string // "cognito-idp:AdminGetUser"
	Resource string // an ARN, or "*"
	// Conditions are the condition keys of the operation's input, such as aws:RequestTag/Stage.
	Conditions map[string][]string
	// HTTP is the request that the operation came with.
	HTTP *api.Request
}

// actionPassRole is the permission to pass a role to a service.
const actionPassRole = "iam:PassRole"

// PassRole returns the request to pass a role to a service, such as
// "cognito-idp.amazonaws.com".
func PassRole(role, service string, http *api.Request) Request {
	return Request{Action: actionPassRole, Resource: role, Conditions: map[string][]string{"iam:PassedToService": {service}}, HTTP: http}
}

// deniedWith names, for an action, an older one whose explicit denial covers it (Cognito: DescribeTermsByClient). So a
// policy from before the newer action still denies it.
var deniedWith = map[string]string{"cognito-idp:DescribeTermsByClient": "cognito-idp:DescribeTerms"}

// Authorize decides whether p may do what r asks. It returns nil, a *Denied, or a
// fault.
func (s *Service) Authorize(ctx context.Context, p *Principal, r Request) error {
	if r.Action == actionPassRole && p.ownPolicies {
		return nil
	}
	if !p.mayCall(r.Action) {
		return denied(policy.Result{Layer: policy.SessionLayer}, r.Action)
	}
	conditions, err := s.context(ctx, p, r)
	if err != nil {
		return err
	}
	request := policy.Request{Action: r.Action, Resource: r.Resource, Principal: p.subject, Context: conditions}
	if other := deniedWith[r.Action]; other != "" {
		older := request
		older.Action = other
		if result := policy.Evaluate(p.layers, &older); result.Decision == policy.ExplicitDeny {
			d := denied(result, r.Action)
			d.Encoded = s.encodeDenial(p, p.layers, &older)
			return d
		}
	}
	if result := policy.Evaluate(p.layers, &request); result.Decision != policy.Allow {
		d := denied(result, r.Action)
		d.Encoded = s.encodeDenial(p, p.layers, &request)
		return d
	}
	return nil
}

// denied returns the error for a denial.
func denied(result policy.Result, action string) *Denied {
	return &Denied{Explicit: result.Decision == policy.ExplicitDeny, Reason: result.Reason(action)}
}

// mayCall reports whether a caller may call an operation, whatever its policies allow. The
// sessions that a user makes call no operation of IAM. Of STS they may call GetCallerIdentity,
// and those of GetSessionToken may call AssumeRole (AWS STS API Reference: GetSessionToken,
// GetFederationToken).
func (p *Principal) mayCall(action string) bool {
	if p.Session == nil || p.Session.Kind == session.AssumedRole {
		return true
	}
	service, name, _ := strings.Cut(action, ":")
	switch service {
	case "iam":
		return action == actionPassRole
	case "sts":
		return p.Session.Kind == session.User && slices.Contains([]string{"AssumeRole", "TagSession", "SetSourceIdentity"}, name)
	}
	return true
}
