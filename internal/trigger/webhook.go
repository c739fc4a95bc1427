package trigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"cognate/internal/outbound"
)

// A Webhook runs a function by a signed HTTPS request (Standard Webhooks: the headers
// webhook-id, webhook-timestamp and webhook-signature). The request's body is the
// event. A response with a status of 2xx is the function's answer. A function that
// throws responds with another status and {"errorMessage": "…"}.
type Webhook struct {
	url    string
	keys   outbound.WebhookKeys
	client *http.Client
	now    func() time.Time
}

// WebhookOptions says where a function is.
type WebhookOptions struct {
	URL string
	// Secret signs requests, as Standard Webhooks writes it: Base64 with or without
	// "whsec_". Several secrets, separated by spaces, all sign; so a secret can be
	// exchanged.
	Secret Secret
	// Client is made by NewWebhookClient, and shared by all functions.
	Client *http.Client
	// Now is the machine's own clock: receivers compare with theirs.
	Now func() time.Time
}

// NewWebhook returns a webhook. It rejects addresses other than https, or http on
// loopback.
func NewWebhook(o WebhookOptions) (*Webhook, error) {
	if err := outbound.CheckWebhookURL(o.URL); err != nil {
		return nil, err
	}
	keys, err := outbound.ParseWebhookKeys(string(o.Secret))
	if err != nil {
		return nil, err
	}
	return &Webhook{url: o.URL, keys: keys, client: o.Client, now: o.Now}, nil
}

// NewWebhookClient returns the HTTP client of all webhooks. It connects only to public
// addresses and to those of allowed, follows no redirect, and uses no proxy.
func NewWebhookClient(allowed []netip.Prefix) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // With a proxy, the proxy's address would be checked.
	t.DialContext = guardedDialer(allowed).DialContext
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = time.Minute
	return &http.Client{
		Transport:     bounded{t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Invoke implements Transport.
func (w *Webhook) Invoke(ctx context.Context, in Invocation) (Result, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(in.Payload))
	if err != nil {
		return Result{}, outbound.Clean(err, w.url)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "cognate")
	w.keys.Sign(r.Header, "msg_"+in.ID, w.now(), in.Payload)
	r.Header.Set("Cognate-Function-Arn", in.ARN)
	res, err := w.client.Do(r)
	if err != nil {
		return Result{}, w.unreachable(err)
	}
	defer res.Body.Close()
	payload, err := io.ReadAll(res.Body)
	switch {
	case errors.Is(err, errTooLarge):
		return Result{}, &InvokeError{Name: NameResponseTooLarge, Err: outbound.Clean(err, w.url)}
	case err != nil:
		return Result{}, w.unreachable(err)
	case res.StatusCode/100 == 2:
		return Result{Payload: payload}, nil
	}
	if m, err := object(payload); err == nil && m["errorMessage"] != nil {
		return Result{Payload: payload, Failed: true}, nil
	}
	return Result{}, &InvokeError{Name: statusName(res.StatusCode), Err: fmt.Errorf("the webhook answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))}
}

// unreachable returns the error for a request that did not arrive. There is no retry
// for an address that is not allowed.
func (w *Webhook) unreachable(err error) error {
	return &InvokeError{Name: NameUnreachable, Retry: !errors.Is(err, errForbiddenAddress), Err: outbound.Clean(err, w.url)}
}

// statusName returns the Lambda API's name for a status.
func statusName(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return NameAccessDenied
	case http.StatusNotFound, http.StatusGone:
		return NameNotFound
	case http.StatusRequestEntityTooLarge:
		return NameRequestTooLarge
	case http.StatusTooManyRequests:
		return NameTooManyRequests
	}
	return NameService
}
