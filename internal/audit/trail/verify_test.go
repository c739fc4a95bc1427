package trail

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"cognate/internal/store"
)

// TestTampering changes the database behind the store's back, and wants verification to name each
// change.
func TestTampering(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		for _, tt := range []struct {
			name   string
			tamper func(t *testing.T, chain int64)
			want   string
		}{
			{"nothing", func(*testing.T, int64) {}, ""},
			{"a changed column", func(t *testing.T, chain int64) {
				r.exec(t, "UPDATE audit_events SET error = 'NotAuthorizedException' WHERE chain = %d AND seq = 4", chain)
			}, "changed 4 0"},
			{"a changed body", func(t *testing.T, chain int64) {
				r.exec(t, "UPDATE audit_events SET body = commitment WHERE chain = %d AND seq = 4", chain)
			}, "changed 4 0"},
			{"another sub", func(t *testing.T, chain int64) {
				r.exec(t, "UPDATE audit_events SET sub = 'sub-2' WHERE chain = %d AND seq = 5", chain)
			}, "changed 5 0"},
			{"a removed record", func(t *testing.T, chain int64) {
				r.exec(t, "DELETE FROM audit_events WHERE chain = %d AND seq = 6", chain)
			}, "removed 6 6"},
			{"the first records", func(t *testing.T, chain int64) {
				r.exec(t, "DELETE FROM audit_events WHERE chain = %d AND seq < 4", chain)
			}, "removed 1 3"},
			{"the first records, and the row says so", func(t *testing.T, chain int64) {
				r.exec(t, "DELETE FROM audit_events WHERE chain = %d AND seq < 4", chain)
				r.exec(t, "UPDATE audit_chains SET first_seq = 4 WHERE chain = %d", chain)
			}, "head 4 0; removed 1 3"},
			{"two exchanged records", func(t *testing.T, chain int64) {
				r.exec(t, "UPDATE audit_events SET seq = 1000 WHERE chain = %d AND seq = 4", chain)
				r.exec(t, "UPDATE audit_events SET seq = 4 WHERE chain = %d AND seq = 8", chain)
				r.exec(t, "UPDATE audit_events SET seq = 8 WHERE chain = %d AND seq = 1000", chain)
			}, "reordered 4 0; reordered 8 0"},
			{"the last records", func(t *testing.T, chain int64) {
				r.exec(t, "DELETE FROM audit_events WHERE chain = %d AND seq > 7", chain)
			}, "truncated 8 10"},
			{"the last records, and the row says so", func(t *testing.T, chain int64) {
				r.exec(t, "DELETE FROM audit_events WHERE chain = %d AND seq > 7", chain)
				r.exec(t, "UPDATE audit_chains SET seq = 7 WHERE chain = %d", chain)
			}, "head 7 0"},
			{"a head of another chain", func(t *testing.T, chain int64) {
				r.exec(t, "UPDATE audit_chains SET head = tail WHERE chain = %d", chain)
			}, "head 10 0"},
		} {
			// Each on a chain of its own, which goes again.
			node := r.node(t)
			r.calls(t, node, 9)
			tt.tamper(t, node.chain.end.chain)
			if got, report := r.verify(t, n, nil); got != tt.want {
				t.Errorf("%s: %q, want %q: %+v", tt.name, got, tt.want, report.Findings)
			}
			r.exec(t, "DELETE FROM audit_events")
			r.exec(t, "DELETE FROM audit_chains")
		}
	})
}

// TestRemovedChain wants a chain that is gone to be missed: by a chain that began later, by a
// stored checkpoint, and by a checkpoint that was kept elsewhere.
func TestRemovedChain(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		first, second := r.node(t), r.node(t)
		r.calls(t, first, 3)
		r.calls(t, second, 3)
		kept, err := second.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		chain := first.chain.end.chain
		remove := func() {
			r.exec(t, "DELETE FROM audit_events WHERE chain = %d", chain)
			r.exec(t, "DELETE FROM audit_chains WHERE chain = %d", chain)
		}
		remove()
		if got, _ := r.verify(t, second, nil); got != "chain-removed 1 4" {
			t.Errorf("a later chain: %q", got)
		}
		if got, _ := r.verify(t, second, kept); got != "rolled-back 1 4" {
			t.Errorf("a checkpoint: %q", got)
		}
		// The process of the removed chain begins another one.
		r.calls(t, first, 1)
		if first.chain.end.chain == chain || first.Lost() != 0 {
			t.Errorf("the process goes on with the chain that is gone, lost %d", first.Lost())
		}
	})
}

// TestRolledBack restores the rows of an earlier time, which are valid by themselves. A checkpoint
// that was kept elsewhere shows it.
func TestRolledBack(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		r.calls(t, n, 3)
		chain := n.chain.end.chain
		r.exec(t, "CREATE TABLE old_chains AS SELECT * FROM audit_chains")
		before, err := n.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.calls(t, n, 3)
		kept, err := n.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]*Checkpoint{"older": before, "newer": kept} {
			if got, _ := r.verify(t, n, c); got != "" {
				t.Errorf("%s: %s", name, got)
			}
		}
		r.exec(t, "DELETE FROM audit_events WHERE seq > 4")
		r.exec(t, "DELETE FROM audit_chains")
		r.exec(t, "INSERT INTO audit_chains SELECT * FROM old_chains")
		if got, _ := r.verify(t, n, before); got != "" {
			t.Errorf("by the older checkpoint: %s", got)
		}
		if got, _ := r.verify(t, n, kept); got != "rolled-back 5 7" {
			t.Errorf("by the newer checkpoint: %s", got)
		}
		// The process notices, too, and leaves the chain alone.
		r.calls(t, n, 1)
		if n.chain.end.chain == chain {
			t.Error("the process goes on with a chain that was rolled back")
		}
		kept.Chains[0].Seq--
		if _, err := n.Verify(t.Context(), kept); !errors.Is(err, errCheckpoint) {
			t.Errorf("a changed checkpoint: %v", err)
		}
	})
}

// TestManyProcesses records from several processes at once.
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		var wg sync.WaitGroup
		nodes := []*Trail{r.node(t), r.node(t), r.node(t)}
		for _, n := range nodes {
			for range 4 {
				wg.Go(func() {
					for range 25 {
						if err := r.call(n, "AdminDeleteUser", "sub-1"); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		for _, n := range nodes {
			if err := n.Maintain(t.Context()); err != nil {
				t.Error(err)
			}
		}
		got, report := r.verify(t, nodes[0], nil)
		if got != "" || report.Chains != 3 || report.Records != 303 || report.Checkpoints == 0 {
			t.Errorf("%q, %+v", got, report)
		}
	})
}

// TestRetention removes old records, and wants the rest to verify.
func TestRetention(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		r.calls(t, n, 250)
		old, err := n.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.clock.Add(47 * time.Hour)
		r.calls(t, n, 10)
		r.clock.Add(2 * time.Hour)
		if err := n.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, report := r.verify(t, n, old)
		if got != "" || report.Records != 10 {
			t.Errorf("after the sweep: %q, %d records", got, report.Records)
		}
		now, err := n.Checkpoint(t.Context())
		if err != nil || len(now.Chains) != 1 || now.Chains[0].First != 252 || now.Chains[0].Seq != 261 {
			t.Errorf("the checkpoint is %+v, %v", now, err)
		}
		// All records are too old, and the chain goes on.
		r.clock.Add(100 * time.Hour)
		if err := errors.Join(n.Maintain(t.Context()), n.Maintain(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got, report := r.verify(t, n, old); got != "" || report.Records != 0 {
			t.Errorf("after the last sweep: %q, %d records", got, report.Records)
		}
		r.calls(t, n, 1)
		if got, report := r.verify(t, n, old); got != "" || report.Records != 1 || report.Chains != 1 {
			t.Errorf("afterwards: %q, %+v", got, report)
		}
	})
}

// TestErasure erases a user, and wants the chain to verify and the user to be gone.
func TestErasure(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		for range 3 {
			if err := errors.Join(r.call(n, "AdminDeleteUser", "sub-1"), r.call(n, "AdminDeleteUser", "sub-2")); err != nil {
				t.Fatal(err)
			}
		}
		if count, err := n.EraseUser(t.Context(), pool, "sub-1"); err != nil || count != 3 {
			t.Errorf("erased %d, %v", count, err)
		}
		got, report := r.verify(t, n, nil)
		if got != "" || report.Erased != 3 || report.Records != 7 {
			t.Errorf("%q, %+v", got, report)
		}
		for _, tt := range []struct {
			sub  string
			want int
		}{{"sub-1", 0}, {"sub-2", 3}} {
			found, err := n.Search(t.Context(), &Query{Pool: pool, Sub: tt.sub}, nil, 10)
			if err != nil || len(found.Events) != tt.want {
				t.Errorf("%s: %d records, %v", tt.sub, len(found.Events), err)
			}
		}
		all, err := n.Search(t.Context(), &Query{Pool: pool}, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		gone := 0
		for _, e := range all.Events {
			text, err := Render(&e)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "sub-1") {
				t.Errorf("the sub is still there: %s", text)
			}
			if strings.Contains(string(text), erased) {
				gone++
				if strings.Contains(string(text), "192.0.2.7") {
					t.Errorf("the address is still there: %s", text)
				}
			}
		}
		if gone != 3 {
			t.Errorf("%d records are erased", gone)
		}
	})
}

// TestGap wants changes of administrators to fail while records cannot be stored, reads and
// sign-ins to be answered, and the chain to say how many records are missing.
func TestGap(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		r.calls(t, n, 2)
		r.exec(t, "ALTER TABLE audit_events RENAME TO hidden_events")
		if err := r.call(n, "AdminDeleteUser", "sub-1"); err == nil {
			t.Error("a change is answered without its record")
		}
		for _, op := range []string{"AdminGetUser", "InitiateAuth", "AdminInitiateAuth"} {
			if err := r.call(n, op, "sub-1"); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
		if n.Lost() != 4 {
			t.Errorf("%d records are lost, want 4", n.Lost())
		}
		r.exec(t, "ALTER TABLE hidden_events RENAME TO audit_events")
		r.clock.Add(2 * retryInterval)
		if err := n.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.calls(t, n, 1)
		got, report := r.verify(t, n, nil)
		if got != "" || report.Lost != 4 || report.Records != 5 {
			t.Errorf("%q, %+v", got, report)
		}
		found, err := n.Search(t.Context(), &Query{Name: "AuditTrailGap"}, nil, 10)
		if err != nil || len(found.Events) != 1 {
			t.Errorf("%d records about the gap, %v", len(found.Events), err)
		}
	})
}

// TestSearch finds records by each member of a query, in pages.
func TestSearch(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		n := r.node(t)
		for i := range 7 {
			if err := r.call(n, []string{"AdminDeleteUser", "AdminGetUser"}[i%2], "sub-1"); err != nil {
				t.Fatal(err)
			}
			r.clock.Add(time.Minute)
		}
		all, err := n.Search(t.Context(), &Query{}, nil, 100)
		if err != nil || len(all.Events) != 8 || all.Next != nil {
			t.Fatalf("%d records, next %v, %v", len(all.Events), all.Next, err)
		}
		newest := all.Events[0]
		yes := true
		for _, tt := range []struct {
			name string
			q    Query
			want int
		}{
			{"pool", Query{Pool: pool}, 7}, {"sub", Query{Pool: pool, Sub: "sub-1"}, 7}, {"sub alone", Query{Sub: "sub-1"}, 7},
			{"event", Query{Name: "AdminGetUser"}, 3}, {"read only", Query{ReadOnly: &yes}, 3}, {"user", Query{Username: "ops"}, 7},
			{"key", Query{AccessKey: "AKIAAAAAAAAAAAAAAAAA"}, 7}, {"request", Query{RequestID: newest.RequestID}, 1},
			{"id", Query{EventID: EventID(newest.Chain, newest.Seq)}, 1}, {"source", Query{Source: sourceTrail}, 1},
			{"resource", Query{Resource: pool}, 7}, {"a role with an underscore", Query{Resource: "my_role"}, 0},
			{"type", Query{ResourceType: "AWS::Cognito::UserPool"}, 7}, {"errors", Query{AnyError: true}, 0},
			{"from", Query{From: newest.At.Add(-time.Minute)}, 2}, {"to", Query{To: newest.At.Add(-5 * time.Minute)}, 3},
		} {
			var place *store.AuditPlace
			got := 0
			for {
				page, err := n.Search(t.Context(), &tt.q, place, 2)
				if err != nil || len(page.Events) > 2 {
					t.Fatalf("%s: %d records, %v", tt.name, len(page.Events), err)
				}
				got += len(page.Events)
				if place = page.Next; place == nil {
					break
				}
			}
			if got != tt.want {
				t.Errorf("%s: %d records, want %d", tt.name, got, tt.want)
			}
		}
	})
}
