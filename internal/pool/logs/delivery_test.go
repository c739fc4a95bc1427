package logs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/store"
)

const (
	notifications = idp.EventSourceNameUserNotification
	authEvents    = idp.EventSourceNameUserAuthEvents
)

// TestDelivery: records reach a log group, a bucket and a stream, are sent once, and are gone then.
func TestDelivery(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		in := newStandIn(t)
		at := &Target{Endpoint: in.URL}
		r = r.with(Targets{CloudWatchLogs: at, S3: {Endpoint: in.URL, PathStyle: true, Wait: time.Minute}, Firehose: at})
		deliveries := r.Deliveries(audit.NewMetrics("test"))
		sn := r.plus(t)
		for _, tt := range []struct{ config, place string }{
			{eventsBucket, "/people-logs/AWSLogs/123456789012/cognito-idp/us-east-1/" + sn.ID + "/2026/11/30/10/" + sn.ID + "_userAuthEvents_20261130T"},
			{eventsGroup, "/aws/vendedlogs/people:" + sn.ID},
			{eventsStream, "people"},
		} {
			r.set(t, sn.ID, notifyGroup, tt.config)
			r.note(t, sn.ID, tt.config)
			for i := range 3 {
				r.event(t, sn.ID, fmt.Sprint("event ", i))
			}
			if tt.config == eventsBucket {
				r.turn(t, deliveries)
				if n := r.waiting(t, sn.ID, authEvents); n != 3 {
					t.Errorf("%d records wait for others to become an object, want 3", n)
				}
				r.clock.Pass(time.Minute)
			}
			r.turn(t, deliveries)
			requests := in.requests
			r.turn(t, deliveries)
			if in.requests != requests {
				t.Error("records were sent twice")
			}
			if got, want := in.records(t, tt.place, "eventId"), []string{"event 0", "event 1", "event 2"}; !slices.Equal(got[max(0, len(got)-3):], want) {
				t.Errorf("%s: %v", tt.place, got)
			}
			if n := r.waiting(t, sn.ID, authEvents) + r.waiting(t, sn.ID, notifications); n != 0 {
				t.Errorf("%d records are still there", n)
			}
		}
		if got := in.records(t, "/aws/vendedlogs/people:", "details"); !slices.Contains(got, eventsStream) {
			t.Errorf("notifications: %v", got)
		}
	})
}

// TestAway: a destination is away for an hour. Records wait in the store, attempts become rare, and no other kind of
// destination waits. Then all arrive in order: also if the server was killed meanwhile.
func TestAway(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		in, other := newStandIn(t), newStandIn(t)
		targets := Targets{CloudWatchLogs: {Endpoint: in.URL}, Firehose: {Endpoint: other.URL}}
		r = r.with(targets)
		sn := r.plus(t)
		r.set(t, sn.ID, notifyGroup, eventsStream)
		deliveries := r.Deliveries(nil)
		in.setAway(true)
		var want []string
		for i := range 120 {
			r.note(t, sn.ID, fmt.Sprint(i))
			r.event(t, sn.ID, fmt.Sprint(i))
			want = append(want, fmt.Sprint(i))
			r.turn(t, deliveries)
			r.clock.Pass(30 * time.Second)
		}
		if in.requests > 80 || deliveries[0].Lag() < 59*time.Minute {
			t.Errorf("%d attempts in an hour, lag %s", in.requests, deliveries[0].Lag())
		}
		if got := other.records(t, "people", "eventId"); !slices.Equal(got, want) {
			t.Errorf("the destination that is not away has %v", got)
		}
		in.setAway(false)
		next := r.with(targets) // The first server was killed.
		r.clock.Pass(2 * time.Minute)
		next.turn(t, next.Deliveries(nil))
		if got := in.records(t, "/aws/", "details"); !slices.Equal(got, want) {
			t.Errorf("after an hour: %v", got)
		}
		if n := r.waiting(t, sn.ID, notifications); n != 0 {
			t.Errorf("%d records are still there", n)
		}
	})
}

// TestBounds: records that are too many or too old are dropped, as are those that nobody wants any longer.
func TestBounds(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		in := newStandIn(t)
		in.setAway(true)
		r = r.with(Targets{CloudWatchLogs: {Endpoint: in.URL}}, func(d *Deps) { d.Most = 10 })
		sn := r.plus(t)
		r.set(t, sn.ID, notifyGroup)
		maintain := func(want int, dropped int64) {
			t.Helper()
			if err := r.Maintain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := r.waiting(t, sn.ID, notifications); n != want || r.Dropped() != dropped {
				t.Errorf("%d records wait, %d were dropped; want %d, %d", n, r.Dropped(), want, dropped)
			}
		}
		for i := range 25 {
			r.note(t, sn.ID, fmt.Sprint(i))
			r.clock.Pass(time.Millisecond)
		}
		maintain(10, 15)
		rows, err := r.deps.Store.LogRecords(t.Context(), sn.ID, string(notifications), 1)
		if err != nil || !strings.Contains(string(rows[0].Body), `"details":"15"`) {
			t.Errorf("the oldest record that is kept: %s, %v", rows[0].Body, err)
		}
		r.clock.Pass(DefaultKeep - time.Minute)
		r.note(t, sn.ID, "new")
		maintain(10, 16)
		r.clock.Pass(2 * time.Minute)
		maintain(1, 25)

		err = r.deps.Store.Update(t.Context(), func(tx *store.Tx) error {
			return r.PutDecoy(t.Context(), tx, r.clock.Now(), 1, &AuthEvent{UserPoolID: sn.ID})
		})
		if err != nil {
			t.Fatal(err)
		}
		r.turn(t, r.Deliveries(nil))
		r.set(t, sn.ID)
		r.clock.Pass(2 * settingsAge)
		maintain(0, 25)
		if list, err := r.deps.Store.LogStreams(t.Context(), store.LogStream{}, 10); len(list) != 0 || err != nil {
			t.Errorf("what is left: %v, %v", list, err)
		}
	})
}

// TestFiles: with file:FOLDER, each pool and source has a file.
func TestFiles(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		folder := filepath.Join(t.TempDir(), "new", "logs")
		r = r.with(Targets{S3: {Folder: folder}, CloudWatchLogs: {Folder: folder}})
		sn := r.plus(t)
		r.set(t, sn.ID, notifyGroup, eventsBucket)
		r.note(t, sn.ID, "a\nb")
		r.event(t, sn.ID, "e")
		for _, d := range r.Deliveries(nil) {
			if err := d.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range map[string]string{"userNotification": "USER_NOTIFICATION", "userAuthEvents": "USER_ACTIVITY"} {
			text, err := os.ReadFile(filepath.Join(folder, sn.ID+"."+name+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			var in struct{ EventSource string }
			if err := json.Unmarshal(text, &in); err != nil || in.EventSource != want || strings.Count(string(text), "\n") != 1 {
				t.Errorf("%s: %s, %v", name, text, err)
			}
		}
	})
}

// TestNotConfigured: a server whose operator has removed a destination writes no records for it, and says so once.
func TestNotConfigured(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, r *rig) {
		sn := r.plus(t)
		r.set(t, sn.ID, notifyGroup)
		if write, err := r.FailedMessage(t.Context(), r.clock.Now(), "us-east-1_AbCdEf123", "", "x"); write != nil || err != nil {
			t.Errorf("a deleted pool: %v", err)
		}
		none := r.with(nil)
		for range 2 {
			write, err := none.FailedMessage(t.Context(), r.clock.Now(), sn.ID, "", "x")
			if write != nil || err != nil {
				t.Errorf("a record is wanted: %v", err)
			}
		}
	})
}
