package message_test

import (
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// TestKeep: messages that were sent or given up are deleted after Deps.Keep, at the latest when their code has expired.
func TestKeep(t *testing.T) {
	t.Parallel()
	const life = 24 * time.Hour
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		for _, tt := range []struct {
			name       string
			keep, want time.Duration
			err        error
		}{
			{"until the code expires", 0, life, nil},
			{"for a shorter time", time.Hour, time.Hour, nil},
			{"not beyond the code", 48 * time.Hour, life, nil},
			{"given up", time.Hour, time.Hour, message.PermanentError{Err: errors.New("no such number")}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s := message.New(message.Deps{
					Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), SMS: &recorder{errs: []error{tt.err}}, Keep: tt.keep,
				})
				m := message.Message{PoolID: "us-east-1_AbCdEf123", UserID: "u-" + tt.name, Username: "alice", Medium: message.SMS, To: "+12065550100", ExpiresAt: c.Now().Add(life)}
				if err := enqueue(t, st, s, m); err != nil {
					t.Fatal(err)
				}
				if err := s.Flush(deadline(t)); err != nil {
					t.Fatal(err)
				}
				for _, sweep := range []struct {
					at   time.Time
					want int
				}{{c.Now().Add(tt.want + store.SpentRoom - time.Millisecond), 1}, {c.Now().Add(tt.want + store.SpentRoom), 0}} {
					if _, err := st.Sweep(deadline(t), sweep.at, 1000); err != nil {
						t.Fatal(err)
					}
					list, err := st.MessagesOfUser(deadline(t), m.PoolID, m.UserID)
					if err != nil || len(list) != sweep.want {
						t.Errorf("%d messages at %v, want %d (%v)", len(list), sweep.at, sweep.want, err)
					}
				}
			})
		}
	})
}
