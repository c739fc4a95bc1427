package message_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// TestFailed: what Failed returns is written with the end of a message that could not be sent: once, and not for a message
// that is sent or tried again. details has no code.
func TestFailed(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		var failures []string
		const name = "written with the message"
		gateway := &recorder{}
		s := message.New(message.Deps{
			Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.DiscardHandler), SMS: gateway,
			Failed: func(_ context.Context, _ time.Time, poolID, userID, details string) (func(ctx context.Context, tx *store.Tx) error, error) {
				failures = append(failures, poolID+" "+userID+": "+details)
				return func(ctx context.Context, tx *store.Tx) error { return tx.SetMeta(ctx, name, []byte(details)) }, nil
			},
		})
		try := func(err error, after time.Duration) {
			t.Helper()
			gateway.errs = []error{err, err, err}
			m := message.Message{PoolID: "us-east-1_AbCdEf123", UserID: "u", Username: "alice", Medium: message.SMS, To: "+12065550100", Body: "code 123456", Code: "123456", ExpiresAt: c.Now().Add(time.Hour)}
			if err := enqueue(t, st, s, m); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Flush(deadline(t)); err != nil {
					t.Fatal(err)
				}
				c.Pass(after)
			}
		}
		refused := message.PermanentError{Err: errors.New("400 for 'code 123456'")}
		try(nil, time.Minute)
		if len(failures) != 0 {
			t.Errorf("a message that was sent: %q", failures)
		}
		try(refused, time.Minute)
		if len(failures) != 1 || !strings.HasPrefix(failures[0], "us-east-1_AbCdEf123 u: SMS message ") || !strings.Contains(failures[0], "400") || strings.Contains(failures[0], "123456'") {
			t.Errorf("a message that was refused: %q", failures)
		}
		if text, err := st.Meta(t.Context(), name); err != nil || !strings.Contains(string(text), "400") {
			t.Errorf("%q, %v", text, err)
		}
		try(errors.New("gateway is down"), 2*time.Hour)
		if len(failures) != 2 || !strings.Contains(failures[1], "expired") || !strings.Contains(failures[1], "gateway is down") {
			t.Errorf("a message that came too late: %q", failures[1:])
		}
	})
}
