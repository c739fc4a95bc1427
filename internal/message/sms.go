package message

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"cognate/internal/outbound"
)

// A Webhook delivers SMS by a signed HTTPS request to the operator's gateway
// (Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature:
// v1,base64(HMAC-SHA256)).
type Webhook struct {
	url    string
	keys   outbound.WebhookKeys
	client *http.Client
	now    func() time.Time
}

// NewWebhook returns a webhook. It rejects addresses other than https, or http on
// loopback. secret is the shared secret as Standard Webhooks writes it, with or
// without "whsec_".
func NewWebhook(rawURL, secret string, client *http.Client, now func() time.Time) (*Webhook, error) {
	if err := outbound.CheckWebhookURL(rawURL); err != nil {
		return nil, fmt.Errorf("SMS: %w", err)
	}
	keys, err := outbound.ParseWebhookKeys(secret)
	if err != nil {
		return nil, fmt.Errorf("SMS: %w", err)
	}
	if client == nil {
		client = &http.Client{
			Timeout: sendTimeout,
			// A redirect would carry a code to an address that is not configured.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return &Webhook{url: rawURL, keys: keys, client: client, now: now}, nil
}

// Send implements Sender. The body is
// {"type":"sms","data":{"to","body","poolId","username"}}.
func (w *Webhook) Send(ctx context.Context, m Message) error {
	type data struct {
		To       string `json:"to"`
		Body     string `json:"body"`
		PoolID   string `json:"poolId"`
		Username string `json:"username"`
	}
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      data      `json:"data"`
	}{"sms", m.CreatedAt.UTC(), data{m.To, m.Body, m.PoolID, m.Username}})
	if err != nil {
		return PermanentError{err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return PermanentError{outbound.Clean(err, w.url)}
	}
	req.Header.Set("Content-Type", "application/json")
	w.keys.Sign(req.Header, m.ID, w.now(), body)
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("SMS webhook: %w", outbound.Clean(err, w.url))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	err = fmt.Errorf("SMS webhook answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode/100 == 4 && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusRequestTimeout:
		return PermanentError{err}
	}
	return err
}

// SNS delivers SMS through Amazon SNS, or through an endpoint with the same Publish
// operation.
type SNS struct{ client *sns.Client }

// NewSNS uses the given AWS configuration (credentials, Region, endpoint). In
// development, requests to an endpoint that is not AWS are signed with dummy
// credentials if there are no others.
func NewSNS(ctx context.Context, cfg aws.Config, development bool) *SNS {
	cfg.HTTPClient = outbound.NewAWSClient(cfg)
	client := sns.NewFromConfig(cfg)
	if development && !outbound.IsAWS(aws.ToString(client.Options().BaseEndpoint)) && !outbound.HasCredentials(ctx, cfg) {
		cfg.Credentials = outbound.Dummy()
		client = sns.NewFromConfig(cfg)
	}
	return &SNS{client}
}

// Send implements Sender.
func (s *SNS) Send(ctx context.Context, m Message) error {
	_, err := s.client.Publish(ctx, &sns.PublishInput{PhoneNumber: aws.String(m.To), Message: aws.String(m.Body)})
	if err == nil {
		return nil
	}
	clean := fmt.Errorf("SNS: %w", outbound.Clean(err, aws.ToString(s.client.Options().BaseEndpoint)))
	var refused smithy.APIError
	if errors.As(err, &refused) && refused.ErrorCode() == "InvalidParameter" {
		return PermanentError{clean}
	}
	return clean
}
