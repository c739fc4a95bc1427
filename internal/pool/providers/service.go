package providers

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/federation/fetch"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Deps are what the service is built from.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
	Ring  *keys.Ring
	// Client calls the providers.
	Client *fetch.Client
	// Endpoints replaces URLs of social providers, by type and by key of ProviderDetails. It
	// is for a provider that stands in.
	Endpoints map[string]map[string]string
	Now       func() time.Time
	Log       *slog.Logger
}

// Service does the operations on identity providers. Its methods are the operations of
// idp.Service that it owns, and what sign-ins need.
type Service struct {
	deps      Deps
	providers *pool.Items[document]
	lists     *otter.Cache[string, *list]
	samls     *otter.Cache[string, *samlConnection]
}

// What is kept in memory: lists of a few KiB, and parsed metadata of some 20 KiB.
const (
	maxCachedLists = 1024
	maxCachedSAML  = 512
)

// New makes the service.
func New(d Deps) *Service {
	return &Service{
		deps:      d,
		providers: pool.NewItems[document](d.Pools, kind),
		lists:     otter.Must(&otter.Options[string, *list]{MaximumSize: maxCachedLists}),
		samls:     otter.Must(&otter.Options[string, *samlConnection]{MaximumSize: maxCachedSAML}),
	}
}

// maxProviders is how many providers a pool may have (Cognito: quotas in user pools).
const maxProviders = 300

var kind = pool.Kind{
	Name: store.KindIdentityProvider, Most: maxProviders, ListOp: "ListIdentityProviders",
	NotFound: notFound,
	Exists: func(string, string) error {
		return idp.DuplicateProviderException("A provider with the name already exists")
	},
	FullText: "Identity providers cannot exceed limit of %d in a user pool.",
}

func notFound(name string) error {
	return idp.ResourceNotFoundException("Identity provider " + name + " does not exist.").WithReason(api.ReasonNotFound)
}

func invalid(text string) error { return idp.InvalidParameterException(text) }

// list are the providers of a pool at one version of the pool.
type list struct {
	version   int64
	providers []*Provider
	byName    map[string]*Provider
}

// List returns the pool's providers, by name. Callers must not change them.
func (s *Service) List(ctx context.Context, sn *pool.Snapshot) ([]*Provider, error) {
	l, err := s.list(ctx, sn)
	if err != nil {
		return nil, err
	}
	return l.providers, nil
}

// list returns the pool's providers from memory, unless the pool has changed.
func (s *Service) list(ctx context.Context, sn *pool.Snapshot) (*list, error) {
	if l, ok := s.lists.GetIfPresent(sn.ID); ok && l.version == sn.Version {
		return l, nil
	}
	records, err := s.deps.Store.Items(ctx, sn.ID, kind.Name, "", maxProviders)
	if err != nil {
		return nil, err
	}
	items, err := pool.DecodeItems[document](records)
	if err != nil {
		return nil, err
	}
	l := &list{version: sn.Version, byName: map[string]*Provider{}}
	for _, i := range items {
		p := newProvider(i)
		l.providers = append(l.providers, p)
		l.byName[p.Name] = p
	}
	s.lists.Set(sn.ID, l)
	return l, nil
}

// ByName returns the pool's provider of the name; nil if there is none.
func (s *Service) ByName(ctx context.Context, sn *pool.Snapshot, name string) (*Provider, error) {
	l, err := s.list(ctx, sn)
	if err != nil {
		return nil, err
	}
	return l.byName[name], nil
}

// find returns the pool's provider that fits; nil if there is none.
func (s *Service) find(ctx context.Context, sn *pool.Snapshot, fits func(p *Provider) bool) (*Provider, error) {
	all, err := s.List(ctx, sn)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if fits(p) {
			return p, nil
		}
	}
	return nil, nil
}

// InTransaction returns the pool's provider of the name as the transaction sees it.
func (s *Service) InTransaction(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, name string) (*Provider, error) {
	r, err := tx.Item(ctx, sn.ID, kind.Name, name)
	if err != nil {
		return nil, s.providers.OrNotFound(name, err)
	}
	i, err := pool.DecodeItem[document](r)
	if err != nil {
		return nil, err
	}
	return newProvider(i), nil
}

// maxLinked is how many attributes of a provider link users (Cognito: linking federated
// users).
const maxLinked = 5

// AddLinked notes that users are linked to people of the provider by an attribute.
func (s *Service) AddLinked(ctx context.Context, tx *store.Tx, sn *pool.Snapshot, name, attribute string) error {
	_, err := s.providers.Change(ctx, tx, sn.ID, name, func(d *document) error {
		switch {
		case slices.Contains(d.Linked, attribute):
		case len(d.Linked) >= maxLinked:
			return idp.LimitExceededExceptionf("An identity provider can have %d attributes by which users are linked.", maxLinked).WithReason(api.ReasonQuota)
		default:
			d.Linked = append(d.Linked, attribute)
		}
		return nil
	})
	return err
}

// ByIdentifier returns the pool's provider that has the identifier; nil if there is none.
func (s *Service) ByIdentifier(ctx context.Context, sn *pool.Snapshot, identifier string) (*Provider, error) {
	return s.find(ctx, sn, func(p *Provider) bool { return p.HasIdentifier(identifier) })
}
