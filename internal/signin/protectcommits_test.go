package signin

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"cognate/internal/api/idp"
	"cognate/internal/store"
	databases "cognate/test/fresh"
	"cognate/test/patience"
	"cognate/test/people"
)

// transactions counts those of a store, and can hold the next one.
type transactions struct {
	n    atomic.Int64
	hold atomic.Pointer[chan struct{}]
}

func (c *transactions) observe(ctx context.Context, use store.Use) (context.Context, func(store.Result)) {
	if use == store.UseUpdate {
		c.n.Add(1)
		if h := c.hold.Swap(nil); h != nil {
			<-*h
		}
	}
	return ctx, func(store.Result) {}
}

// during returns how many transactions f makes.
func (c *transactions) during(f func()) int64 {
	before := c.n.Load()
	f()
	return c.n.Load() - before
}

// TestCommitsOfEvents: the event of a sign-in is in the commit that the sign-in makes. Sign-ins that make none share one, and
// are answered after it.
func TestCommitsOfEvents(t *testing.T) {
	t.Parallel()
	databases.Engines(t, func(t *testing.T, o store.Options) {
		var count transactions
		o.Observe = count.observe
		r := newRig(t, people.New(t, o))
		sn, c := r.protected(t, idp.AdvancedSecurityModeTypeAudit, nil)
		u := r.have(t, sn, "alice", person{password: right})
		r.have(t, sn, "bob", person{password: right})
		wantSays(t, said(r.plain(at(t, safe), c, "bob", right)), "tokens") // makes what the pool has once
		for _, tt := range []struct {
			name, address string
			want          int64
		}{
			{"a sign-in that also notes the address", safe, 1},
			{"a sign-in that writes nothing else", safe, 1},
		} {
			got := count.during(func() { wantSays(t, said(r.plain(at(t, tt.address), c, "alice", right)), "tokens") })
			if got != tt.want {
				t.Errorf("%s makes %d transactions, want %d", tt.name, got, tt.want)
			}
		}

		const each = 8
		release := make(chan struct{})
		count.hold.Store(&release)
		got := count.during(func() {
			var wg sync.WaitGroup
			for i := range each {
				wg.Go(func() { wantSays(t, said(r.plain(at(t, safe), c, "alice", right)), "tokens") })
				wg.Go(func() { wantSays(t, said(r.plain(at(t, safe), c, fmt.Sprint("nobody", i), right)), sayIncorrect) })
			}
			patience.Until(t, "all wait", func() bool { return r.protection.Waiting() == 2*each })
			if n := len(r.eventsOf(t, sn, u.ID())); n != 2 {
				t.Errorf("%d events before the commit", n)
			}
			close(release)
			wg.Wait()
		})
		if got > 2 {
			t.Errorf("%d sign-ins at once make %d transactions", 2*each, got)
		}
		if n := len(r.eventsOf(t, sn, u.ID())); n != 2+each {
			t.Errorf("%d events", n)
		}
	})
}
