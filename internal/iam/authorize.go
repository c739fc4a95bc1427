package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/iam/policy"
)

// Denied is the error of an operation that is not allowed.
type Denied struct {
	// Explicit is true if a statement denies the operation, false if no statement
	// allows it.
	Explicit bool
	// Reason is the end of AWS's message: "because no identity-based policy allows the … action".
	Reason string
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

// Condition keys that every request carries, in lower case.
const (
	keyCurrentTime      = "aws:currenttime"
	keyEpochTime        = "aws:epochtime"
	keyPrincipalAccount = "aws:principalaccount"
	keyPrincipalARN     = "aws:principalarn"
	keyPrincipalType    = "aws:principaltype"
	keyRequestedRegion  = "aws:requestedregion"
	keyResourceAccount  = "aws:resourceaccount"
	keySecureTransport  = "aws:securetransport"
	keySourceIP         = "aws:sourceip"
	keyUserAgent        = "aws:useragent"
	keyUserID           = "aws:userid"
	keyUsername         = "aws:username"
	keyTagKeys          = "aws:tagkeys"
	keyPassedTo         = "iam:passedtoservice"
	keyPolicyARN        = "iam:policyarn"
	keyBoundary         = "iam:permissionsboundary"
	prefixPrincipalTag  = "aws:principaltag/"
	prefixRequestTag    = "aws:requesttag/"
	prefixResourceTag   = "aws:resourcetag/"
	prefixIAMTag        = "iam:resourcetag/"
)

// supportedKeys are the names of the condition keys as policies write them.
var supportedKeys = []string{
	"aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalTag/", "aws:PrincipalType",
	"aws:RequestedRegion", "aws:RequestTag/", "aws:ResourceAccount", "aws:ResourceTag/", "aws:SecureTransport", "aws:SourceIp",
	"aws:TagKeys", "aws:UserAgent", "aws:userid", "aws:username", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN",
	"iam:ResourceTag/",
}

// supportedKey reports whether requests carry the condition key.
func supportedKey(key string) bool {
	switch key {
	case keyCurrentTime, keyEpochTime, keyPrincipalAccount, keyPrincipalARN, keyPrincipalType, keyRequestedRegion,
		keyResourceAccount, keySecureTransport, keySourceIP, keyUserAgent, keyUserID, keyUsername, keyTagKeys, keyPassedTo, keyPolicyARN, keyBoundary:
		return true
	}
	return slices.ContainsFunc([]string{prefixPrincipalTag, prefixRequestTag, prefixResourceTag, prefixIAMTag}, func(p string) bool {
		return strings.HasPrefix(key, p)
	})
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
	conditions, err := s.context(ctx, p, r)
	if err != nil {
		return err
	}
	caller := s.Caller(p)
	evaluate := func(action string) policy.Result {
		return policy.Evaluate(caller.Layers, &policy.Request{
			Action: action, Resource: r.Resource, Principal: caller.Principal, Context: conditions,
		})
	}
	denied := func(result policy.Result) error {
		return &Denied{Explicit: result.Decision == policy.ExplicitDeny, Reason: result.Reason(r.Action)}
	}
	if other := deniedWith[r.Action]; other != "" {
		if result := evaluate(other); result.Decision == policy.ExplicitDeny {
			return denied(result)
		}
	}
	if result := evaluate(r.Action); result.Decision != policy.Allow {
		return denied(result)
	}
	return nil
}

func (s *Service) context(ctx context.Context, p *Principal, r Request) (policy.Context, error) {
	now := s.deps.Now().UTC()
	var c policy.Context
	for key, value := range map[string]string{
		keyCurrentTime:      now.Format(time.RFC3339),
		keyEpochTime:        strconv.FormatInt(now.Unix(), 10),
		keyPrincipalAccount: s.deps.AccountID,
		keyPrincipalARN:     p.ARN,
		keyRequestedRegion:  r.HTTP.Region,
		keyResourceAccount:  s.deps.AccountID,
		keySecureTransport:  strconv.FormatBool(r.HTTP.Secure()),
		keySourceIP:         r.HTTP.SourceIP,
		keyUserAgent:        r.HTTP.UserAgent,
	} {
		if value != "" {
			c.Set(key, value)
		}
	}
	for key, values := range p.conditions() {
		c.Set(key, values...)
	}
	for key, values := range r.Conditions {
		c.Add(key, values...)
	}
	return c, s.addResourceTags(ctx, &c, r.Resource)
}

// addResourceTags adds the tags of a pool, or of an entity of the account.
func (s *Service) addResourceTags(ctx context.Context, c *policy.Context, resource string) error {
	if resource == "*" {
		return nil
	}
	tags, err := s.entityTags(ctx, resource)
	if err != nil {
		return err
	}
	for key, value := range tags {
		c.Add(prefixIAMTag+key, value)
	}
	if tags == nil && s.deps.ResourceTags != nil {
		if tags, err = s.deps.ResourceTags(ctx, resource); err != nil {
			return err
		}
	}
	for key, value := range tags {
		// Keys compare without case, so tags that differ only in case share a key.
		c.Add(prefixResourceTag+key, value)
	}
	return nil
}
