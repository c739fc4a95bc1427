package ratelimit

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/risk/rates"
)

// newBusy returns a service with all limits, which are high, and a request for a sign-in.
func newBusy() (*Service, context.Context, *api.Operation, any) {
	s := New(Deps{
		Rates: rates.New(rates.Deps{Now: time.Now}), Metrics: audit.NewMetrics("test"), Now: time.Now,
		Settings: Settings{
			Categories: true, Own: map[string]int{"UserAuthentication": maxRate * 100}, Addresses: true,
			Groups: map[Group]rates.Limit{Requests: rates.NewLimit(1e9, maxRate)}, Exempt: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
		},
	})
	var op *api.Operation
	for _, b := range idp.Bind(nil) {
		if b.Name == "InitiateAuth" {
			op = b.Operation
		}
	}
	ctx := api.WithRequest(context.Background(), &api.Request{SourceIP: "192.0.2.1"})
	return s, ctx, op, &idp.InitiateAuthRequest{AuthParameters: map[string]string{"USERNAME": "ann", "PASSWORD": "x"}}
}

func (s *Service) both(ctx context.Context, op *api.Operation, in any) error {
	if err := s.Arrived(ctx, op); err != nil {
		return err
	}
	return s.Called(ctx, op, in, api.Resource{})
}

// TestNoAllocations: a request within its limits costs no memory.
func TestNoAllocations(t *testing.T) {
	s, ctx, op, in := newBusy()
	if n := testing.AllocsPerRun(1000, func() {
		if err := s.both(ctx, op, in); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkSignIn is what all limits add to a sign-in.
func BenchmarkSignIn(b *testing.B) {
	s, ctx, op, in := newBusy()
	b.ReportAllocs()
	for b.Loop() {
		_ = s.both(ctx, op, in)
	}
}
