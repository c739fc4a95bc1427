package passwords

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cognate/test/patience"
)

// api is a range API that knows some passwords.
type api struct {
	*httptest.Server
	mu     sync.Mutex
	paths  []string
	status atomic.Int32
	clock  atomic.Int64 // nanoseconds after now
	seen   sync.Map     // outcomes
}

func newAPI(t *testing.T, handler http.HandlerFunc, known ...string) *api {
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.paths = append(a.paths, r.URL.RequestURI())
		a.mu.Unlock()
		if r.Header.Get("Add-Padding") != "true" || r.UserAgent() != "Cognate" {
			t.Errorf("headers %v", r.Header)
		}
		if status := a.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		if handler != nil {
			handler(w, r)
			return
		}
		var rows []string
		for i, password := range known {
			digits := fmt.Sprintf("%X", digest(password))
			if rest, ok := strings.CutPrefix("/range/"+digits, r.URL.Path); ok {
				rows = append(rows, fmt.Sprint(rest, ":", i+1))
			}
		}
		rows = append(rows, strings.Repeat("0", 35)+":0", strings.Repeat("F", 35)+":0")
		slices.Sort(rows)
		fmt.Fprint(w, strings.Join(rows, "\r\n"))
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *api) calls() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.paths)
}

func (a *api) checker(t *testing.T, s Settings) *Checker {
	s.RangeURL = a.URL + "/"
	s.Now = func() time.Time { return now.Add(time.Duration(a.clock.Load())) }
	s.Observe = func(outcome string) {
		n, _ := a.seen.LoadOrStore(outcome, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
	}
	patience.Extend(&s.timeout)
	c := New(s)
	t.Cleanup(c.Close)
	return c
}

func (a *api) outcomes(name string) int {
	n, ok := a.seen.Load(name)
	if !ok {
		return 0
	}
	return int(n.(*atomic.Int32).Load())
}

func TestRangeAPI(t *testing.T) {
	t.Parallel()
	once, often := passwordOf(1), passwordOf(2)
	a := newAPI(t, nil, once, often)
	c := a.checker(t, Settings{})
	for range 3 {
		if found, source := c.Compromised(t.Context(), often); !found || source != RangeAPI {
			t.Errorf("%v, %v", found, source)
		}
	}
	// Only five digits of the hash leave the server, and only once.
	if calls, want := a.calls(), []string{"/range/" + fmt.Sprintf("%X", digest(often))[:5]}; !slices.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
	if found, source := c.Compromised(t.Context(), "maple-ostrich-lantern"); found || source != NotFound {
		t.Errorf("a good password: %v, %v", found, source)
	}
	if found, _ := c.Compromised(t.Context(), "password1"); !found || len(a.calls()) != 2 {
		t.Errorf("a common password: %v, calls %v", found, a.calls())
	}
	a.clock.Store(int64(rangeAge))
	c.Compromised(t.Context(), often)
	if len(a.calls()) != 3 {
		t.Errorf("calls after six hours: %v", a.calls())
	}
	if a.outcomes(OutcomeOK) != 3 {
		t.Errorf("%d outcomes", a.outcomes(OutcomeOK))
	}
	strict := a.checker(t, Settings{MinCount: 2})
	if found, _ := strict.Compromised(t.Context(), once); found {
		t.Error("a password that was seen once, with a threshold of two")
	}
	if found, _ := strict.Compromised(t.Context(), often); !found {
		t.Error("a password that was seen twice, with a threshold of two")
	}
}

// TestPaddingIsIgnored: a row with a count of 0 is not a password.
func TestPaddingIsIgnored(t *testing.T) {
	t.Parallel()
	word := passwordOf(1)
	a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s:0\r\n", fmt.Sprintf("%X", digest(word))[5:])
	})
	if found, _ := a.checker(t, Settings{}).Compromised(t.Context(), word); found {
		t.Error("padding is a password")
	}
}

func TestRangeAPIFailsOpen(t *testing.T) {
	t.Parallel()
	word := passwordOf(1)
	a := newAPI(t, nil, word)
	c := a.checker(t, Settings{})
	a.status.Store(http.StatusServiceUnavailable)
	for range maxFailures + 2 {
		if found, source := c.Compromised(t.Context(), word); found || source != NotFound {
			t.Errorf("%v, %v", found, source)
		}
	}
	// After some failures the API is left alone for a while.
	if len(a.calls()) != maxFailures || a.outcomes(OutcomeFailed) != maxFailures || a.outcomes(OutcomeSkipped) != 2 {
		t.Errorf("%d calls, %d failed, %d skipped", len(a.calls()), a.outcomes(OutcomeFailed), a.outcomes(OutcomeSkipped))
	}
	a.status.Store(0)
	a.clock.Store(int64(failurePause))
	if found, source := c.Compromised(t.Context(), word); !found || source != RangeAPI {
		t.Errorf("after the pause: %v, %v", found, source)
	}
}

// TestRangeAPIDoesNotAnswer: no sign-up waits for an API that takes the call and stays silent.
func TestRangeAPIDoesNotAnswer(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := a.checker(t, Settings{timeout: 50 * time.Millisecond})
	if found, source := c.Compromised(t.Context(), passwordOf(1)); found || source != NotFound || a.outcomes(OutcomeFailed) != 1 {
		t.Errorf("%v, %v, %d failures", found, source, a.outcomes(OutcomeFailed))
	}
	production := New(Settings{RangeURL: a.URL, Now: time.Now})
	t.Cleanup(production.Close)
	if limit := production.api.http.Timeout; limit != time.Second {
		t.Errorf("a call may take %v", limit)
	}
}

func TestBadAnswers(t *testing.T) {
	t.Parallel()
	word := passwordOf(1)
	rest := fmt.Sprintf("%X", digest(word))[5:]
	for name, text := range map[string]string{
		"page":  "<html>maintenance</html>",
		"short": rest[1:] + ":1",
		"count": rest + ":many",
		"long":  strings.Repeat(strings.Repeat("A", 35)+":1\r\n", maxAnswer/39+1),
		"line":  strings.Repeat("A", maxListLine+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) })
			if found, _ := a.checker(t, Settings{}).Compromised(t.Context(), word); found || a.outcomes(OutcomeFailed) != 1 {
				t.Errorf("%v, %d failures", found, a.outcomes(OutcomeFailed))
			}
		})
	}
	a := newAPI(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	if found, _ := a.checker(t, Settings{}).Compromised(t.Context(), word); found || len(a.calls()) != 1 {
		t.Errorf("a redirect: %v, %v", found, a.calls())
	}
}

// TestAPIConfirmsTheFilter: with both, the API is asked only about what the filter has.
func TestAPIConfirmsTheFilter(t *testing.T) {
	t.Parallel()
	path := build(t, writeFile(t, filepath.Join(t.TempDir(), "list"), strings.Join(lines(200), "\n")), BuildOptions{})
	confirmed, mistaken := passwordOf(1), passwordOf(2)
	a := newAPI(t, nil, confirmed)
	c := a.checker(t, Settings{FilterPath: path})
	if found, source := c.Compromised(t.Context(), confirmed); !found || source != RangeAPI {
		t.Errorf("confirmed: %v, %v", found, source)
	}
	if found, source := c.Compromised(t.Context(), mistaken); found || source != NotFound {
		t.Errorf("not confirmed: %v, %v", found, source)
	}
	before := len(a.calls())
	asked := 0
	for i := range 100 {
		good := fmt.Sprint("maple-ostrich-", i)
		if inFilter, _ := c.file.contains(keyOf(digest(good))); inFilter {
			asked++
		}
		c.Compromised(t.Context(), good)
	}
	if got := len(a.calls()) - before; got > asked {
		t.Errorf("%d calls for %d passwords of the filter", got, asked)
	}
	a.status.Store(http.StatusInternalServerError)
	if found, source := c.Compromised(t.Context(), passwordOf(3)); !found || source != Filter {
		t.Errorf("the API is down: %v, %v", found, source)
	}
}
