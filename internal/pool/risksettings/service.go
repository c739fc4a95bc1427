package risksettings

import (
	"context"

	"github.com/maypok86/otter/v2"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// maxCachedSettings bounds what is kept in memory. Settings take 1 KB, and up to 50 KB with long lists and templates.
const maxCachedSettings = 2048

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
}

// Service does the operations on risk configurations.
type Service struct {
	deps           Deps
	configurations *pool.Items[configuration]
	effective      *otter.Cache[string, *versionedSettings]
}

// New builds the service.
func New(d Deps) *Service {
	return &Service{
		deps:           d,
		configurations: pool.NewItems[configuration](d.Pools, configurationKind),
		effective:      otter.Must(&otter.Options[string, *versionedSettings]{MaximumSize: maxCachedSettings}),
	}
}

// versionedSettings are settings with the version of the pool at which they were read.
type versionedSettings struct {
	version int64
	value   *Settings
}

// For returns the settings that apply to an app client. Each change of a configuration also changes the version of the
// pool. So the database is read once for each version, and not at all for pools without threat protection.
func (s *Service) For(ctx context.Context, sn *pool.Snapshot, clientID string) (*Settings, error) {
	if ModeOf(sn) == Off {
		return settingsOff, nil
	}
	key := sn.ID + "/" + clientID
	if v, ok := s.effective.GetIfPresent(key); ok && v.version == sn.Version {
		return v.value, nil
	}
	var item *pool.Item[configuration]
	err := s.deps.Store.View(ctx, func(r *store.Reader) (err error) {
		if item, err = stored(ctx, r, sn.ID, clientID); err == nil && item == nil {
			item, err = stored(ctx, r, sn.ID, wholePool)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	doc := &configuration{}
	if item != nil {
		doc = &item.Doc
	}
	settings, err := newSettings(sn, doc)
	if err != nil {
		return nil, err
	}
	s.effective.Set(key, &versionedSettings{version: sn.Version, value: settings})
	return settings, nil
}

func invalid(message string) error { return idp.InvalidParameterException(message) }

func notFound(string) error {
	return idp.ResourceNotFoundException("Risk configuration not found.").WithReason(api.ReasonNotFound)
}
