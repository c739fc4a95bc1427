package branding

import (
	"context"
	"strings"

	"github.com/maypok86/otter/v2"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
	// BaseURL is where clients reach the server. The addresses of images begin with it.
	BaseURL string
}

// Service does the operations on the look of login pages. Its methods are the operations of idp.Service that it owns, and
// what the pages need.
type Service struct {
	deps           Deps
	customizations *pool.Items[customization]
	terms          *pool.Items[terms]
	styles         *pool.Items[style]
	appearances    *otter.Cache[string, *versionedAppearance]
}

// New builds the service.
func New(d Deps) *Service {
	d.BaseURL = strings.TrimRight(d.BaseURL, "/")
	return &Service{
		deps:           d,
		customizations: pool.NewItems[customization](d.Pools, customizationKind),
		terms:          pool.NewItems[terms](d.Pools, termsKind),
		styles:         pool.NewItems[style](d.Pools, styleKind),
		appearances:    otter.Must(&otter.Options[string, *versionedAppearance]{MaximumSize: maxCachedAppearances}),
	}
}

func invalid(message string) error { return idp.InvalidParameterException(message) }

func notFound(message string) error {
	return idp.ResourceNotFoundException(message).WithReason(api.ReasonNotFound)
}

// readPool reads a pool for an administrator and checks that it has the app client.
func (s *Service) readPool(ctx context.Context, poolID, clientID string) (*pool.Snapshot, error) {
	sn, err := s.deps.Pools.Read(ctx, poolID)
	if err != nil {
		return nil, err
	}
	return sn, pool.CheckClient(ctx, &s.deps.Store.Reader, poolID, clientID)
}
