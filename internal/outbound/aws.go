package outbound

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// NewAWSClient returns the HTTP client for the AWS SDK's service clients. It
// keeps the certificates that the configuration names (AWS_CA_BUNDLE), sends each
// request's body as a copy of its own, and follows no redirect.
func NewAWSClient(cfg aws.Config) *http.Client {
	var t *http.Transport
	if b, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		t = b.GetTransport()
	} else {
		t = http.DefaultTransport.(*http.Transport).Clone()
	}
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = time.Minute
	return &http.Client{
		Transport: OwnBody(t),
		// Events and codes go where they were sent, not elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// OwnBody makes a transport send a copy of each request's body. The AWS SDK closes a body
// as soon as the head of the answer arrives. A transport that still reads the body then
// drops the connection, and the rest of the answer is lost.
func OwnBody(next http.RoundTripper) http.RoundTripper { return ownBody{next} }

type ownBody struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o ownBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return o.RoundTripper.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	own := r.WithContext(r.Context()) // a transport must not change the request
	own.ContentLength = int64(len(body))
	own.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	own.Body, _ = own.GetBody()
	return o.RoundTripper.RoundTrip(own)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (o ownBody) CloseIdleConnections() {
	if c, ok := o.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// IsAWS reports whether an endpoint is AWS itself; "" is the SDK's default.
func IsAWS(endpoint string) bool {
	if endpoint == "" {
		return true
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	for _, domain := range []string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".on.aws"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// HasCredentials reports whether a configuration has credentials to sign with.
func HasCredentials(ctx context.Context, cfg aws.Config) bool {
	if cfg.Credentials == nil {
		return false
	}
	_, err := cfg.Credentials.Retrieve(ctx)
	return err == nil
}

// Dummy returns credentials for endpoints on a developer's machine, which require a
// signature but do not check it.
func Dummy() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "dev", SecretAccessKey: "dev", Source: "cognate dev"}, nil
	})
}
