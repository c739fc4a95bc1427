package message_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cognate/internal/message"
)

var sms = message.Message{
	ID: "0f8fad5b-d9cb-469f-a165-70867728950e", PoolID: "us-east-1_AbCdEf123", Username: "alice",
	Medium: message.SMS, To: "+12065550100", Body: "Your code is 123456", CreatedAt: time.Unix(1_700_000_000, 0),
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	secret := "whsec_" + base64.StdEncoding.EncodeToString(key)
	now := func() time.Time { return time.Unix(1_700_000_100, 0) }
	tests := []struct {
		name      string
		status    int
		ok        bool
		permanent bool
	}{
		{"ok", 204, true, false},
		{"fail/gateway is down", 503, false, false},
		{"fail/slow down", 429, false, false},
		{"fail/bad number", 422, false, true},
		{"fail/redirect is not followed", 307, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls++
				body, _ := io.ReadAll(r.Body)
				mac := hmac.New(sha256.New, key)
				mac.Write([]byte(sms.ID + ".1700000100." + string(body)))
				if got, want := r.Header.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)); got != want {
					t.Errorf("signature %q, want %q", got, want)
				}
				if !strings.Contains(string(body), `"to":"+12065550100"`) {
					t.Errorf("body %s", body)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
			}))
			t.Cleanup(srv.Close)
			hook, err := message.NewWebhook(srv.URL, secret, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			err = hook.Send(t.Context(), sms)
			var permanent message.PermanentError
			if (err == nil) != tt.ok || errors.As(err, &permanent) != tt.permanent || calls != 1 {
				t.Errorf("error %v after %d calls, want ok %v, permanent %v", err, calls, tt.ok, tt.permanent)
			}
		})
	}
}

func TestNewWebhookRefusals(t *testing.T) {
	t.Parallel()
	good := base64.StdEncoding.EncodeToString(make([]byte, 24))
	for _, tt := range []struct{ name, url, secret string }{
		{"clear text to another machine", "http://sms.example.com/", good},
		{"no host", "https://", good},
		{"short secret", "https://sms.example.com/", "c2hvcnQ="},
		{"secret not Base64", "https://sms.example.com/", "!"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, err := message.NewWebhook(tt.url, tt.secret, nil, time.Now); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestSNS(t *testing.T) {
	t.Parallel()
	var form url.Values
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ = url.ParseQuery(string(body))
		if form.Get("PhoneNumber") == "+1" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidParameter</Code><Message>Invalid parameter: PhoneNumber</Message></Error></ErrorResponse>`)
			return
		}
		_, _ = io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}))
	t.Cleanup(srv.Close)
	sender := message.NewSNS(t.Context(), aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(srv.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}, false)
	if err := sender.Send(t.Context(), sms); err != nil {
		t.Fatal(err)
	}
	if form.Get("Action") != "Publish" || form.Get("PhoneNumber") != sms.To || form.Get("Message") != sms.Body {
		t.Errorf("published %v", form)
	}
	bad := sms
	bad.To = "+1"
	var permanent message.PermanentError
	if err := sender.Send(t.Context(), bad); !errors.As(err, &permanent) {
		t.Errorf("bad number: %v, want a permanent error", err)
	}
}
