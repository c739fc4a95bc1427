package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// outcome is one sign-in: when it was sent, how long it took, and what came back.
type outcome struct {
	at, took time.Duration
	status   int // 0 is a connection that failed
}

// event is what was done to the database, and when.
type event struct {
	name string
	at   time.Duration
}

// load sends sign-ins at a rate, whatever becomes of those before.
type load struct {
	cancel  context.CancelFunc
	ended   chan struct{}
	mu      sync.Mutex
	results []result
}

type result struct {
	sent   time.Time
	took   time.Duration
	status int
}

func (s *service) load(ctx context.Context, rate int) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(l.ended)
		var sent sync.WaitGroup
		defer sent.Wait()
		t := time.NewTicker(time.Second / time.Duration(rate))
		defer t.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			sent.Go(func() {
				r := result{sent: time.Now()}
				r.status = s.signIn(i % people)
				r.took = time.Since(r.sent)
				l.mu.Lock()
				defer l.mu.Unlock()
				l.results = append(l.results, r)
			})
		}
	}()
	return l
}

// stop ends the load, waits for what was sent, and returns all in the order of sending.
func (l *load) stop(began time.Time) []outcome {
	l.cancel()
	<-l.ended
	var list []outcome
	for _, r := range l.results {
		list = append(list, outcome{r.sent.Sub(began), r.took, r.status})
	}
	slices.SortFunc(list, func(a, b outcome) int { return int(a.at - b.at) })
	return list
}

func (s *service) signIn(user int) int {
	body := fmt.Sprintf(`{"ClientId":%q,"AuthFlow":"USER_PASSWORD_AUTH","AuthParameters":{"USERNAME":"user%d","PASSWORD":%q}}`, s.app, user, password)
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.proxy.URL, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.InitiateAuth")
	res, err := s.http.Do(r)
	if err != nil {
		return 0
	}
	_, err = io.Copy(io.Discard, res.Body)
	if errors.Join(err, res.Body.Close()) != nil {
		return 0
	}
	return res.StatusCode
}

// report prints what was answered to the sign-ins of each period.
func report(w io.Writer, events []event, all []outcome) {
	frozen, killed, promoted := events[0].at, events[1].at, events[2].at
	const long = time.Hour
	periods := []struct {
		name     string
		from, to time.Duration
	}{
		{"before", 0, frozen},
		{"frozen, 0 to 1 s", frozen, frozen + time.Second},
		{"frozen, 1 to 3 s", frozen + time.Second, frozen + 3*time.Second},
		{"frozen, later", frozen + 3*time.Second, killed},
		{"killed, until promoted", killed, promoted},
		{"promoted, 0 to 1 s", promoted, promoted + time.Second},
		{"promoted, 1 to 3 s", promoted + time.Second, promoted + 3*time.Second},
		{"promoted, later", promoted + 3*time.Second, long},
	}
	fmt.Fprintln(w, "| sent while the primary is | sign-ins | 200 | 500 by a server | 503 by HAProxy | other | median | slowest |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	for _, p := range periods {
		var n, ok, failed, refused, other int
		var took []time.Duration
		for _, o := range all {
			if o.at < p.from || o.at >= p.to {
				continue
			}
			n++
			took = append(took, o.took)
			switch o.status {
			case http.StatusOK:
				ok++
			case http.StatusInternalServerError:
				failed++
			case http.StatusServiceUnavailable:
				refused++
			default:
				other++
			}
		}
		if n == 0 {
			continue
		}
		slices.Sort(took)
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d | %s | %s |\n", p.name, n, ok, failed, refused, other, short(took[n/2]), short(took[n-1]))
	}
	whole := time.Duration(0)
	for _, o := range all {
		if o.status != http.StatusOK {
			whole = o.at
		}
	}
	fmt.Fprintf(w, "\nPromoting took %s. All sign-ins succeed that were sent later than %s after the primary was killed, %s after the standby was promoted.\n",
		short(promoted-killed), short(whole-killed), short(whole-promoted))
}

func short(d time.Duration) string {
	if d.Abs() < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
