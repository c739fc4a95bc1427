package message_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/keys"
	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/test/fresh"
)

func newClock() *fresh.Clock { return fresh.NewClock(time.Unix(1_700_000_000, 0)) }

// recorder is a gateway that fails as it is told to.
type recorder struct {
	mu   sync.Mutex
	sent []message.Message
	errs []error
}

func (r *recorder) Send(_ context.Context, m message.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errs) > 0 {
		err := r.errs[0]
		r.errs = r.errs[1:]
		if err != nil {
			return err
		}
	}
	r.sent = append(r.sent, m)
	return nil
}

func (r *recorder) bodies() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b []string
	for _, m := range r.sent {
		b = append(b, m.Body)
	}
	return b
}

func open(t *testing.T, o store.Options, c *fresh.Clock) (*store.Store, *keys.Ring) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	st := fresh.Store(t, o, c.Now)
	ring, _ := fresh.Ring(t, c.Now)
	return st, ring
}

func enqueue(t *testing.T, st *store.Store, s *message.Service, m message.Message) error {
	t.Helper()
	return st.Update(deadline(t), func(tx *store.Tx) error { return s.Enqueue(deadline(t), tx, &m) })
}

func TestOutboxRetries(t *testing.T) {
	t.Parallel()
	down := errors.New("gateway is down")
	tests := []struct {
		name string
		errs []error
		// steps are how far the clock moves before each look at the outbox.
		steps []time.Duration
		want  []string
	}{
		{"sent at once", nil, []time.Duration{0, time.Hour}, []string{"code 1"}},
		{"not before its pause is over", []error{down}, []time.Duration{0, time.Second}, nil},
		{"again after the pause", []error{down, down}, []time.Duration{0, 5 * time.Second, 10 * time.Second}, []string{"code 1"}},
		{"an error that is no text", []error{message.PermanentError{Err: errors.New("550 \x00\xff" + strings.Repeat("x", 1<<20))}}, []time.Duration{0, time.Minute, 30 * time.Minute}, nil},
		{"a refusal for good is not repeated", []error{message.PermanentError{Err: down}}, []time.Duration{0, time.Minute, time.Hour}, nil},
		{"not after the code's life", []error{down, down, down, down, down, down, down, down, down, down, down, down}, []time.Duration{0, time.Minute, time.Minute, time.Minute, 57 * time.Minute, time.Hour, time.Hour}, nil},
	}
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		for _, tt := range tests { // one after another: they share the outbox
			t.Run(tt.name, func(t *testing.T) {
				gateway := &recorder{errs: tt.errs}
				s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), SMS: gateway})
				m := message.Message{PoolID: "us-east-1_AbCdEf123", UserID: "u", Username: "alice", Medium: message.SMS, To: "+12065550100", Body: "code 1", ExpiresAt: c.Now().Add(time.Hour)}
				if err := enqueue(t, st, s, m); err != nil {
					t.Fatal(err)
				}
				for _, d := range tt.steps {
					c.Pass(d)
					if err := s.Flush(deadline(t)); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(tt.want, gateway.bodies()); diff != "" {
					t.Error(diff)
				}
				c.Pass(48 * time.Hour) // nothing of this row is due in the next
				gateway.errs = nil
				if err := s.Flush(deadline(t)); err != nil {
					t.Fatal(err)
				}
			})
		}
	})
}

func TestOutboxOfTwoNodesSendsOnce(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		gateway := &recorder{}
		node := func() *message.Service {
			return message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), SMS: gateway})
		}
		a, b := node(), node()
		const n = 40
		for range n {
			if err := enqueue(t, st, a, message.Message{PoolID: "us-east-1_AbCdEf123", Medium: message.SMS, To: "+12065550100", Body: "x", ExpiresAt: c.Now().Add(time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for _, s := range []*message.Service{a, b, a, b} {
			wg.Go(func() {
				if err := s.Flush(deadline(t)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := len(gateway.bodies()); got != n {
			t.Errorf("%d messages sent, want %d", got, n)
		}
	})
}

func TestRolledBackTransactionSendsNothing(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		gateway := &recorder{}
		s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), SMS: gateway})
		refused := errors.New("the name is taken")
		err := st.Update(deadline(t), func(tx *store.Tx) error {
			if err := s.Enqueue(deadline(t), tx, &message.Message{PoolID: "us-east-1_AbCdEf123", Medium: message.SMS, To: "+12065550100", Body: "x", ExpiresAt: c.Now().Add(time.Hour)}); err != nil {
				return err
			}
			return refused
		})
		if !errors.Is(err, refused) {
			t.Fatal(err)
		}
		if err := s.Flush(deadline(t)); err != nil || len(gateway.bodies()) != 0 {
			t.Errorf("error %v, sent %v", err, gateway.bodies())
		}
	})
}

func TestInbox(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Inbox: true})
		pool := "us-east-1_AbCdEf123"
		for _, m := range []message.Message{
			{PoolID: pool, Username: "alice", Medium: message.Email, To: "alice@example.com", Subject: "s", Body: "first 111111", Code: "111111"},
			{PoolID: pool, Username: "alice", Medium: message.SMS, To: "+12065550100", Body: "second 222222", Code: "222222"},
			{PoolID: pool, Username: "bob", Medium: message.Email, To: "bob@example.com", Body: "third"},
			{PoolID: "us-east-1_Other0000", Username: "alice", Medium: message.Email, To: "alice@example.com", Body: "fourth"},
		} {
			if err := enqueue(t, st, s, m); err != nil {
				t.Fatal(err)
			}
			c.Pass(time.Second)
		}
		for _, tt := range []struct {
			name string
			q    message.Query
			want []string
		}{
			{"all, newest first", message.Query{}, []string{"fourth", "third", "second 222222", "first 111111"}},
			{"of a pool's user", message.Query{PoolID: pool, Username: "alice"}, []string{"second 222222", "first 111111"}},
			{"by medium", message.Query{PoolID: pool, Username: "alice", Medium: message.Email}, []string{"first 111111"}},
			{"by recipient", message.Query{To: "bob@example.com"}, []string{"third"}},
			{"none", message.Query{Username: "carol"}, nil},
		} {
			t.Run(tt.name, func(t *testing.T) {
				list, err := s.List(deadline(t), tt.q)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, m := range list {
					got = append(got, m.Body)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
		t.Run("waits for the first", func(t *testing.T) {
			found := make(chan int)
			go func() {
				var list []message.Message
				for len(list) == 0 {
					var err error
					if list, err = s.List(deadline(t), message.Query{Username: "dave", Wait: message.MaxWait}); err != nil {
						t.Error(err)
						break
					}
				}
				found <- len(list)
			}()
			if err := enqueue(t, st, s, message.Message{PoolID: pool, Username: "dave", Medium: message.SMS, To: "+1", Body: "x"}); err != nil {
				t.Fatal(err)
			}
			s.Wake()
			if n := <-found; n != 1 {
				t.Errorf("%d messages", n)
			}
		})
		t.Run("the row shows no code", func(t *testing.T) {
			rows, err := st.Messages(deadline(t), store.MessageQuery{PoolID: pool, Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if string(r.Body) == "" || cmp.Equal(r.Body, []byte("first 111111")) || containsCode(r.Body) {
					t.Errorf("row %s holds its code in clear", r.ID)
				}
			}
		})
	})
}

func containsCode(b []byte) bool {
	for i := 0; i+6 <= len(b); i++ {
		if s := string(b[i : i+6]); s == "111111" || s == "222222" {
			return true
		}
	}
	return false
}

func TestNoSender(t *testing.T) {
	t.Parallel()
	c := newClock()
	st, ring := open(t, fresh.SQLite(t), c)
	s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: &recorder{}})
	if err := enqueue(t, st, s, message.Message{PoolID: "us-east-1_AbCdEf123", Medium: message.SMS, To: "+1", Body: "x"}); !errors.Is(err, message.ErrNoSender) {
		t.Errorf("error %v, want ErrNoSender", err)
	}
}

func TestRunDeliversOnWake(t *testing.T) {
	t.Parallel()
	c := newClock()
	st, ring := open(t, fresh.SQLite(t), c)
	got := make(chan string, 1)
	s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), SMS: senderFunc(func(m message.Message) error { got <- m.Body; return nil })})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- s.Run(ctx) }()
	if err := enqueue(t, st, s, message.Message{PoolID: "us-east-1_AbCdEf123", Medium: message.SMS, To: "+1", Body: "x", ExpiresAt: c.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	s.Wake()
	select {
	case <-got:
	case <-deadline(t).Done():
		t.Fatal("not delivered")
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// TestMessageRests: the outbox leaves a message alone until the answer of the call that
// stored it is out.
func TestMessageRests(t *testing.T) {
	t.Parallel()
	c := newClock()
	st, ring := open(t, fresh.SQLite(t), c)
	g := &gate{arrived: make(chan message.Message, 2), pass: make(chan struct{})}
	close(g.pass)
	s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: g, Rest: time.Second})
	for _, body := range []string{"old", "new"} {
		c.Pass(time.Second)
		if err := enqueue(t, st, s, mail(bulkPool, body, c)); err != nil {
			t.Fatal(err)
		}
	}
	stop := runs(t, s)
	if got := next(t, g); got.Body != "old" {
		t.Errorf("%q was sent first", got.Body)
	}
	stop()
	if len(g.arrived) != 0 {
		t.Error("a message was sent that had no rest")
	}
}

type senderFunc func(message.Message) error

func (f senderFunc) Send(_ context.Context, m message.Message) error { return f(m) }

func TestRender(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, template, code, username, link, want string }{
		{"code", "Your code is {####}. ", "123456", "alice", "", "Your code is 123456. "},
		{"both", "{username}: {####} {####}", "Pa$$w0rd", "alice", "", "alice: Pa$$w0rd Pa$$w0rd"},
		{"a name that looks like a placeholder", "{username}/{####}", "123456", "{####}", "", "{####}/123456"},
		{"link", "{##Open {me}##} or {####}", "123456", "alice", "https://a/b?c=1&d=2", `<a href="https://a/b?c=1&amp;d=2">Open {me}</a> or 123456`},
		{"link to nowhere", "{##Open##}", "123456", "alice", "", "{##Open##}"},
		{"a name that looks like a link", "{username}", "123456", "{##me##}", "https://a", "{##me##}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := message.Render(tt.template, message.Values{Code: tt.code, Username: tt.username, Link: tt.link}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
