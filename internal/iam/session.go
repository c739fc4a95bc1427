package iam

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/maypok86/otter/v2"

	"cognate/internal/iam/policy"
	"cognate/internal/iam/session"
	"cognate/internal/keys"
)

// openSession is a session whose token was verified. It never changes.
type openSession struct {
	*session.Description
	secret keys.Secret
	inline *policy.Document // nil without an inline session policy
	epoch  uint32           // of the ring
}

// sessionCache keeps verified sessions by key id and token. They need no refreshing: only their
// expiry and the epoch of the ring can make them invalid.
type sessionCache = *otter.Cache[[2]string, *openSession]

func newSessionCache() sessionCache {
	return otter.Must(&otter.Options[[2]string, *openSession]{MaximumSize: cacheSize})
}

// openSession verifies a session token. It does not check the expiry.
func (s *Service) openSession(ctx context.Context, id, token string) (*openSession, error) {
	epoch := s.deps.Ring.Epoch()
	if o, ok := s.sessions.GetIfPresent([2]string{id, token}); ok && o.epoch == epoch {
		return o, nil
	}
	d, secret, err := session.Open(ctx, s.deps.Ring, id, token)
	if errors.Is(err, keys.ErrToken) {
		return nil, fmt.Errorf("%w: %w", ErrUnknownKey, err)
	}
	if err != nil {
		return nil, err
	}
	o := &openSession{Description: d, secret: secret, epoch: epoch}
	if d.Policy != "" {
		o.inline = parsed(policy.Session, "session policy", d.Policy)
	}
	s.sessions.Set([2]string{id, token}, o)
	return o, nil
}

// sessionPrincipal returns the principal of temporary credentials. Their permissions are those
// that the role or the user has now. A session ends with its role, its identity, or the access
// key of its user.
func (s *Service) sessionPrincipal(ctx context.Context, id, token string) (*Principal, error) {
	o, err := s.openSession(ctx, id, token)
	if err != nil {
		return nil, err
	}
	if !s.deps.Now().Before(o.Expires) {
		return nil, ErrExpiredToken
	}
	p := &Principal{AccessKeyID: id, Secret: o.secret, Session: o.Description}
	switch o.Kind {
	case session.AssumedRole:
		err = s.asRole(ctx, p)
	case session.FederatedUser, session.User:
		err = s.asUser(ctx, p)
	default:
		err = fmt.Errorf("iam: a session of kind %d", o.Kind)
	}
	if err != nil {
		return nil, err
	}
	return p, s.limitSession(ctx, p, o)
}

// asRole sets the permissions of p to those of its session's role.
func (s *Service) asRole(ctx context.Context, p *Principal) error {
	d := p.Session
	role, err := s.Role(ctx, d.Role)
	if errors.Is(err, ErrNoEntity) || err == nil && role.ID != d.RoleID {
		return fmt.Errorf("%w: its role was deleted", ErrUnknownKey)
	}
	if err != nil {
		return err
	}
	if d.Identity != "" {
		exists, err := s.identityExists(ctx, d.IdentityPool, d.Identity)
		if err != nil {
			return err
		}
		if !exists {
			return fmt.Errorf("%w: its identity was deleted", ErrUnknownKey)
		}
	}
	p.ARN, p.ID = sessionARN(role, d.Name), role.ID+":"+d.Name
	p.Tags = mergeTags(role.Tags, d.Tags)
	p.subject = policy.Principal{Account: s.deps.AccountID, ARN: role.ARN, ID: role.ID, Session: p.ARN}
	if d.Login != nil {
		p.subject.Federated = d.Login.Provider
	}
	p.layers.Identity, p.layers.Boundary = role.Policies, role.Boundary
	return nil
}

// sessionARN returns the ARN of a role's session. It has the role's name without its path.
func sessionARN(r *Role, name string) string {
	partition := strings.SplitN(r.ARN, ":", 3)[1]
	account := strings.SplitN(r.ARN, ":", 6)[4]
	return "arn:" + partition + ":sts::" + account + ":assumed-role/" + r.Name + "/" + name
}

// mergeTags returns the tags of a role and its session. A session's tag replaces the role's
// tag with the same key. Keys compare without case.
func mergeTags(role, own map[string]string) map[string]string {
	if len(role) == 0 || len(own) == 0 {
		if len(own) > 0 {
			return own
		}
		return role
	}
	merged := maps.Clone(own)
	for key, value := range role {
		if !hasTag(own, key) {
			merged[key] = value
		}
	}
	return merged
}

// hasTag reports whether there is a tag with a key, without regard to case.
func hasTag(tags map[string]string, key string) bool {
	for k := range tags {
		if strings.EqualFold(k, key) {
			return true
		}
	}
	return false
}

// asUser sets the permissions of p to those of the user that made its session.
func (s *Service) asUser(ctx context.Context, p *Principal) error {
	d := p.Session
	parent := Root(s.deps.AccountID, "")
	if d.ParentKey != "" {
		var err error
		parent, err = s.principals.get(ctx, d.ParentKey, s.loadPrincipal)
		if errors.Is(err, ErrUnknownKey) || err == nil && parent.ID != d.UserID {
			return fmt.Errorf("%w: its user or the access key was deleted", ErrUnknownKey)
		}
		if err != nil {
			return err
		}
	} else if !s.deps.Root {
		return fmt.Errorf("%w: a session of a root user", ErrUnknownKey)
	}
	p.layers, p.subject, p.Tags = parent.layers, parent.subject, parent.Tags
	if d.Kind == session.User {
		p.ARN, p.ID, p.Name = parent.ARN, parent.ID, parent.Name
		return nil
	}
	p.ARN = FederatedARN(parent, s.deps.AccountID, d.Name)
	p.ID = s.deps.AccountID + ":" + d.Name
	if parent.IsRoot() {
		p.layers.Identity = []*policy.Document{everything}
	}
	p.subject.Session = p.ARN
	p.Tags = mergeTags(parent.Tags, d.Tags)
	return nil
}

// everything is the identity policy of a federated user of the root user.
var everything = parsed(policy.Identity, "root", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)

// FederatedARN returns the ARN of a federated user, in the partition of the user that makes it.
func FederatedARN(user *Principal, account, name string) string {
	return "arn:" + strings.SplitN(user.ARN, ":", 3)[1] + ":sts::" + account + ":federated-user/" + name
}

// limitSession adds the session policies. A federated user without one may do nothing (IAM User
// Guide: "Permissions for GetFederationToken").
func (s *Service) limitSession(ctx context.Context, p *Principal, o *openSession) error {
	if o.inline != nil {
		p.layers.Session = append(p.layers.Session, o.inline)
	}
	for _, arn := range o.PolicyARNs {
		d, err := s.Policy(ctx, arn)
		if errors.Is(err, ErrNoEntity) {
			d, err = policy.Unreadable(arn), nil
		}
		if err != nil {
			return err
		}
		p.layers.Session = append(p.layers.Session, d)
	}
	if o.Kind == session.FederatedUser && len(p.layers.Session) == 0 {
		p.layers.Session = []*policy.Document{policy.Empty("no session policy")}
	}
	return nil
}

// identityExists reports whether an identity exists. What it returns is at most a second old.
func (s *Service) identityExists(ctx context.Context, poolID, identityID string) (bool, error) {
	if s.deps.IdentityExists == nil {
		return false, nil
	}
	return s.identities.get(ctx, poolID+"\x00"+identityID, func(ctx context.Context, _ string) (bool, error) {
		return s.deps.IdentityExists(ctx, poolID, identityID)
	})
}
