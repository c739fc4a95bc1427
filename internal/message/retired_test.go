package message_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cognate/internal/keys"
	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// TestOutboxOfNodeWithoutKeys: a node that cannot open a message, since it has not
// loaded a new data key or lacks the key-encryption key of a retirement, leaves
// the message to other nodes.
func TestOutboxOfNodeWithoutKeys(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, _ := open(t, options, c)
		kek, err := keys.ParseKEK(keys.GenerateKEK())
		if err != nil {
			t.Fatal(err)
		}
		ring := func(records []keys.WrappedKey) (*keys.Ring, []keys.WrappedKey) {
			t.Helper()
			r, added, err := keys.OpenRing(t.Context(), kek, records, c.Now())
			if err != nil {
				t.Fatal(err)
			}
			return r, added
		}
		ahead, records := ring(nil)
		behind, _ := ring(records)
		away := errors.New("the database is away")
		behind.Follow(func(context.Context) ([]keys.WrappedKey, error) { return records, away }, nil, c.Now)
		service := func(r *keys.Ring) (*message.Service, *recorder) {
			gateway := &recorder{}
			return message.New(message.Deps{Store: st, Ring: r, Now: c.Now, Log: slog.New(slog.DiscardHandler), SMS: gateway}), gateway
		}
		good, sent := service(ahead)
		late, sentLate := service(behind)
		queue := func(body string) {
			t.Helper()
			m := message.Message{PoolID: "us-east-1_AbCdEf123", UserID: "u", Medium: message.SMS, To: "+12065550100", Body: body, ExpiresAt: c.Now().Add(time.Hour)}
			if err := enqueue(t, st, good, m); err != nil {
				t.Fatal(err)
			}
		}
		flush := func(s *message.Service, gateway *recorder, want ...string) {
			t.Helper()
			if err := s.Flush(deadline(t)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, gateway.bodies()); diff != "" {
				t.Error(diff)
			}
		}

		added, err := ahead.Rotate(t.Context(), c.Now(), keys.PurposeMessage)
		records = append(records, added...)
		c.Pass(keys.SealDelay)
		if err = errors.Join(err, ahead.Load(t.Context(), records, c.Now())); err != nil {
			t.Fatal(err)
		}
		queue("code 1")
		flush(late, sentLate)
		away = nil
		c.Pass(time.Minute)
		flush(late, sentLate, "code 1")

		to, err := keys.ParseKEK(keys.GenerateKEK())
		if err == nil {
			records, err = ahead.Retire(t.Context(), to, records, c.Now())
		}
		ahead.UseKEK(to)
		if err = errors.Join(err, ahead.Load(t.Context(), records, c.Now())); err != nil {
			t.Fatal(err)
		}
		if err := behind.Refresh(t.Context()); !errors.Is(err, keys.ErrWrongKEK) {
			t.Fatal(err)
		}
		queue("code 2")
		flush(late, sentLate, "code 1")
		flush(good, sent, "code 2") // nor has the other node taken it for a while
	})
}
