package pool

import (
	"context"
	"time"

	"cognate/internal/store"
)

// A LoginDomain is a domain at which a pool signs people in.
type LoginDomain struct {
	Name   string // the prefix of a prefix domain, or the host of a custom one
	PoolID string
	Custom bool
	// Managed says that the domain shows managed login (Cognito:
	// ManagedLoginVersion 2), and not the classic pages.
	Managed bool
	// Since is when the domain got its settings. Earlier sessions of browsers are over
	// (Cognito: managed login, switching the branding version).
	Since time.Time
	// Version moves with each change of the domain's settings.
	Version int64
}

// maxCachedDomains bounds the domains in memory, of about 200 bytes each.
const maxCachedDomains = 8192

// LoginDomain returns a prefix domain or a custom domain by its name;
// store.ErrNotFound if there is none.
func (s *Service) LoginDomain(ctx context.Context, name string) (*LoginDomain, error) {
	return s.domains.Get(ctx, name)
}

func (s *Service) loadDomain(ctx context.Context, name string, old *LoginDomain) (*LoginDomain, error) {
	r, err := s.deps.Store.Domain(ctx, name)
	if err != nil {
		return nil, err
	}
	if old != nil && old.Version == r.Version && old.PoolID == r.PoolID && old.Since.Equal(r.ModifiedAt) {
		return old, nil
	}
	d, err := decodeDomain(&r)
	if err != nil {
		return nil, err
	}
	return &LoginDomain{Name: r.Domain, PoolID: r.PoolID, Custom: d.Custom != nil, Managed: d.ManagedLoginVersion == managedLogin, Since: r.ModifiedAt, Version: r.Version}, nil
}

// OfDomain returns the domain with the settings of its pool; store.ErrNotFound if
// there is no such domain.
func (s *Service) OfDomain(ctx context.Context, name string) (*LoginDomain, *Snapshot, error) {
	d, err := s.LoginDomain(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	sn, err := s.pools.Get(ctx, d.PoolID)
	if err != nil {
		return nil, nil, err
	}
	if d.Custom && sn.CustomDomain != name || !d.Custom && sn.Domain != name {
		return nil, nil, store.ErrNotFound // deleted in this moment
	}
	return d, sn, nil
}
