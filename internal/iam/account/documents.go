package account

import (
	"context"
	"errors"
	"strings"

	"cognate/internal/api/iamapi"
	"cognate/internal/iam/policy"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// parse reads a document that a client sends.
func parse(kind policy.Kind, text string, o policy.Options) (*policy.Document, error) {
	d, err := policy.Parse(kind, []byte(text), o)
	if fault, ok := errors.AsType[*policy.Error](err); ok {
		return nil, iamapi.MalformedPolicyDocumentException(fault.Text).WithCause(err)
	}
	return d, err
}

// parseTrust reads a role's trust policy. Users and roles of the account that it names must
// exist.
func (s *Service) parseTrust(ctx context.Context, r *store.Reader, text string) error {
	d, err := parse(policy.Trust, text, policy.Options{})
	if err != nil {
		return err
	}
	if d.Size() > maxTrustSize {
		return iamapi.LimitExceededExceptionf("Cannot exceed quota for ACLSizePerRole: %d", maxTrustSize)
	}
	for _, ref := range d.Principals() {
		p, ok := record.ParseARN(ref.Value)
		if !ok || ref.Type != "AWS" || p.Account != s.deps.AccountID || p.Kind != store.IAMUser && p.Kind != store.IAMRole {
			continue
		}
		row, err := r.IAMEntity(ctx, p.Kind, record.Key(p.Name))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil {
			e, err := record.Read(row)
			if err != nil {
				return err
			}
			if e.ARN(s.deps.AccountID) == ref.Value {
				continue
			}
		}
		return iamapi.MalformedPolicyDocumentException(policy.InvalidPrincipal(ref).Text)
	}
	return nil
}

// parseManaged reads a version of a managed policy.
func parseManaged(text string) error {
	d, err := parse(policy.Identity, text, policy.Options{Require2012: true})
	if err != nil {
		return err
	}
	if d.Size() > maxManagedSize {
		return iamapi.LimitExceededExceptionf("Cannot exceed quota for PolicySize: %d", maxManagedSize)
	}
	return nil
}

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

// encoded returns a document as answers have it: percent-encoded as RFC 3986 says, with no
// plus sign, which some clients would read as a blank.
func encoded(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; strings.IndexByte(unreserved, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}
