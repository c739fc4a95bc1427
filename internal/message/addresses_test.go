package message_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cognate/internal/message"
	"cognate/internal/store"
	"cognate/test/fresh"
)

// TestAddressesStaySecret sends by ways whose addresses hold secrets and that
// fail, and looks for the secrets in the log and in the rows.
func TestAddressesStaySecret(t *testing.T) {
	t.Parallel()
	const secretPath = "/T01234567/s3cretpath?token=s3cretquery"
	gone := httptest.NewServer(nil)
	gone.Close()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "<ErrorResponse><Error><Code>NoPage</Code><Message>no %s at http://%s%[1]s</Message></Error></ErrorResponse>", r.URL.RequestURI(), r.Host)
	}))
	t.Cleanup(echo.Close)
	redirect := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1"+secretPath, http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	sms := func(base string) message.Sender {
		s, err := message.NewWebhook(base+secretPath, "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", nil, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	sns := func(base string) message.Sender {
		return message.NewSNS(t.Context(), aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String(base + secretPath), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		}, false)
	}
	mail := func(rawURL string) message.Sender {
		s, err := message.ParseSMTP(rawURL, "no-reply@example.com", nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	c := newClock()
	fresh.Engines(t, func(t *testing.T, options store.Options) {
		st, ring := open(t, options, c)
		for i, test := range []struct {
			name   string
			sender message.Sender
		}{
			{"SMS webhook that is gone", sms(gone.URL)}, {"SMS webhook that echoes", sms(echo.URL)}, {"SMS webhook that redirects", sms(redirect.URL)},
			{"SNS that is gone", sns(gone.URL)}, {"SNS that echoes", sns(echo.URL)}, {"SNS that redirects", sns(redirect.URL)},
			{"mail server that is gone", mail("smtp://u:s3cretpassword@" + strings.TrimPrefix(gone.URL, "http://"))},
			{"mail server that is none", mail("smtp://u:s3cretpassword@" + strings.TrimPrefix(echo.URL, "http://"))},
		} {
			var log bytes.Buffer
			s := message.New(message.Deps{Store: st, Ring: ring, Now: c.Now, Log: slog.New(slog.NewTextHandler(&log, nil)), SMS: test.sender})
			m := message.Message{
				PoolID: fmt.Sprintf("us-east-1_%09d", i), UserID: "u", Username: "alice", Medium: message.SMS, To: "+12065550100", Body: "code 1", ExpiresAt: c.Now().Add(time.Hour),
			}
			if i >= 6 {
				m.To = "alice@example.com"
			}
			if err := enqueue(t, st, s, m); err != nil {
				t.Fatal(err)
			}
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			rows, err := st.Messages(t.Context(), store.MessageQuery{PoolID: m.PoolID, Limit: 1})
			if err != nil || len(rows) != 1 || rows[0].LastError == "" || log.Len() == 0 {
				t.Fatalf("%s: %+v %v, the log says %s", test.name, rows, err, &log)
			}
			if text := rows[0].LastError + log.String(); strings.Contains(text, "s3cret") || strings.Contains(text, "T01234567") {
				t.Errorf("%s: %s", test.name, text)
			}
		}
	})
}
