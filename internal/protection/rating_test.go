package protection_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/keys"
	"cognate/internal/pool"
	"cognate/internal/pool/risksettings"
	"cognate/internal/protection"
	"cognate/internal/risk/geo"
	"cognate/internal/risk/rates"
	"cognate/internal/risk/score"
	"cognate/test/people"
)

// rig is threat protection with a pool.
type rig struct {
	*people.Rig
	engine *protection.Service
	pool   *pool.Snapshot
	client *pool.Client
}

// oneSystem says that all addresses are in one autonomous system.
type oneSystem struct{}

func (oneSystem) Lookup(netip.Addr) geo.Location { return geo.Location{ASN: 64500} }

func newRig(t *testing.T, p *people.Rig, change func(d *protection.Deps)) *rig {
	d := protection.Deps{
		Store: p.Store, Settings: risksettings.New(risksettings.Deps{Store: p.Store, Pools: p.Pools}), Ring: p.Ring, Now: p.Now,
		Rates: rates.New(rates.Deps{Now: p.Now}),
	}
	if change != nil {
		change(&d)
	}
	r := &rig{Rig: p, engine: protection.New(d)}
	t.Cleanup(func() { _ = r.engine.Close(context.Background()) })
	r.pool = p.Pool(t, func(in *idp.CreateUserPoolRequest) {
		in.UserPoolAddOns = &idp.UserPoolAddOnsType{AdvancedSecurityMode: idp.AdvancedSecurityModeTypeAudit}
	})
	r.client = p.Client(t, r.pool)
	return r
}

// rate rates a sign-in and returns the summary of its score.
func (r *rig) rate(t *testing.T, user, address string, wrong bool) string {
	t.Helper()
	e := r.evaluate(t, user, address, wrong)
	return e.Summary()
}

func (r *rig) evaluate(t *testing.T, user, address string, wrong bool) *protection.Event {
	t.Helper()
	e, err := r.engine.Evaluate(t.Context(), &protection.SignIn{
		Pool: r.pool, Client: r.client, EventID: keys.NewTimeUUID(r.Now()), UserID: user, WrongPassword: wrong,
		Source: protection.Source{Address: address, UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestFloods: more failures than usual, in the pool and in an autonomous system, and failures in even steps make a sign-in
// more risky.
func TestFloods(t *testing.T) {
	t.Parallel()
	r := newRig(t, people.SQLite(t), func(d *protection.Deps) { d.Places = oneSystem{} })
	for i := range 40 {
		for k := range 6 {
			r.rate(t, fmt.Sprint("user", k), fmt.Sprintf("192.0.%d.%d", i, k), false)
		}
		r.Clock.Pass(10 * time.Minute)
	}
	if got := r.rate(t, "alice", "203.0.113.1", false); got != "" {
		t.Errorf("before the flood: %s", got)
	}
	for i := range 30 {
		r.rate(t, fmt.Sprint("victim", i), fmt.Sprintf("198.51.%d.1", i), true)
		r.Clock.Pass(time.Duration(1+i%3) * time.Second)
	}
	if got := r.rate(t, "alice", "203.0.113.1", false); !strings.Contains(got, score.PoolFailures.String()) || !strings.Contains(got, score.NetworkFailures.String()) || strings.Contains(got, score.MachineTiming.String()) {
		t.Errorf("after the flood: %s", got)
	}

	for i := range 9 {
		r.rate(t, fmt.Sprint("target", i%4), "203.0.113.7", true)
		r.Clock.Pass(2 * time.Second)
	}
	if got := r.rate(t, "alice", "203.0.113.7", false); !strings.Contains(got, score.MachineTiming.String()) {
		t.Errorf("after failures in even steps: %s", got)
	}
	if got := r.rate(t, "alice", "203.0.113.200", false); strings.Contains(got, score.MachineTiming.String()) {
		t.Errorf("from another address: %s", got)
	}
}

// TestLearning: for a time after the first sign-in that is rated, an unknown place counts nothing. All servers agree on the
// time, also after a restart.
func TestLearning(t *testing.T) {
	t.Parallel()
	people.Engines(t, func(t *testing.T, p *people.Rig) {
		learns := func(d *protection.Deps) { d.Learning = 14 * 24 * time.Hour }
		r := newRig(t, p, learns)
		alice := p.User(t, r.pool, "alice")
		for range 4 {
			e := r.evaluate(t, alice.ID(), "192.0.2.1", false)
			if err := e.Pass(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			if err := r.engine.Record(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			p.Clock.Pass(time.Minute)
		}
		another := newRig(t, p, learns)
		another.pool, another.client = r.pool, r.client
		for _, server := range []*rig{r, another} {
			if got := server.rate(t, alice.ID(), "198.51.100.1", false); got != "" {
				t.Errorf("in the learning period: %s", got)
			}
		}
		p.Clock.Pass(14 * 24 * time.Hour)
		for _, server := range []*rig{another, r} {
			if got := server.rate(t, alice.ID(), "198.51.100.1", false); !strings.Contains(got, score.NewNetwork.String()) {
				t.Errorf("after the learning period: %q", got)
			}
		}
	})
}

// TestThresholds: the operator chooses the scores of the levels.
func TestThresholds(t *testing.T) {
	t.Parallel()
	p := people.SQLite(t)
	for _, tt := range []struct {
		low  int
		want idp.RiskLevelType
	}{{0, ""}, {8, "Low"}, {9, ""}} {
		r := newRig(t, p, func(d *protection.Deps) { d.Thresholds = score.Settings{Low: tt.low} })
		u := p.User(t, r.pool, "alice")
		for range 2 { // 8 points
			r.rate(t, u.ID(), "192.0.2.1", true)
		}
		e := r.evaluate(t, u.ID(), "192.0.2.1", false)
		if err := r.engine.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		list, _, err := r.engine.Events(t.Context(), r.pool.ID, u.ID(), "", 1)
		if err != nil || list[0].EventRisk.RiskLevel != tt.want {
			t.Errorf("with Low from %d on: %+v, %v (%s)", tt.low, list[0].EventRisk, err, e.Summary())
		}
	}
}
