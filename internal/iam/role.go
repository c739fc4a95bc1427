package iam

import (
	"context"
	"errors"
	"time"

	"cognate/internal/iam/policy"
	"cognate/internal/iam/record"
	"cognate/internal/store"
)

// ErrNoEntity means that the account has no role, policy or provider of an ARN.
var ErrNoEntity = errors.New("iam: no such entity")

// A Role is a role with everything that decides about its sessions. It is immutable, so that
// requests may share it.
type Role struct {
	ARN, Name, Path, ID string
	CreatedAt           time.Time
	// MaxSessionDuration is the longest session that a caller may ask for.
	MaxSessionDuration time.Duration
	Tags               map[string]string
	// Trust is the policy about who may assume the role.
	Trust *policy.Document
	// Policies are the inline and the attached policies, Boundary is the permissions boundary.
	Policies, Boundary []*policy.Document
}

// Role returns the role with an ARN, or ErrNoEntity. What it returns is at most a second old.
func (s *Service) Role(ctx context.Context, arn string) (*Role, error) {
	p, ok := record.ParseARN(arn)
	if !ok || p.Kind != store.IAMRole || p.Account != s.deps.AccountID {
		return nil, ErrNoEntity
	}
	r, err := s.roles.get(ctx, record.Key(p.Name), s.loadRole)
	if err != nil {
		return nil, err
	}
	if r.ARN != arn { // Another path, partition or spelling.
		return nil, ErrNoEntity
	}
	return r, nil
}

func (s *Service) loadRole(ctx context.Context, key string) (*Role, error) {
	var g *Grants
	err := s.deps.Store.View(ctx, func(r *store.Reader) (err error) {
		g, err = s.ReadGrants(ctx, r, store.IAMRole, key)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoEntity
	}
	if err != nil {
		return nil, err
	}
	e := g.Entity
	return &Role{
		ARN: e.ARN(s.deps.AccountID), Name: e.Name, Path: e.Path, ID: e.ID, CreatedAt: e.CreatedAt,
		MaxSessionDuration: time.Duration(e.MaxSessionDuration) * time.Second, Tags: tagMap(e.Tags),
		Trust: parsed(policy.Trust, e.Name, e.Trust), Policies: g.Policies, Boundary: g.Boundary,
	}, nil
}

// Policy returns the default version of the managed policy with an ARN, as a session policy,
// or ErrNoEntity.
func (s *Service) Policy(ctx context.Context, arn string) (*policy.Document, error) {
	ref, ok := record.RefOfPolicy(arn, s.deps.AccountID)
	if !ok {
		return nil, ErrNoEntity
	}
	d, err := s.policies.get(ctx, string(ref), func(ctx context.Context, ref string) (d *policy.Document, err error) {
		err = s.deps.Store.View(ctx, func(r *store.Reader) error {
			d, err = s.managedPolicy(ctx, r, policy.Session, record.PolicyRef(ref))
			return err
		})
		return d, err
	})
	if err != nil {
		return nil, err
	}
	if d.Name() != arn {
		return nil, ErrNoEntity
	}
	return d, nil
}

// An OIDCProvider is an OpenID Connect provider that the account trusts.
type OIDCProvider struct {
	ARN string
	// Issuer is the issuer of its tokens: "https://" and the name in the ARN.
	Issuer string
	// ClientIDs are the audiences that are accepted.
	ClientIDs []string
}

// OIDCProvider returns the provider with an issuer, or ErrNoEntity. What it returns is at most
// a second old.
func (s *Service) OIDCProvider(ctx context.Context, issuer string) (*OIDCProvider, error) {
	return s.providers.get(ctx, issuer, func(ctx context.Context, issuer string) (*OIDCProvider, error) {
		name, ok := ProviderName(issuer)
		if !ok {
			return nil, ErrNoEntity
		}
		e, err := s.readEntity(ctx, store.IAMOIDCProvider, record.Key(name))
		if err != nil {
			return nil, err
		}
		return &OIDCProvider{ARN: e.ARN(s.deps.AccountID), Issuer: "https://" + e.Name, ClientIDs: e.ClientIDs}, nil
	})
}

// SAMLProvider returns the ARN and the metadata of the SAML provider with an ARN, or
// ErrNoEntity.
func (s *Service) SAMLProvider(ctx context.Context, arn string) (metadata []byte, err error) {
	p, ok := record.ParseARN(arn)
	if !ok || p.Kind != store.IAMSAMLProvider || p.Account != s.deps.AccountID {
		return nil, ErrNoEntity
	}
	e, err := s.readEntity(ctx, store.IAMSAMLProvider, record.Key(p.Name))
	if err != nil {
		return nil, err
	}
	if e.ARN(s.deps.AccountID) != arn {
		return nil, ErrNoEntity
	}
	row, err := s.deps.Store.IAMEntity(ctx, store.IAMSAMLMetadata, e.Key)
	return row.Doc, err
}

func (s *Service) readEntity(ctx context.Context, kind, key string) (*record.Entity, error) {
	row, err := s.deps.Store.IAMEntity(ctx, kind, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoEntity
	}
	if err != nil {
		return nil, err
	}
	return record.Read(row)
}

// Forget drops what this node has read. Other nodes notice a change within a second.
func (s *Service) Forget() {
	s.principals.entries.InvalidateAll()
	s.roles.entries.InvalidateAll()
	s.policies.entries.InvalidateAll()
	s.providers.entries.InvalidateAll()
	s.identities.entries.InvalidateAll()
}
