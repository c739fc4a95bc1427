package sink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"cognate/internal/outbound"
)

// A webhook takes records by signed POST requests (Standard Webhooks).
type webhook struct {
	url    string
	keys   outbound.WebhookKeys
	client *http.Client
	now    func() time.Time
}

func openWebhook(_ context.Context, u *url.URL, o Options) (Sink, error) {
	if err := outbound.CheckWebhookURL(u.String()); err != nil {
		return nil, err
	}
	keys, err := outbound.ParseWebhookKeys(o.WebhookSecret)
	if err != nil {
		return nil, err
	}
	return &webhook{url: u.String(), keys: keys, now: o.Now, client: &http.Client{
		// Records go where they were sent, not elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Batch implements Sink.
func (w *webhook) Batch() Batch { return Batch{Records: 500, Bytes: 1 << 20} }

// Send implements Sink. The body is {"type":"audit","data":{"records":[…]}}. Its Webhook-Id
// is the same if the same records are sent again.
func (w *webhook) Send(ctx context.Context, records []Record) error {
	body, err := json.Marshal(map[string]any{"type": "audit", "timestamp": records[0].At.UTC(), "data": map[string]any{"records": bodies(records)}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return outbound.Clean(err, w.url)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cognate")
	w.keys.Sign(req.Header, "msg_"+digest(records), w.now(), body)
	res, err := w.client.Do(req)
	if err != nil {
		return outbound.Clean(err, w.url)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // so that the connection can be used again
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %d %s", res.StatusCode, http.StatusText(res.StatusCode))
	}
	return nil
}

// Close implements Sink.
func (w *webhook) Close() error {
	w.client.CloseIdleConnections()
	return nil
}

func bodies(records []Record) []json.RawMessage {
	out := make([]json.RawMessage, len(records))
	for i, r := range records {
		out[i] = r.Body
	}
	return out
}

// digest names a batch by its records.
func digest(records []Record) string {
	h := sha256.New()
	for _, r := range records {
		_, _ = io.WriteString(h, r.ID+"\n")
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
