package credentials

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/sts"
	"cognate/internal/federation/fetch"
	"cognate/internal/federation/oidc"
	"cognate/internal/iam"
	"cognate/internal/iam/session"
	"cognate/internal/pool"
	"cognate/internal/token"
)

// Deps are what a Service is built from.
type Deps struct {
	IAM    *iam.Service
	Pools  *pool.Service
	Tokens *token.Service
	// Calls gets the documents of identity providers.
	Calls *fetch.Client
	// AccessTokens asks Facebook and Login with Amazon about access tokens.
	AccessTokens *oidc.AccessTokens
	// IdentityIssuer returns the issuer of the tokens of identity pools of a Region.
	IdentityIssuer func(region string) string
	// Issuer is the issuer of the tokens of users and roles, or "" if they get none.
	Issuer    string
	AccountID string
	Now       func() time.Time
}

// Service answers the operations of STS.
type Service struct {
	deps          Deps
	samlProviders sync.Map // from the ARN to a samlProvider
}

// New makes a Service.
func New(d Deps) *Service { return &Service{deps: d} }

var _ sts.Service = (*Service)(nil)

// accessDenied returns the front end's error for a request that is not allowed.
func accessDenied(text string) *api.Error {
	return (&api.Error{Code: "AccessDenied", Message: text, Status: http.StatusForbidden}).WithReason(api.ReasonPolicy)
}

// invalid returns the front end's error for an input that no constraint of the model covers.
func invalid(text string) *api.Error { return api.NewError("ValidationError", text) }

// sessionError returns the answer for an error of package iam about a session. Errors about trust
// are not among them.
func sessionError(err error, d *session.Description) error {
	failed, ok := errors.AsType[*iam.SessionPolicyError](err)
	switch {
	case ok:
		return sts.MalformedPolicyDocumentException(failed.Text).WithCause(err)
	case errors.Is(err, iam.ErrLargeSession):
		return sts.PackedPolicyTooLargeExceptionf("Packed policy consumes %d%% of allotted space, please use smaller policy.", max(iam.PackedSize(d), 101)).WithCause(err).WithReason(api.ReasonQuota)
	case errors.Is(err, iam.ErrLongSession):
		return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.").WithCause(err)
	case errors.Is(err, iam.ErrLongChain):
		return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.").WithCause(err)
	case errors.Is(err, iam.ErrTags):
		return invalid("The session tags are not valid: keys must differ by more than case, must not begin with aws:, and inherited tags cannot be set.").WithCause(err)
	}
	return err
}

// shown returns credentials as answers have them.
func shown(c *session.Credentials) *sts.Credentials {
	return &sts.Credentials{AccessKeyId: c.AccessKeyID, SecretAccessKey: string(c.Secret), SessionToken: c.Token, Expiration: c.Expires}
}

// tokenSize returns the size of a session token and its share of the longest, if the request sets
// a least size.
func tokenSize(c *session.Credentials, asked *int32) (utilization, size *int32) {
	if asked == nil {
		return nil, nil
	}
	return new(int32(c.Utilization())), new(int32(len(c.Token)))
}

// positive returns a number, or nil for 0.
func positive(n int) *int32 {
	if n == 0 {
		return nil
	}
	return new(int32(n))
}

// optional returns a text, or nil for "".
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// arns returns the ARNs of managed session policies.
func arns(list []sts.PolicyDescriptorType) []string {
	var out []string
	for _, p := range list {
		if p.Arn != nil {
			out = append(out, *p.Arn)
		}
	}
	return out
}

// tagMap returns session tags by their keys. An error means that a key is there twice.
func tagMap(list []sts.Tag) (map[string]string, error) {
	m := make(map[string]string, len(list))
	for _, t := range list {
		if _, twice := m[t.Key]; twice {
			return nil, iam.ErrTags
		}
		m[t.Key] = t.Value
	}
	return m, nil
}

// seconds returns a duration of the input, or 0.
func seconds(n *int32) time.Duration { return time.Duration(api.Val(n)) * time.Second }
