package outbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// CheckWebhookURL rejects addresses other than https, or http on loopback.
func CheckWebhookURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("the webhook's URL does not parse, or has a user or a fragment")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return errors.New("the webhook's URL must be https (http on loopback only)")
	}
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// WebhookKeys are the keys that sign the requests to a webhook (Standard Webhooks). There is
// more than one key while a key is replaced.
type WebhookKeys [][]byte

// ParseWebhookKeys reads keys as Standard Webhooks writes them: 24 to 64 bytes in Base64, with
// or without "whsec_", separated by spaces.
func ParseWebhookKeys(text string) (WebhookKeys, error) {
	var keys WebhookKeys
	for field := range strings.FieldsSeq(text) {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(field, "whsec_"))
		if err != nil || len(key) < 24 || len(key) > 64 {
			return nil, errors.New("the webhook's secret must be 24 to 64 bytes in Base64") // Standard Webhooks: signature scheme.
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("the webhook needs a secret: without it the receiver cannot verify the sender")
	}
	return keys, nil
}

// Sign sets the headers that sign a request: Webhook-Id, Webhook-Timestamp and
// Webhook-Signature, one signature for each key. body is the body of the request.
func (k WebhookKeys) Sign(h http.Header, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, 0, len(k))
	for _, key := range k {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + stamp + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
}
