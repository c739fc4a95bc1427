package fetch_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/internal/federation/fetch"
)

// source is a server of one document and a client with a clock of its own.
type source struct {
	*fetch.Client

	url    string
	calls  atomic.Int32
	answer atomic.Value // string; "" fails
	clock  atomic.Int64 // seconds
	gate   chan struct{}
}

func newSource(t *testing.T) *source {
	t.Helper()
	s := &source{}
	s.answer.Store("1")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.calls.Add(1)
		if s.gate != nil {
			<-s.gate
		}
		if text := s.answer.Load().(string); text == "" {
			http.Error(w, "down", http.StatusServiceUnavailable)
		} else {
			fmt.Fprint(w, text)
		}
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	s.Client = client(t, fetch.Settings{Development: true, Now: func() time.Time { return time.Unix(s.clock.Load(), 0) }})
	return s
}

var texts = &fetch.Kind[string]{Name: "text", Age: 10 * time.Minute, Parse: func(b []byte) (string, error) {
	switch string(b) {
	case "bad":
		return "", errors.New("not a text")
	case "panic":
		panic("parser")
	}
	return string(b), nil
}}

func TestDocumentAge(t *testing.T) {
	t.Parallel()
	s := newSource(t)
	for _, step := range []struct {
		name    string
		at      time.Duration
		answer  string
		refresh bool
		want    string
		fresh   bool
		failure string
		calls   int32
	}{
		{name: "first", answer: "1", want: "1", calls: 1},
		{name: "young", at: 9 * time.Minute, answer: "2", want: "1", calls: 1},
		{name: "old", at: 10 * time.Minute, answer: "2", want: "2", calls: 2},
		{name: "forced", at: 11 * time.Minute, answer: "3", refresh: true, want: "3", fresh: true, calls: 3},
		{name: "forced again within a minute", at: 11*time.Minute + 59*time.Second, answer: "4", refresh: true, want: "3", calls: 3},
		{name: "forced after a minute", at: 12 * time.Minute, answer: "4", refresh: true, want: "4", fresh: true, calls: 4},
		{name: "stale while the server fails", at: time.Hour, answer: "", want: "4", calls: 5},
		{name: "no second try at once", at: time.Hour + 29*time.Second, answer: "", want: "4", calls: 5},
		{name: "a second try", at: time.Hour + 30*time.Second, answer: "", want: "4", calls: 6},
		{name: "a text that does not parse", at: 2 * time.Hour, answer: "bad", want: "4", calls: 7},
		{name: "a parser that panics", at: 3 * time.Hour, answer: "panic", want: "4", calls: 8},
		{name: "forced while the server fails", at: 4 * time.Hour, answer: "", refresh: true, want: "4", calls: 9},
		{name: "too old", at: 25 * time.Hour, answer: "", failure: "503", calls: 10},
		{name: "back", at: 25 * time.Hour, answer: "5", want: "5", calls: 11},
	} {
		s.clock.Store(int64(step.at / time.Second))
		s.answer.Store(step.answer)
		var got string
		var fresh bool
		var err error
		if step.refresh {
			got, fresh, err = texts.Refresh(t.Context(), s.Client, "P", s.url)
		} else {
			got, err = texts.Load(t.Context(), s.Client, "P", s.url)
		}
		if step.failure != "" {
			if err == nil || !strings.Contains(err.Error(), step.failure) {
				t.Errorf("%s: %q, %v", step.name, got, err)
			}
		} else if err != nil || got != step.want || fresh != step.fresh {
			t.Errorf("%s: %q, %v, %v", step.name, got, fresh, err)
		}
		if calls := s.calls.Load(); calls != step.calls {
			t.Errorf("%s: %d calls, want %d", step.name, calls, step.calls)
		}
	}
}

// TestSingleFlight starts many loads of a document before the server answers.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	s := newSource(t)
	s.gate = make(chan struct{})
	var loads sync.WaitGroup
	for range 50 {
		loads.Go(func() {
			if got, err := texts.Load(t.Context(), s.Client, "P", s.url); err != nil || got != "1" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	close(s.gate)
	loads.Wait()
	if n := s.calls.Load(); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// TestUnknownKeyFlood forces refreshes as fast as it can, as tokens with unknown keys do.
func TestUnknownKeyFlood(t *testing.T) {
	t.Parallel()
	s := newSource(t)
	var loads sync.WaitGroup
	for range 20 {
		loads.Go(func() {
			for range 20 {
				_, _, _ = texts.Refresh(t.Context(), s.Client, "P", s.url)
			}
		})
	}
	loads.Wait()
	if n := s.calls.Load(); n > 2 {
		t.Errorf("%d calls", n)
	}
}

// TestCacheSize fills the cache with more than it may hold.
func TestCacheSize(t *testing.T) {
	t.Parallel()
	s := newSource(t)
	s.answer.Store(strings.Repeat("a", 1<<20))
	for i := range 70 {
		if _, err := texts.Load(t.Context(), s.Client, "P", fmt.Sprintf("%s/%d", s.url, i)); err != nil {
			t.Fatal(err)
		}
	}
	calls := s.calls.Load()
	if _, err := texts.Load(t.Context(), s.Client, "P", s.url+"/69"); err != nil || s.calls.Load() != calls {
		t.Errorf("the last document left the cache: %v", err)
	}
	if _, err := texts.Load(t.Context(), s.Client, "P", s.url+"/0"); err != nil || s.calls.Load() != calls+1 {
		t.Errorf("the first document is still in the cache: %v", err)
	}
}
