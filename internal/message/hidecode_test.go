package message_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// TestErrorsQuoteNoCode: what a gateway says of a message may hold its code,
// which neither the log nor the row must.
func TestErrorsQuoteNoCode(t *testing.T) {
	t.Parallel()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		c := newClock()
		st, ring := open(t, options, c)
		for _, test := range []struct {
			name, code, quoted string
			permanent          bool
		}{
			{"a code", "048213", "cannot send 048213 to +12065550100", false},
			{"for good", "048214", "550 rejected: Your code is 048214.", true},
			{"a password in HTML", `Pa<s&1"x`, "cannot send Pa&lt;s&amp;1&#34;x", false},
		} {
			cause := errors.New(test.quoted)
			failure := fmt.Errorf("gateway: %w", cause)
			if test.permanent {
				failure = fmt.Errorf("gateway: %w", message.PermanentError{Err: cause})
			}
			var log bytes.Buffer
			gateway := &recorder{errs: []error{failure}}
			s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.NewTextHandler(&log, nil)), SMS: gateway})
			err := enqueue(t, st, s, message.Message{
				PoolID: "us-east-1_AbCdEf123", UserID: "u", Username: "alice", Medium: message.SMS, To: "+12065550100", Body: "code", Code: test.code, ExpiresAt: c.Now().Add(time.Hour),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Flush(deadline(t)); err != nil {
				t.Fatal(err)
			}
			if text := log.String(); !strings.Contains(text, "gateway:") || !strings.Contains(text, "******") || strings.Contains(text, test.code) {
				t.Errorf("%s: the log says %s", test.name, text)
			}
			rows, err := st.Messages(deadline(t), store.MessageQuery{PoolID: "us-east-1_AbCdEf123", Limit: 1})
			if err != nil || len(rows) != 1 || !strings.Contains(rows[0].LastError, "******") || (rows[0].State == store.MessageFailed) != test.permanent {
				t.Errorf("%s: the row is %+v, %v", test.name, rows, err)
			}
			c.Pass(48 * time.Hour)
			if err := s.Flush(deadline(t)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
