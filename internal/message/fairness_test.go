package message_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// gate is a sender that holds every message until the test lets it go.
type gate struct {
	arrived chan message.Message
	pass    chan struct{}
}

func newGate() *gate { return &gate{make(chan message.Message, 100), make(chan struct{})} }

func (g *gate) Send(ctx context.Context, m message.Message) error {
	g.arrived <- m
	select {
	case <-g.pass:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runs starts the outbox until the end of the test.
func runs(t *testing.T, s *message.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func next(t *testing.T, g *gate) message.Message {
	t.Helper()
	select {
	case m := <-g.arrived:
		return m
	case <-deadline(t).Done():
		t.Fatal("no message was sent")
		return message.Message{}
	}
}

func mail(pool, body string, c *fresh.Clock) message.Message {
	return message.Message{PoolID: pool, UserID: "u", Username: "alice", Medium: message.Email, To: "alice@example.com", Body: body, ExpiresAt: c.Now().Add(time.Hour)}
}

const bulkPool, otherPool = "us-east-1_Aaaaaaaaa", "us-east-1_Bbbbbbbbb"

func TestHangingMediumDelaysNoOther(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		mails, texts, functions := newGate(), newGate(), newGate()
		s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: mails, SMS: texts, Functions: functions})
		for i := range 20 { // more than the lane has slots
			m := mail(fmt.Sprintf("us-east-1_%09d", i), "x", c)
			if err := enqueue(t, st, s, m); err != nil {
				t.Fatal(err)
			}
			m.Function = []byte(`{}`)
			if err := enqueue(t, st, s, m); err != nil {
				t.Fatal(err)
			}
		}
		stop := runs(t, s)
		next(t, mails)
		next(t, functions)
		m := mail(bulkPool, "code", c)
		m.Medium, m.To = message.SMS, "+12065550100"
		if err := enqueue(t, st, s, m); err != nil {
			t.Fatal(err)
		}
		s.Wake()
		if got := next(t, texts); got.Body != "code" {
			t.Errorf("sent %q", got.Body)
		}
		stop() // nothing waits for what hangs
	})
}

// bulk queues n messages of a pool in large transactions.
func bulk(t *testing.T, st *store.Store, s *message.Service, n int, m func(i int) message.Message) {
	t.Helper()
	for i := 0; i < n; i += 500 {
		err := st.Update(deadline(t), func(tx *store.Tx) error {
			for j := i; j < min(i+500, n); j++ {
				m := m(j)
				if err := s.Enqueue(deadline(t), tx, &m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestBulkDelaysNoOtherPool(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		mails := newGate()
		s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: mails})
		bulk(t, st, s, 2_000, func(int) message.Message { return mail(bulkPool, "invitation", c) })
		c.Pass(time.Second)
		runs(t, s)
		for range 6 { // the pool's share; all of them hang
			next(t, mails)
		}
		for i := range 2 {
			if err := enqueue(t, st, s, mail(otherPool, fmt.Sprint("code ", i), c)); err != nil {
				t.Fatal(err)
			}
			s.Wake()
			// Two slots are never the bulk's, so the code is the very next to leave.
			if m := next(t, mails); m.PoolID != otherPool {
				t.Fatalf("%s of the bulk came before the code", m.Body)
			}
		}
		// With all slots taken, a third waits for one to come free, and for one turn of the bulk.
		if err := enqueue(t, st, s, mail(otherPool, "code 2", c)); err != nil {
			t.Fatal(err)
		}
		s.Wake()
		for i := range 4 {
			mails.pass <- struct{}{}
			if m := next(t, mails); m.Body == "code 2" {
				return
			} else if i == 3 {
				t.Errorf("after %d sends the code still waits", i+1)
			}
		}
	})
}

func TestSlotIsFilledAtOnce(t *testing.T) {
	t.Parallel()
	c := newClock()
	st, ring := open(t, store.Options{Path: t.TempDir() + "/x.db"}, c)
	mails := newGate()
	s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: mails})
	bulk(t, st, s, 20, func(int) message.Message { return mail(bulkPool, "invitation", c) })
	runs(t, s)
	for range 6 {
		next(t, mails)
	}
	for range 14 { // five hang throughout: no batch waits for them
		mails.pass <- struct{}{}
		next(t, mails)
	}
}

func TestKilledNodesMessages(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		dying, alive := newGate(), &recorder{}
		node := func(mail message.Sender) *message.Service {
			return message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: mail})
		}
		// The first node claims and is gone: nothing of the fate is recorded.
		first := node(dying)
		if err := enqueue(t, st, first, mail(bulkPool, "code", c)); err != nil {
			t.Fatal(err)
		}
		err := st.Update(deadline(t), func(tx *store.Tx) error {
			_, _, err := tx.ClaimMessages(deadline(t), store.MessageClaim{Lane: store.LaneEmail, Now: c.Now(), Lease: 2 * time.Minute, Limit: 8})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		second := node(alive)
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 0}, {2*time.Minute - time.Millisecond, 0}, {time.Millisecond, 1}, {time.Hour, 1}} {
			c.Pass(step.wait)
			if err := second.Flush(deadline(t)); err != nil {
				t.Fatal(err)
			}
			if got := len(alive.bodies()); got != step.want {
				t.Errorf("after %v: %d sent, want %d", step.wait, got, step.want)
			}
		}
	})
}

func TestHeldMessage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		settle func(s *message.Service, m *message.Message) error
		wait   time.Duration
		want   []string
	}{
		{"waits", func(*message.Service, *message.Message) error { return nil }, 59 * time.Second, nil},
		{"leaves as it is if nobody settles it", func(*message.Service, *message.Message) error { return nil }, time.Minute, []string{"the pool's text 123456"}},
		{"released", func(s *message.Service, m *message.Message) error {
			m.Body = "the function's text 123456"
			return s.Release(context.Background(), m)
		}, 0, []string{"the function's text 123456"}},
		{"dropped", func(s *message.Service, m *message.Message) error { return s.Drop(context.Background(), m) }, 2 * time.Minute, nil},
	}
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				gateway := &recorder{}
				s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: gateway, Inbox: true})
				m := mail(bulkPool, "the pool's text 123456", c)
				m.Held, m.Username = true, tt.name
				if err := st.Update(deadline(t), func(tx *store.Tx) error { return s.Enqueue(deadline(t), tx, &m) }); err != nil {
					t.Fatal(err)
				}
				if err := tt.settle(s, &m); err != nil {
					t.Fatal(err)
				}
				c.Pass(tt.wait)
				shown, err := s.List(deadline(t), message.Query{Username: tt.name})
				if err != nil || len(shown) != len(tt.want) {
					t.Errorf("the inbox shows %v, %v", shown, err)
				}
				if err := s.Flush(deadline(t)); err != nil {
					t.Fatal(err)
				}
				if got := gateway.bodies(); len(got) != len(tt.want) || len(got) == 1 && got[0] != tt.want[0] {
					t.Errorf("sent %q, want %q", got, tt.want)
				}
				c.Pass(48 * time.Hour)
				_ = s.Flush(deadline(t))
			})
		}
	})
}

// TestMessageToNobody stores the message of a decoy: its row is like that of a
// message, and is neither sent nor shown.
func TestMessageToNobody(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		for _, inbox := range []bool{true, false} {
			gateway := &recorder{}
			s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Mail: gateway, Inbox: inbox})
			m := mail(bulkPool, "123456", c)
			m.Nowhere = true
			if err := enqueue(t, st, s, m); err != nil {
				t.Fatal(err)
			}
			if err := s.Flush(deadline(t)); err != nil {
				t.Fatal(err)
			}
			shown, err := s.List(deadline(t), message.Query{})
			if sent := gateway.bodies(); err != nil || len(shown) != 0 || len(sent) != 0 {
				t.Errorf("inbox %v: shown %v, sent %q, %v", inbox, shown, sent, err)
			}
		}
		for _, want := range []int{2, 0} {
			c.Pass(48 * time.Hour)
			if removed, err := st.Sweep(t.Context(), c.Now(), 100); err != nil || removed != want {
				t.Errorf("%d rows were swept, want %d: %v", removed, want, err)
			}
		}
	})
}

func TestFunctionSendsInPlaceOfTheGateway(t *testing.T) {
	t.Parallel()
	c := newClock()
	st, ring := open(t, store.Options{Path: t.TempDir() + "/x.db"}, c)
	function := &recorder{}
	s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), Functions: function})
	m := mail(bulkPool, "123456", c)
	if err := enqueue(t, st, s, m); err == nil {
		t.Error("a mail without any sender was taken")
	}
	m.Function = []byte(`{"arn":"x"}`)
	if err := enqueue(t, st, s, m); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if len(function.sent) != 1 || string(function.sent[0].Function) != `{"arn":"x"}` || function.sent[0].Attempts != 1 {
		t.Errorf("the function has %v", function.sent)
	}
}
