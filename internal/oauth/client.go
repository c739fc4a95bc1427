package oauth

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"cognate/internal/api"
	"cognate/internal/api/idp"
	"cognate/internal/audit"
	"cognate/internal/pool"
)

// authenticate returns the client that sends a form, by its secret where it has one
// (RFC 6749 §2.3.1): in the Authorization header, or in the form. The header goes before
// a secret in the form, as in Cognito.
func authenticate(ctx context.Context, site *Site, r *http.Request, p parameters) (*pool.Client, error) {
	refuse := func(reason api.Reason) error { return fault(codeInvalidClient).because(reason) }
	id, secret, sent := p.get("client_id"), p.get("client_secret"), p.get("client_secret") != ""
	if header := r.Header.Values("Authorization"); len(header) > 0 {
		basicID, basicSecret, ok := basic(header)
		if !ok || id != "" && id != basicID {
			return nil, refuse(api.ReasonBadClientSecret)
		}
		id, secret, sent = basicID, basicSecret, basicSecret != ""
	}
	if id == "" {
		return nil, refuse(api.ReasonUnknownClient)
	}
	client, err := site.Pool.Client(ctx, id)
	if api.CodeOf(err) == idp.CodeResourceNotFoundException {
		return nil, refuse(api.ReasonUnknownClient)
	}
	if err != nil {
		return nil, err
	}
	audit.From(ctx).SetClient(site.Pool.ID, client.ID)
	if public := len(client.Secrets) == 0; public && sent || !client.CheckSecret(&secret) {
		return nil, refuse(api.ReasonBadClientSecret)
	}
	return client, nil
}

// basic reads the one Authorization header (RFC 7617 §2). Id and secret are letters,
// digits, "_" and "+". Cognito's clients send them as they are, and clients of RFC 6749
// §2.3.1 encode the "+". Neither has a space or a "%", so both forms are read without
// doubt: escapes are decoded, and a "+" stays.
func basic(headers []string) (id, secret string, ok bool) {
	scheme, rest, _ := strings.Cut(headers[0], " ")
	if len(headers) != 1 || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(pair), ":")
	id, errID := url.PathUnescape(id)
	secret, errSecret := url.PathUnescape(secret)
	return id, secret, ok && errID == nil && errSecret == nil
}
