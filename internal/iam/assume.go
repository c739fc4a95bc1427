package iam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cognate/internal/api"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/session"
)

// The actions of STS that assume a role, and those that a request needs besides.
const (
	ActionAssumeRole            = "sts:AssumeRole"
	ActionAssumeWithWebIdentity = "sts:AssumeRoleWithWebIdentity"
	ActionAssumeWithSAML        = "sts:AssumeRoleWithSAML"

	actionTagSession        = "sts:TagSession"
	actionSetSourceIdentity = "sts:SetSourceIdentity"
)

const (
	// DefaultDuration is the length of a role's session if the caller asks for none.
	DefaultDuration = time.Hour
	// maxChained is the longest session of a role that another role's session assumes.
	maxChained = time.Hour
	// maxSessionPolicy is the most characters of the session policies together: the inline
	// policy and the ARNs (STS: PackedPolicyTooLarge).
	maxSessionPolicy = 2048
	maxPolicyARNs    = 10
	maxSessionTags   = 50
)

// An Assumption is a request to assume a role. The caller is either a Principal (Caller), or a
// Login that a provider vouched for and that was verified.
type Assumption struct {
	// Role is the ARN of the role. SessionName becomes a part of the session's ARN.
	Role, SessionName string
	// Action is "" for sts:AssumeRole with a Caller, and for sts:AssumeRoleWithWebIdentity with a
	// Login.
	Action string
	Caller *Principal
	Login  *session.Login
	// Duration is the length of the session; 0 is DefaultDuration.
	Duration time.Duration
	// Policy is the inline session policy, or "". PolicyARNs are managed session policies.
	Policy     string
	PolicyARNs []string
	// Tags are the session tags. Those of TransitiveKeys are kept if the session assumes another role.
	Tags           map[string]string
	TransitiveKeys []string
	SourceIdentity string
	ExternalID     string
	// IdentityPool and Identity are the identity for which an identity pool asks, or "". The
	// session ends when the identity or the pool is deleted.
	IdentityPool, Identity string
	// IdentityRead says that the request has read the identity from the store, so that it need not
	// be looked up again.
	IdentityRead bool
	// MinTokenSize is the least length of the session token.
	MinTokenSize int
	// HTTP is the request; nil is that of the context.
	HTTP *api.Request
}

// An AssumedRole is a new session of a role.
type AssumedRole struct {
	session.Credentials
	// ARN is the session's, ID is AROA…:<session name>.
	ARN, ID string
	// PackedPolicySize is the percentage of the space for policies and tags that the session
	// uses; 0 without any.
	PackedPolicySize int
	// SourceIdentity is that of the session: it may come from the caller's.
	SourceIdentity string
}

// A TrustError means that the role does not exist, or that the request is not allowed. Clients
// must not learn which of them.
type TrustError struct {
	// Action is what is not allowed: one that assumes a role, sts:TagSession if the request
	// has tags, or sts:SetSourceIdentity.
	Action string
	// Missing is true if there is no such role.
	Missing bool
	// Reason explains the denial to the operator.
	Reason string
	// Encoded describes the decision about a Caller, as that of Denied does.
	Encoded string
}

func (e *TrustError) Error() string {
	if e.Missing {
		return "iam: there is no such role"
	}
	return "iam: " + e.Action + " is not allowed: " + e.Reason
}

// A SessionPolicyError means that a session policy or its tags are not valid.
type SessionPolicyError struct {
	// Text is AWS's message for it.
	Text  string
	cause error
}

func (e *SessionPolicyError) Error() string { return "iam: session policy: " + e.Text }

// Unwrap returns the cause.
func (e *SessionPolicyError) Unwrap() error { return e.cause }

// Errors of requests for a session.
var (
	// ErrLongSession means that the session would be longer than the role allows.
	ErrLongSession = errors.New("iam: the session is longer than the role allows")
	// ErrLongChain means that a session of a role asks for a session of more than an hour.
	ErrLongChain = errors.New("iam: the session is longer than role chaining allows")
	// ErrTags means that the session tags are not valid.
	ErrTags = errors.New("iam: invalid session tags")
	// ErrLargeSession means that the policies and tags do not fit into a session token.
	ErrLargeSession = session.ErrTooLarge
)

// AssumeRole decides by the role's trust policy, and makes a session of the role. The errors are
// *TrustError, *SessionPolicyError, ErrLongSession, ErrLongChain, ErrTags or ErrLargeSession;
// any other is a fault.
func (s *Service) AssumeRole(ctx context.Context, a Assumption) (*AssumedRole, error) {
	if err := s.CheckSessionPolicies(ctx, a.Policy, a.PolicyARNs); err != nil {
		return nil, err
	}
	if err := inherit(&a); err != nil {
		return nil, err
	}
	role, err := s.EvaluateTrust(ctx, a)
	if err != nil {
		return nil, err
	}
	d := session.Description{
		Kind: session.AssumedRole, Name: a.SessionName, Role: role.ARN, RoleID: role.ID,
		Policy: a.Policy, PolicyARNs: a.PolicyARNs, Tags: a.Tags, TransitiveKeys: a.TransitiveKeys, SourceIdentity: a.SourceIdentity,
		Login: a.Login, IdentityPool: a.IdentityPool, Identity: a.Identity,
	}
	duration := a.Duration
	if duration == 0 {
		duration = DefaultDuration
	}
	switch {
	case duration > role.MaxSessionDuration:
		return nil, ErrLongSession
	case duration > maxChained && a.isChained():
		return nil, ErrLongChain
	}
	made, err := s.Issue(d, duration, a.MinTokenSize)
	if err != nil {
		return nil, err
	}
	return &AssumedRole{
		Credentials: *made, ARN: sessionARN(role, a.SessionName), ID: role.ID + ":" + a.SessionName,
		PackedPolicySize: PackedSize(&d), SourceIdentity: a.SourceIdentity,
	}, nil
}

// Issue makes credentials for a session, which the caller has permitted. It sets the times of
// the description.
func (s *Service) Issue(d session.Description, life time.Duration, minTokenSize int) (*session.Credentials, error) {
	d.Issued = s.deps.Now().UTC().Truncate(time.Second)
	d.Expires = d.Issued.Add(life)
	return session.New(s.deps.Ring, s.deps.Rand, &d, minTokenSize)
}

// isChained reports whether a session of a role assumes the role.
func (a *Assumption) isChained() bool {
	return a.Caller != nil && a.Caller.Session != nil && a.Caller.Session.Kind == session.AssumedRole
}

// inherit adds the transitive tags and the source identity of the caller's session (IAM User
// Guide: "Passing session tags in AWS STS", "Monitor and control actions taken with assumed
// roles").
func inherit(a *Assumption) error {
	if err := CheckTags(a.Tags, a.TransitiveKeys); err != nil {
		return err
	}
	if a.Caller == nil || a.Caller.Session == nil {
		return nil
	}
	d := a.Caller.Session
	if len(d.TransitiveKeys) > 0 {
		a.Tags, a.TransitiveKeys = maps.Clone(a.Tags), slices.Clone(a.TransitiveKeys)
		if a.Tags == nil {
			a.Tags = map[string]string{}
		}
	}
	for _, key := range d.TransitiveKeys {
		if hasTag(a.Tags, key) {
			return fmt.Errorf("%w: the tag %s is inherited, and cannot be set", ErrTags, key)
		}
	}
	for _, key := range d.TransitiveKeys {
		a.Tags[key] = d.Tags[key]
		a.TransitiveKeys = append(a.TransitiveKeys, key)
	}
	if d.SourceIdentity != "" {
		if a.SourceIdentity != "" && a.SourceIdentity != d.SourceIdentity {
			return &TrustError{Action: actionSetSourceIdentity, Reason: "because the session has a source identity already"}
		}
		a.SourceIdentity = d.SourceIdentity
	}
	return nil
}

// The limits of session tags (STS: Tag).
const (
	maxTagKey   = 128
	maxTagValue = 256
)

var tagForm = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// CheckTags returns ErrTags for tags that a session cannot have.
func CheckTags(tags map[string]string, transitive []string) error {
	if len(tags) > maxSessionTags {
		return fmt.Errorf("%w: a session has %d tags at most", ErrTags, maxSessionTags)
	}
	seen := map[string]bool{}
	for key, value := range tags {
		lower := strings.ToLower(key)
		switch {
		case key == "" || utf8.RuneCountInString(key) > maxTagKey || !tagForm.MatchString(key):
			return fmt.Errorf("%w: the key %q is not one of a tag", ErrTags, key)
		case utf8.RuneCountInString(value) > maxTagValue || !tagForm.MatchString(value):
			return fmt.Errorf("%w: the value of the tag %s is too long or has other characters than tags may have", ErrTags, key)
		case strings.HasPrefix(lower, "aws:"):
			return fmt.Errorf("%w: the prefix aws: is reserved", ErrTags)
		case seen[lower]:
			return fmt.Errorf("%w: there are two tags %s", ErrTags, lower)
		}
		seen[lower] = true
	}
	for _, key := range transitive {
		if _, ok := tags[key]; !ok {
			return fmt.Errorf("%w: the transitive tag %s is not among the tags", ErrTags, key)
		}
	}
	return nil
}

// CheckSessionPolicies returns a *SessionPolicyError if session policies are not valid, and
// ErrLargeSession if they are too long.
func (s *Service) CheckSessionPolicies(ctx context.Context, inline string, arns []string) error {
	size := utf8.RuneCountInString(inline)
	for _, arn := range arns {
		size += utf8.RuneCountInString(arn)
	}
	if size > maxSessionPolicy || len(arns) > maxPolicyARNs {
		return ErrLargeSession
	}
	if inline != "" {
		if _, err := policy.Parse(policy.Session, []byte(inline), policy.Options{}); err != nil {
			text := "Syntax errors in policy."
			if e, ok := errors.AsType[*policy.Error](err); ok {
				text = e.Text
			}
			return &SessionPolicyError{text, err}
		}
	}
	for _, arn := range arns {
		if _, err := s.Policy(ctx, arn); errors.Is(err, ErrNoEntity) {
			return &SessionPolicyError{"The policy " + arn + " does not exist or is not attachable.", err}
		} else if err != nil {
			return err
		}
	}
	return nil
}

// PackedSize returns the percentage of the space for session policies and tags that a session
// uses. It is 0 without any, else 1 at least (STS: PackedPolicySize). AWS does not publish its
// measure.
func PackedSize(d *session.Description) int {
	size := len(d.Policy)
	for _, arn := range d.PolicyARNs {
		size += len(arn)
	}
	for key, value := range d.Tags {
		size += len(key) + len(value)
	}
	return (100*size + session.MaxTokenLen - 1) / session.MaxTokenLen
}
