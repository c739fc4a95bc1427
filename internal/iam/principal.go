package iam

import (
	"context"
	"errors"
	"fmt"

	"cognate/internal/iam/policy"
	"cognate/internal/iam/record"
	"cognate/internal/iam/session"
	"cognate/internal/keys"
	"cognate/internal/store"
)

// A Principal is the identity that an access key stands for. It must not be changed, since
// requests may share it.
type Principal struct {
	AccessKeyID string
	Secret      keys.Secret
	// ARN is the caller's, as GetCallerIdentity shows it: of a user, of a session
	// (assumed-role or federated-user), or of the root user.
	ARN string
	// Name is the user's name, "" for other callers.
	Name string
	// ID is aws:userid: the user's unique id, AROA…:<session name>, <account>:<name>, or the
	// account of the root user.
	ID string
	// Tags are aws:PrincipalTag: those of the user or the role, and of the session.
	Tags map[string]string
	// Session describes temporary credentials. It is nil for long-term keys.
	Session *session.Description

	subject policy.Principal
	layers  policy.Layers
	// ownPolicies is true for a key with policies of its own, from before keys had users. Such a
	// key needs no iam:PassRole, which did not exist then.
	ownPolicies bool
}

// Root returns the root user of an account, who may do everything. A development server
// accepts unknown access keys as those of the root user.
func Root(account, accessKeyID string) *Principal {
	arn := "arn:aws:iam::" + account + ":root"
	return &Principal{AccessKeyID: accessKeyID, ARN: arn, ID: account, subject: policy.Principal{Account: account, ARN: arn}}
}

type principalKey struct{}

// WithPrincipal returns a context that carries the caller of a signed operation.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns the caller that ctx carries, or nil for an unsigned operation.
func PrincipalFrom(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}

// Lookup returns the principal of an access key with its session token, "" for long-term
// keys. It returns ErrUnknownKey, ErrForeignKey or ErrExpiredToken, or a fault. The caller
// then verifies the signature by the principal's secret.
func (s *Service) Lookup(ctx context.Context, accessKeyID, sessionToken string) (*Principal, error) {
	switch {
	case session.IsKeyID(s.deps.Ring, accessKeyID):
		return s.sessionPrincipal(ctx, accessKeyID, sessionToken)
	case session.HasForm(sessionToken):
		return nil, ErrUnknownKey // The key belongs to another token, or to retired data keys.
	case !keyForm.MatchString(accessKeyID):
		return nil, ErrForeignKey
	}
	p, err := s.principals.get(ctx, accessKeyID, s.loadPrincipal)
	if err == nil && sessionToken != "" {
		return nil, ErrUnknownKey // Long-term keys have no session token.
	}
	return p, err
}

// IsKey reports whether an access key is one of the account: a long-term key, or one of a session
// that may have ended.
func (s *Service) IsKey(ctx context.Context, accessKeyID string) (bool, error) {
	if session.IsKeyID(s.deps.Ring, accessKeyID) {
		return true, nil
	}
	if !keyForm.MatchString(accessKeyID) {
		return false, nil
	}
	_, err := s.principals.get(ctx, accessKeyID, s.loadPrincipal)
	if errors.Is(err, ErrForeignKey) {
		return false, nil
	}
	if errors.Is(err, ErrUnknownKey) {
		return true, nil // It is switched off.
	}
	return err == nil, err
}

func (s *Service) loadPrincipal(ctx context.Context, id string) (*Principal, error) {
	var row store.AccessKey
	var user *Grants
	err := s.deps.Store.View(ctx, func(r *store.Reader) (err error) {
		if row, err = r.AccessKey(ctx, id); err != nil {
			return err
		}
		user, err = s.ReadGrants(ctx, r, store.IAMUser, row.UserKey)
		if errors.Is(err, store.ErrNotFound) {
			return nil // A key whose user has no row is allowed what its own policies allow.
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrForeignKey
	}
	if err != nil {
		return nil, err
	}
	doc, err := readDocument(row)
	if err != nil {
		return nil, err
	}
	if doc.Inactive {
		return nil, ErrUnknownKey
	}
	secret, err := s.deps.Ring.Open(keys.PurposeAccessKey, sealedAs(id), row.Secret)
	if err != nil {
		return nil, fmt.Errorf("iam: access key %s: %w", id, err)
	}
	p := &Principal{AccessKeyID: id, Secret: keys.Secret(secret), ARN: row.PrincipalARN, Name: row.Name, ownPolicies: len(doc.Policies) > 0}
	for _, np := range doc.Policies {
		d, err := policy.Parse(policy.Identity, np.Document, policy.Options{Name: np.Name, SupportedKey: knownKey})
		if err != nil {
			// A newer version may have written the policy. A policy that is only
			// partly understood could allow what it denies, so the whole key is refused.
			return nil, fmt.Errorf("iam: access key %s: policy %q: %w", id, np.Name, err)
		}
		p.layers.Identity = append(p.layers.Identity, d)
	}
	if user != nil {
		p.ARN, p.Name, p.ID, p.Tags = user.Entity.ARN(s.deps.AccountID), user.Entity.Name, user.Entity.ID, tagMap(user.Entity.Tags)
		p.layers.Identity, p.layers.Boundary = append(p.layers.Identity, user.Policies...), user.Boundary
	}
	p.subject = policy.Principal{Account: s.deps.AccountID, ARN: p.ARN, ID: p.ID}
	return p, nil
}

// Grants are an entity with the policies that apply to it.
type Grants struct {
	Entity   *record.Entity
	Policies []*policy.Document
	Boundary []*policy.Document
}

// ReadGrants reads an entity with its inline and attached policies, those of its groups, and
// its boundary. It returns store.ErrNotFound if there is no such entity.
func (s *Service) ReadGrants(ctx context.Context, r *store.Reader, kind, key string) (*Grants, error) {
	row, err := r.IAMEntity(ctx, kind, key)
	if err != nil {
		return nil, err
	}
	e, err := record.Read(row)
	if err != nil {
		return nil, err
	}
	g := &Grants{Entity: e}
	if err := s.addPolicies(ctx, r, g, e); err != nil {
		return nil, err
	}
	bounds, err := r.IAMLinks(ctx, kind, key, store.IAMBoundary)
	if err != nil {
		return nil, err
	}
	for _, l := range bounds {
		d, err := s.managedPolicy(ctx, r, policy.Boundary, record.PolicyRef(l.Target))
		if err != nil {
			return nil, err
		}
		g.Boundary = append(g.Boundary, d)
	}
	if kind != store.IAMUser {
		return g, nil
	}
	groups, err := r.IAMLinks(ctx, kind, key, store.IAMMember)
	if err != nil {
		return nil, err
	}
	for _, l := range groups {
		row, err := r.IAMEntity(ctx, store.IAMGroup, l.Target)
		if err != nil {
			return nil, fmt.Errorf("iam: group %s: %w", l.Target, err)
		}
		group, err := record.Read(row)
		if err != nil {
			return nil, err
		}
		if err := s.addPolicies(ctx, r, g, group); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// addPolicies adds the inline and the attached policies of an entity.
func (s *Service) addPolicies(ctx context.Context, r *store.Reader, g *Grants, e *record.Entity) error {
	for _, in := range e.Inline {
		g.Policies = append(g.Policies, parsed(policy.Identity, in.Name, in.Document))
	}
	attached, err := r.IAMLinks(ctx, e.Kind, e.Key, store.IAMAttached)
	if err != nil {
		return err
	}
	for _, l := range attached {
		d, err := s.managedPolicy(ctx, r, policy.Identity, record.PolicyRef(l.Target))
		if err != nil {
			return err
		}
		g.Policies = append(g.Policies, d)
	}
	return nil
}

// managedPolicy returns the default version of a managed policy. A policy that is not there
// denies everything, since it could have denied something.
func (s *Service) managedPolicy(ctx context.Context, r *store.Reader, kind policy.Kind, ref record.PolicyRef) (*policy.Document, error) {
	e, err := s.ReadPolicy(ctx, r, ref)
	if errors.Is(err, store.ErrNotFound) {
		return policy.Unreadable(string(ref)), nil
	}
	if err != nil {
		return nil, err
	}
	v := e.DefaultVersion()
	if v == nil {
		return policy.Unreadable(e.Name), nil
	}
	return parsed(kind, e.ARN(s.accountOf(ref)), v.Document), nil
}

// accountOf returns the account in the ARN of a managed policy.
func (s *Service) accountOf(ref record.PolicyRef) string {
	if _, ok := ref.AWS(); ok {
		return "aws"
	}
	return s.deps.AccountID
}

// ReadPolicy reads a managed policy of the account or of AWS, or returns store.ErrNotFound.
func (s *Service) ReadPolicy(ctx context.Context, r *store.Reader, ref record.PolicyRef) (*record.Entity, error) {
	if name, ok := ref.AWS(); ok {
		if e := record.AWSPolicy(name); e != nil {
			return e, nil
		}
		return nil, store.ErrNotFound
	}
	key, ok := ref.Local()
	if !ok {
		return nil, store.ErrNotFound
	}
	row, err := r.IAMEntity(ctx, store.IAMPolicy, key)
	if err != nil {
		return nil, err
	}
	return record.Read(row)
}

// parsed returns a stored policy. A policy that cannot be read denies everything.
func parsed(kind policy.Kind, name, text string) *policy.Document {
	d, err := policy.Parse(kind, []byte(text), policy.Options{Name: name})
	if err != nil {
		return policy.Unreadable(name)
	}
	return d
}

func tagMap(tags []record.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}
