package protection

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"

	"cognate/internal/audit/intake"
	"cognate/internal/keys"
	"cognate/internal/mailing"
	"cognate/internal/pool"
	"cognate/internal/pool/logs"
	"cognate/internal/pool/risksettings"
	"cognate/internal/risk/geo"
	"cognate/internal/risk/lists"
	"cognate/internal/risk/passwords"
	"cognate/internal/risk/rates"
	"cognate/internal/risk/score"
	"cognate/internal/store"
)

// Deps are what the service is built from.
type Deps struct {
	Store    *store.Store
	Settings *risksettings.Service
	Ring     *keys.Ring
	Now      func() time.Time
	Log      *slog.Logger
	// Mail sends notices. If it is nil, there are none.
	Mail *mailing.Service
	// DomainBase returns the base URL of a pool's domain, for the links of notices. It returns "" for a pool without a
	// domain. It may be nil.
	DomainBase func(*pool.Snapshot) string
	// Logs gets a record of each event for pools that have them delivered. It may be nil.
	Logs *logs.Service
	// Thresholds are the lowest scores of the levels. The zero value has the defaults.
	Thresholds score.Settings
	// Learning is how long unknown devices and places count nothing, from the first sign-in of a pool that is rated. 0 means
	// no such time.
	Learning time.Duration
	// Patience is the longest that an answer waits for its event; 0 means defaultPatience.
	Patience time.Duration
	// Keep is how long events are kept; 0 means DefaultKeep.
	Keep time.Duration

	// Places says where addresses are. It may be nil.
	Places interface {
		Lookup(a netip.Addr) geo.Location
	}
	// Hosting, Tor and Reputation are lists of addresses and autonomous systems. They may be nil.
	Hosting, Tor, Reputation *lists.File
	// Rates counts failures. It may be nil.
	Rates *rates.Rates
	// Passwords knows the passwords that are known to attackers. It may be nil.
	Passwords PasswordList
	// Count counts a result for the metrics of threat protection, as [audit.Metrics.Risk] does. It may be nil.
	Count func(metric, operation, level, poolID string)
}

// DefaultKeep is how long events are kept unless the operator sets another time (Cognito: two years).
const DefaultKeep = 2 * 365 * 24 * time.Hour

// A PasswordList knows passwords that attackers know.
type PasswordList interface {
	Compromised(ctx context.Context, password string) (bool, passwords.Source)
}

// Service judges sign-ins and keeps their events.
type Service struct {
	deps   Deps
	intake *intake.Intake
	events *intake.Kind[*Event]
	began  *otter.Cache[string, time.Time] // when the pools began to learn
}

// New builds the service.
func New(d Deps) *Service {
	if d.Keep == 0 {
		d.Keep = DefaultKeep
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Count == nil {
		d.Count = func(_, _, _, _ string) {}
	}
	if d.DomainBase == nil {
		d.DomainBase = func(*pool.Snapshot) string { return "" }
	}
	if d.Patience == 0 {
		d.Patience = defaultPatience
	}
	s := &Service{deps: d, began: otter.Must(&otter.Options[string, time.Time]{MaximumSize: maxPools})}
	s.intake, s.events = newIntake(d)
	return s
}

// now is the time as events keep it.
func (s *Service) now() time.Time { return s.deps.Now().UTC().Truncate(time.Millisecond) }

// salt labels the secret of a pool with which the things in histories are hashed.
const salt keys.Purpose = "sign-in history"

func (s *Service) salt(poolID string) []byte {
	d := s.deps.Ring.Derive(salt, []byte(poolID))
	return d[:]
}

// On reports whether the pool has threat protection, for sign-ins by CUSTOM_AUTH or for others.
func On(sn *pool.Snapshot, custom bool) bool {
	if custom {
		return risksettings.CustomModeOf(sn) != risksettings.Off
	}
	return risksettings.ModeOf(sn) != risksettings.Off
}
