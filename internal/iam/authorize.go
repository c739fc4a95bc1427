package iam

import (
	"context"
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
	// HTTP is the request that the operation came with.
	HTTP *api.Request
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
	keyUsername         = "aws:username"
	prefixResourceTag   = "aws:resourcetag/"
)

// supportedKeys are the names of the condition keys as policies write them.
var supportedKeys = []string{
	"aws:CurrentTime", "aws:EpochTime", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalType", "aws:RequestedRegion",
	"aws:ResourceAccount", "aws:ResourceTag/", "aws:SecureTransport", "aws:SourceIp", "aws:UserAgent", "aws:username",
}

// supportedKey reports whether requests carry the condition key.
func supportedKey(key string) bool {
	switch key {
	case keyCurrentTime, keyEpochTime, keyPrincipalAccount, keyPrincipalARN, keyPrincipalType, keyRequestedRegion,
		keyResourceAccount, keySecureTransport, keySourceIP, keyUserAgent, keyUsername:
		return true
	}
	return strings.HasPrefix(key, prefixResourceTag)
}

// deniedWith names, for an action, an older one whose explicit denial covers it (Cognito: DescribeTermsByClient). So a
// policy from before the newer action still denies it.
var deniedWith = map[string]string{"cognito-idp:DescribeTermsByClient": "cognito-idp:DescribeTerms"}

// Authorize decides whether p may do what r asks. It returns nil, a *Denied, or a
// fault.
func (s *Service) Authorize(ctx context.Context, p *Principal, r Request) error {
	conditions, err := s.context(ctx, p, r)
	if err != nil {
		return err
	}
	evaluate := func(action string) policy.Decision {
		return policy.Evaluate(policy.Layers{Identity: p.policies}, &policy.Request{
			Action: action, Resource: r.Resource, Principal: policy.Principal{Account: s.deps.AccountID, ARN: p.ARN}, Context: conditions,
		}).Decision
	}
	if other := deniedWith[r.Action]; other != "" && evaluate(other) == policy.ExplicitDeny {
		return &Denied{Explicit: true}
	}
	switch evaluate(r.Action) {
	case policy.Allow:
		return nil
	case policy.ExplicitDeny:
		return &Denied{Explicit: true}
	}
	return &Denied{}
}

func (s *Service) context(ctx context.Context, p *Principal, r Request) (policy.Context, error) {
	now := s.deps.Now().UTC()
	var c policy.Context
	for key, value := range map[string]string{
		keyCurrentTime:      now.Format(time.RFC3339),
		keyEpochTime:        strconv.FormatInt(now.Unix(), 10),
		keyPrincipalAccount: s.deps.AccountID,
		keyPrincipalARN:     p.ARN,
		keyPrincipalType:    "User",
		keyRequestedRegion:  r.HTTP.Region,
		keyResourceAccount:  s.deps.AccountID,
		keySecureTransport:  strconv.FormatBool(r.HTTP.Secure()),
		keySourceIP:         r.HTTP.SourceIP,
		keyUserAgent:        r.HTTP.UserAgent,
		keyUsername:         p.Name,
	} {
		if value != "" {
			c.Set(key, value)
		}
	}
	if s.deps.ResourceTags == nil || r.Resource == "*" {
		return c, nil
	}
	tags, err := s.deps.ResourceTags(ctx, r.Resource)
	if err != nil {
		return c, err
	}
	for key, value := range tags {
		// Keys compare without case, so tags that differ only in case share a key.
		c.Add(prefixResourceTag+key, value)
	}
	return c, nil
}
