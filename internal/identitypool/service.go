package identitypool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/identity"
	"cognate/internal/iam"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/cache"
	"cognate/internal/store"
	"cognate/internal/token"
)

// Deps is what the service works with.
type Deps struct {
	Store  *store.Store
	Pools  *pool.Service
	Tokens *token.Service
	IAM    *iam.Service
	Pages  *keys.PageTokens
	// Issuer returns the iss of the tokens of identities of a Region.
	Issuer func(region string) string
	// External verifies logins of other providers.
	External External
	// STS makes the credentials; nil is this server itself.
	STS *RemoteSTS
	// GuestActions are the actions that a guest may be allowed; none means [GuestActions].
	GuestActions []string
	// AccountID stands in ARNs; "" means 123456789012.
	AccountID string
	// ChosenIDs lets requests choose the ids of pools (package chosenid). Only development
	// servers set it.
	ChosenIDs bool
	Now       func() time.Time
}

// Service has the operations of identity.Service.
type Service struct {
	deps        Deps
	pools       *cache.Cache[Pool]
	guestPolicy string
}

const (
	defaultRegion    = "us-east-1"
	defaultAccountID = "123456789012"
	maxCachedPools   = 2048
)

// New makes the service.
func New(d Deps) *Service {
	if d.AccountID == "" {
		d.AccountID = defaultAccountID
	}
	if len(d.GuestActions) == 0 {
		d.GuestActions = GuestActions
	}
	s := &Service{deps: d, guestPolicy: guestPolicy(d.GuestActions)}
	s.pools = cache.New(maxCachedPools, d.Now, s.load)
	return s
}

// Pool is the settings of an identity pool. It never changes.
type Pool struct {
	ID, Region, Name string
	Version          int64
	settings
}

// settings is the stored document of an identity pool.
type settings struct {
	AllowGuests  bool
	AllowClassic bool
	// Social has app ids by provider.
	Social    map[string]string      `json:",omitempty"`
	Developer string                 `json:",omitempty"`
	OIDC      []string               `json:",omitempty"` // ARNs
	SAML      []string               `json:",omitempty"` // ARNs
	UserPools []userPool             `json:",omitempty"`
	Tags      map[string]string      `json:",omitempty"`
	Roles     map[string]string      `json:",omitempty"`
	Mappings  map[string]roleMapping `json:",omitempty"`
	// PrincipalTags has the tags of sessions by provider.
	PrincipalTags map[string]tagMap `json:",omitempty"`
}

// userPool is an app client of a user pool whose logins are accepted.
type userPool struct {
	Name, ClientID string
	// Check says that each login is checked with the user pool: the user may still sign in.
	Check bool `json:",omitempty"`
}

type roleMapping struct {
	Type, Ambiguous string
	Rules           []rule `json:",omitempty"`
}

type rule struct{ Claim, Match, Value, Role string }

type tagMap struct {
	Defaults bool
	Tags     map[string]string `json:",omitempty"`
}

// load is the load of the cache.
func (s *Service) load(ctx context.Context, id string, old *Pool) (*Pool, error) {
	r, err := s.deps.Store.IdentityPool(ctx, id)
	if err != nil {
		return nil, err
	}
	if old != nil && old.Version == r.Version {
		return old, nil
	}
	return decodePool(&r)
}

func decodePool(r *store.IdentityPool) (*Pool, error) {
	p := &Pool{ID: r.ID, Region: r.Region, Name: r.Name, Version: r.Version}
	if err := json.Unmarshal(r.Doc, &p.settings); err != nil {
		return nil, fmt.Errorf("identitypool: settings of %s: %w", r.ID, err)
	}
	return p, nil
}

func noPool(id string) error {
	return identity.ResourceNotFoundException("IdentityPool '" + id + "' not found.").WithReason(api.ReasonUnknownPool)
}

func noIdentity(id string) error {
	return identity.ResourceNotFoundException("Identity '" + id + "' not found.").WithReason(api.ReasonNotFound)
}

// regionOf returns the Region of an operation that names no resource.
func regionOf(ctx context.Context) string {
	if region := api.RequestFrom(ctx).Region; region != "" {
		return region
	}
	return defaultRegion
}

// visible reports whether a pool is in the caller's Region. Without one, every pool is.
func visible(ctx context.Context, region string) bool {
	asked := api.RequestFrom(ctx).Region
	return asked == "" || asked == region
}

// pool returns the settings of a pool.
func (s *Service) pool(ctx context.Context, id string) (*Pool, error) {
	p, err := s.pools.Get(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, noPool(id)
	case err != nil:
		return nil, err
	case !visible(ctx, p.Region):
		return nil, noPool(id)
	}
	return p, nil
}

// identity returns an identity and its pool. An identity that was merged into another one leads to
// that.
func (s *Service) identity(ctx context.Context, id string) (store.PoolIdentity, *Pool, error) {
	i, err := s.deps.Store.PoolIdentity(ctx, id)
	if err == nil && i.Parent != "" {
		i, err = s.deps.Store.PoolIdentity(ctx, i.Parent)
	}
	if errors.Is(err, store.ErrNotFound) {
		return i, nil, noIdentity(id)
	}
	if err != nil {
		return i, nil, err
	}
	p, err := s.pool(ctx, i.PoolID)
	if api.CodeOf(err) == identity.CodeResourceNotFoundException {
		return i, nil, noIdentity(id)
	}
	return i, p, err
}

// changePool reads a pool, lets fn change it, and writes it back.
func (s *Service) changePool(ctx context.Context, id string, fn func(p *Pool) error) (*Pool, error) {
	var p *Pool
	err := s.deps.Store.Update(ctx, func(tx *store.Tx) error {
		r, err := tx.IdentityPool(ctx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && !visible(ctx, r.Region) {
			return noPool(id)
		}
		if err != nil {
			return err
		}
		if p, err = decodePool(&r); err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
		r.Name, r.ModifiedAt = p.Name, s.deps.Now()
		if r.Doc, err = json.Marshal(&p.settings); err != nil {
			return err
		}
		return tx.UpdateIdentityPool(ctx, r)
	}, store.Retry)
	s.pools.Invalidate(id)
	return p, err
}

// arn returns the ARN of a pool.
func (s *Service) arn(p *Pool) string {
	return "arn:" + api.Partition(p.Region) + ":cognito-identity:" + p.Region + ":" + s.deps.AccountID + ":identitypool/" + p.ID
}

// newID returns a new id of a pool or an identity.
func newID(region string) string { return region + ":" + keys.NewUUID() }

// pageLife is how long a page token is valid.
const pageLife = time.Hour

// openPage returns the place that a page token says; "" without one.
func (s *Service) openPage(op string, bind []string, text *string) (string, error) {
	if text == nil {
		return "", nil
	}
	b, err := s.deps.Pages.Decode(op, bind, *text, s.deps.Now())
	if err != nil {
		return "", identity.InvalidParameterException("Invalid pagination token provided").WithCause(err)
	}
	return string(b), nil
}

func (s *Service) nextPage(op string, bind []string, place string) *string {
	return new(s.deps.Pages.Encode(op, bind, []byte(place), s.deps.Now().Add(pageLife)))
}

func invalid(text string) error { return identity.InvalidParameterException(text) }

func refused(text string) *api.Error { return identity.NotAuthorizedException(text) }

// isAWSTag reports whether a tag key is reserved.
func isAWSTag(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }
