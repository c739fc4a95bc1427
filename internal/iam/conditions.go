package iam

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"cognate/internal/iam/policy"
	"cognate/internal/iam/session"
)

// Condition keys, in lower case.
const (
	keyCurrentTime       = "aws:currenttime"
	keyEpochTime         = "aws:epochtime"
	keyFederatedProvider = "aws:federatedprovider"
	keyPrincipalAccount  = "aws:principalaccount"
	keyPrincipalARN      = "aws:principalarn"
	keyPrincipalType     = "aws:principaltype"
	keyRequestedRegion   = "aws:requestedregion"
	keyResourceAccount   = "aws:resourceaccount"
	keySecureTransport   = "aws:securetransport"
	keySourceIdentity    = "aws:sourceidentity"
	keySourceIP          = "aws:sourceip"
	keyTagKeys           = "aws:tagkeys"
	keyTokenIssueTime    = "aws:tokenissuetime"
	keyUserAgent         = "aws:useragent"
	keyUserID            = "aws:userid"
	keyUsername          = "aws:username"
	keyPassedTo          = "iam:passedtoservice"
	keyPolicyARN         = "iam:policyarn"
	keyBoundary          = "iam:permissionsboundary"
	keyExternalID        = "sts:externalid"
	keySessionName       = "sts:rolesessionname"
	keySetIdentity       = "sts:sourceidentity"
	keyTransitiveTags    = "sts:transitivetagkeys"
	prefixPrincipalTag   = "aws:principaltag/"
	prefixRequestTag     = "aws:requesttag/"
	prefixResourceTag    = "aws:resourcetag/"
	prefixIAMTag         = "iam:resourcetag/"
)

// supportedKeys are the names of the condition keys as policies write them.
var supportedKeys = []string{
	"aws:CurrentTime", "aws:EpochTime", "aws:FederatedProvider", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalTag/", "aws:PrincipalType",
	"aws:RequestedRegion", "aws:RequestTag/", "aws:ResourceAccount", "aws:ResourceTag/", "aws:SecureTransport", "aws:SourceIdentity", "aws:SourceIp",
	"aws:TagKeys", "aws:TokenIssueTime", "aws:UserAgent", "aws:userid", "aws:username", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN",
	"iam:ResourceTag/", "sts:DurationSeconds", "sts:ExternalId", "sts:IdentityTokenAudience", "sts:RoleSessionName", "sts:SigningAlgorithm",
	"sts:SourceIdentity", "sts:TransitiveTagKeys",
}

// providerKeys are the names after the colon in the condition keys of identity providers.
var providerKeys = []string{"aud", "sub", "amr", "oaud", "email", "app_id", "user_id", "id", "iss", "sub_type", "namequalifier", "doc"}

// supportedKey reports whether requests carry the condition key.
func supportedKey(key string) bool {
	if i := strings.LastIndexByte(key, ':'); i > 0 && (key[:i] == "saml" || strings.ContainsRune(key[:i], '.')) {
		return slices.Contains(providerKeys, key[i+1:])
	}
	return slices.ContainsFunc(supportedKeys, func(name string) bool {
		if strings.HasSuffix(name, "/") {
			return len(key) >= len(name) && strings.EqualFold(key[:len(name)], name)
		}
		return strings.EqualFold(key, name)
	})
}

// conditionKeys calls set for every condition key that belongs to the caller and not to a
// request, such as aws:userid or aws:PrincipalTag/team. The names are in lower case, except
// those of tags and providers.
func (p *Principal) conditionKeys(set func(key string, values ...string)) {
	arn, kind := p.ARN, "User"
	switch d := p.Session; {
	case d == nil:
		if p.IsRoot() {
			kind = "Account"
		}
	case d.Kind == session.AssumedRole:
		arn, kind = d.Role, "AssumedRole"
	case d.Kind == session.FederatedUser:
		kind = "FederatedUser"
	}
	for _, k := range [...]struct{ key, value string }{
		{keyPrincipalAccount, p.subject.Account}, {keyPrincipalARN, arn}, {keyPrincipalType, kind}, {keyUserID, p.ID}, {keyUsername, p.Name},
	} {
		if k.value != "" {
			set(k.key, k.value)
		}
	}
	for key, value := range p.Tags {
		set(prefixPrincipalTag+key, value)
	}
	if d := p.Session; d != nil {
		set(keyTokenIssueTime, d.Issued.UTC().Format(time.RFC3339))
		if d.SourceIdentity != "" {
			set(keySourceIdentity, d.SourceIdentity)
		}
		if d.Login != nil {
			setLogin(d.Login, set)
		}
	}
}

// setLogin calls set for the condition keys of a login.
func setLogin(l *session.Login, set func(key string, values ...string)) {
	set(keyFederatedProvider, l.Provider)
	for key, values := range l.Keys {
		set(key, values...)
	}
}

// IsRoot reports whether the caller is the root user. A federated user of the root user is not.
func (p *Principal) IsRoot() bool {
	return p.subject.Session == "" && p.subject.ARN != "" && strings.HasSuffix(p.subject.ARN, ":root")
}

// context returns the condition keys of a request. p is nil for a login without credentials.
func (s *Service) context(ctx context.Context, p *Principal, r Request) (policy.Context, error) {
	c := s.requestContext(p, r)
	return c, s.addResourceTags(ctx, &c, r.Resource)
}

// requestContext returns the condition keys of a request, without the tags of its resource.
func (s *Service) requestContext(p *Principal, r Request) policy.Context {
	now := s.deps.Now().UTC()
	var c policy.Context
	for _, k := range [...]struct{ key, value string }{
		{keyCurrentTime, now.Format(time.RFC3339)},
		{keyEpochTime, strconv.FormatInt(now.Unix(), 10)},
		{keyRequestedRegion, r.HTTP.Region},
		{keyResourceAccount, s.deps.AccountID},
		{keySecureTransport, strconv.FormatBool(r.HTTP.Secure())},
		{keySourceIP, r.HTTP.SourceIP},
		{keyUserAgent, r.HTTP.UserAgent},
	} {
		if k.value != "" {
			c.Set(k.key, k.value)
		}
	}
	if p != nil {
		p.conditionKeys(c.Set)
	}
	for key, values := range r.Conditions {
		c.Add(key, values...)
	}
	return c
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
	if tags != nil {
		addEntityTags(c, tags)
		return nil
	}
	if s.deps.ResourceTags == nil {
		return nil
	}
	if tags, err = s.deps.ResourceTags(ctx, resource); err != nil {
		return err
	}
	addTags(c, prefixResourceTag, tags)
	return nil
}

// addEntityTags adds the tags of a user or a role.
func addEntityTags(c *policy.Context, tags map[string]string) {
	addTags(c, prefixIAMTag, tags)
	addTags(c, prefixResourceTag, tags)
}

func addTags(c *policy.Context, prefix string, tags map[string]string) {
	for key, value := range tags {
		// Keys compare without case, so tags that differ only in case share a key.
		c.Add(prefix+key, value)
	}
}
