package trigger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"cognate/internal/outbound"
)

// Lambda runs functions by the Lambda API's Invoke, at AWS or at any endpoint that
// speaks the API. Credentials are found as AWS's tools find them, and so is the
// endpoint (AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL) if the options name no endpoint.
type Lambda struct {
	options LambdaOptions

	mu      sync.Mutex
	clients map[string]*lambda.Client // by Region
	http    []*http.Client
}

// LambdaOptions says where and how the API is called.
type LambdaOptions struct {
	// Endpoint replaces AWS's own URL. Without credentials, requests to it are not
	// signed.
	Endpoint string
	// Development signs with dummy credentials if there are no others and the
	// endpoint is not AWS. It does not matter which setting named the endpoint.
	Development bool
	// Function is the name at the endpoint, in place of the ARN.
	Function string
	// NoInstanceCredentials turns the machine's metadata service off.
	NoInstanceCredentials bool
	// Load replaces how the AWS configuration is found.
	Load func(ctx context.Context, region string) (aws.Config, error)
}

// NewLambda returns the transport. It reads nothing and opens no connection before
// the first call.
func NewLambda(o LambdaOptions) *Lambda {
	return &Lambda{options: o, clients: map[string]*lambda.Client{}}
}

// Close drops idle connections.
func (l *Lambda) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.http {
		c.CloseIdleConnections()
	}
	return nil
}

// Invoke implements Transport.
func (l *Lambda) Invoke(ctx context.Context, in Invocation) (Result, error) {
	arn, err := ParseARN(in.ARN)
	if err != nil {
		return Result{}, &InvokeError{Name: NameNotFound, Err: err}
	}
	client, err := l.client(ctx, arn.Region)
	if err != nil {
		return Result{}, &InvokeError{Name: NameUnreachable, Err: outbound.Clean(err)}
	}
	name := in.ARN
	if l.options.Function != "" {
		name = l.options.Function
	}
	kind := types.InvocationTypeRequestResponse
	if in.Async {
		kind = types.InvocationTypeEvent
	}
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: kind, Payload: in.Payload})
	if err != nil {
		return Result{}, lambdaError(err, aws.ToString(client.Options().BaseEndpoint))
	}
	return Result{Payload: out.Payload, Failed: aws.ToString(out.FunctionError) != ""}, nil
}

// lambdaError returns the error by the name that the API answered, or a name for
// the missing answer.
func lambdaError(err error, endpoint string) error {
	clean := outbound.Clean(err, endpoint)
	if errors.Is(err, errTooLarge) {
		return &InvokeError{Name: NameResponseTooLarge, Err: clean}
	}
	var said smithy.APIError
	if errors.As(err, &said) && shortName.MatchString(said.ErrorCode()) {
		return &InvokeError{Name: said.ErrorCode(), Err: clean} // No retry, not even after a 5xx.
	}
	return &InvokeError{Name: NameUnreachable, Retry: true, Err: clean}
}

// shortName matches names that clients may see. Free text of an endpoint does not
// match.
var shortName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]{0,99}$`)

func (l *Lambda) client(ctx context.Context, region string) (*lambda.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.clients[region]; ok {
		return c, nil
	}
	load := l.options.Load
	if load == nil {
		load = loadAWS(l.options.NoInstanceCredentials || l.options.Endpoint != "")
	}
	cfg, err := load(ctx, region)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	cfg.Region = region
	client := outbound.NewAWSClient(cfg)
	client.Transport = bounded{client.Transport}
	cfg.HTTPClient = client
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} } // The Service makes the attempts.
	if l.options.Endpoint != "" {
		cfg.BaseEndpoint = &l.options.Endpoint
	}
	c := lambda.NewFromConfig(cfg)
	// By now the SDK has read the endpoint from its own variables.
	if endpoint := aws.ToString(c.Options().BaseEndpoint); !outbound.IsAWS(endpoint) && !outbound.HasCredentials(ctx, cfg) {
		switch {
		case l.options.Development:
			cfg.Credentials = outbound.Dummy()
			c = lambda.NewFromConfig(cfg)
		case l.options.Endpoint != "":
			cfg.Credentials = aws.AnonymousCredentials{}
			c = lambda.NewFromConfig(cfg)
		}
	}
	l.clients[region], l.http = c, append(l.http, client)
	return c, nil
}

// loadAWS returns a function that finds an AWS configuration as AWS's tools do.
// With noInstance, it does not ask the machine's metadata service.
func loadAWS(noInstance bool) func(ctx context.Context, region string) (aws.Config, error) {
	return func(ctx context.Context, region string) (aws.Config, error) {
		options := []func(*awsconfig.LoadOptions) error{awsconfig.WithRegion(region)}
		if noInstance {
			options = append(options, awsconfig.WithEC2IMDSClientEnableState(imds.ClientDisabled))
		}
		return awsconfig.LoadDefaultConfig(ctx, options...)
	}
}

var errTooLarge = errors.New("the answer is too large")

// bounded fails when an answer is too large, so that no caller holds it in memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = &boundedBody{ReadCloser: res.Body, left: MaxPayload}
	}
	return res, err
}

// CloseIdleConnections lets http.Client.CloseIdleConnections through.
func (b bounded) CloseIdleConnections() {
	if c, ok := b.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left+1)])
	if b.left -= n; b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
