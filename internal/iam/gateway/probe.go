package gateway

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"cognate/internal/iam/sigv4"
)

var codeElement = regexp.MustCompile(`<Code>(\w{1,64})</Code>`)

// Probe asks the store for its buckets, as ListBuckets does. It returns an error if the store
// cannot be reached or refuses the key.
func (b *Backend) Probe(ctx context.Context, now time.Time) error {
	if err := b.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL.Scheme+"://"+b.URL.Host+"/", http.NoBody)
	if err != nil {
		return err
	}
	b.signer("s3").Sign(&sigv4.Request{Method: r.Method, Path: "/", Host: r.Host, Header: r.Header}, hashOf(nil), now)
	transport := b.Transport
	if transport == nil {
		own := NewTransport()
		defer own.CloseIdleConnections()
		transport = own
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return err
	}
	code := ""
	if m := codeElement.FindSubmatch(body); m != nil {
		code = string(m[1])
	}
	return fmt.Errorf("the store answers %d %s", res.StatusCode, cmp.Or(code, "without a code"))
}
