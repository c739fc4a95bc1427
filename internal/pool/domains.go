package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"cognate/internal/api/idp"
	"cognate/internal/store"
)

// domainSettings is the stored document of a domain.
type domainSettings struct {
	ManagedLoginVersion int32
	// Custom is nil for prefix domains.
	Custom *idp.CustomDomainConfigType `json:",omitempty"`
}

// Versions of the pages that a domain shows.
const (
	classicLogin int32 = 1
	managedLogin int32 = 2
)

func decodeDomain(r *store.Domain) (*domainSettings, error) {
	var d domainSettings
	if err := json.Unmarshal(r.Doc, &d); err != nil {
		return nil, fmt.Errorf("pool: settings of domain %s: %w", r.Domain, err)
	}
	return &d, nil
}

func (d *domainSettings) encode() ([]byte, error) { return json.Marshal(d) }

const prefixPattern = `^[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?$`

var (
	prefixDomain = regexp.MustCompile(prefixPattern)
	// hostName is a name of at least two labels (RFC 1123 §2.1).
	hostName = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)
)

const textNoDomain = "No such domain or user pool exists."

// CreateUserPoolDomain adds a prefix domain or a custom domain to a pool. A pool may have one of each.
func (s *Service) CreateUserPoolDomain(ctx context.Context, in *idp.CreateUserPoolDomainRequest) (*idp.CreateUserPoolDomainResponse, error) {
	custom := in.CustomDomainConfig != nil
	if err := checkDomainName(in.Domain, custom); err != nil {
		return nil, err
	}
	d := domainSettings{ManagedLoginVersion: classicLogin, Custom: in.CustomDomainConfig}
	if in.ManagedLoginVersion != nil {
		d.ManagedLoginVersion = *in.ManagedLoginVersion
	}
	if err := checkLoginVersion(d.ManagedLoginVersion); err != nil {
		return nil, err
	}
	if err := checkDomainImplemented(in.Routing); err != nil {
		return nil, err
	}
	b, err := d.encode()
	if err != nil {
		return nil, err
	}
	now := s.now()
	err = s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, doc *settings) error {
		if d.ManagedLoginVersion == managedLogin && !includes(doc.Config.UserPoolTier, featureManagedLogin) {
			return unavailable(featureManagedLogin)
		}
		place := doc.domain(custom)
		if *place != nil {
			return invalid("User pool already has a domain configured.")
		}
		if custom {
			if err := checkCustomDomainQuota(ctx, tx); err != nil {
				return err
			}
		}
		*place = &in.Domain
		err := tx.InsertDomain(ctx, store.Domain{Domain: in.Domain, PoolID: p.ID, CreatedAt: now, ModifiedAt: now, Doc: b})
		if errors.Is(err, store.ErrExists) {
			return invalid("Domain already associated with another user pool.")
		}
		return err
	})
	if err != nil {
		return nil, conflict(err)
	}
	return &idp.CreateUserPoolDomainResponse{ManagedLoginVersion: &d.ManagedLoginVersion, CloudFrontDomain: s.domainTarget(&d)}, nil
}

// domain returns the member of the settings with the name of the pool's domain of this
// kind.
func (d *settings) domain(custom bool) **string {
	if custom {
		return &d.Config.CustomDomain
	}
	return &d.Config.Domain
}

func checkDomainName(name string, custom bool) error {
	if custom {
		if !hostName.MatchString(name) {
			return invalid("Custom domain is not a valid subdomain: " + name + " is not a fully qualified domain name.")
		}
		return nil
	}
	if !prefixDomain.MatchString(name) {
		return invalid("The domain name contains an invalid character. Domain names can only contain lower-case letters, numbers, and hyphens. Please enter a different name that follows this format: " + prefixPattern)
	}
	for _, word := range []string{"aws", "amazon", "cognito"} {
		if strings.Contains(name, word) {
			return invalid("Domain cannot contain reserved word: " + word)
		}
	}
	return nil
}

func checkLoginVersion(v int32) error {
	if v != classicLogin && v != managedLogin {
		return invalid("ManagedLoginVersion must be 1 or 2.")
	}
	return nil
}

// domainTarget returns the host name that a custom domain's DNS record must point to, nil
// if the operator named none.
func (s *Service) domainTarget(d *domainSettings) *string {
	if d.Custom == nil || s.deps.DomainTarget == "" {
		return nil
	}
	return &s.deps.DomainTarget
}

// UpdateUserPoolDomain changes the pages or the certificate of a domain.
func (s *Service) UpdateUserPoolDomain(ctx context.Context, in *idp.UpdateUserPoolDomainRequest) (*idp.UpdateUserPoolDomainResponse, error) {
	if err := checkDomainImplemented(in.Routing); err != nil {
		return nil, err
	}
	var out *idp.UpdateUserPoolDomainResponse
	err := s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, doc *settings) error {
		r, d, err := domainOf(ctx, tx, p.ID, in.Domain)
		if err != nil {
			return err
		}
		if in.ManagedLoginVersion != nil {
			d.ManagedLoginVersion = *in.ManagedLoginVersion
		}
		if err := checkLoginVersion(d.ManagedLoginVersion); err != nil {
			return err
		}
		if d.ManagedLoginVersion == managedLogin && !includes(doc.Config.UserPoolTier, featureManagedLogin) {
			return unavailable(featureManagedLogin)
		}
		if in.CustomDomainConfig != nil {
			if d.Custom == nil {
				return invalid("A prefix domain can not have a CustomDomainConfig.")
			}
			d.Custom = in.CustomDomainConfig
		}
		if r.Doc, err = d.encode(); err != nil {
			return err
		}
		r.ModifiedAt = s.now()
		out = &idp.UpdateUserPoolDomainResponse{ManagedLoginVersion: &d.ManagedLoginVersion, CloudFrontDomain: s.domainTarget(d)}
		return tx.UpdateDomain(ctx, *r)
	})
	s.domains.Invalidate(in.Domain)
	if err != nil {
		return nil, conflict(err)
	}
	return out, nil
}

// domainOf reads a domain and checks that it is the pool's.
func domainOf(ctx context.Context, tx *store.Tx, poolID, name string) (*store.Domain, *domainSettings, error) {
	r, err := tx.Domain(ctx, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.PoolID != poolID {
		return nil, nil, invalid(textNoDomain)
	}
	if err != nil {
		return nil, nil, err
	}
	d, err := decodeDomain(&r)
	return &r, d, err
}

// DescribeUserPoolDomain returns a domain and its pool. The description of an unknown
// domain is empty.
func (s *Service) DescribeUserPoolDomain(ctx context.Context, in *idp.DescribeUserPoolDomainRequest) (*idp.DescribeUserPoolDomainResponse, error) {
	out := &idp.DescribeUserPoolDomainResponse{DomainDescription: &idp.DomainDescriptionType{}}
	r, err := s.deps.Store.Domain(ctx, in.Domain)
	if errors.Is(err, store.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	region, _, _ := strings.Cut(r.PoolID, "_")
	if !visible(ctx, region) {
		return out, nil
	}
	d, err := decodeDomain(&r)
	if err != nil {
		return nil, err
	}
	custom := d.Custom
	if custom == nil {
		custom = &idp.CustomDomainConfigType{}
	}
	out.DomainDescription = &idp.DomainDescriptionType{
		UserPoolId: &r.PoolID, AWSAccountId: &s.deps.AccountID, Domain: &r.Domain,
		CloudFrontDistribution: s.domainTarget(d),
		Version:                new(r.ModifiedAt.UTC().Format("20060102150405")),
		Status:                 idp.DomainStatusTypeActive,
		CustomDomainConfig:     custom,
		ManagedLoginVersion:    &d.ManagedLoginVersion,
	}
	return out, nil
}

// DeleteUserPoolDomain removes a domain from its pool.
func (s *Service) DeleteUserPoolDomain(ctx context.Context, in *idp.DeleteUserPoolDomainRequest) (*idp.DeleteUserPoolDomainResponse, error) {
	err := s.changePool(ctx, in.UserPoolId, func(tx *store.Tx, p *store.Pool, doc *settings) error {
		_, d, err := domainOf(ctx, tx, p.ID, in.Domain)
		if err != nil {
			return err
		}
		*doc.domain(d.Custom != nil) = nil
		return tx.DeleteDomain(ctx, in.Domain)
	})
	s.domains.Invalidate(in.Domain)
	if isNotFound(err) {
		return nil, invalid(textNoDomain)
	}
	if err != nil {
		return nil, conflict(err)
	}
	return &idp.DeleteUserPoolDomainResponse{}, nil
}
