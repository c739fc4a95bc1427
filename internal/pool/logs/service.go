package logs

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit/sink"
	"cognate/internal/pool"
	"cognate/internal/store"
)

// The default and the limits of Deps.Keep. CloudWatch Logs takes no records that are older than 14 days.
const (
	DefaultKeep = 7 * 24 * time.Hour
	LeastKeep   = time.Hour
	MostKeep    = 13 * 24 * time.Hour
)

// maxWaiting is how many records of a pool and source wait. The oldest ones make room.
const maxWaiting = 100_000

// maxCachedSettings bounds what is kept in memory.
const maxCachedSettings = 2048

// Deps are what a Service is built from.
type Deps struct {
	Store *store.Store
	Pools *pool.Service
	// Targets are the kinds of destinations that this server can deliver to.
	Targets   Targets
	Sinks     sink.Options
	AccountID string
	// Owner names the process, among those on the same database.
	Owner string
	// Now is the clock of the machine: destinations compare it with theirs.
	Now func() time.Time
	Log *slog.Logger
	// Keep is how long records wait; 0 means DefaultKeep. Most is how many of a pool and source wait; 0 means 100,000.
	Keep time.Duration
	Most int
}

// Service does the operations on log configurations and delivers records.
type Service struct {
	deps           Deps
	configurations *pool.Items[configuration]
	settings       *otter.Cache[string, *settings]
	sequence       atomic.Int64
	dropped        atomic.Int64
	unconfigured   sync.Map // pools whose destinations the operator does not name, once each for the log
}

// New builds the service.
func New(d Deps) *Service {
	if d.Keep == 0 {
		d.Keep = DefaultKeep
	}
	if d.Most == 0 {
		d.Most = maxWaiting
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		deps:           d,
		configurations: pool.NewItems[configuration](d.Pools, configurationKind),
		settings:       otter.Must(&otter.Options[string, *settings]{MaximumSize: maxCachedSettings}),
	}
}

// settings are the destinations of a pool by event source, at a version of the pool.
type settings struct {
	version      int64
	destinations map[idp.EventSourceName]*destination
}

// settingsOf returns the destinations of a pool. Each change of them also changes the version of the pool. So the database is
// read once for each version.
func (s *Service) settingsOf(ctx context.Context, sn *pool.Snapshot) (*settings, error) {
	if v, ok := s.settings.GetIfPresent(sn.ID); ok && v.version == sn.Version {
		return v, nil
	}
	items, err := list(ctx, &s.deps.Store.Reader, sn.ID)
	if err != nil {
		return nil, err
	}
	v := &settings{version: sn.Version, destinations: map[idp.EventSourceName]*destination{}}
	for _, item := range items {
		if v.destinations[item.Doc.Config.EventSource], err = parseDestination(&item.Doc.Config); err != nil {
			return nil, err
		}
	}
	s.settings.Set(sn.ID, v)
	return v, nil
}

// destination returns where a source of a pool goes; nil if nowhere.
func (s *Service) destination(ctx context.Context, sn *pool.Snapshot, source idp.EventSourceName) (*destination, error) {
	v, err := s.settingsOf(ctx, sn)
	if err != nil {
		return nil, err
	}
	d := v.destinations[source]
	if d == nil {
		return nil, nil
	}
	if s.deps.Targets[d.kind] == nil {
		if _, logged := s.unconfigured.LoadOrStore(sn.ID+"/"+string(source), true); !logged {
			s.deps.Log.WarnContext(ctx, "a user pool's logs are not written: the server has no setting for their destination",
				slog.String("pool", sn.ID), slog.String("source", string(source)), slog.String("setting", d.kind.Setting()))
		}
		return nil, nil
	}
	return d, nil
}

// Wants reports whether a pool has records of a source delivered.
func (s *Service) Wants(ctx context.Context, sn *pool.Snapshot, source idp.EventSourceName) (bool, error) {
	d, err := s.destination(ctx, sn, source)
	return d != nil, err
}

// WantsOf is Wants for a pool that is known by its id.
func (s *Service) WantsOf(ctx context.Context, poolID string, source idp.EventSourceName) (bool, error) {
	sn, err := s.deps.Pools.Load(ctx, poolID)
	if err != nil {
		return false, err
	}
	return s.Wants(ctx, sn, source)
}

// FailedMessage returns a write for the transaction that gives up a message: it adds the record of the message. It returns
// nil if the pool wants no such records, or was deleted.
func (s *Service) FailedMessage(ctx context.Context, at time.Time, poolID, userID, details string) (func(ctx context.Context, tx *store.Tx) error, error) {
	wanted, err := s.WantsOf(ctx, poolID, idp.EventSourceNameUserNotification)
	if api.CodeOf(err) == "ResourceNotFoundException" {
		return nil, nil
	}
	if err != nil || !wanted {
		return nil, err
	}
	return func(ctx context.Context, tx *store.Tx) error {
		return s.PutNotification(ctx, tx, at, poolID, userID, details)
	}, nil
}
